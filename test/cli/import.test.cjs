// --import: gzip'd files, a chain that grows while clients are served and says so, blocks that are none.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const file = path.join(h.bin, 'fanatico');
const stamp = ['--timestamp', '1750000000'];

// Blocks 1 … count of a chain with a transfer in each, raw.
async function blocks(count) {
  const node = await h.fanatico([...stamp, '--silent']);
  for (let i = 0; i < count; i++) await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  const raw = [];
  for (let n = 1; n <= count; n++) raw.push(Buffer.from((await h.rpc(node.http, 'debug_getRawBlock', [`0x${n.toString(16)}`])).slice(2), 'hex'));
  const head = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.equal(await node.stop(), 0);
  return { raw, head };
}

test('a gzip’d file imports to the same head, and says how fast', async () => {
  const dir = h.scratch(), { raw, head } = await blocks(20), name = path.join(dir, 'chain.rlp.gz');
  fs.writeFileSync(name, zlib.gzipSync(Buffer.concat(raw)));
  const node = await h.fanatico([...stamp, '--import', name]);
  assert.equal((await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false])).hash, head.hash);
  assert.equal((await h.rpc(node.http, 'eth_getBlockByNumber', ['finalized', false])).hash, head.hash);
  assert.match(node.output, /imported 20 blocks, head 20 \([\d.]+ s, \d+ blocks\/s, [\d.]+ Mgas\/s\)/);
  await h.rpc(node.http, 'evm_mine'); // the chain goes on from there
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), '0x15');
  assert.equal(await node.stop(), 0);
  fs.writeFileSync(name, fs.readFileSync(name).subarray(0, -30));
  const cut = new h.Program(file, ['--port', '0', '--silent', ...stamp, '--import', name]);
  assert.equal(await cut.ended, 2);
  assert.match(cut.output, /chain\.rlp\.gz: after block \d+, at byte \d+: not a block: the compressed file is cut short/);
  fs.rmSync(dir, { recursive: true });
});

test('while it imports the server answers, says that it syncs, and seals nothing', async () => {
  const dir = h.scratch(), { raw, head } = await blocks(12), pipe = path.join(dir, 'pipe'), port = await h.freePort();
  execFileSync('mkfifo', [pipe]);
  const ready = path.join(dir, 'ready.json');
  const program = new h.Program(file, ['--port', String(port), '--silent', ...stamp, '--import', pipe, '--ready-file', ready]);
  const url = `http://127.0.0.1:${port}`;
  const writer = fs.createWriteStream(pipe);
  await h.until('the server to answer', () => h.rpc(url, 'eth_blockNumber').catch(() => null));
  const socket = await h.Socket.open(`ws://127.0.0.1:${port}`);
  assert.equal(await h.rpc(url, 'eth_syncing'), false); // nothing has come yet
  const syncing = await socket.call('eth_subscribe', ['syncing']), heads = await socket.call('eth_subscribe', ['newHeads']);
  writer.write(Buffer.concat(raw.slice(0, 7)));
  await h.until('seven blocks', async () => (await h.rpc(url, 'eth_blockNumber')) === '0x7');
  const state = await h.rpc(url, 'eth_syncing');
  assert.equal(state.startingBlock, '0x0');
  assert.ok(Number(state.highestBlock) >= Number(state.currentBlock) || state.highestBlock === undefined, JSON.stringify(state));
  const sent = await h.rpc(url, 'eth_sendTransaction', [{ from: h.ACCOUNTS[2], to: h.ACCOUNTS[1], value: '0x1' }]);
  assert.equal(await h.rpc(url, 'eth_getTransactionReceipt', [sent]), null); // it waits
  await assert.rejects(h.rpc(url, 'evm_mine'), /blocks are being imported/);
  assert.ok(!fs.existsSync(ready));
  writer.end(Buffer.concat(raw.slice(7)));
  await h.until('the ready file', () => fs.existsSync(ready));
  assert.equal(await h.rpc(url, 'eth_syncing'), false);
  assert.equal((await h.rpc(url, 'eth_getBlockByNumber', ['0xc', false])).hash, head.hash);
  const receipt = await h.until('what was sent meanwhile', () => h.rpc(url, 'eth_getTransactionReceipt', [sent]));
  assert.equal(receipt.blockNumber, '0xd');
  await h.until('thirteen headers', () => socket.of(heads).length === 13);
  assert.deepEqual(socket.of(heads).map((head) => Number(head.number)), Array.from({ length: 13 }, (_, i) => i + 1));
  const states = socket.of(syncing).map((s) => (typeof s === 'object' ? s.syncing : s));
  assert.deepEqual(states, [false, true, false]);
  socket.close();
  assert.equal(await program.stop(), 0);
  fs.rmSync(dir, { recursive: true });
});

test('another chain’s genesis block and blocks without a parent are told', async () => {
  const dir = h.scratch(), { raw } = await blocks(3), name = path.join(dir, 'chain.rlp');
  const other = await h.fanatico(['--timestamp', '1700000000', '--silent']);
  const genesis = Buffer.from((await h.rpc(other.http, 'debug_getRawBlock', ['0x0'])).slice(2), 'hex');
  await other.stop();
  for (const [bytes, words] of [[[genesis, ...raw], /block 0: the file begins with another chain's genesis block/], [[raw[1]], /block 2: unknown ancestor: the head is block 0/],
    [[raw[0], Buffer.from('hello')], /after block 1, at byte \d+: not a block: no RLP list begins there/]]) {
    fs.writeFileSync(name, Buffer.concat(bytes));
    const program = new h.Program(file, ['--port', '0', '--silent', ...stamp, '--import', name]);
    assert.equal(await program.ended, 2);
    assert.match(program.output, words);
  }
  fs.rmSync(dir, { recursive: true });
});
