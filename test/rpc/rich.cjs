// A chain that has a bit of everything, always the same: each type of transaction, creations, reverts, blobs, delegations, blocks with
// many transactions and with none, a block that a reorg took away, and transactions that wait. What stands where is told in `facts`,
// so that a test can ask for it by number, by hash and by address.
'use strict';
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');
const { Chaos, TIMESTAMP, ZERO_HASH, withSidecar } = require('../peers/chaos.cjs');

const face = new ethers.Interface(Chaos.abi);
const wallets = Array.from({ length: 4 }, (_, i) => ethers.HDNodeWallet.fromPhrase(h.MNEMONIC, '', `m/44'/60'/0'/0/${i}`));
const CHAIN_ARGS = ['--timestamp', String(TIMESTAMP), '--hardfork', 'osaka'];
const FEES = { maxFeePerGas: 4000000000n, maxPriorityFeePerGas: 1500000000n };
const PRICE = { gasPrice: 3000000000n };
const hex = (n) => `0x${BigInt(n).toString(16)}`;
const word = (n) => ethers.zeroPadValue(ethers.toBeHex(n), 32);

/** Signs with a wallet's next nonce; gives what eth_sendRawTransaction takes. */
class Signer {
  constructor() { this.nonces = wallets.map(() => 0); }
  async sign(who, tx, nonce) {
    const type = tx.type ?? 2;
    const full = { type, chainId: 31337, nonce: nonce ?? this.nonces[who]++, gasLimit: 200000, ...(type < 2 ? PRICE : FEES), ...tx };
    const signed = await wallets[who].signTransaction(full);
    return { raw: type === 3 ? withSidecar(signed, full.blobVersionedHashes.length) : signed, bare: signed, hash: ethers.keccak256(signed) };
  }
}

const blobs = (count) => ({ type: 3, maxFeePerBlobGas: 10n ** 9n, blobVersionedHashes: Array(count).fill(ZERO_HASH) });

/** Makes the chain on a node of ours that was started with CHAIN_ARGS; ends with mining switched off and transactions waiting. */
async function make(url) {
  const s = new Signer();
  const at = {}; // name → hash of a transaction
  const send = async (name, who, tx) => {
    const { raw, hash } = await s.sign(who, tx);
    at[name] = hash;
    const sent = await h.rpc(url, 'eth_sendRawTransaction', [raw]);
    if (sent !== hash) throw new Error(`${name}: ${sent}`);
    return raw;
  };
  const call = (name, ...args) => face.encodeFunctionData(name, args);

  const chaos = ethers.getCreateAddress({ from: wallets[0].address, nonce: 0 });
  await send('create', 0, { data: Chaos.bytecode, gasLimit: 3000000 });
  await send('legacy', 0, { type: 0, to: wallets[1].address, value: 12345n, gasLimit: 21000 });
  await send('listed', 1, { type: 1, to: chaos, data: call('store', 0, 5, 77), accessList: [{ address: chaos, storageKeys: [word(0), word(1)] }], gasLimit: 300000 });
  await send('logs', 0, { to: chaos, data: call('note', 3, '0xc0ffee') });
  await send('reverted', 1, { to: chaos, data: call('refuse', 0) });
  await send('invalid', 1, { to: chaos, data: call('refuse', 4), gasLimit: 60000 });
  await send('blobs', 2, { ...blobs(2), to: chaos, data: call('note', 1, '0x') });
  const authorization = await wallets[3].authorize({ address: chaos, nonce: 0, chainId: 31337 });
  await send('delegated', 2, { type: 4, to: wallets[3].address, data: call('store', 9, 1, 5), authorizationList: [authorization], accessList: [{ address: wallets[3].address, storageKeys: [] }] });
  s.nonces[3] = 1;
  await send('spawned', 1, { to: chaos, data: call('spawn', 5, word(1), true), value: 100n, gasLimit: 500000 });
  await h.rpc(url, 'evm_mine');
  await h.rpc(url, 'evm_setAutomine', [false]);
  await send('crowd0', 0, { to: chaos, data: call('note', 2, '0xaa') });
  await send('crowd1', 1, { type: 0, to: chaos, data: call('note', 1, '0xbb'), gasPrice: 1700000000n }); // by tip and by price behind the others
  await send('crowd2', 2, { ...blobs(1), to: wallets[0].address });
  await send('crowd3', 1, { to: chaos, data: call('refuse', 1) });
  await h.rpc(url, 'evm_mine');
  const crowd = await h.rpc(url, 'eth_blockNumber');

  // A branch that goes: one block with a transaction and its log.
  const snapshot = await h.rpc(url, 'evm_snapshot');
  const nonces = [...s.nonces];
  await send('orphan', 0, { to: chaos, data: call('note', 1, '0xdead') });
  await h.rpc(url, 'evm_mine');
  const orphan = await h.rpc(url, 'eth_getBlockByNumber', ['latest', false]);
  await h.rpc(url, 'evm_revert', [snapshot]);
  await h.rpc(url, 'anvil_setNextBlockBaseFeePerGas', [orphan.baseFeePerGas]); // what it is anyway; anvil would go on with the orphan's
  s.nonces = nonces;
  await h.rpc(url, 'anvil_dropAllTransactions');
  await send('instead', 0, { to: chaos, data: call('note', 1, '0xbeef'), maxPriorityFeePerGas: 1600000000n });
  await h.rpc(url, 'evm_mine');
  for (let i = 0; i < 3; i++) {
    await send(`more${i}`, i, { to: chaos, data: call('store', 20 + i, 3, i ? 7 : 0), value: 0n, gasLimit: 300000 });
    await h.rpc(url, 'evm_mine');
  }
  const head = await h.rpc(url, 'eth_getBlockByNumber', ['latest', true]);
  const waiting = [];
  const wait = async (name, who, tx, nonce) => {
    const signed = await s.sign(who, tx, nonce);
    at[name] = signed.hash;
    waiting.push(signed.raw);
    await h.rpc(url, 'eth_sendRawTransaction', [signed.raw]);
  };
  await wait('pending0', 0, { to: chaos, data: call('note', 1, '0x01') });
  await wait('pending1', 0, { type: 0, to: wallets[1].address, value: 1n, gasLimit: 21000 });
  await wait('pending2', 1, { type: 1, to: chaos, data: call('store', 60, 1, 1), accessList: [] });
  await wait('queued', 1, { to: wallets[0].address, gasLimit: 21000 }, s.nonces[1] + 5);
  const receipt = async (name) => h.rpc(url, 'eth_getTransactionReceipt', [at[name]]);
  const block = {};
  for (const name of Object.keys(at)) {
    const r = await receipt(name);
    if (r) block[name] = { number: r.blockNumber, hash: r.blockHash, index: r.transactionIndex };
  }
  return { chaos, at, block, crowd, orphan, head, waiting, face, wallets, nonces: s.nonces, delegate: wallets[3].address };
}

/** The chain's blocks, as `geth import` and --import read them. */
async function blocksOf(url) {
  const last = Number(await h.rpc(url, 'eth_blockNumber')), out = [];
  for (let n = 1; n <= last; n++) out.push(Buffer.from((await h.rpc(url, 'debug_getRawBlock', [hex(n)])).slice(2), 'hex'));
  return Buffer.concat(out);
}

const genesis = () => execFileSync(path.join(h.bin, 'fanatico'), ['genesis', ...CHAIN_ARGS]);

/** Hash of a block or a state, prevRandao → a name by number, which another chain of the same transactions shares. */
async function ownHashes(url) {
  const names = new Map();
  for (let n = 0; n <= Number(await h.rpc(url, 'eth_blockNumber')); n++) {
    const b = await h.rpc(url, 'eth_getBlockByNumber', [hex(n), false]);
    for (const key of ['hash', 'stateRoot', 'mixHash']) if (!names.has(b[key]) && !/^0x0*$/.test(b[key])) names.set(b[key], `${key} of ${n}`);
  }
  return names;
}

module.exports = { CHAIN_ARGS, FEES, Signer, blobs, blocksOf, face, genesis, hex, make, ownHashes, wallets, word };
