// The feed of fanatico ws under feeders that are rude: endless lines, junk, answers nobody reads, too many at once, and an end in the middle of it.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const h = require('../lib/harness.cjs');

const LINE_MAX = 16 * 2 ** 20, FEEDERS_MAX = 64;
const folder = h.scratch();
test.after(() => fs.rmSync(folder, { recursive: true }));
const hash = (n) => '0x01' + n.toString(16).padStart(62, '0');
const block = (n, more = {}) => JSON.stringify({ hook: 'on_new_block', arg: { number: n, hash: hash(n), parentHash: hash(n - 1), ...more } }) + '\n';

async function onInput() {
  const ready = path.join(folder, `ready${process.hrtime.bigint()}`);
  const child = spawn(path.join(h.bin, 'fanatico'), ['ws', '--ws-host', '127.0.0.1', '--ws-port', '0', '--silent', '--ready-file', ready], { stdio: ['pipe', 'pipe', 'pipe'] });
  const told = { out: '', err: '' };
  child.stdout.on('data', (d) => (told.out += d));
  child.stderr.on('data', (d) => (told.err += d));
  child.stdin.on('error', () => {});
  const ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
  await h.until('the ready file', () => fs.existsSync(ready) || child.exitCode !== null);
  const client = await h.Socket.open(`ws://127.0.0.1:${JSON.parse(fs.readFileSync(ready)).ws_port}`);
  const heads = await client.call('eth_subscribe', ['newHeads']);
  return { child, told, client, say: (bytes) => child.stdin.write(bytes), answers: () => told.out.split('\n').filter(Boolean).map((l) => JSON.parse(l)), numbers: () => client.of(heads).map((b) => Number(b.number)),
    end: () => { child.kill('SIGTERM'); return ended; } };
}
const feeding = async (feed) => {
  const socket = net.connect(feed);
  socket.told = '';
  socket.on('data', (d) => (socket.told += d));
  socket.over = new Promise((done) => socket.on('close', done));
  socket.on('error', () => {});
  await new Promise((done) => socket.once('connect', done));
  return socket;
};

test('junk of every kind is answered with its number and reason, and the next line is taken', { timeout: 60000 }, async () => {
  const one = await onInput();
  const junk = [
    ['\u0000\u0001\u0002', /^byte 0/], [Buffer.from([0xff, 0xfe, 0x80, 0xc0]), /^byte 0/], ['[]', /^hook: a name/], ['{"hook":"on_new_block"}', /^arg: is missing/], ['{"hook":7,"arg":{}}', /^hook: a name/],
    ['{"hook":"on_new_block","arg":null}', /^block: /], ['{"hook":"on_new_block\\u0000","arg":{}}', /^hook: .* is none of/], ['{"hook":"on_logs","arg":"x"}', /^logs/], ['['.repeat(100), /^byte \d+/],
    ['{"hook":"on_new_block","arg":{"number":1,"hash":"0x12","parentHash":"0x34"}}', /^block: .*32 bytes/], [`{"hook":"${'x'.repeat(100000)}","arg":1}`, /^hook: "x{59} is none of/],
    [Buffer.from('{"hook":"on_pending_transaction","arg":"\xff"}', 'latin1'), /./], ['{"hook":"on_syncing","arg":[]}', /^syncing/], ['{"hook":"on_syncing","arg":false} {}', /^byte/],
  ];
  for (const [line] of junk) { one.say(line); one.say('\r\n'); }
  one.say('\n\r\n'); // empty lines are nothing, but they count
  one.say(block(1));
  one.say('what?\n');
  await h.until('the answers', () => one.answers().length === junk.length + 1);
  for (const [i, [line, words]] of junk.entries()) {
    assert.equal(one.answers()[i].line, i + 1);
    assert.match(one.answers()[i].error, words, String(line).slice(0, 60));
  }
  assert.equal(one.answers().at(-1).line, junk.length + 4);
  await h.until('the block', () => one.numbers().length);
  one.client.close();
  assert.equal(await one.end(), 0);
});

test('a line of 16 MiB is taken, a longer one passed over, wherever it is cut; the next one is taken', { timeout: 120000 }, async () => {
  const one = await onInput();
  const filled = (length) => { const rest = block(1, { note: '' }); return rest.replace('"note":""', `"note":"${'x'.repeat(length + 1 - rest.length)}"`); };
  assert.equal(filled(LINE_MAX).length, LINE_MAX + 1); // and its end
  one.say(filled(LINE_MAX));
  one.say(filled(LINE_MAX + 1));
  one.say('y'.repeat(3 * LINE_MAX));
  one.say(`z\n${block(2)}`);
  await h.until('both blocks', () => one.numbers().length === 2, 60000);
  assert.deepEqual(one.numbers(), [1, 2]);
  assert.deepEqual(one.answers(), [2, 3].map((line) => ({ line, error: 'the line is too long: at most 16777216 bytes' })));
  one.client.close();
  assert.equal(await one.end(), 0);
});

test('a line may come a byte at a time, and the last one without its end', { timeout: 60000 }, async () => {
  const one = await onInput();
  for (const byte of Buffer.from(block(1))) await new Promise((done) => one.child.stdin.write(Buffer.from([byte]), done));
  one.say(block(2).trimEnd());
  one.child.stdin.end();
  await h.until('both', () => one.numbers().length === 2);
  assert.deepEqual(one.answers(), []);
  assert.equal(await one.client.call('eth_blockNumber'), '0x2', 'the server goes on without its input');
  assert.equal(await one.end(), 0);
  assert.deepEqual(await one.client.closed, { code: 1001, reason: (await one.client.closed).reason });
});

test('64 feeders at once, the next is told; a feeder that reads no answers holds up nobody, not even the end', { timeout: 60000 }, async () => {
  const feed = path.join(folder, 'many.sock');
  const node = await h.fanatico(['--ws-host', '127.0.0.1', '--ws-port', '0', '--feed', feed], { command: 'ws', ports: false });
  const client = await h.Socket.open(node.ws);
  const heads = await client.call('eth_subscribe', ['newHeads']);
  const feeders = await Promise.all(Array.from({ length: FEEDERS_MAX }, () => feeding(feed)));
  for (const [i, f] of feeders.entries()) f.write(block(i === 0 ? 1 : 0, i === 0 ? {} : { parentHash: 'no' })); // each has its thread when it is answered
  await h.until('their answers', () => feeders.slice(1).every((f) => f.told));
  const late = await feeding(feed);
  await late.over;
  assert.deepEqual(JSON.parse(late.told), { line: 0, error: 'too many feeders' });
  feeders.pop().destroy();
  let again;
  await h.until('a free place', async () => { again = await feeding(feed); again.write(block(2)); return client.of(heads).some((b) => b.number === '0x2') || (await Promise.race([again.over, h.sleep(200)]), client.of(heads).some((b) => b.number === '0x2')); });

  const rude = feeders[1];
  rude.pause();
  rude.write('what?\n'.repeat(200000)); // its answers fill the socket, then its thread waits
  again.write(block(3));
  await h.until('another feeder\'s block', () => client.of(heads).some((b) => b.number === '0x3'));
  client.close();
  assert.equal(await node.stop(), 0);
  assert.ok(!fs.existsSync(feed));
});

test('SIGTERM: what was told before has arrived, then 1001', { timeout: 60000 }, async () => {
  const feed = path.join(folder, 'drain.sock');
  const node = await h.fanatico(['--ws-host', '127.0.0.1', '--ws-port', '0', '--feed', feed], { command: 'ws', ports: false });
  const client = await h.Socket.open(node.ws);
  const heads = await client.call('eth_subscribe', ['newHeads']);
  const feeder = await feeding(feed);
  for (let n = 1; n <= 500; n++) feeder.write(block(n));
  feeder.write('done?\n');
  await h.until('the answer behind them', () => feeder.told);
  assert.equal(await node.stop(), 0);
  assert.equal((await client.closed).code, 1001);
  assert.deepEqual(client.of(heads).map((b) => Number(b.number)), Array.from({ length: 500 }, (_, i) => i + 1));
});
