// Where our answer is not geth's, and why it stays so: docs/RPC.md shows this table, and compare.test.cjs fails on a difference that no
// row explains, and on a row that explains nothing any more.
//
// A row: methods and names (of the case) it is about; what is different; why; holds(ours, geths) says whether two answers differ in just
// this way. sometimes: whether it shows depends on the moment. An answer is {result} or {error: {code, message, data}}.
'use strict';

const PHRASE = /^(Invalid params|Method not found|Invalid request|Parse error): /;
const isError = (a, code) => a.error && (code === undefined || a.error.code === code);
const both = (a, b) => a.result !== undefined && b.result !== undefined;
const place = (words) => /argument (\d+)/.exec(words)?.[1];

/** What is wrong, without where and without Go's or our own frame around it. */
function reason(words, ours) {
  if (ours) return words.replace(PHRASE, '').replace(/^missing value for required argument \d+ \(.*?\)/, 'missing value').replace(/^invalid argument \d+ \([^)]*\)[^:]*: /, '');
  return words.replace(/^invalid argument \d+: /, '').replace(/^missing value for required argument \d+/, 'missing value').replace(/^json: cannot unmarshal (.*?) into Go (struct field|value) .*$/, '$1').replace(/ for common\.(Address|Hash)$/, '')
    .replace(/ into Go value of type .*$/, '');
}

/** Pairs of words that say the same: [geth's, ours]. */
const SAME = [
  [/^non-string$/, /want a hex string, got /], [/^string$/, /got a string/], [/^number$/, /got a number|whole number/], [/^array$/, /got an array/], [/^object$/, /got an object/], [/^bool$/, /got (true|false)/],
  [/^hex string without 0x prefix$/, /got (a number|an array|true|an object)|no address/], [/^hex string has length 0, want \d+$/, /empty hex string/], [/^blocknumber too high$/, /block number larger than int64/],
  [/^invalid address: hex has invalid length/, /invalid address: 0x and 40 hex digits/], [/^hex has invalid length \d+ after decoding; expected 32 for topic$/, /0x and 64 hex digits/], [/^(invalid hex in storage key|storage key too long)/, /^(invalid hex in storage key|storage key too long)/],
  [/^invalid request$/, /method must be a string/], [/^expected subscription name as first argument$/, /^missing value|want a string/], [/^too many arguments, want at most 1$/, /\(options\)|want an object, got /], [/^hex string has length \d+, want 40$/, /no address/], [/^invalid block range params$|^number$/, /want a (hex string|number)/],
];

function sameReason(ours, geths) {
  const a = reason(ours, true), b = reason(geths, false), at = [place(ours), place(geths)];
  if (at[0] !== undefined && at[1] !== undefined && at[0] !== at[1]) return false;
  return a.includes(b) || SAME.some(([g, o]) => g.test(b) && o.test(a));
}

const strip = (object, ...keys) => Object.fromEntries(Object.entries(object).filter(([k]) => !keys.includes(k)));
const equal = (a, b) => { try { require('node:assert/strict').deepStrictEqual(a, b); return true; } catch { return false; } };
/** Without what names the pending block, or tells when it was made up. */
const unhashed = (v) => JSON.parse(JSON.stringify(v, (k, x) => (['blockHash', 'blockTimestamp', 'effectiveGasPrice'].includes(k) ? null : x)));
const masked = (words) => words.replace(/0x[0-9a-f]{64}/, '0x…');

const DIFFERENCES = [
  {
    methods: /^/, what: 'errors of -32600 to -32602 begin with their phrase (`Invalid params: `) and name the parameter', why: 'a reader finds the place; the reason behind it is geth\'s, without the names of Go types',
    holds: (a, b) => isError(a) && isError(b) && a.error.code === b.error.code && [-32600, -32601, -32602].includes(a.error.code) && sameReason(a.error.message, b.error.message) && equal(a.error.data, b.error.data),
  },
  { methods: /^eth_new|^eth_subscribe$/, what: 'ids of filters and subscriptions', why: 'random in both', holds: (a, b) => both(a, b) && /^0x[0-9a-f]{32}$/.test(a.result) && /^0x[0-9a-f]+$/.test(b.result) },
  { methods: /^eth_unsubscribe$/, what: '`eth_unsubscribe` of what is not there answers false', why: 'as anvil; an error can end a process that uses ethers', holds: (a, b) => a.result === false && /not found/.test(b.error?.message) },
  { methods: /^eth_subscribe$/, names: /without a filter/, what: 'a subscription to logs may leave out its filter', why: 'so most nodes have it; geth wants one, be it empty', holds: (a, b) => a.result && isError(b, -32602) },
  { methods: /^eth_syncing$/, sometimes: true, what: '`eth_syncing` is about blocks', why: 'geth without a consensus client may still be indexing its states, and says so', holds: (a, b) => a.result === false && b.result?.stateIndexRemaining },
  { methods: /^(eth_accounts|eth_coinbase|web3_clientVersion|rpc_modules)$/, what: 'accounts, coinbase, version, modules', why: 'our own: a development chain has unlocked accounts, and `eth_coinbase` is asked by older tools', holds: (a) => a.result !== undefined },
  { methods: /^eth_pendingTransactions$/, what: '`eth_pendingTransactions` lists everything that waits', why: 'as Hardhat has it; geth lists only what its own accounts sent', holds: (a, b) => both(a, b) && a.result.length > 0 && b.result.length === 0 },
  {
    methods: /^eth_capabilities$/, what: '`eth_capabilities` has no `deleteStrategy`', why: 'nothing is deleted; the oldest block is what can really be opened',
    holds: (a, b) => both(a, b) && equal(a.result, Object.fromEntries(Object.entries(b.result).map(([k, v]) => [k, strip(v, 'deleteStrategy')]))),
  },
  {
    methods: /./, what: '`safe` and `finalized` answer', why: 'a development chain is its own finality (safe and finalized are there without a consensus client; geth without one knows neither)',
    holds: (a, b, c) => a.result !== undefined && /safe|finalized/.test(JSON.stringify(c.params)) && (b.result === null || /(safe|finalized) (block|header) not found/.test(b.error?.message)),
  },
  {
    methods: /^eth_|^debug_getRaw/, names: /pending/, what: 'the pending block', why: 'ours is the very block that would be sealed now (gas limit, randao, beacon root, extra data, executed state); geth makes up one of its own, and has neither its raw form nor its proofs',
    holds: (a, b, c) => {
      if (isError(b, -32000) && /missing trie node|block #\[|header #\[/.test(b.error.message)) return a.result !== undefined;
      if (!both(a, b)) return false;
      if (c.method === 'debug_getRawReceipts') return a.result.length > 0 && b.result.length === 0;
      if (c.method === 'eth_feeHistory') return equal(a.result.baseFeePerGas.slice(0, -1), b.result.baseFeePerGas.slice(0, -1)) && equal(a.result.reward, b.result.reward);
      const own = ['extraData', 'gasLimit', 'mixHash', 'parentBeaconBlockRoot', 'size', 'stateRoot', 'timestamp', 'miner'];
      return equal(unhashed(a.result?.gasLimit ? strip(a.result, ...own) : a.result), unhashed(b.result?.gasLimit ? strip(b.result, ...own) : b.result));
    },
  },
  { methods: /^debug_getRaw/, names: /unknown hash/, what: '`block not found` for an unknown hash', why: 'geth\'s words print the hash as a list of decimal bytes, and `debug_getRawReceipts` answers an empty list, which says that the block is empty', holds: (a, b) => a.error?.message === 'block not found' && (/not found/.test(b.error?.message) || equal(b.result, [])) },
  {
    methods: /^eth_estimateGas$/, what: 'estimates are exact', why: 'geth stops within 1.5 % above the least gas; the recorded conversations, anvil and Hardhat have the least',
    holds: (a, b) => both(a, b) && BigInt(a.result) < BigInt(b.result) && (BigInt(b.result) - BigInt(a.result)) * 1000n <= BigInt(b.result) * 16n,
  },
  {
    methods: /^eth_getProof$/, what: 'an account that does not exist has the hash of nothing as `codeHash` and the empty root as `storageHash`', why: 'so EIP-1186\'s clients expect it of an exclusion proof, and other nodes answer it; geth has zeros there',
    holds: (a, b) => both(a, b) && /^0x0+$/.test(b.result.codeHash) && /^0x0+$/.test(b.result.storageHash) && a.result.codeHash.startsWith('0xc5d24601') && a.result.storageHash.startsWith('0x56e81f17') && equal(strip(a.result, 'codeHash', 'storageHash'), strip(b.result, 'codeHash', 'storageHash')),
  },
  { methods: /^eth_getStorageAt$/, what: 'a storage key that is none is -32000', why: 'so the recorded conversations of execution-apis have it', holds: (a, b) => isError(a, -32000) && isError(b, -32602) && sameReason(a.error.message, b.error.message) },
  { methods: /^eth_feeHistory$/, what: 'percentiles that do not fit are -32602', why: 'they are parameters; the words are geth\'s', holds: (a, b) => isError(a, -32602) && isError(b, -32000) && a.error.message.endsWith(b.error.message) },
  { methods: /^eth_feeHistory$/, names: /no percentiles|null percentiles/, what: '`eth_feeHistory` without percentiles answers', why: 'some clients leave them out where they want no rewards', holds: (a, b) => a.result && !a.result.reward && isError(b, -32602) },
  { methods: /./, names: /an empty quantity/, what: 'an empty string is no quantity', why: 'geth reads it as zero, and so a forgotten amount', holds: (a) => isError(a, -32602) && /empty hex string/.test(a.error.message) },
  { methods: /^eth_createAccessList$/, names: /unknown version/, what: 'the hash of the transaction in an error about blobs', why: 'geth hashes it with a blob fee it filled in', holds: (a, b) => isError(a) && isError(b) && masked(a.error.message) === masked(b.error.message) },
  {
    methods: /^eth_fillTransaction$/, what: '`eth_fillTransaction` answers the transaction as other methods show one', why: 'so the specification has it; geth leaves out the sender; `raw` is the same',
    holds: (a, b) => both(a, b) && a.result.raw === b.result.raw && Object.entries(b.result.tx).every(([k, v]) => v === null || equal(a.result.tx[k], v)),
  },
  { methods: /^eth_sendRawTransaction$/, what: 'bytes that are no transaction are -32602, and RLP\'s faults have our words', why: 'they are a parameter that does not fit', holds: (a, b) => isError(a, -32602) && isError(b, -32000) && /^Invalid params: invalid argument 0 \(transaction\): /.test(a.error.message) && /rlp|typed|sidecar|blob|not supported/.test(b.error.message) },
  { methods: /^eth_sendRawTransaction$/, names: /proof that is wrong|commitment of another/, what: 'the words about a blob\'s proof', why: 'another KZG library', holds: (a, b) => isError(a, -32000) && isError(b, -32000) && /^KZG verification error: /.test(a.error.message) && /KZG|mismatches/.test(b.error.message) },
  { methods: /^eth_sendRawTransaction$/, names: /no fee at all|legacy transaction for nothing/, what: 'transactions that pay no tip are taken', why: 'a development chain may be free of charge', holds: (a, b) => a.result && /minimum needed 1/.test(b.error?.message) },
  { methods: /^eth_sendRawTransaction$/, names: /fee beyond the cap/, what: 'no cap on what a transaction may pay', why: 'geth guards its own accounts\' purse at one ether; whoever signed a raw transaction has decided', holds: (a, b) => a.result && /exceeds the configured cap/.test(b.error?.message) },
  { methods: /^eth_sendRawTransaction$/, names: /no replay protection/, what: 'transactions without a chain id are taken', why: 'so that the usual deployers, whose only transaction has none, can be put on the chain', holds: (a, b) => a.result && /replay-protected/.test(b.error?.message) },
  { methods: /^eth_sendRawTransaction$/, names: /blob transaction (in place|where others)/, what: 'blob and other transactions of one account may wait together', why: 'geth guards a public pool against cheap eviction', holds: (a, b) => (a.result || isError(a, -32000)) && isError(b, -32000) && /reserved|gapped/.test(b.error.message) },
  { methods: /^eth_(mining|hashrate|protocolVersion)$/, what: '`eth_mining`, `eth_hashrate`, `eth_protocolVersion` answer', why: 'as anvil and Hardhat: older tools ask; geth has dropped them', holds: (a, b) => a.result !== undefined && b.error?.code === -32601 },
  { methods: /^debug_storageRangeAt$/, what: '`debug_storageRangeAt` has the slots before that transaction', why: 'geth 1.17 looks for the parent\'s trie under the block\'s own root, and does not find it where the block wrote to the contract', holds: (a, b) => a.result && /^missing trie node/.test(b.error?.message) },
  { methods: /^debug_(storageRangeAt|traceBlock)$/, what: 'words of `debug_storageRangeAt` about a block that is not there, of `debug_traceBlock` about bytes that are none', why: 'geth prints what Go knows of them; the bytes are a parameter: -32602', holds: (a, b) => a.error && b.error && /not found|could not decode/.test(b.error.message) },
  { methods: /^debug_dumpBlock$/, names: /earliest/, what: '`debug_dumpBlock` knows `earliest`', why: 'geth looks for block -5', holds: (a, b) => a.result && b.error },
];

module.exports = { DIFFERENCES };
