// anvil as the oracle: the same signed transactions to both give the same receipts, logs, gas and proof-visible storage. Then geth as
// the oracle of roots: the blocks of that very run, exported, import into geth with our genesis and the same head hash.
//
// TXS=n sets how many (SEED: test/lib/seed.cjs). anvil is no oracle for roots: its trie keeps empty accounts and its genesis lacks the system contracts.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { Run, TIMESTAMP } = require('./chaos.cjs');

const seed = seedOf();
const count = Number(process.env.TXS || 2000);
const chainArgs = ['--timestamp', String(TIMESTAMP), '--hardfork', 'osaka'];
let ours, theirs, run;

before(async () => {
  console.log(`TXS=${count}`);
  ours = await h.fanatico([...chainArgs, '--silent']);
  theirs = await h.anvil([...chainArgs, '--silent'].filter((a) => a !== '--silent'));
  // anvil's first block keeps the genesis block's base fee; EIP-1559 (and geth) lower it by an eighth, since genesis used no gas.
  await h.rpc(theirs.http, 'anvil_setNextBlockBaseFeePerGas', ['0x342770c0']);
  run = new Run(seed);
});
after(async () => {
  await ours?.stop();
  await theirs?.stop();
});

// What legitimately differs between two chains whose blocks have different parents and timestamps.
const OWN = ['blockHash', 'blockTimestamp'];
function comparable(receipt) {
  const out = Object.fromEntries(Object.entries(receipt).filter(([key]) => !OWN.includes(key)));
  out.logs = receipt.logs.map((log) => Object.fromEntries(Object.entries(log).filter(([key]) => !OWN.includes(key))));
  if (out.type !== '0x3') { // anvil names the blob gas price in every receipt, geth and we only in blob transactions'
    delete out.blobGasPrice;
    delete out.blobGasUsed;
  }
  return out;
}

async function both(method, params) {
  return Promise.all([h.rpc(ours.http, method, params), h.rpc(theirs.http, method, params)]);
}

test('receipts, logs and gas agree, transaction by transaction', { timeout: 600000 }, async () => {
  const kinds = {};
  for (let i = 0; i < count; i++) {
    const [block] = await Promise.all([h.rpc(ours.http, 'eth_getBlockByNumber', ['latest', false])]);
    const { raw, hash, type } = await run.next(BigInt(block.baseFeePerGas));
    const where = `SEED=${seed} transaction ${i} (${hash}, type ${type})`;
    const sent = await both('eth_sendRawTransaction', [raw]).catch((e) => { throw new Error(`${where}: ${e.message}`); });
    assert.deepEqual(sent, [hash, hash], where);
    // Ours answers a send once its block can be read; anvil a moment before.
    const receipts = [await h.rpc(ours.http, 'eth_getTransactionReceipt', [hash])];
    assert.ok(receipts[0], where);
    receipts.push(await h.until(`anvil's receipt, ${where}`, () => h.rpc(theirs.http, 'eth_getTransactionReceipt', [hash])));
    assert.deepEqual(comparable(receipts[0]), comparable(receipts[1]), where);
    kinds[`type ${type} ${receipts[0].status === '0x1' ? 'ok' : 'failed'}`] = (kinds[`type ${type} ${receipts[0].status === '0x1' ? 'ok' : 'failed'}`] || 0) + 1;
    for (const log of receipts[0].logs) run.touched.add(log.address);
    if (receipts[0].contractAddress) run.touched.add(receipts[0].contractAddress);
    await run.settle(ours.http);
  }
  console.log(kinds);
  assert.ok(Object.keys(kinds).length >= 8, 'the run reached every kind');
});

test('balances, nonces, code and storage agree, as proofs show them', { timeout: 300000 }, async () => {
  const slots = Array.from({ length: 8 }, (_, i) => `0x${i.toString(16).padStart(64, '0')}`);
  const { ethers } = require('ethers');
  for (let i = 0; i < 52; i++) slots.push(ethers.keccak256(ethers.AbiCoder.defaultAbiCoder().encode(['uint256', 'uint256'], [i, 0])));
  let seen = 0;
  for (const address of run.touched) {
    const [a, b] = await both('eth_getProof', [address, slots, 'latest']);
    const plain = (p) => [p.balance, p.nonce, p.storageProof.map((s) => [BigInt(s.key), s.value])];
    assert.deepEqual(plain(a), plain(b), `SEED=${seed} ${address}`);
    const code = await both('eth_getCode', [address, 'latest']);
    assert.equal(code[0], code[1], `SEED=${seed} ${address}`);
    seen += a.storageProof.filter((s) => s.value !== '0x0').length;
  }
  console.log(`${run.touched.size} accounts, ${seen} slots that hold something`);
  assert.ok(seen > 20);
});

test('geth imports our blocks of this run, with our genesis, to the same head', { timeout: 300000 }, async () => {
  const dir = h.scratch();
  const head = await h.rpc(ours.http, 'eth_getBlockByNumber', ['latest', false]);
  const genesis = execFileSync(path.join(h.bin, 'fanatico'), ['genesis', ...chainArgs]);
  fs.writeFileSync(path.join(dir, 'genesis.json'), genesis);
  const out = fs.openSync(path.join(dir, 'chain.rlp'), 'w');
  for (let n = 1; n <= Number(head.number); n++) {
    fs.writeSync(out, Buffer.from((await h.rpc(ours.http, 'debug_getRawBlock', [`0x${n.toString(16)}`])).slice(2), 'hex'));
  }
  fs.closeSync(out);
  const geth = (...args) => new h.Program(h.gethFile(), ['--datadir', path.join(dir, 'geth'), '--verbosity', '3', ...args]);
  const init = geth('init', path.join(dir, 'genesis.json'));
  assert.equal(await init.ended, 0, init.output);
  const imported = geth('import', path.join(dir, 'chain.rlp'));
  assert.equal(await imported.ended, 0, imported.output.slice(-3000));
  const port = await h.freePort();
  const server = geth('--http', '--http.port', String(port), '--nodiscover', '--maxpeers', '0', '--authrpc.port', '0', '--port', '0', '--ipcdisable');
  const told = await h.until('geth to answer', async () => {
    if (!server.running) throw new Error(server.output.slice(-3000));
    try { return await h.rpc(`http://127.0.0.1:${port}`, 'eth_getBlockByNumber', ['latest', false]); } catch { return null; }
  });
  await server.stop('SIGINT');
  assert.deepEqual([told.number, told.hash, told.stateRoot, told.receiptsRoot], [head.number, head.hash, head.stateRoot, head.receiptsRoot]);
  console.log(`head ${Number(head.number)} ${head.hash}`);
  fs.rmSync(dir, { recursive: true });
});
