// Every function of @nomicfoundation/hardhat-network-helpers, the real package, against our node; and the development
// methods that anvil has beside them, asked of both.
'use strict';
const { test, before, beforeEach, after } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { createRequire } = require('node:module');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

let node, anvil;
before(async () => { [node, anvil] = await Promise.all([h.fanatico(['--silent']), h.anvil()]); });
beforeEach(() => Promise.all([node, anvil].map((n) => h.rpc(n.http, 'anvil_reset'))));
after(() => Promise.all([node?.stop(), anvil?.stop()]));

test('every function of hardhat-network-helpers', { timeout: 180000 }, () => {
  const done = spawnSync('npx', ['--no-install', 'hardhat', 'run', '--no-compile', '--network', 'fanatico', path.join(__dirname, 'helpers_run.cjs')], {
    cwd: path.join(h.source, 'hardhat'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120000,
    env: { ...process.env, FANATICO_HTTP: node.http, FANATICO_WS: node.ws, FANATICO_FILE: path.join(h.bin, 'fanatico'), HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', NODE_PATH: path.join(h.source, 'hardhat/node_modules') },
  });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.match(done.stdout, /all \d+ helpers ran/);
  console.log(done.stdout.trim());
});

/** What one node answers: the result, or the error's code and words. */
async function ask(n, method, params = []) {
  const { result, error } = await h.post(n.http, { jsonrpc: '2.0', id: 1, method, params });
  return error ? { code: error.code, message: error.message } : result;
}
/** Asks both the same and holds ours against anvil's. */
async function same(method, params) {
  const [ours, theirs] = await Promise.all([ask(node, method, params), ask(anvil, method, params)]);
  assert.deepEqual(ours, theirs, `${method} ${JSON.stringify(params)}`);
  return ours;
}
const stamp = async (n) => Number((await h.rpc(n.http, 'eth_getBlockByNumber', ['latest', false])).timestamp);

test('intervals of time and of mining are answered as by anvil', async () => {
  assert.equal(await same('anvil_removeBlockTimestampInterval'), false);
  assert.equal(await same('anvil_setBlockTimestampInterval', [7]), null);
  for (const n of [node, anvil]) {
    await h.rpc(n.http, 'evm_mine');
    const t = await stamp(n);
    await h.rpc(n.http, 'anvil_mine', [3]);
    assert.equal(await stamp(n), t + 21);
  }
  assert.equal(await same('anvil_removeBlockTimestampInterval'), true);
  assert.equal(await same('anvil_getIntervalMining'), null);
  assert.equal(await same('anvil_setIntervalMining', [600]), null);
  assert.equal(await same('anvil_getIntervalMining'), 600);
  assert.equal(await same('anvil_getAutomine'), false);
  assert.equal(await same('evm_setAutomine', [true]), null);
  assert.equal(await same('anvil_getIntervalMining'), null);
  for (const n of [node, anvil]) await assert.rejects(h.rpc(n.http, 'anvil_setMinGasPrice', ['0x1']), { code: -32602, message: /not supported when EIP-1559 is active/ });
  await same('anvil_setLoggingEnabled', [true]);
});

test('evm_mine_detailed gives the blocks that came, with their transactions', async () => {
  for (const n of [node, anvil]) {
    await h.rpc(n.http, 'evm_setAutomine', [false]);
    const hash = await h.rpc(n.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
    const blocks = await h.rpc(n.http, 'evm_mine_detailed');
    assert.equal(blocks.length, 1);
    assert.deepEqual(blocks[0].transactions.map((t) => t.hash), [hash]);
    assert.equal((await h.rpc(n.http, 'eth_getBlockByNumber', ['latest', false])).hash, blocks[0].hash);
    await h.rpc(n.http, 'evm_setAutomine', [true]);
  }
  const some = await h.rpc(node.http, 'evm_mine_detailed', [{ blocks: 3 }]);
  assert.deepEqual(some.map((b) => Number(b.number)), [2, 3, 4]);
});

test('a reset brings the genesis back, and subscribers hear of it', async () => {
  const first = await h.rpc(node.http, 'eth_getBlockByNumber', ['0x0', false]);
  await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  await h.rpc(node.http, 'hardhat_setCode', ['0x' + '77'.repeat(20), '0x00']);
  const filter = await h.rpc(node.http, 'eth_newBlockFilter');
  assert.equal(await h.rpc(node.http, 'hardhat_reset', [{}]), null);
  const now = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.deepEqual(now, first);
  assert.equal(await h.rpc(node.http, 'eth_getTransactionCount', [h.ACCOUNTS[0]]), '0x0');
  assert.equal(await h.rpc(node.http, 'eth_getBalance', [h.ACCOUNTS[1]]), '0x21e19e0c9bab2400000');
  assert.equal(await h.rpc(node.http, 'eth_getCode', ['0x' + '77'.repeat(20)]), '0x');
  await h.rpc(node.http, 'evm_mine');
  const mined = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.equal(Number(mined.number), 1);
  assert.deepEqual(await h.rpc(node.http, 'eth_getFilterChanges', [filter]), [mined.hash]);
  await assert.rejects(h.rpc(node.http, 'anvil_reset', [{ forking: { jsonRpcUrl: 'http://127.0.0.1:1' } }]), { code: -32000, message: /eth_chainId: Connection refused/ });
  await assert.rejects(h.rpc(node.http, 'anvil_setRpcUrl', ['http://127.0.0.1:1']), { code: -32000, message: /not a fork/ });
});

test('a dump of ours loads here and in anvil', async () => {
  const token = '0x' + '88'.repeat(20);
  await h.rpc(node.http, 'anvil_setCode', [token, '0x600160005260206000f3']);
  await h.rpc(node.http, 'anvil_setBalance', [token, '0xffff']);
  await h.rpc(node.http, 'anvil_setNonce', [token, '0x9']);
  await h.rpc(node.http, 'anvil_setStorageAt', [token, '0x5', '0x' + '00'.repeat(31) + '2a']);
  const look = (n) => Promise.all([['eth_getBalance', [token, 'latest']], ['eth_getTransactionCount', [token, 'latest']], ['eth_getCode', [token, 'latest']], ['eth_getStorageAt', [token, '0x5', 'latest']]]
    .map(([m, p]) => h.rpc(n.http, m, p)));
  const want = await look(node);
  assert.deepEqual(want, ['0xffff', '0x9', '0x600160005260206000f3', '0x' + '00'.repeat(31) + '2a']);
  const dump = await h.rpc(node.http, 'anvil_dumpState');
  for (const n of [node, anvil]) {
    await h.rpc(n.http, 'anvil_reset');
    assert.equal(await h.rpc(n.http, 'anvil_loadState', [dump]), true);
    assert.deepEqual(await look(n), want);
  }
  assert.equal(await h.rpc(node.http, 'anvil_dumpState'), dump);
  for (const bad of ['0x', '0x7b', '0x1f8b0800', '0x' + Buffer.from('{"accounts":{"0x12":{}}}').toString('hex'), '0x' + Buffer.from('{"accounts":[]}').toString('hex'),
    '0x' + Buffer.from(JSON.stringify({ accounts: { [token]: { nonce: 0, balance: '0x0', code: '0x', storage: { zz: '0x1' } } } })).toString('hex')]) {
    await assert.rejects(h.rpc(node.http, 'anvil_loadState', [bad]), { code: -32602 }, bad);
  }
});
