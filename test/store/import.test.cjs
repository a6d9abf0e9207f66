// fanatico import and export: to geth and back, the conformance chains, bad blocks, and imports that are cut off.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');

const file = path.join(h.bin, 'fanatico');
const shared = path.join(h.source, '../shared/conformance');
const seed = seedOf();

async function run(...args) {
  const program = new h.Program(file, args);
  return { code: await program.ended, output: program.output };
}

async function ok(...args) {
  const got = await run(...args);
  assert.equal(got.code, 0, got.output);
  return got.output;
}

// Many blocks of transfers and creations, raw, and the genesis they stand on.
async function chain(dir, blocks, each) {
  const node = await h.fanatico(['--timestamp', '1750000000', '--no-mining', '--silent']);
  for (let n = 0; n < blocks; n++) {
    const items = [];
    for (let i = 0; i < each; i++) items.push({ jsonrpc: '2.0', id: i, method: 'eth_sendTransaction', params: [i % 5 ? { from: h.ACCOUNTS[i % h.ACCOUNTS.length], to: `0x${(n * each + i + 1000).toString(16).padStart(40, '0')}`, value: '0x1' }
      : { from: h.ACCOUNTS[i % h.ACCOUNTS.length], data: '0x602a5f55602a8060095f395ff3', gas: '0x30000' }] });
    items.push({ jsonrpc: '2.0', id: 'mine', method: 'evm_mine', params: [] });
    for (const item of await h.post(node.http, items)) assert.ok(item.result, JSON.stringify(item));
  }
  const raw = [];
  for (let n = 1; n <= blocks; n++) raw.push(Buffer.from((await h.rpc(node.http, 'debug_getRawBlock', [`0x${n.toString(16)}`])).slice(2), 'hex'));
  const head = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.equal(await node.stop(), 0);
  const genesis = path.join(dir, 'made.json');
  fs.writeFileSync(genesis, await ok('genesis', '--timestamp', '1750000000'));
  return { raw, head, genesis };
}

async function headOf(data) {
  const out = path.join(data, '..', 'head.rlp');
  const text = await ok('export', '--datadir', data, out);
  fs.rmSync(path.join(data, '..', 'genesis.json'));
  return Number(text.match(/exported blocks 0 to (\d+)/)[1]);
}

for (const name of ['cancun9', 'shanghai3']) {
  test(`${name}: in, out, through geth, and in again`, { timeout: 120000 }, async () => {
    const dir = h.scratch(), from = path.join(shared, name), data = path.join(dir, 'data'), out = path.join(dir, 'out.rlp'), packed = path.join(dir, 'out.rlp.gz');
    await ok('init', '--datadir', data, '--genesis', path.join(from, 'genesis.json'));
    assert.match(await ok('import', '--datadir', data, path.join(from, 'chain.rlp')), /imported \d+ blocks, head \d+ \([\d.]+ s, \d+ blocks\/s, [\d.]+ Mgas\/s\)/);
    assert.match(await ok('import', '--datadir', data, path.join(from, 'chain.rlp')), /imported 0 blocks/);
    await ok('export', '--datadir', data, out, '1');
    assert.deepEqual(fs.readFileSync(out), fs.readFileSync(path.join(from, 'chain.rlp')));
    await ok('export', '--datadir', data, packed);
    assert.deepEqual(zlib.gunzipSync(fs.readFileSync(packed)).subarray(-1000), fs.readFileSync(out).subarray(-1000));
    // geth begins with the genesis.json we wrote, takes our file, and gives its own.
    const geth = path.join(dir, 'geth'), theirs = path.join(dir, 'geth.rlp.gz');
    for (const args of [['init', path.join(dir, 'genesis.json')], ['import', packed], ['export', theirs]]) {
      const program = new h.Program(h.gethFile(), ['--datadir', geth, ...args]);
      assert.equal(await program.ended, 0, program.output);
    }
    const again = path.join(dir, 'again');
    await ok('init', '--datadir', again, '--genesis', path.join(dir, 'genesis.json'));
    const head = fs.readFileSync(out).length;
    assert.match(await ok('import', '--datadir', again, theirs), new RegExp(`head ${name === 'cancun9' ? 9 : 3} `));
    await ok('export', '--datadir', again, path.join(dir, 'again.rlp'), '1');
    assert.equal(fs.readFileSync(path.join(dir, 'again.rlp')).length, head);
    assert.deepEqual(fs.readFileSync(path.join(dir, 'again.rlp')), fs.readFileSync(out));
    fs.rmSync(dir, { recursive: true });
  });
}

test('an import that is cut off goes on where it was, also after kill -9', { timeout: 300000 }, async () => {
  let state = seed;
  const random = (n) => { state = (state * 1103515245 + 12345) & 0x7fffffff; return state % n; };
  const dir = h.scratch(), data = path.join(dir, 'data'), { raw, head, genesis } = await chain(dir, 240, 12);
  const half = path.join(dir, 'a.rlp'), rest = path.join(dir, 'b.rlp.gz');
  fs.writeFileSync(half, Buffer.concat(raw.slice(0, 150)));
  fs.writeFileSync(rest, zlib.gzipSync(Buffer.concat(raw.slice(150))));
  await ok('init', '--datadir', data, '--genesis', genesis);
  let kills = 0, last = 0, ended = false;
  for (; kills < 12 && !ended; kills++) {
    const program = new h.Program(file, ['import', '--datadir', data, half, rest]);
    await Promise.race([program.ended, h.sleep(30 + random(250))]);
    ended = !program.running;
    const signal = random(4) ? 'SIGKILL' : 'SIGINT';
    if (!ended && signal === 'SIGINT') await program.listens('SIGINT');
    ended = !program.running;
    const code = await program.stop(signal);
    if (!ended && signal === 'SIGINT' && code !== 0) {
      assert.equal(code, 1, program.output);
      assert.match(program.output, /interrupted after block \d+; the same command goes on from there/);
    }
    const now = await headOf(data); // opens, and every block up to the head can be read
    assert.ok(now >= last, `SEED=${seed}: ${now} after ${last}`);
    last = now;
  }
  console.log(`${kills} cut off, ${last} blocks by then`);
  await ok('import', '--datadir', data, half, rest);
  const node = await h.fanatico(['--datadir', data, '--no-mining', '--silent']);
  const told = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.equal(told.hash, head.hash);
  assert.equal(BigInt(await h.rpc(node.http, 'eth_getBalance', ['0x00000000000000000000000000000000000003e9', 'latest'])), 1n);
  await h.rpc(node.http, 'evm_mine');
  assert.equal(Number(await h.rpc(node.http, 'eth_blockNumber')), 241);
  assert.equal(await node.stop(), 0);
  fs.rmSync(dir, { recursive: true });
});

test('a bad block stops the import with its number and the reason, and what came before is kept', { timeout: 60000 }, async () => {
  const dir = h.scratch(), data = path.join(dir, 'data'), { raw, genesis } = await chain(dir, 20, 3), name = path.join(dir, 'bad.rlp');
  const bad = raw.map((b) => Buffer.from(b)); // any byte of a header will do: block 13's parent hash says it is another's child
  bad[12][8] ^= 1;
  fs.writeFileSync(name, Buffer.concat(bad));
  await ok('init', '--datadir', data, '--genesis', genesis);
  const got = await run('import', '--datadir', data, name);
  assert.equal(got.code, 1);
  assert.match(got.output, /bad\.rlp: block 13: unknown ancestor: the head is block 12/);
  assert.equal(await headOf(data), 12);
  fs.writeFileSync(name, Buffer.concat(raw));
  assert.match(await ok('import', '--datadir', data, name), /imported 8 blocks, head 20/);
  fs.rmSync(dir, { recursive: true });
});

// The thread that reads ahead passes by what the chain has: what it will have had by then it cannot know, so how far it was when the second copy
// began differed from run to run.
test('a file that holds its blocks twice imports once', { timeout: 60000 }, async () => {
  const dir = h.scratch(), { raw, head, genesis } = await chain(dir, 120, 6), name = path.join(dir, 'twice.rlp');
  fs.writeFileSync(name, Buffer.concat([...raw, ...raw]));
  for (let i = 0; i < 4; i++) {
    const data = path.join(dir, `data${i}`);
    await ok('init', '--datadir', data, '--genesis', genesis);
    assert.match(await ok('import', '--datadir', data, name), /imported 120 blocks, head 120/);
  }
  assert.equal(Number(head.number), 120);
  fs.rmSync(dir, { recursive: true });
});

test('what is wrong is said', { timeout: 60000 }, async () => {
  const dir = h.scratch(), data = path.join(dir, 'data');
  for (const [args, code, words] of [
    [['import', 'x.rlp'], 2, /--datadir: which folder\?/],
    [['import', '--datadir', data], 2, /which file\?/],
    [['import', '--datadir', data, 'x.rlp'], 2, /fanatico init --datadir/],
    [['export', '--datadir', data, 'x.rlp'], 2, /fanatico init --datadir/],
    [['export', '--datadir', data, 'x.rlp', 'one'], 2, /FIRST: "one" is not a block number/],
    [['export', '--datadir', data], 2, /FILE \[FIRST \[LAST\]\] is wanted/],
  ]) {
    const got = await run(...args);
    assert.equal(got.code, code, got.output);
    assert.match(got.output, words);
  }
  await ok('init', '--datadir', data, '--genesis', path.join(shared, 'shanghai3/genesis.json'));
  for (const [args, words] of [
    [['import', '--datadir', data, path.join(dir, 'none.rlp')], /none\.rlp: No such file or directory/],
    [['import', '--datadir', data, dir], /Is a directory/],
    [['export', '--datadir', data, path.join(dir, 'o.rlp'), '5'], /blocks 5 to 0: the chain has 0 to 0/],
    [['export', '--datadir', data, path.join(dir, 'none', 'o.rlp')], /genesis\.json: No such file or directory/],
    [['import', '--datadir', data, path.join(shared, 'cancun9/chain.rlp')], /block 1: unknown ancestor/],
  ]) {
    const got = await run(...args);
    assert.equal(got.code, 1, got.output);
    assert.match(got.output, words);
  }
  assert.ok(!fs.existsSync(path.join(dir, 'o.rlp')) && !fs.existsSync(path.join(dir, 'o.rlp.part')));
  fs.writeFileSync(path.join(dir, 'genesis.json'), '{}');
  const got = await run('export', '--datadir', data, path.join(dir, 'o.rlp'));
  assert.equal(got.code, 1);
  assert.match(got.output, /genesis\.json is there already and says something else/);
  // The same words laid out otherwise say the same: whoever exports beside the file that the chain was made from keeps it.
  const laid = path.join(dir, 'laid');
  fs.mkdirSync(laid);
  assert.equal((await run('export', '--datadir', data, path.join(laid, 'o.rlp'))).code, 0);
  const otherwise = JSON.stringify(JSON.parse(fs.readFileSync(path.join(laid, 'genesis.json'), 'utf8')), null, 2);
  fs.writeFileSync(path.join(laid, 'genesis.json'), otherwise);
  const again = await run('export', '--datadir', data, path.join(laid, 'o.rlp'));
  assert.equal(again.code, 0, again.output);
  assert.equal(fs.readFileSync(path.join(laid, 'genesis.json'), 'utf8'), otherwise);
  fs.rmSync(dir, { recursive: true });
});

// The index of logs is on disk: after a restart a query is answered from it, and it is right behind a reorg.
test('logs are found again after a restart', { timeout: 60000 }, async () => {
  const dir = h.scratch(), data = path.join(dir, 'data');
  const args = ['--datadir', data, '--timestamp', '1750000000', '--silent'];
  let node = await h.fanatico(args);
  const deploy = await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], data: '0x60118060095f395ff35f356001602a5fa260015f5260205fa000' }]);
  const { contractAddress: address } = await h.rpc(node.http, 'eth_getTransactionReceipt', [deploy]);
  for (let i = 0; i < 300; i++) await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: i % 100 === 7 ? address : h.ACCOUNTS[1], gas: '0x20000', data: `0x${i.toString(16).padStart(64, '0')}` }]);
  const query = [{ fromBlock: '0x0', toBlock: 'latest', address }];
  const before = await h.rpc(node.http, 'eth_getLogs', query);
  assert.ok(before.length >= 3, JSON.stringify(before));
  assert.equal(await node.stop(), 0);
  node = await h.fanatico(args);
  assert.deepEqual(await h.rpc(node.http, 'eth_getLogs', query), before);
  assert.deepEqual(await h.rpc(node.http, 'eth_getLogs', [{ ...query[0], topics: [before[0].topics[0]] }]), before.filter((l) => l.topics[0] === before[0].topics[0]));
  assert.deepEqual(await h.rpc(node.http, 'eth_getLogs', [{ ...query[0], topics: [`0x${'11'.repeat(32)}`] }]), []);
  await h.rpc(node.http, 'anvil_rollback', [100]);
  const left = before.filter((l) => Number(l.blockNumber) <= 201);
  assert.ok(left.length < before.length);
  assert.deepEqual(await h.rpc(node.http, 'eth_getLogs', query), left);
  assert.equal(await node.stop(), 0);
  node = await h.fanatico(args);
  assert.deepEqual(await h.rpc(node.http, 'eth_getLogs', query), left);
  assert.equal(await node.stop(), 0);
  fs.rmSync(dir, { recursive: true });
});
