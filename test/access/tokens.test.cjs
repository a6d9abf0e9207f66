// Namespaces by transport (--http-api, --ws-api) and by token (--jwt-secret), against tokens that others make: jose's
// from npm, and web3.py's own through PyJWT where that is installed.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const h = require('../lib/harness.cjs');

const SECRET = crypto.randomBytes(32);
const file = path.join(h.scratch(), 'jwt.hex'), ipc = path.join(path.dirname(file), 'node.ipc');
fs.writeFileSync(file, `0x${SECRET.toString('hex')}\n`);
let node, jose;
before(async () => {
  jose = await import(require.resolve('jose'));
  node = await h.fanatico(['--silent', '--jwt-secret', file, '--jwt-namespaces', 'debug,txpool,anvil', '--ipcpath', ipc]);
});
after(async () => assert.equal(await node?.stop(), 0));

const now = () => Math.floor(Date.now() / 1000);
const token = (claims = {}, { alg = 'HS256', secret = SECRET } = {}) => new jose.SignJWT({ iat: now(), ...claims }).setProtectedHeader({ alg, typ: 'JWT' }).sign(secret);
const ask = (method, params = []) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const parts = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');

/** One POST; headers may be a flat list, so that one may come twice. */
function post(authorization, body = ask('txpool_status'), port = node.httpPort) {
  return new Promise((done, fail) => {
    const headers = ['host', 'localhost', 'content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))];
    for (const a of [authorization].flat()) if (a) headers.push('authorization', a);
    const r = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text, json: (() => { try { return JSON.parse(text); } catch { return undefined; } })() }));
    });
    r.on('error', fail);
    r.end(body);
  });
}

test('without a token: the guarded namespaces are not there, and say why; the others answer', async () => {
  const r = await post();
  assert.equal(r.status, 200);
  assert.equal(r.json.error.code, -32601);
  assert.match(r.json.error.message, /wants a token \(Authorization: Bearer\)/);
  assert.equal((await post(undefined, ask('eth_chainId'))).json.result, '0x7a69');
  assert.deepEqual(Object.keys((await post(undefined, ask('rpc_modules'))).json.result), ['erigon', 'eth', 'evm', 'fanatico', 'hardhat', 'net', 'ots', 'personal', 'rpc', 'tenderly', 'trace', 'web3']);
  const batch = (await post(undefined, `[${ask('eth_chainId')},${ask('debug_getBadBlocks')},${ask('net_version')}]`)).json;
  assert.deepEqual(batch.map((b) => b.error?.code ?? b.result), ['0x7a69', -32601, '31337']);
});

test('a token made by jose opens them, over HTTP and WebSocket', async () => {
  const bearer = `Bearer ${await token()}`;
  assert.equal((await post(bearer)).json.result.pending, '0x0');
  assert.equal((await post(`bearer ${await token({ exp: now() + 5 })}`)).json.result.pending, '0x0');
  assert.ok('debug' in (await post(bearer, ask('rpc_modules'))).json.result);
  assert.equal((await post(bearer, ask('anvil_mine'))).json.error, undefined, 'and local is local');
  const open = await h.Socket.open(node.ws, { headers: { authorization: bearer } });
  assert.deepEqual(await open.call('debug_getBadBlocks'), []);
  open.close();
  const bare = await h.Socket.open(node.ws);
  await assert.rejects(bare.call('debug_getBadBlocks'), /wants a token/);
  assert.equal(await bare.call('eth_chainId'), '0x7a69');
  bare.close();
});

test('each request over HTTP shows its own: on one connection the next has none', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (headers) => new Promise((done, fail) => {
    const r = http.request({ agent, host: '127.0.0.1', port: node.httpPort, method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => done(JSON.parse(text)));
    });
    r.on('error', fail);
    r.end(ask('txpool_status'));
  });
  assert.ok((await get({ authorization: `Bearer ${await token()}` })).result);
  assert.equal((await get({})).error.code, -32601);
  agent.destroy();
});

test('a Unix socket needs none', async () => {
  const reply = await new Promise((done) => net.connect(ipc).on('data', (d) => done(JSON.parse(d))).end(ask('txpool_status')));
  assert.ok(reply.result);
});

test('a wrong token is 401, with words, on both transports; never taken for none', async () => {
  const good = await token();
  const [head, payload, mac] = good.split('.');
  const other = crypto.randomBytes(32);
  const rows = [
    [await token({}, { secret: other }), /signature does not fit/], [await token({}, { alg: 'HS512', secret: Buffer.concat([SECRET, SECRET]) }), /alg is not HS256/],
    [await token({ iat: now() - 90 }), /iat is not within 60 s/], [await token({ iat: now() + 90 }), /iat is not within 60 s/], [await token({ exp: now() - 1 }), /expired/],
    [await token({ nbf: now() + 50 }), /not valid yet/], [await token({ iat: undefined }), /no iat/],
    [new jose.UnsecuredJWT({ iat: now() }).encode(), /alg is not HS256/], [`${parts({ alg: 'none' })}.${payload}.`, /alg is not HS256/], [`${parts({ alg: 'none' })}.${payload}.${mac}`, /alg is not HS256/],
    [`${head}.${payload}.`, /signature/], [`${head}.${payload}`, /three parts/], [`${head}.${parts({ iat: now(), admin: true })}.${mac}`, /signature/], ['', /three parts/], ['x', /three parts/],
    [`${'A'.repeat(9000)}.${payload}.${mac}`, /too long/],
  ];
  for (const [bad, why] of rows) {
    for (const method of ['txpool_status', 'eth_chainId']) {
      const r = await post(`Bearer ${bad}`, ask(method));
      assert.equal(r.status, 401, `${bad}: ${r.text}`);
      assert.match(r.text, why);
      assert.equal(r.headers['www-authenticate'], 'Bearer');
    }
    await assert.rejects(h.Socket.open(node.ws, { headers: { authorization: `Bearer ${bad}` } }), /401/);
  }
  assert.equal((await post([`Bearer ${good}`, `Bearer ${good}`])).status, 401, 'two tokens are none');
  assert.equal((await post('Basic dXNlcjpwdw==')).json.error.code, -32601, 'another scheme is a proxy\'s affair');
  console.log(`  ${rows.length} wrong tokens, each refused with 401 twice over HTTP and once before the WebSocket`);
});

test('PyJWT\'s tokens open them too', (t) => {
  const made = spawnSync(path.join(h.build, 'venv/bin/python'), ['-c', 'import jwt,sys,time;print(jwt.encode({"iat":int(time.time())},bytes.fromhex(sys.argv[1]),algorithm="HS256"))', SECRET.toString('hex')], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return post(`Bearer ${made.stdout.trim()}`).then((r) => assert.ok(r.json.result, r.text));
});

test('browsers: the preflight names Authorization, and is not asked for a token', async () => {
  const r = await fetch(node.http, { method: 'OPTIONS', headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' } });
  assert.equal(r.status, 200);
  assert.match(r.headers.get('access-control-allow-headers'), /authorization/i);
  const bad = await fetch(node.http, { method: 'POST', headers: { origin: 'http://localhost:3000', 'content-type': 'application/json', authorization: 'Bearer x' }, body: ask('eth_chainId') });
  assert.equal(bad.status, 401);
});

test('a secret alone guards everything', async () => {
  const all = await h.fanatico(['--silent', '--jwt-secret', file]);
  for (const method of ['eth_chainId', 'rpc_modules', 'nope_x']) assert.equal((await post(undefined, ask(method), all.httpPort)).json.error.code, -32601);
  assert.equal((await post(`Bearer ${await token()}`, ask('eth_chainId'), all.httpPort)).json.result, '0x7a69');
  assert.equal(await all.stop(), 0);
});

test('--http-api and --ws-api: what is off does not exist there, in geth\'s words; rpc_modules tells what is on', async () => {
  const where = path.join(h.scratch(), 'n.ipc');
  const n = await h.fanatico(['--silent', '--http.api', 'eth,net', '--ws.api', 'web3', '--ipcpath', where]);
  const over = async (body) => (await post(undefined, body, n.httpPort)).json;
  assert.deepEqual((await over(ask('rpc_modules'))).result, { eth: '1.0', net: '1.0', rpc: '1.0' });
  assert.deepEqual((await over(ask('web3_clientVersion'))).error, { code: -32601, message: 'Method not found: the method web3_clientVersion does not exist/is not available' });
  assert.equal((await over(ask('eth_chainId'))).result, '0x7a69');
  for (const url of [n.ws, `ws://127.0.0.1:${n.httpPort}`]) {
    const s = await h.Socket.open(url);
    assert.deepEqual(await s.call('rpc_modules'), { rpc: '1.0', web3: '1.0' });
    await assert.rejects(s.call('eth_subscribe', ['newHeads']), /the method eth_subscribe does not exist\/is not available/);
    assert.match(await s.call('web3_clientVersion'), /fanatico/);
    s.close();
  }
  const reply = await new Promise((done) => net.connect(where).on('data', (d) => done(JSON.parse(d))).end(ask('rpc_modules')));
  assert.ok(['anvil', 'debug', 'eth', 'rpc', 'txpool'].every((name) => name in reply.result));
  assert.equal(await n.stop(), 0);
});

test('options that do not fit say so', async () => {
  const refused = async (args, why) => assert.rejects(h.fanatico(['--silent', ...args]), (e) => { assert.match(e.message, why); assert.match(e.message, /ended with 2/); return true; });
  await refused(['--http-api', 'eth,ethh'], /--http-api: "ethh" is no namespace; there are .*eth.*web3/);
  await refused(['--jwt-secret', '/nowhere'], /--jwt-secret: \/nowhere: No such file.*openssl rand -hex 32/);
  const short = path.join(h.scratch(), 'short');
  fs.writeFileSync(short, '0x1234');
  await refused(['--jwt-secret', short], /short: a secret is 32 bytes/);
  await refused(['--jwt-namespaces', 'eth'], /--jwt-namespaces: signed with which secret\?/);
});
