// What one address may: connections (--max-connections-per-ip) and requests (--requests-per-second-per-ip), over HTTP,
// WebSocket and in batches, from 127.0.0.1 and its neighbours, which are other clients.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const h = require('../lib/harness.cjs');

const ask = (id = 1, method = 'eth_chainId') => JSON.stringify({ jsonrpc: '2.0', id, method, params: [] });
/** One POST from that address; a connection of its own unless an agent is given. */
function post(port, { from = '127.0.0.1', body = ask(), agent = false } = {}) {
  return new Promise((done, fail) => {
    const r = http.request({ host: '127.0.0.1', localAddress: from, port, agent, method: 'POST', headers: { 'content-type': 'application/json' } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text }));
    });
    r.on('error', fail);
    r.end(body);
  });
}

test('connections: one more than may be is refused with 429; those that are there stay, another address is another client', async () => {
  const n = await h.fanatico(['--silent', '--max-connections-per-ip', '4', '--workers', '2']);
  const sockets = [];
  for (let i = 0; i < 4; i++) sockets.push(await h.Socket.open(i % 2 ? n.ws : `ws://127.0.0.1:${n.httpPort}`));
  const over = await post(n.httpPort);
  assert.equal(over.status, 429);
  assert.match(over.text, /--max-connections-per-ip/);
  assert.equal(over.headers['retry-after'], '10');
  assert.equal(over.headers.connection, 'close');
  await assert.rejects(h.Socket.open(n.ws), /429/);
  for (const s of sockets) assert.equal(await s.call('eth_chainId'), '0x7a69');
  assert.equal((await post(n.httpPort, { from: '127.0.0.2' })).status, 200);
  sockets[0].close();
  await h.until('a place', async () => (await post(n.httpPort)).status === 200);
  // A flood: twice as many and some get their 429, what comes beyond is just closed.
  const flood = [];
  for (let i = 0; i < 100; i++) flood.push(new Promise((done) => { const s = net.connect(n.httpPort, '127.0.0.1'); let ended = false; s.on('close', () => { ended = true; }); s.on('error', () => {}); setTimeout(() => done({ s, ended }), 500); }));
  const all = await Promise.all(flood), closed = all.filter((f) => f.ended).length;
  assert.ok(closed >= 70 && closed < 100, `${closed} of 100`);
  console.log(`  ${closed} of 100 sockets that came beyond the limit were closed at once`);
  assert.equal((await post(n.httpPort, { from: '127.0.0.2' })).status, 200);
  assert.equal(await sockets[1].call('eth_chainId'), '0x7a69');
  all.forEach((f) => f.s.destroy());
  sockets.forEach((s) => s.close());
  assert.equal(await n.stop(), 0);
});

test('requests over HTTP: the burst, then 429 with Retry-After; after that time one may again', async () => {
  const n = await h.fanatico(['--silent', '--requests-per-second-per-ip', '1', '--requests-burst-per-ip', '5', '--workers', '2']);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const seen = [];
  for (let i = 0; i < 8; i++) seen.push(await post(n.httpPort, { agent: i % 2 ? agent : false }));
  assert.deepEqual(seen.map((r) => r.status).slice(0, 5), [200, 200, 200, 200, 200]);
  const refused = seen.filter((r) => r.status === 429);
  assert.ok(refused.length >= 2, JSON.stringify(seen.map((r) => r.status)));
  assert.match(refused[0].text, /--requests-per-second-per-ip/);
  assert.equal(refused[0].headers['retry-after'], '1');
  assert.equal((await post(n.httpPort, { from: '127.0.0.2' })).status, 200, 'another address has a bucket of its own');
  await h.until('another token', async () => (await post(n.httpPort)).status === 200, 5000);
  agent.destroy();
  assert.equal(await n.stop(), 0);
});

test('requests over WebSocket: -32005 for each, under its id, and the connection stays; a reconnect buys nothing', async () => {
  const n = await h.fanatico(['--silent', '--requests-per-second-per-ip', '1', '--requests-burst-per-ip', '10', '--workers', '2']);
  const s = await h.Socket.open(n.ws);
  for (let i = 0; i < 40; i++) s.send(ask(i));
  await h.until('forty answers', () => s.received.length === 40);
  const good = s.received.filter((m) => m.result).length, refused = s.received.filter((m) => m.error);
  assert.ok(good >= 10 && good <= 12, `${good} were answered`);
  assert.deepEqual(refused[0].error, { code: -32005, message: 'limit exceeded: too many requests of one address' });
  assert.deepEqual(s.received.map((m) => m.id).sort((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i));
  const again = await h.Socket.open(n.ws);
  await assert.rejects(again.call('eth_chainId'), /limit exceeded/);
  await h.until('another token', () => s.call('eth_chainId').then(() => true, () => false), 5000);
  again.close();
  s.close();
  assert.equal(await n.stop(), 0);
});

test('a batch pays for each of its items: the next request waits for what it overdrew', async () => {
  const n = await h.fanatico(['--silent', '--requests-per-second-per-ip', '10', '--requests-burst-per-ip', '20']);
  const batch = `[${Array.from({ length: 200 }, (_, i) => ask(i)).join(',')}]`;
  const first = await post(n.httpPort, { body: batch });
  assert.equal(JSON.parse(first.text).filter((r) => r.result).length, 200);
  const next = await post(n.httpPort, { body: batch });
  assert.equal(next.status, 429);
  assert.ok(Number(next.headers['retry-after']) >= 17 && Number(next.headers['retry-after']) <= 19, next.headers['retry-after']);
  const s = await h.Socket.open(n.ws);
  s.send(batch);
  const reply = await h.until('the answer', () => s.received[0]);
  assert.ok(reply.length === 200 && reply.every((r, i) => r.id === i && r.error.code === -32005));
  s.close();
  assert.equal(await n.stop(), 0);
});

test('a Unix socket has no address; without the options nobody is limited', async () => {
  const where = path.join(h.scratch(), 'n.ipc');
  const n = await h.fanatico(['--silent', '--requests-per-second-per-ip', '1', '--requests-burst-per-ip', '1', '--max-connections-per-ip', '1', '--ipcpath', where]);
  const text = await new Promise((done) => { let t = ''; const s = net.connect(where); s.on('data', (d) => (t += d)); s.on('end', () => done(t)); s.end(ask().repeat(50)); });
  assert.equal((text.match(/0x7a69/g) ?? []).length, 50);
  assert.equal(await n.stop(), 0);
  const open = await h.fanatico(['--silent']);
  const agent = new http.Agent({ keepAlive: true });
  const all = await Promise.all(Array.from({ length: 300 }, () => post(open.httpPort, { agent })));
  assert.ok(all.every((r) => r.status === 200));
  agent.destroy();
  assert.equal(await open.stop(), 0);
});

test('behind a trusted proxy each of its clients is counted for himself; the proxy\'s connections are nobody\'s', async () => {
  const n = await h.fanatico(['--silent', '--trusted-proxies', '127.0.0.1', '--max-connections-per-ip', '2', '--requests-per-second-per-ip', '1', '--requests-burst-per-ip', '5']);
  const via = (client, body = ask()) => new Promise((done, fail) => {
    const r = http.request({ host: '127.0.0.1', port: n.httpPort, agent, method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': client } }, (reply) => { reply.resume(); reply.on('end', () => done(reply.statusCode)); });
    r.on('error', fail);
    r.end(body);
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  const seen = await Promise.all(Array.from({ length: 20 }, (_, i) => via(`203.0.113.${i}`)));
  assert.deepEqual([...new Set(seen)], [200], 'twenty clients over twenty connections of one proxy');
  const one = [];
  for (let i = 0; i < 7; i++) one.push(await via('198.51.100.7'));
  assert.deepEqual(one.slice(0, 5), [200, 200, 200, 200, 200]);
  assert.ok(one.slice(5).includes(429), String(one));
  assert.equal(await via('198.51.100.8'), 200);
  const open = (client) => h.Socket.open(n.ws, { headers: { 'x-forwarded-for': client } });
  const sockets = [await open('192.0.2.1'), await open('192.0.2.1')];
  await assert.rejects(open('192.0.2.1'), /429/);
  sockets.push(await open('192.0.2.2'));
  sockets.forEach((s) => s.close());
  agent.destroy();
  assert.equal(await n.stop(), 0);
});

test('a proxied client never counts as loopback, whatever it is said to be: neither over HTTP nor over WebSocket, believed or not', async () => {
  let refused = 0;
  for (const args of [[], ['--trusted-proxies', '127.0.0.1']]) {
    const n = await h.fanatico(['--silent', ...args]);
    for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { 'x-forwarded-for': '::1' }, { forwarded: 'for=127.0.0.1' }, { 'x-real-ip': '127.0.0.1' }, { 'x-forwarded-proto': 'https' }]) {
      const reply = await h.post(n.http, ask(1, 'evm_mine'), headers);
      assert.equal(reply.error?.code, -32601, JSON.stringify(headers));
      const s = await h.Socket.open(n.ws, { headers });
      await assert.rejects(s.call('evm_mine'), /local clients only/, JSON.stringify(headers));
      s.close();
      refused += 2;
    }
    assert.equal(await h.rpc(n.http, 'eth_blockNumber'), '0x0');
    assert.equal(await n.stop(), 0);
  }
  console.log(`  ${refused} of 20 proxied requests to mine refused`);
});
