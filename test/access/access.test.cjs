// Who may do what, from outside: Host, Origin, CORS, content type, development methods, and what bad input gets.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const h = require('../lib/harness.cjs');

let node;
before(async () => { node = await h.fanatico(['--silent']); });
after(async () => { assert.equal(await node?.stop(), 0); });

const ask = (method, params = []) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** One request with exactly these headers; status, headers and body. */
function request({ port = node.httpPort, method = 'POST', path = '/', headers = {}, body = '' }) {
  return new Promise((done, fail) => {
    const r = http.request({ host: '127.0.0.1', port, method, path, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text, json: (() => { try { return JSON.parse(text); } catch { return undefined; } })() }));
    });
    r.on('error', fail);
    r.end(body);
  });
}

for (const [host, status] of [['127.0.0.1:1', 200], ['localhost', 200], ['LOCALHOST:8545', 200], ['[::1]:8545', 200], ['10.1.2.3', 200], ['evil.example', 403], ['localhost.evil.example', 403], ['127.0.0.1.evil.example', 403]]) {
  test(`Host ${host}: ${status}`, async () => {
    assert.equal((await request({ headers: { host }, body: ask('eth_chainId') })).status, status);
  });
}

for (const [origin, passes] of [['http://localhost:3000', true], ['http://127.0.0.1:5173', true], ['https://[::1]:1', true], ['chrome-extension://abcdefgh', true], ['moz-extension://abcdefgh', true],
  ['https://evil.example', false], ['http://localhost.evil.example', false], ['null', false]]) {
  test(`Origin ${origin}: ${passes ? 'passes, with CORS headers' : 'refused'}`, async () => {
    const r = await request({ headers: { origin }, body: ask('eth_chainId') });
    const preflight = await request({ method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
    if (passes) {
      assert.equal(r.status, 200);
      assert.equal(r.headers['access-control-allow-origin'], origin);
      assert.ok(preflight.status === 200 || preflight.status === 204);
      assert.match(preflight.headers['access-control-allow-headers'] ?? '', /content-type/i);
    } else {
      assert.equal(r.headers['access-control-allow-origin'], undefined);
      assert.ok(r.status === 403 || r.json === undefined, `${r.status} ${r.text}`);
      assert.equal(preflight.headers['access-control-allow-origin'], undefined);
    }
    const opened = await h.Socket.open(node.ws, { origin }).then((s) => { s.close(); return true; }, () => false);
    assert.equal(opened, passes);
  });
}

test('a POST that is not JSON is 415: no simple request of a foreign page gets through', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    assert.equal((await request({ headers: { 'content-type': type }, body: ask('evm_mine') })).status, 415);
  }
  assert.equal((await request({ headers: { 'content-type': 'application/json; charset=utf-8' }, body: ask('eth_chainId') })).status, 200);
});

test('development methods: loopback only, and a forwarded request is not loopback', async () => {
  assert.equal((await request({ body: ask('evm_mine') })).json.error, undefined);
  for (const headers of [{ forwarded: 'for=1.2.3.4' }, { 'x-forwarded-for': '1.2.3.4' }, { 'x-forwarded-host': 'x' }, { 'x-forwarded-proto': 'https' }]) {
    for (const method of ['evm_mine', 'anvil_setBalance', 'hardhat_reset', 'eth_sign', 'eth_sendTransaction']) {
      const r = await request({ headers, body: ask(method, []) });
      assert.ok(r.json.error, `${method} was answered: ${r.text}`);
    }
    assert.equal((await request({ headers, body: ask('eth_chainId') })).json.result, '0x7a69');
  }
  const none = await h.fanatico(['--silent', '--dev-methods', 'none']);
  assert.ok((await request({ port: none.httpPort, body: ask('evm_mine') })).json.error);
  await none.stop();
  const all = await h.fanatico(['--silent', '--dev-methods', 'all']);
  assert.equal((await request({ port: all.httpPort, headers: { 'x-forwarded-for': '1.2.3.4' }, body: ask('evm_mine') })).json.error, undefined);
  await all.stop();
});

test('named hosts and origins are let in', async () => {
  const named = await h.fanatico(['--silent', '--http.vhosts', 'node.example', '--http.corsdomain', 'https://app.example', '--ws.origins', 'https://app.example']);
  assert.equal((await request({ port: named.httpPort, headers: { host: 'node.example' }, body: ask('eth_chainId') })).status, 200);
  assert.equal((await request({ port: named.httpPort, headers: { host: 'other.example' }, body: ask('eth_chainId') })).status, 403);
  const r = await request({ port: named.httpPort, headers: { origin: 'https://app.example' }, body: ask('eth_chainId') });
  assert.equal(r.headers['access-control-allow-origin'], 'https://app.example');
  (await h.Socket.open(named.ws, { origin: 'https://app.example' })).close();
  await named.stop();
});

// What strange bodies get: an error object (or several), and the connection lives.
const STRANGE = [
  ['', null], ['{', -32700], ['nul', -32700], ['[1', -32700], ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}}', -32700], ['[]', -32600], ['[null]', [-32600]], ['[1,2]', [-32600, -32600]], ['null', -32600],
  ['1', -32600], ['"x"', -32600], ['{}', -32600], ['[[]]', [-32600]], ['{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600], ['{"jsonrpc":"2.0","id":1,"method":5}', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":5}', -32600], ['['.repeat(100000), null], [`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":${'['.repeat(80)}${']'.repeat(80)}}`, null],
  [`[${Array(1001).fill('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}').join(',')}]`, -32600], [`{"jsonrpc":"2.0","id":"${'x'.repeat(300)}","method":"eth_chainId"}`, -32600],
];
for (const [body, code] of STRANGE) {
  test(`a strange body: ${body.slice(0, 60)}`, async () => {
    const socket = await h.Socket.open(node.ws);
    if (body) {
      await socket.send(body);
      const reply = await h.until('the answer', () => socket.received[0]);
      const errors = Array.isArray(reply) ? reply.map((r) => r.error.code) : reply.error.code;
      if (code) assert.deepEqual(errors, code);
      else assert.ok([-32700, -32600].includes(errors), JSON.stringify(reply));
    }
    assert.equal(await socket.call('eth_chainId'), '0x7a69');
    socket.close();
    const r = await request({ body });
    assert.ok(r.status === 200 || r.status === 400, String(r.status));
    if (code && !Array.isArray(code)) assert.equal(r.json.error.code, code);
    assert.equal((await request({ body: ask('eth_chainId') })).json.result, '0x7a69');
  });
}

test('a batch: each item its own answer, in order; ids come back exactly', async () => {
  const body = '[{"jsonrpc":"2.0","id":1.10,"method":"eth_chainId"},null,{"jsonrpc":"2.0","id":"a\\u0062","method":"nope"},{"jsonrpc":"2.0","id":null,"method":"net_version"},{"jsonrpc":"2.0","id":1e400,"method":"eth_blockNumber"}]';
  const { text } = await request({ body });
  assert.match(text, /"id":1\.10,/);
  assert.match(text, /"id":"a\\u0062"/);
  assert.match(text, /"id":1e400/);
  const codes = JSON.parse(text.replace('1e400', '1')).map((r) => r.error?.code ?? 'ok');
  assert.deepEqual(codes, ['ok', -32600, -32601, 'ok', 'ok']);
});

test('too large a body is 413, too many headers 431, and others notice nothing', async () => {
  const big = await request({ body: ' '.repeat(5 * 1024 * 1024 + 1) }).catch((e) => ({ status: e.code }));
  assert.ok(big.status === 413 || big.status === 'EPIPE' || big.status === 'ECONNRESET', String(big.status));
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`x-${i}`, 'y']));
  assert.equal((await request({ headers: many, body: ask('eth_chainId') })).status, 431);
  assert.equal((await request({ body: ask('eth_chainId') })).json.result, '0x7a69');
});

test('pipelined requests are answered in order', async () => {
  const socket = net.connect(node.httpPort, '127.0.0.1');
  let text = '';
  socket.on('data', (d) => (text += d));
  const one = (id) => { const body = `{"jsonrpc":"2.0","id":${id},"method":"eth_chainId"}`; return `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`; };
  socket.write([1, 2, 3, 4, 5].map(one).join(''));
  await h.until('five answers', () => (text.match(/"id":\d/g) ?? []).length === 5);
  assert.deepEqual(text.match(/"id":\d/g), ['"id":1', '"id":2', '"id":3', '"id":4', '"id":5']);
  socket.destroy();
});

test('MAX_CONNECTIONS is the process\'s: one more gets 503 before the upgrade', async () => {
  const small = await h.fanatico(['--silent', '--max-connections', '5', '--workers', '2']);
  const sockets = await Promise.all(Array.from({ length: 5 }, () => h.Socket.open(small.ws)));
  await assert.rejects(h.Socket.open(small.ws), /503/);
  assert.equal(await h.rpc(small.http, 'eth_chainId'), '0x7a69');
  sockets[0].close();
  await h.until('a place', () => h.Socket.open(small.ws).then((s) => { s.close(); return true; }, () => false));
  sockets.forEach((s) => s.close());
  await small.stop();
});
