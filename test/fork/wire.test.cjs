// The way to the node below: TLS with certificates verified, headers and passwords, an idle connection that was closed, refusals and
// failures that pass, answers that are none; and the cache on disk, which makes a second run ask for next to nothing.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { authority } = require('../lib/certs.cjs');
const { call, fork, hex, inside, lay, send, token } = require('./ground.cjs');
const { ethers } = require('ethers');

let node, g, dir, certs;

/** A front for the node: counts calls, keeps headers, and misbehaves when told to. WebSockets go through as bytes. */
async function front({ tls, misbehave } = {}) {
  const f = { calls: {}, headers: [], connections: 0, n: 0 };
  const onRequest = (req, res) => {
    const body = [];
    req.on('data', (d) => body.push(d));
    req.on('end', async () => {
      const text = Buffer.concat(body).toString(), { method } = JSON.parse(text);
      f.calls[method] = (f.calls[method] || 0) + 1;
      f.headers.push(req.headers);
      if (misbehave && (await misbehave(++f.n, method, req, res, text))) return;
      try {
        const reply = await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text });
        res.setHeader('content-type', 'application/json');
        res.end(await reply.text()); // chunked or with a length, as Node likes
      } catch { res.destroy(); } // the node has been stopped, and so has whoever asked
    });
  };
  f.server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  const sockets = new Set();
  f.server.on('connection', (socket) => { f.connections++; sockets.add(socket); socket.on('close', () => sockets.delete(socket)); });
  f.server.on('upgrade', (req, socket, head) => {
    const up = net.connect(node.wsPort, '127.0.0.1', () => {
      f.headers.push(req.headers);
      const lines = Object.entries(req.headers).filter(([k]) => k !== 'host' && k !== 'authorization').map(([k, v]) => `${k}: ${v}`);
      up.write(`${req.method} ${req.url} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      up.write(head);
      up.pipe(socket).pipe(up);
    });
    up.on('error', () => socket.destroy());
    socket.on('error', () => up.destroy());
  });
  f.server.listen(0, '127.0.0.1');
  await new Promise((done) => f.server.on('listening', done));
  f.port = f.server.address().port;
  f.total = () => Object.values(f.calls).reduce((a, b) => a + b, 0);
  f.stop = () => { f.server.close(); for (const socket of sockets) socket.destroy(); };
  return f;
}

before(async () => {
  node = await h.fanatico(['--silent', '--chain-id', '7777']);
  g = await lay(node.http);
  dir = h.scratch();
  certs = authority(dir);
});
after(async () => { await node?.stop(); fs.rmSync(dir, { recursive: true, force: true }); });

/** A fork that must not come up; what it said. */
async function refused(args, env = {}) {
  const p = new h.Program(path.join(h.bin, 'fanatico'), ['dev', '--http-port', '0', '--ws-port', '0', '--ws-host', '127.0.0.1', '--no-storage-caching', '--retries', '1', '--fork-retry-backoff', '50', ...args], env);
  assert.equal(await p.ended, 2, p.output);
  return p.output.trim();
}
const works = async (n) => assert.equal((await call(n.http, g.token, token, 'balanceOf', [h.ACCOUNTS[1]]))[0], 400n);

for (const scheme of ['https', 'wss']) {
  test(`${scheme}: a certificate of an authority we trust, and no other`, { timeout: 120000 }, async (t) => {
    const good = await front({ tls: certs.good });
    t.after(() => good.stop());
    for (const host of ['localhost', '127.0.0.1']) {
      const ours = await fork(`${scheme}://${host}:${good.port}`, [], { env: { SSL_CERT_FILE: certs.ca } });
      await works(ours);
      assert.equal(await ours.stop(), 0);
    }
    assert.match(await refused(['--fork-url', `${scheme}://localhost:${good.port}`]), /^fanatico: --fork-url: \w+:\/\/localhost:\d+: eth_chainId: TLS: the certificate was refused: .*(local issuer|self.signed)/);
    const other = await front({ tls: certs.other });
    t.after(() => other.stop());
    assert.match(await refused(['--fork-url', `${scheme}://localhost:${other.port}`], { SSL_CERT_FILE: certs.ca }), /TLS: the certificate was refused: .*(hostname|Hostname) mismatch/i);
    assert.match(await refused(['--fork-url', `${scheme}://127.0.0.1:${other.port}`], { SSL_CERT_FILE: certs.ca }), /TLS: the certificate was refused: .*IP address mismatch/i);
    assert.equal(other.total(), 0, 'nothing was said to a stranger');
    const plain = await front();
    t.after(() => plain.stop());
    assert.match(await refused(['--fork-url', `${scheme}://localhost:${plain.port}`], { SSL_CERT_FILE: certs.ca }), /TLS: /);
  });
}

test('user, password and a header are sent, and not shown', { timeout: 60000 }, async (t) => {
  for (const scheme of ['http', 'ws']) {
    const f = await front();
    t.after(() => f.stop());
    const ours = await fork(`${scheme}://us%65r:s%40cret@127.0.0.1:${f.port}/ws?k=v`, ['--fork-header', 'X-Key: 12, 34']);
    await works(ours);
    assert.equal(f.headers[0].authorization, `Basic ${Buffer.from('user:s@cret').toString('base64')}`);
    assert.equal(f.headers[0]['x-key'], '12, 34');
    assert.equal((await h.rpc(ours.http, 'anvil_nodeInfo')).forkConfig.forkUrl, `${scheme}://127.0.0.1:${f.port}/ws?k=v`);
    assert.ok(!/cret/.test(ours.output));
    f.stop();
    await assert.rejects(h.rpc(ours.http, 'eth_getBalance', ['0x00000000000000000000000000000000000000bb']), (e) => !/cret/.test(e.message));
    await ours.stop();
  }
});

test('one connection serves many calls; one that was closed while idle is replaced', { timeout: 60000 }, async (t) => {
  const f = await front();
  t.after(() => f.stop());
  const ours = await fork(`http://127.0.0.1:${f.port}`, ['--retries', '0']);
  const before = f.total();
  assert.ok(before >= 10 && f.connections <= 2, `${before} calls, ${f.connections} connections`);
  f.server.closeIdleConnections();
  await h.sleep(50);
  await works(ours);
  await ours.stop();
});

test('a node below that is lost while we run, and one that is back, is a line of the log each', { timeout: 60000 }, async (t) => {
  const f = await front();
  t.after(() => f.stop());
  const ours = await fork(`http://127.0.0.1:${f.port}`, ['--retries', '0']);
  const balance = (n) => h.rpc(ours.http, 'eth_getBalance', [`0x${n.toString(16).padStart(40, '0')}`]);
  const lines = (words) => ours.output.split('\n').filter((line) => line.includes(words));
  await balance(0xb1);
  f.stop();
  for (let n = 0xb2; n < 0xb6; n++) await assert.rejects(balance(n), /Connection refused/);
  await h.until('the line', () => lines('does not answer').length);
  await new Promise((done) => f.server.listen(f.port, '127.0.0.1', done));
  for (let n = 0xb2; n < 0xb6; n++) assert.equal(await balance(n), '0x0');
  await h.until('the other', () => lines('answers again').length);
  assert.equal(lines('the node below').length, 2, ours.output);
  assert.match(lines('does not answer')[0], new RegExp(`warn  fork +the node below does not answer  url=http://127\\.0\\.0\\.1:${f.port} why="?.*Connection refused`));
  await ours.stop();
});

test('failures that pass: 429, 503, a broken connection, a rate limit inside JSON', { timeout: 60000 }, async (t) => {
  const f = await front({ misbehave: (n, method, req, res, text) => {
    if (n % 5 === 1) { res.writeHead(429, { 'retry-after': '0' }); res.end('slow down'); return true; }
    if (n % 5 === 2) { res.writeHead(503); res.end('<html>'); return true; }
    if (n % 5 === 3) { req.socket.destroy(); return true; }
    if (n % 5 === 4) { res.setHeader('content-type', 'application/json'); res.end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(text).id, error: { code: 429, message: 'Too Many Requests' } })); return true; }
    return false;
  } });
  t.after(() => f.stop());
  const ours = await h.fanatico(['--fork-url', `http://127.0.0.1:${f.port}`, '--silent', '--no-storage-caching', '--retries', '5', '--fork-retry-backoff', '1']);
  await works(ours);
  await ours.stop();
});

test('what is no answer is told as what it is', { timeout: 120000 }, async (t) => {
  const reply = (text) => (n, method, req, res) => { res.end(text); return true; };
  for (const [misbehave, words] of [
    [reply('hello'), /eth_chainId: its answer is no JSON/],
    [reply('{"jsonrpc":"2.0","id":1}'), /eth_chainId: its answer has neither result nor error/],
    [reply('{"jsonrpc":"2.0","id":1,"result":"many"}'), /eth_chainId: its result is not what it should be/],
    [reply('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}'), /eth_chainId: the method does not exist/],
    [(n, m, req, res) => { res.writeHead(401); res.end('who are you'); return true; }, /eth_chainId: HTTP status 401: who are you/],
    [(n, m, req, res) => { res.writeHead(500); res.end('<html><body>'); return true; }, /eth_chainId: HTTP status 500\n?$/],
    [(n, m, req) => { req.socket.end('SSH-2.0-OpenSSH\r\n'); return true; }, /eth_chainId: HTTP: it is no HTTP\/1.1 response/],
    [(n, m, req) => { req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'); return true; }, /eth_chainId: HTTP: the connection ended in the middle of it/],
    [(n, m, req, res, text) => m !== 'eth_chainId' && (res.end(`{"jsonrpc":"2.0","id":${JSON.parse(text).id},"result":{"number":"0x1"}}`), true), /its block has no sound "hash"/],
    [() => new Promise(() => {}), /eth_chainId: timed out/],
  ]) {
    const f = await front({ misbehave });
    t.after(() => f.stop());
    assert.match(await refused(['--fork-url', `http://127.0.0.1:${f.port}`, '--fork-timeout', '500ms']), words);
    f.stop();
  }
  const port = await h.freePort();
  const began = Date.now();
  assert.match(await refused(['--fork-url', `http://127.0.0.1:${port}`, '--retries', '5', '--fork-retry-backoff', '10000']), /eth_chainId: Connection refused/);
  assert.ok(Date.now() - began < 5000, 'nobody there is no reason to wait');
  assert.match(await refused(['--fork-url', 'http://no-such-host.invalid']), /the name no-such-host.invalid cannot be resolved/);
  assert.match(await refused(['--fork-url', 'localhost:8545']), /begins with none of http:\/\//);
  assert.match(await refused(['--fork-url', node.http, '--fork-block-number', '999']), /it has no block 999/);
  assert.match(await refused(['--fork-url', node.http, '--fork-header', 'no colon']), /is not "Name: value"/);
  assert.match(await refused(['--fork-block-number', '1']), /--fork-block-number: has a meaning beside --fork-url only/);
  assert.match(await refused(['--fork-url', node.http, '--genesis', '/dev/null']), /--genesis: the chain that --fork-url names decides it/);
  assert.match(await refused(['--fork-url', node.ws + '/nowhere']), /the WebSocket handshake was answered with HTTP status 404/);
});

test('a node without eth_getProof serves as well', { timeout: 60000 }, async (t) => {
  const f = await front({ misbehave: (n, method, req, res, text) => method === 'eth_getProof' &&
    (res.end(`{"jsonrpc":"2.0","id":${JSON.parse(text).id},"error":{"code":-32601,"message":"no such method"}}`), true) });
  t.after(() => f.stop());
  const ours = await fork(`http://127.0.0.1:${f.port}`);
  await works(ours);
  assert.equal(f.calls.eth_getProof, 1, 'asked once');
  await send(ours.http, { to: g.token, data: token.encodeFunctionData('transfer', [h.ACCOUNTS[2], 5n]) });
  await ours.stop();
});

test('a second run asks for next to nothing', { timeout: 120000 }, async (t) => {
  const f = await front();
  t.after(() => f.stop());
  const folder = path.join(dir, 'cache');
  const run = async () => {
    const before = f.total();
    const ours = await h.fanatico(['--fork-url', `http://127.0.0.1:${f.port}`, '--fork-block-number', String(g.head), '--cache-path', folder]);
    await works(ours);
    await call(ours.http, g.token, token, 'name');
    assert.ok(await h.rpc(ours.http, 'eth_getTransactionReceipt', [g.moved.hash]));
    assert.ok(await h.rpc(ours.http, 'eth_getBlockByNumber', [hex(1), true]));
    assert.equal((await h.rpc(ours.http, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest', address: g.token }])).length, 2);
    await h.rpc(ours.http, 'evm_mine');
    assert.notEqual((await call(ours.http, g.inside, inside, 'hashOf', [1]))[0], ethers.ZeroHash);
    const sent = await send(ours.http, { to: g.token, data: token.encodeFunctionData('transfer', [h.ACCOUNTS[2], 5n]) });
    assert.equal(await ours.stop(), 0);
    return { calls: { ...f.calls }, asked: f.total() - before, output: ours.output, block: sent.number };
  };
  const cold = await run(), warm = await run();
  console.log(`cold: ${cold.asked} calls, warm: ${warm.asked}`);
  assert.ok(cold.asked > 20, `cold: ${cold.asked}`);
  assert.equal(warm.asked, 2, 'chain id and block');
  // Damage is told and ignored; what was lost is asked for again, and kept again.
  const [name] = fs.readdirSync(folder).filter((n) => n.endsWith('.fork')), file = path.join(folder, name);
  const bytes = fs.readFileSync(file);
  bytes[Math.floor(bytes.length / 2)] ^= 1;
  fs.writeFileSync(file, bytes);
  const hurt = await run();
  assert.match(hurt.output, /--fork-url  note=".*\.fork is damaged: \d+ of its \d+ bytes are ignored/);
  assert.ok(hurt.asked > 2 && hurt.asked < cold.asked, `after damage: ${hurt.asked}`);
  const healed = await run();
  assert.equal(healed.asked, 2, JSON.stringify([hurt.calls, healed.calls]));
  fs.writeFileSync(file, 'rubbish');
  assert.match((await run()).output, /is damaged/);
  // A folder that cannot be is no reason not to run.
  const blocked = await h.fanatico(['--fork-url', node.http, '--cache-path', '/dev/null/x', '--silent']);
  assert.match(blocked.output, /nothing is cached on disk: \/dev\/null/);
  await blocked.stop();
  // The user's cache folder, when nothing is said; nothing at all, when that is said.
  const home = path.join(dir, 'home');
  const usual = await h.fanatico(['--fork-url', node.http, '--silent'], { env: { XDG_CACHE_HOME: home } });
  await usual.stop();
  assert.equal(fs.readdirSync(path.join(home, 'fanatico/fork')).length, 1);
  const none = await h.fanatico(['--fork-url', node.http, '--silent', '--no-storage-caching'], { env: { XDG_CACHE_HOME: path.join(dir, 'none') } });
  await none.stop();
  assert.ok(!fs.existsSync(path.join(dir, 'none')));
});

test('a slow node below holds up nobody who does not need it', { timeout: 60000 }, async (t) => {
  let slow = false;
  const f = await front({ misbehave: async () => { if (slow) await h.sleep(1500); return false; } });
  t.after(() => f.stop());
  const ours = await fork(`http://127.0.0.1:${f.port}`, ['--workers', '1']);
  t.after(() => ours.running && ours.stop());
  const s = await h.Socket.open(ours.ws);
  await h.rpc(ours.http, 'evm_mine'); // the first block reads the queues of EIP-7002 and 7251; later ones ask for nothing
  const asked = f.total();
  for (let i = 0; i < 20; i++) await h.rpc(ours.http, 'evm_mine');
  assert.equal(f.total(), asked, 'blocks without transactions ask for nothing');
  const heads = await s.call('eth_subscribe', ['newHeads']);
  slow = true;
  let done = false;
  const waits = Promise.all(Array.from({ length: 8 }, (_, i) => h.rpc(ours.http, 'eth_getBalance', [`0x${(0xabc0 + i).toString(16).padStart(40, '0')}`]))).then(() => (done = true));
  await h.sleep(100);
  const began = Date.now();
  for (let i = 0; i < 5; i++) await h.rpc(ours.http, 'evm_mine');
  assert.equal(await h.rpc(ours.http, 'eth_chainId'), '0x1e61');
  await h.until('the heads', () => s.of(heads).length === 5);
  assert.ok(!done, `everything else went on meanwhile (${Date.now() - began} ms)`);
  await waits;
  // Told to end while it waits: at once.
  void h.rpc(ours.http, 'eth_getBalance', ['0x000000000000000000000000000000000000abcd']).catch(() => {});
  await h.sleep(200);
  const told = Date.now();
  s.close();
  assert.equal(await ours.stop(), 0);
  assert.ok(Date.now() - told < 1200, `ended after ${Date.now() - told} ms`);
});
