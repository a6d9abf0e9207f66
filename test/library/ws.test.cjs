// fanatico ws: the standalone server, told by lines on standard input or a Unix socket, with another node behind it for methods.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { WebSocketProvider, ethers } = require('ethers');
const WebSocket = require('ws');

const folder = h.scratch();
test.after(() => fs.rmSync(folder, { recursive: true }));
let count = 0;

async function standalone(args = [], { env = {}, stdin = 'pipe' } = {}) {
  const ready = path.join(folder, `ready${++count}`);
  const child = spawn(path.join(h.bin, 'fanatico'), ['ws', '--ws-host', '127.0.0.1', '--ws-port', '0', '--ready-file', ready, ...args], { stdio: [stdin, 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let out = '', err = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (err += d));
  const ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
  await h.until('the ready file', () => fs.existsSync(ready) || child.exitCode !== null);
  assert.equal(child.exitCode, null, err);
  const ports = JSON.parse(fs.readFileSync(ready));
  return { ws: `ws://127.0.0.1:${ports.ws_port}`, ports, child, say: (line) => child.stdin.write(line + '\n'), out: () => out, err: () => err,
    stop: () => { child.kill('SIGTERM'); return ended; } };
}
const hash = (n) => '0x01' + n.toString(16).padStart(62, '0');
const block = (n) => JSON.stringify({ hook: 'on_new_block', arg: { number: n, hash: hash(n), parentHash: hash(n - 1), timestamp: 1700000000 + n } });

test('lines on standard input; a wrong one is answered with its number and why; the input\'s end ends nobody', async () => {
  const one = await standalone();
  const provider = new WebSocketProvider(one.ws);
  assert.equal((await provider.getNetwork()).chainId, 31337n);
  const blocks = [];
  await provider.on('block', (n) => blocks.push(n));
  await provider.send('eth_chainId', []); // answered behind the subscription, which on() does not wait for
  one.say(block(1));
  one.say('what?');
  one.say('{"hook":"on_new_block","arg":{"number":2}}');
  one.say(block(2));
  one.child.stdin.end();
  await h.until('two blocks', () => blocks.length === 2);
  assert.deepEqual(blocks, [1, 2]);
  await h.until('two answers', () => one.out().split('\n').length > 2);
  const answers = one.out().trim().split('\n').map(JSON.parse);
  assert.deepEqual(answers.map((a) => a.line), [2, 3]);
  assert.match(answers[1].error, /^block: hash: is missing$/);
  assert.equal(await provider.send('eth_blockNumber', []), '0x2');
  assert.deepEqual(await provider.send('rpc_modules', []), { eth: '1.0', fanatico: '1.0', net: '1.0', rpc: '1.0', web3: '1.0' }); // geth attach wants it
  await assert.rejects(provider.send('eth_getBalance', [h.ACCOUNTS[0], 'latest']), /-32601|does not exist|not found/i);
  await provider.destroy();
  assert.equal(await one.stop(), 0);
  assert.match(one.err(), /fanatico ws: ws:\/\/127\.0\.0\.1:\d+, hooks from standard input/);
});

test('a Unix socket for several processes, and a node upstream for every other method', async () => {
  const node = await h.fanatico([]);
  const feed = path.join(folder, 'feed.sock');
  const one = await standalone(['--feed', feed, '--upstream-http', node.http], { stdin: 'ignore' });
  const provider = new WebSocketProvider(one.ws);
  assert.equal(await provider.getBalance(h.ACCOUNTS[0]), ethers.parseEther('10000'));
  await assert.rejects(provider.send('eth_nonsense', []), /eth_nonsense/);
  const blocks = [];
  await provider.on('block', (n) => blocks.push(n));
  await provider.send('eth_chainId', []); // answered behind the subscription, which on() does not wait for
  const feeders = await Promise.all([0, 1, 2].map(async () => {
    const socket = net.connect(feed);
    await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
    return socket;
  }));
  for (let n = 1; n <= 50; n++) for (const f of feeders) f.write(block(n) + '\n');
  await h.until('fifty blocks', () => blocks.length >= 50);
  await h.sleep(100);
  assert.deepEqual(blocks, [...Array(50)].map((_, i) => i + 1), 'three told each block, subscribers heard it once');
  const answer = new Promise((done) => feeders[0].once('data', (d) => done(JSON.parse(d))));
  feeders[0].write('{}\n');
  assert.deepEqual(await answer, { line: 51, error: 'hook: a name was expected' });
  const second = spawn(path.join(h.bin, 'fanatico'), ['ws', '--ws-port', '0', '--ws-host', '127.0.0.1', '--feed', feed], { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  second.stderr.on('data', (d) => (words += d));
  assert.equal(await new Promise((done) => second.on('exit', done)), 2);
  assert.match(words, /feed\.sock: another process listens there/);
  for (const f of feeders) f.destroy();
  await provider.destroy();
  assert.equal(await one.stop(), 0);
  assert.equal(fs.existsSync(feed), false);
  await node.stop();
});

test('a socket left over from a killed process is taken over; a file that is none is not', async () => {
  const feed = path.join(folder, 'again.sock');
  const one = await standalone(['--feed', feed], { stdin: 'ignore' });
  one.child.kill('SIGKILL');
  await h.until('its end', () => one.child.exitCode !== null || one.child.signalCode);
  assert.ok(fs.existsSync(feed));
  const two = await standalone(['--feed', feed], { stdin: 'ignore' });
  assert.equal(await two.stop(), 0);
  fs.writeFileSync(feed, 'mine');
  const program = new h.Program(path.join(h.bin, 'fanatico'), ['ws', '--ws-port', '0', '--ws-host', '127.0.0.1', '--feed', feed]);
  assert.equal(await program.ended, 2);
  assert.match(program.output, /there is a file that is no socket/);
  assert.equal(fs.readFileSync(feed, 'utf8'), 'mine');
});

test('the seed\'s parameters, as variables and as flags', async () => {
  const one = await standalone([], { env: { MAX_SUBSCRIPTIONS_PER_CONNECTION: '1' } });
  const provider = new WebSocketProvider(one.ws);
  await provider.send('eth_subscribe', ['newHeads']);
  await assert.rejects(provider.send('eth_subscribe', ['newHeads']), /-32000|subscription/i);
  await provider.destroy();
  await one.stop();
});

test('options that do not fit are told as they were typed; an empty --feed is standard input', async () => {
  const upstream = new h.Program(path.join(h.bin, 'fanatico'), ['ws', '--ws-port', '0', '--ws-host', '127.0.0.1', '--upstream-http', 'nonsense']);
  assert.equal(await upstream.ended, 2);
  assert.match(upstream.output, /^fanatico: --upstream-http: it begins with none of/);
  for (const [args, words] of [
    [['--tls-cert', 'x'], '--tls-key: which file? --tls-cert needs it'], [['--tls-key', 'x'], '--tls-cert: which file? --tls-key needs it'],
    [['--proxy-protocol'], '--proxy-protocol: from whom? --trusted-proxies names the proxies'], [['--metrics-access', 'ws_port'], '--metrics-access: "ws_port" is not loopback, all or none'],
    [['--rpc-batch-response-max-size', '3G'], '--rpc-batch-response-max-size: at most 2000000000'], [['--authrpc.jwtsecret', 'nowhere'], '--jwt-secret: nowhere: No such file or directory'],
  ]) {
    const wrong = new h.Program(path.join(h.bin, 'fanatico'), ['ws', '--check-config', ...args]);
    assert.equal(await wrong.ended, 2);
    assert.equal(wrong.output.trim().slice(0, 10 + words.length), `fanatico: ${words}`);
  }
  const one = await standalone(['--feed', '']);
  one.say('what?');
  await h.until('an answer', () => one.out());
  assert.match(one.err(), /hooks from standard input/);
  assert.equal(await one.stop(), 0);
});

test('limits of batches and replies, a port for metrics, /readyz while it waits to end', async () => {
  const one = await standalone(['--rpc-batch-request-limit', '2', '--rpc-batch-response-max-size', '20K', '--metrics', '--metrics-port', '0', '--metrics-access', 'none',
    '--drain-delay', '60', '--log-format', 'json', '--log-level', 'info', '--ws.addr', '127.0.0.1']);
  const socket = new WebSocket(one.ws);
  await new Promise((done) => (socket.onopen = done));
  const ask = (value) => { socket.send(JSON.stringify(value)); return new Promise((done) => (socket.onmessage = (e) => done(JSON.parse(e.data)))); };
  const item = (method, ...params) => ({ jsonrpc: '2.0', id: 1, method, params });
  assert.equal((await ask([item('eth_chainId'), item('eth_chainId')])).length, 2);
  assert.equal((await ask([item('eth_chainId'), item('eth_chainId'), item('eth_chainId')])).error.code, -32600);
  for (let n = 1; n <= 60; n++) one.say(block(n));
  await h.until('sixty blocks', async () => (await ask(item('eth_blockNumber'))).result === '0x3c');
  const logs = [...Array(200)].map((_, i) => ({ address: '0x' + '11'.repeat(20), topics: [], data: '0x' + 'ab'.repeat(100), blockNumber: 61, logIndex: i }));
  const filter = (await ask(item('eth_newFilter', {}))).result;
  one.say(JSON.stringify({ hook: 'on_logs', arg: logs }));
  one.say(block(61));
  await h.until('the next', async () => (await ask(item('eth_blockNumber'))).result === '0x3d');
  assert.equal((await ask(item('eth_getFilterChanges', filter))).error.code, -32003);
  const metrics = `http://127.0.0.1:${one.ports.metrics_port}`;
  await h.until('the line of the log', () => one.err().includes(`"metrics_port":${one.ports.metrics_port},`));
  assert.match(await (await fetch(`${metrics}/metrics`)).text(), /^fanatico_connections{/m);
  assert.equal((await fetch(one.ws.replace('ws:', 'http:') + '/metrics')).status, 403);
  assert.equal((await fetch(`${metrics}/readyz`)).status, 200);
  one.child.kill('SIGTERM');
  await h.until('readyz to say no', async () => (await fetch(`${metrics}/readyz`)).status === 503);
  assert.equal((await ask(item('eth_blockNumber'))).result, '0x3d', 'all else goes on');
  assert.equal(await one.stop(), 0); // the second signal ends the wait
});
