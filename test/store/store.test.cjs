// The chain that survives, as an operator meets it: init, node, dev --datadir, restarts, and every error of a folder.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const s = require('./folder.cjs');

const { file } = s;

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

const SHARED = process.env.FANATICO_SHARED || path.join(h.source, '../shared');
for (const where of [path.join(h.source, 'test/corpus/old-forks'), path.join(SHARED, 'conformance/cancun9'), path.join(SHARED, 'conformance/shanghai3')])
  test(`imported blocks come out of the store as they went in: ${path.basename(where)}`, async (t) => {
    if (!fs.existsSync(where)) return t.skip('no folder shared beside this clone');
    const args = ['--genesis', path.join(where, 'genesis.json'), '--import', path.join(where, 'chain.rlp')];
    const dir = path.join(h.scratch(), 'chain');
    const program = new h.Program(file, ['init', '--datadir', dir, '--genesis', path.join(where, 'genesis.json')]);
    assert.equal(await program.ended, 0, program.output);
    const slow = ['--block-time', '3600'];
    await (await s.node(dir, [...slow, '--import', path.join(where, 'chain.rlp')])).stop('SIGKILL');
    await s.check(dir);
    const [memory, kept] = await Promise.all([h.fanatico([...args, '--no-mining']), s.node(dir, slow)]);
    const head = Number(await h.rpc(memory.http, 'eth_blockNumber'));
    assert.ok(head > 0);
    for (const tag of ['latest', 'safe', 'finalized'])
      assert.equal((await h.rpc(kept.http, 'eth_getBlockByNumber', [tag, false])).hash, (await h.rpc(memory.http, 'eth_getBlockByNumber', [tag, false])).hash, tag);
    for (let n = 0; n <= head; n++)
      for (const [method, ...more] of [['eth_getBlockByNumber', true], ['eth_getBlockReceipts'], ['debug_getRawBlock'], ['debug_getRawReceipts'], ['eth_getUncleCountByBlockNumber']]) {
        const params = ['0x' + n.toString(16), ...more];
        assert.deepEqual(await h.rpc(kept.http, method, params), await h.rpc(memory.http, method, params), `${method} ${n}`);
      }
    await Promise.all([memory.stop(), kept.stop()]);
  });

test('memory does not grow with the chain', async () => {
  const node = await s.node(await s.folder(), ['--block-time', '2ms', '--silent']);
  const anonymous = () => Number(fs.readFileSync(`/proc/${node.child.pid}/status`, 'utf8').match(/RssAnon:\s+(\d+) kB/)[1]);
  const height = async (n) => h.until(`${n} blocks`, async () => Number(await h.rpc(node.http, 'eth_blockNumber')) >= n, 120000);
  await height(300);
  const before = anonymous();
  await height(1500);
  const grown = anonymous() - before;
  assert.ok(grown < 1024, `${grown} KiB for 1,200 blocks`); // kept in memory, a block costs 6 KiB and its trie nodes more
  await node.stop();
});

// what is done to a folder, what is run on it, what it must say
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

test('db check says where single flipped bits are, and ends in order where the pages of the file lead nowhere', async () => {
  const dir = await s.folder(), data = path.join(dir, 'chain/data.mdb');
  const node = await h.fanatico(['--datadir', dir, '--no-mining', '--silent']);
  for (let i = 0; i < 40; i++) await h.post(node.http, [...[0, 1, 2, 3].map((k) => ({ jsonrpc: '2.0', id: k, method: 'eth_sendTransaction',
    params: [{ from: h.ACCOUNTS[k], to: `0x${(i * 4 + k + 4096).toString(16).padStart(40, '0')}`, value: '0x1' }] })), { jsonrpc: '2.0', id: 9, method: 'evm_mine', params: [] }]);
  assert.equal(await node.stop(), 0);
  await s.check(dir);
  const whole = fs.readFileSync(data), said = {};
  let random = 7; // the same bits in every run
  for (let i = 0; i < 60; i++) {
    random = (random * 1103515245 + 12345) % 2 ** 31;
    const spoilt = Buffer.from(whole), at = random % whole.length;
    spoilt[at] ^= 1 << (i % 8);
    fs.writeFileSync(data, spoilt);
    const program = new h.Program(s.file, ['db', 'check', '--datadir', dir]), code = await program.ended;
    assert.ok(code === 0 || code === 1 || code === 2, `byte ${at}, bit ${i % 8}: ${code} ${program.output}`); // 0: nothing was kept there
    if (code) assert.match(program.output, /^fanatico: .*(block|version|trie|account|code|state|pages?|history|format|root|it cannot be).*\n$/);
    said[code] = (said[code] ?? 0) + 1;
  }
  console.log(`60 flipped bits: ${JSON.stringify(said)}`);
  assert.ok(said[1] >= 5);
  fs.writeFileSync(data, whole);
  fs.truncateSync(data, Math.floor(whole.length / 8192) * 4096);
  const program = new h.Program(s.file, ['db', 'check', '--datadir', dir]);
  assert.ok([1, 2].includes(await program.ended), program.output);
  assert.match(program.output, /data\.mdb is damaged: a page of it leads outside of the file|is damaged|cannot be/);
});

test('a second init with the same genesis is no mistake', async () => {
  const dir = await s.folder();
  const program = new h.Program(file, ['init', '--datadir', dir, '--genesis', s.genesis()]);
  assert.equal(await program.ended, 0);
  assert.match(program.output, /the chain is there already, genesis 0x[0-9a-f]{64}/);
});
