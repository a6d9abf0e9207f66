// What is done away with before an answer of ours is held against anvil's: the same difference in a great many answers. A row of docs/RPC.md
// each, as in differences_anvil.cjs; `apply` gets the answer and whose it is, and gives it back without the difference.
'use strict';
const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';

/** Each object within, as f has it. */
const every = (v, f) => (Array.isArray(v) ? v.map((x) => every(x, f)) : v && typeof v === 'object' ? f(Object.fromEntries(Object.entries(v).map(([k, x]) => [k, every(x, f)]))) : v);
const without = (o, ...keys) => Object.fromEntries(Object.entries(o).filter(([k]) => !keys.includes(k)));
const isBlock = (o) => 'sha3Uncles' in o, isReceipt = (o) => 'cumulativeGasUsed' in o, isTx = (o) => 'nonce' in o && 'gas' in o && 'input' in o;

/** own[side]: hashes of that chain's blocks, states and randao → a name that is the same on both. */
const smoothings = (own) => [
  { what: 'hashes of blocks and states, prevRandao', why: 'each chain has its own: prevRandao is random with anvil, and its genesis state lacks the fork\'s system contracts',
    apply: (a, side) => every(JSON.parse(JSON.stringify(a).replace(/0x[0-9a-f]{64}(?![0-9a-f])/g, (x) => (x === EMPTY_ROOT ? x : own[side].get(x) ?? x))), (o) => (isBlock(o) && o.stateRoot === EMPTY_ROOT ? { ...o, stateRoot: own[side].get(EMPTY_ROOT) } : o)) },
  { what: 'blocks without `totalDifficulty`', why: 'as geth since the Merge', apply: (a) => every(a, (o) => (isBlock(o) ? without(o, 'totalDifficulty') : o)) },
  { what: 'the size of a block, by a byte or two, and by the blobs that anvil counts', why: 'that of its RLP, as geth has it', apply: (a) => every(a, (o) => (isBlock(o) ? without(o, 'size') : o)) },
  { what: 'receipts: no `blobGasPrice` where there are no blobs, no `blockTimestamp` (a number there) or `timestamp`', why: 'as geth',
    apply: (a) => every(a, (o) => (isReceipt(o) ? without(o, 'blockTimestamp', 'timestamp', ...(o.blobGasUsed ? [] : ['blobGasPrice'])) : o)) },
  { what: 'transactions: `gasPrice` and `blockTimestamp` are always there, `v` is beside `yParity`, `chainId` is in every type', why: 'as geth',
    apply: (a) => every(a, (o) => (isTx(o) ? without(o, 'blockTimestamp', ...('maxFeePerGas' in o && !o.blockHash ? ['gasPrice'] : [])) : o)) },
  { what: 'a blob transaction that is shown has no `blobs`, `commitments` and proofs', why: 'as geth: a block does not hold them', apply: (a) => every(a, (o) => (o.blobVersionedHashes ? without(o, 'blobs', 'commitments', 'proofs', 'cellProofs') : o)) },
  { what: 'in txpool_content and txpool_inspect addresses have their checksum', why: 'as geth', apply: (a) => every(a, (o) => (/^0x[0-9a-fA-F]{40}$/.test(Object.keys(o)[0] ?? '') ? Object.fromEntries(Object.entries(o).map(([k, v]) => [k.toLowerCase(), typeof v === 'object' ? JSON.parse(JSON.stringify(v).replace(/0x[0-9a-fA-F]{40}(?=:)/g, (x) => x.toLowerCase())) : v])) : o)) },
];

module.exports = { EMPTY_ROOT, smoothings };
