// The log of the real binary: for people and as JSON, what is told and to whom, and that nobody from outside writes in it.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const h = require('../lib/harness.cjs');
const { scrape } = require('./scrape.cjs');

const TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) \w+ +\S/;
const lines = (text) => text.split('\n').filter(Boolean);
/** Every line is one object; those of that area and message. */
const objects = (text, area, message) => lines(text).map((l) => JSON.parse(l)).filter((o) => (!area || o.area === area) && (!message || o.message === message));

test('as JSON every line is an object with time, level, area, message; from the start to the end', async () => {
  const node = await h.fanatico(['--log-format', 'json', '--log-level', 'info']);
  const s = await h.Socket.open(node.ws);
  await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  assert.equal(await node.stop(), 0);
  assert.equal((await s.closed).code, 1001);
  for (const o of objects(node.output)) {
    assert.match(o.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(['error', 'warn', 'info', 'debug'].includes(o.level));
    assert.ok(o.area && o.message);
  }
  const [ready] = objects(node.output, 'server', 'ready');
  assert.equal(ready.http_port, node.httpPort);
  assert.equal(ready.ws_port, node.wsPort);
  assert.equal(ready.process, node.child.pid);
  const [block] = objects(node.output, 'chain', 'block');
  assert.equal(block.number, 1);
  assert.match(block.hash, /^0x[0-9a-f]{64}$/);
  const [end] = objects(node.output, 'server', 'ending');
  assert.deepEqual([end.level, end.signal, end.process], ['warn', 'SIGTERM', process.pid]);
  assert.equal(objects(node.output, 'server', 'draining')[0].ws, 1);
  assert.equal(objects(node.output, 'server', 'drained')[0].ws_left, 0);
});

test('--log-level: each says what it should; wrong words are refused with what would fit', async () => {
  for (const [level, ready, ending] of [['info', true, true], ['warn', false, true], ['error', false, false]]) {
    const node = await h.fanatico(['--silent', '--log-level', level]);
    assert.equal(await node.stop(), 0);
    assert.equal(/ server {2}ready /.test(node.output), ready, `${level}: ${node.output}`);
    assert.equal(/ server {2}ending /.test(node.output), ending, `${level}: ${node.output}`);
    for (const line of lines(node.output)) assert.match(line, TEXT);
  }
  for (const [args, says] of [[['--log-level', 'loud'], /--log-level: "loud" is not error, warn, info or debug/], [['--log-format', 'xml'], /--log-format: "xml" is not text or json/],
    [['--log-file', '/nowhere/at/all.log'], /--log-file: \/nowhere\/at\/all\.log: No such file or directory/]]) {
    const refused = new h.Program(path.join(h.bin, 'fanatico'), ['dev', '--http-port', '0', '--ws-port', '0', ...args]);
    assert.equal(await refused.ended, 2);
    assert.match(refused.output, says);
  }
});

test('--log-file: lines go there, and after it was moved away SIGHUP begins another', async () => {
  const file = path.join(h.scratch(), 'node.log'), moved = file + '.1';
  const node = await h.fanatico(['--silent', '--log-level', 'info', '--log-file', file]);
  await h.until('a line', () => fs.readFileSync(file, 'utf8').includes('ready'));
  fs.renameSync(file, moved);
  node.child.kill('SIGHUP');
  await h.until('the other file', () => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('opened anew'));
  assert.equal(await node.stop(), 0);
  assert.match(fs.readFileSync(file, 'utf8'), / ending /);
  assert.doesNotMatch(fs.readFileSync(moved, 'utf8'), / ending /);
  assert.equal(node.output, '');
});

/** A subscriber that never reads: its socket is paused from the handshake on. */
async function stalled(node) {
  const s = await h.Socket.open(node.ws);
  await s.call('eth_subscribe', ['newPendingTransactions', true]);
  const port = s.ws._socket.localPort;
  s.ws._socket.pause();
  return { s, port };
}

/** Pending transactions with so much data that a reader who does not read is over its budget soon. */
async function flood(node, until) {
  await h.rpc(node.http, 'evm_setAutomine', [false]);
  for (let i = 0; i < 400 && !(await until()); i++) {
    await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], nonce: '0x' + i.toString(16), gas: '0x500000', data: '0x' + '11'.repeat(100000) }]);
  }
}

test('a slow reader: log and metrics say who and why, once when it is closed and once when it is reset (promise 3)', async () => {
  const node = await h.fanatico(['--silent', '--log-format', 'json', '--notify-memory', '256K', '--notify-linger', '1', '--gas-limit', '3000000000']);
  try {
    const { port } = await stalled(node);
    await flood(node, async () => objects(node.output, 'conn', 'slow reader closed').length > 0);
    const [closed] = objects(node.output, 'conn', 'slow reader closed');
    assert.deepEqual([closed.level, closed.peer, closed.reason], ['warn', `127.0.0.1:${port}`, 'memory']);
    assert.ok(closed.waiting > 256 * 1024);
    const reset = await h.until('the reset', () => objects(node.output, 'conn', 'slow reader reset')[0]);
    assert.deepEqual([reset.peer, reset.reason], [`127.0.0.1:${port}`, 'close not read']);
    const m = await scrape(node.http);
    assert.equal(m.value('fanatico_slow_readers_closed_total', { reason: 'memory' }), 1);
    assert.equal(m.value('fanatico_slow_readers_closed_total'), 1);
    assert.equal(m.value('fanatico_slow_readers_reset_total'), 1);
    assert.equal(m.value('fanatico_websockets_closed_total', { by: 'server', code: '1013' }), 1);
  } finally { await node.stop(); }
});

test('refusals are told together, once a second at most, however many they are; a hostile request writes no line', async () => {
  const node = await h.fanatico(['--silent', '--log-format', 'json', '--max-connections', '1', '--log-level', 'debug']);
  const one = await h.Socket.open(node.ws);
  const began = Date.now();
  const evil = 'evil"} \u001b[2J fake';
  for (let i = 0; i < 200; i++) {
    await h.Socket.open(node.ws, { headers: { 'user-agent': 'evil' } }).then(() => assert.fail('let in'), () => {});
    const s = net.connect(node.httpPort, '127.0.0.1');
    s.on('error', () => {});
    await once(s, 'connect');
    const origin = i % 2 ? `Origin: ${evil}\r\n` : ''; // every other one breaks HTTP
    s.end(`POST /evil HTTP/1.1\r\nHost: evil.example\r\n${origin}Content-Length: 0\r\n\r\n`);
    await once(s.resume(), 'close');
  }
  await h.until('the sums', () => objects(node.output, 'conn', 'refused').reduce((n, o) => n + o.limit, 0) === 200);
  const seconds = (Date.now() - began) / 1000, told = objects(node.output, 'conn', 'refused');
  assert.equal(told.reduce((n, o) => n + o.host, 0), 100);
  assert.ok(told.length <= seconds + 2, `${told.length} lines in ${seconds} s`);
  assert.ok(!node.output.includes('evil'));
  one.close();
  await node.stop();
  objects(node.output); // each line is one
});

test('a start that fails says why, as JSON too', async () => {
  const node = await h.fanatico(['--silent']);
  const second = new h.Program(path.join(h.bin, 'fanatico'), ['dev', '--http-port', String(node.httpPort), '--ws-port', '0', '--log-format', 'json']);
  assert.equal(await second.ended, 2);
  const [o] = objects(second.output, 'start', 'refused');
  assert.equal(o.level, 'error');
  assert.match(o.error, new RegExp(`127\\.0\\.0\\.1:${node.httpPort}: `));
  await node.stop();
});
