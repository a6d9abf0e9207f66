// Our traces are geth's: geth seals a chain with transactions of every kind, we import it, and both are asked for every trace
// of every transaction and block. What differs is listed with its reason, and nothing else may.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { ethers } = require('ethers');
const { Run } = require('./chaos.cjs');
const { odd } = require('./odd.cjs');
const { ask, difference, gethChain } = require('./sealed.cjs');

const seed = seedOf();
const count = Number(process.env.TXS || 60);

const CONFIGS = {
  steps: {},
  'steps, all on': { enableMemory: true, enableReturnData: true },
  'steps, all off': { disableStack: true, disableStorage: true },
  'steps, limit': { limit: 3000 },
  calls: { tracer: 'callTracer' },
  'calls, logs': { tracer: 'callTracer', tracerConfig: { withLog: true } },
  'calls, top': { tracer: 'callTracer', tracerConfig: { onlyTopCall: true, withLog: true } },
  flat: { tracer: 'flatCallTracer' },
  'flat, parity': { tracer: 'flatCallTracer', tracerConfig: { convertParityErrors: true, includePrecompiles: true } },
  prestate: { tracer: 'prestateTracer' },
  'prestate, empty': { tracer: 'prestateTracer', tracerConfig: { includeEmpty: true, disableCode: true } },
  diff: { tracer: 'prestateTracer', tracerConfig: { diffMode: true } },
  'diff, bare': { tracer: 'prestateTracer', tracerConfig: { diffMode: true, disableCode: true, disableStorage: true } },
  '4byte': { tracer: '4byteTracer' },
  noop: { tracer: 'noopTracer' },
  mux: { tracer: 'muxTracer', tracerConfig: { callTracer: { withLog: true }, prestateTracer: {}, '4byteTracer': {}, noopTracer: {} } },
};

// Why two traces may differ; each rewrites both sides to what must be equal then.
const REASONS = {};

test('every trace of a chain that geth sealed', { timeout: 900000 }, async () => {
  console.log(`TXS=${count}`);
  const dir = h.scratch();
  const { geth, url, genesis } = await gethChain(dir);
  const run = new Run(seed, BigInt(await h.rpc(url, 'eth_chainId')));
  const hashes = [], named = {};
  const mine = async (raw, hash, name) => {
    assert.equal(await h.rpc(url, 'eth_sendRawTransaction', [raw]).catch((e) => { throw new Error(`SEED=${seed} ${name}: ${e.message}`); }), hash);
    await h.until(`SEED=${seed} ${name} to be mined`, () => h.rpc(url, 'eth_getTransactionReceipt', [hash]).catch(() => null));
    hashes.push(hash);
    named[hash] = name;
    await run.settle(url);
  };
  const baseFee = async () => BigInt((await h.rpc(url, 'eth_getBlockByNumber', ['latest', false])).baseFeePerGas);
  for (let i = 0; i < count; i++) {
    const { raw, hash } = await run.next(await baseFee());
    await mine(raw, hash, `transaction ${i}`);
  }
  for await (const { name, tx } of odd()) {
    const wallet = run.wallets[0];
    const signed = await wallet.signTransaction({ type: 2, chainId: run.chainId, nonce: run.nonces[0], maxFeePerGas: (await baseFee()) * 2n + 10n ** 9n, maxPriorityFeePerGas: 1n, gasLimit: 200000, ...tx });
    await mine(signed, ethers.keccak256(signed), name);
  }
  const head = Number(await h.rpc(url, 'eth_blockNumber')), raw = [];
  for (let n = 1; n <= head; n++) raw.push(Buffer.from((await h.rpc(url, 'debug_getRawBlock', [`0x${n.toString(16)}`])).slice(2), 'hex'));
  const chain = path.join(dir, 'chain.rlp');
  fs.writeFileSync(chain, Buffer.concat(raw));
  const ours = await h.fanatico(['--genesis', genesis, '--import', chain, '--silent']);

  const differ = {};
  let compared = 0;
  const compare = async (label, method, params) => {
    const [a, b] = await Promise.all([ask(ours.http, method, params), ask(url, method, params)]);
    compared++;
    const d = difference(a, b);
    if (d) (differ[label] ??= []).push(d);
  };
  for (const hash of hashes)
    for (const [label, config] of Object.entries(CONFIGS)) await compare(`${named[hash].replace(/\d+$/, 'N')} | ${label}`, 'debug_traceTransaction', [hash, config]);
  for (let n = 1; n <= head; n += 7) {
    const block = await h.rpc(url, 'eth_getBlockByNumber', [`0x${n.toString(16)}`, false]);
    await compare('block by number', 'debug_traceBlockByNumber', [block.number, CONFIGS.calls]);
    await compare('block by hash', 'debug_traceBlockByHash', [block.hash, CONFIGS.flat]);
  }
  console.log(`${hashes.length} transactions, ${compared} traces compared`);
  for (const [label, list] of Object.entries(differ)) console.log(`${label}: ${list.length} differ, the first: ${list[0]}`);
  assert.deepEqual(Object.keys(differ), []);
  assert.equal(await ours.stop(), 0);
  await geth.stop('SIGINT');
  fs.rmSync(dir, { recursive: true });
});
