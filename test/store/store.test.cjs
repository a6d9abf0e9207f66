// The chain that survives, as an operator meets it: init, node, dev --datadir, restarts, and every error of a folder.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const s = require('./folder.cjs');

test('init, node, kill -9, node: the chain goes on with the same blocks', async () => {
  const dir = await s.folder();
  const first = await s.node(dir, ['--block-time', '50ms']);
  const hash = await s.send(first);
  const receipt = await h.until('the transaction', () => h.rpc(first.http, 'eth_getTransactionReceipt', [hash]));
  const before = await s.blocks(first);
  await first.stop('SIGKILL');
  const second = await s.node(dir, ['--block-time', '50ms']);
  await h.until('the next block', async () => Number(await h.rpc(second.http, 'eth_blockNumber')) > before.length + 1);
  assert.deepEqual((await s.blocks(second)).slice(0, before.length), before);
  assert.deepEqual(await h.rpc(second.http, 'eth_getTransactionReceipt', [hash]), receipt);
  assert.equal(await h.rpc(second.http, 'eth_getTransactionCount', [h.ACCOUNTS[0], 'latest']), '0x1');
  assert.equal((await h.rpc(second.http, 'eth_getTransactionByHash', [hash])).from, h.ACCOUNTS[0].toLowerCase());
  assert.equal(await second.stop(), 0);
});

test('a node holds no keys, answers no development method and says who it is', async () => {
  const node = await s.node(await s.folder());
  assert.match(await h.rpc(node.http, 'web3_clientVersion'), /^fanatico\/v/);
  assert.deepEqual(await h.rpc(node.http, 'eth_accounts'), []);
  for (const method of ['evm_mine', 'anvil_setBalance', 'hardhat_reset', 'evm_snapshot', 'eth_sign'])
    await assert.rejects(h.rpc(node.http, method, []), { code: -32601 }, method);
  await assert.rejects(h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1] }]));
  await node.stop();
});

test('dev --datadir: what was mined, edited and turned back is there again, with all history', async () => {
  const dir = path.join(h.scratch(), 'chain');
  const args = ['--datadir', dir, '--timestamp', '1700000000'];
  const first = await h.fanatico(args);
  for (let i = 0; i < 300; i++) await h.rpc(first.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  const snapshot = await h.rpc(first.http, 'evm_snapshot');
  await h.rpc(first.http, 'hardhat_mine', ['0x14']);
  assert.equal(await h.rpc(first.http, 'evm_revert', [snapshot]), true);
  await h.rpc(first.http, 'anvil_setBalance', [h.ACCOUNTS[2], '0x1234']);
  await h.rpc(first.http, 'anvil_setCode', [h.ACCOUNTS[2], '0x6001']);
  const balances = [];
  for (let i = 0; i <= 300; i += 50) balances.push(await h.rpc(first.http, 'eth_getBalance', [h.ACCOUNTS[1], '0x' + i.toString(16)]));
  const before = await s.blocks(first);
  assert.equal(before.length, 301);
  assert.equal(await first.stop(), 0);
  const second = await h.fanatico(args);
  assert.deepEqual(await s.blocks(second), before);
  for (let i = 0; i <= 300; i += 50) assert.equal(await h.rpc(second.http, 'eth_getBalance', [h.ACCOUNTS[1], '0x' + i.toString(16)]), balances[i / 50], `block ${i}`);
  assert.equal(await h.rpc(second.http, 'eth_getBalance', [h.ACCOUNTS[2]]), '0x1234');
  assert.equal(await h.rpc(second.http, 'eth_getCode', [h.ACCOUNTS[2]]), '0x6001');
  await h.rpc(second.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1] }]);
  assert.equal(await h.rpc(second.http, 'eth_blockNumber'), '0x12d');
  await h.rpc(second.http, 'anvil_reset');
  assert.equal(await h.rpc(second.http, 'eth_blockNumber'), '0x0');
  await second.stop();
  const third = await h.fanatico(args);
  assert.deepEqual(await s.blocks(third), before.slice(0, 1));
  assert.equal(await h.rpc(third.http, 'eth_getBalance', [h.ACCOUNTS[2]]), '0x21e19e0c9bab2400000');
  await third.stop();
});

test('the state of the last 128 blocks, or with --archive of all', async () => {
  for (const archive of [false, true]) {
    const node = await s.node(await s.folder(), ['--block-time', '10ms', ...(archive ? ['--archive'] : [])]);
    await h.until('150 blocks', async () => Number(await h.rpc(node.http, 'eth_blockNumber')) > 150);
    const head = Number(await h.rpc(node.http, 'eth_blockNumber'));
    const at = (n) => h.rpc(node.http, 'eth_getBalance', [h.ACCOUNTS[0], '0x' + n.toString(16)]);
    assert.equal(await at(head - 100), '0x21e19e0c9bab2400000');
    if (archive) assert.equal(await at(1), '0x21e19e0c9bab2400000');
    else await assert.rejects(at(1), /historical state .* is not available/);
    await node.stop();
  }
});

// what is done to a folder, what is run on it, what it must say
const file = path.join(h.bin, 'fanatico');
async function complains(args, words) {
  const program = new h.Program(file, args);
  const timer = setTimeout(() => program.child.kill('SIGKILL'), 20000);
  assert.equal(await program.ended, 2, program.output);
  clearTimeout(timer);
  assert.equal(program.output.trim().split('\n').length, 1, program.output);
  assert.match(program.output, words);
}

test('each wrong folder is one line and code 2', async () => {
  const scratch = h.scratch(), good = await s.folder(), genesis = s.genesis();
  const other = path.join(scratch, 'other.json');
  fs.writeFileSync(other, fs.readFileSync(genesis, 'utf8').replace('"chainId":31337', '"chainId":5').replace(/"chainId": 31337/, '"chainId": 5').replace(/"timestamp":\s*"0x[0-9a-f]+"/, '"timestamp":"0x1"'));
  await complains(['node'], /--datadir: which folder\?/);
  await complains(['init', '--datadir', scratch], /--genesis: which genesis\.json\?/);
  await complains(['node', '--datadir', path.join(scratch, 'nowhere')], /nowhere holds no chain yet: fanatico init --datadir .* makes one/);
  await complains(['node', '--datadir', scratch], /holds no chain yet: fanatico init/);
  await complains(['node', '--datadir', genesis], /not a folder/);
  await complains(['dev', '--datadir', genesis], /genesis\.json/);
  await complains(['init', '--datadir', good, '--genesis', other], /holds another chain: its genesis block is 0x[0-9a-f]{64}, that of .*other\.json 0x[0-9a-f]{64}/);
  await complains(['dev', '--datadir', good, '--chain-id', '7'], /--chain-id: the chain in .* has 31337/);
  await complains(['node', '--datadir', good, '--block-time', '0'], /--block-time/);
  const node = await s.node(good);
  await complains(['node', '--datadir', good], new RegExp(`is in use by process ${node.child.pid}; end it first`));
  await node.stop();
});

test('a second init with the same genesis is no mistake', async () => {
  const dir = await s.folder();
  const program = new h.Program(file, ['init', '--datadir', dir, '--genesis', s.genesis()]);
  assert.equal(await program.ended, 0);
  assert.match(program.output, /the chain is there already, genesis 0x[0-9a-f]{64}/);
});
