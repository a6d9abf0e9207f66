// Parameters that do not fit, made at random for every method of docs/RPC.md: each gets an error object (or, where the change was
// harmless, a result) whose code is a documented one and whose words say which parameter and why; the connection goes on, and the server.
//
// CASES=n sets how many for each method (SEED: test/lib/seed.cjs). Over HTTP, WebSocket and in batches; where FANATICO_BIN leads to a build
// with sanitizers, these watch.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const good = require('./good_params.cjs');

const seed = seedOf(), per = Number(process.env.CASES || 24);
const methods = [...fs.readFileSync(path.join(h.source, 'docs/RPC.md'), 'utf8').matchAll(/^\| `(\w+)` \| (.*?) \| .* \| (?:worker|call pool|writer) \|/gm)].map((m) => m[1]);
/** The codes that README.md explains, without the one that says it is our fault: whatever a client sends is not. */
const CODES = [...fs.readFileSync(path.join(h.source, 'README.md'), 'utf8').matchAll(/^\| ((?:-?\d+(?:, )?)+) \|/gm)].flatMap((m) => m[1].split(', ').map(Number)).filter((code) => code === 3 || (code <= -32000 && code !== -32603));

let state = BigInt.asUintN(64, BigInt(seed) * 0xd1342543de82ef95n + 0x2545f4914f6cdd1dn);
function next() {
  state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
  let z = state;
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
const below = (n) => Number(next() % BigInt(n)), pick = (list) => list[below(list.length)];

/** A value that is written as it stands, since JavaScript could not hold it. */
const raw = (text) => ({ raw: text });
const nested = (open, close, depth) => raw(open.repeat(depth) + '1' + close.repeat(depth));
const JUNK = [
  null, true, false, 0, 1, -1, 1.5, -0.5, 2 ** 53, raw('1e400'), raw('-1e400'), raw('18446744073709551616'), raw('0.00000000000000000000000000000001'), raw('1' + '0'.repeat(300)),
  '', ' ', '0', '1', '-1', '0x', '0X', '0x0', '0x1', '0x01', '0x-1', '0x 1', ' 0x1', '0x1 ', '0xg', '0xzz', '0x123', '123', 'latest', 'pending', 'LATEST', 'earliest ', 'null', 'undefined', 'NaN', '[object Object]',
  '0x' + 'f'.repeat(15), '0x' + 'f'.repeat(16), '0x1' + '0'.repeat(16), '0x' + 'f'.repeat(63), '0x' + 'f'.repeat(64), '0x1' + '0'.repeat(64), '0x' + 'f'.repeat(500), '0x' + '11'.repeat(19), '0x' + '11'.repeat(20), '0x' + '11'.repeat(21), '0x' + '11'.repeat(31), '0x' + '11'.repeat(32), '0x' + '11'.repeat(33), '11'.repeat(20), '11'.repeat(32),
  'é', '😀', '\u0000', 'a\u0000b', '0x\u0661', '%s%n%x', '"', '\\', "'; --", 'x'.repeat(5000), '0x' + '00'.repeat(20000), raw('"\\ud800"'), raw('"\\u0030x1"'), raw('"0\\u00781"'),
  [], [[]], [null], [1], ['0x1'], {}, { a: 1 }, { '': null }, { blockHash: '0x1' }, { blockNumber: '0x1', blockHash: '0x' + '11'.repeat(32) }, { to: [] }, { address: {} }, Array(1100).fill('0x1'), Array(1100).fill(null),
  raw('{"a":1,"a":2}'), nested('[', ']', 40), nested('{"a":', '}', 40), nested('[', ']', 80), nested('{"a":', '}', 80),
];

const text = (v) => (v && typeof v === 'object' && typeof v.raw === 'string' ? v.raw : Array.isArray(v) ? `[${v.map(text).join(',')}]` : v && typeof v === 'object' ? `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}:${text(x)}`).join(',')}}` : JSON.stringify(v));

/** All places in a value, as functions that put something else there. */
function places(value, put) {
  const out = [put];
  if (Array.isArray(value)) value.forEach((v, i) => out.push(...places(v, (x) => put(value.map((y, k) => (k === i ? x : y))))));
  else if (value && typeof value === 'object') for (const key of Object.keys(value)) out.push(...places(value[key], (x) => put({ ...value, [key]: x })));
  return out;
}

/** One change of parameters that fit: most of them somewhere inside. */
function spoil(params) {
  const kind = below(20);
  if (kind === 0) return params.slice(0, below(params.length + 1));
  if (kind === 1) return [...params, pick(JUNK)];
  if (kind === 2) return [...params, ...Array(1 + below(5)).fill(null), pick(JUNK)];
  if (kind === 3) return pick([{}, { 0: '0x1' }, 'text', 5, true, null, raw('{"a":1,"a":1}')]);
  if (kind === 4) return params.map(() => pick(JUNK));
  if (kind === 5 && params.length > 1) return [...params].reverse();
  const all = params.flatMap((v, i) => places(v, (x) => params.map((y, k) => (k === i ? x : y))));
  return all.length ? pick(all)(pick(JUNK)) : [pick(JUNK)];
}

const SAYS = [
  /^Invalid params: invalid argument \d+ \([^)]+\)\S*: ./, /^Invalid params: missing value for required argument \d+ \(.+\)$/, /^Invalid params: too many arguments, want at most \d+$/, /^Invalid params: non-array args/,
  /^Invalid params: (empty request|empty input|block \d+: difficulty override is not allowed|pending logs are not supported|invalid block range params|block range extends beyond current head block)/,
  /^Invalid params: (Timestamp \d+ is lower than|Block number for reorg tx will exceed|depth \d+ is larger than|anvil_setMinGasPrice is not supported when EIP-1559)/, // anvil's words, which name the parameter too
];
const mute = [], seen = new Map(), sent = { HTTP: 0, WebSocket: 0, batch: 0 };

function check(reply, id, what) {
  assert.ok(reply && typeof reply === 'object', what);
  assert.equal(reply.jsonrpc, '2.0', what);
  if (reply.error?.code !== -32600) assert.equal(reply.id, id, what);
  assert.notEqual('result' in reply, 'error' in reply, what);
  if (!reply.error) return;
  const { code, message } = reply.error;
  seen.set(code, (seen.get(code) ?? 0) + 1);
  assert.ok(CODES.includes(code), `${what}: code ${code}, ${message}`);
  assert.ok(typeof message === 'string' && message.length > 3 && message.length < 12000, `${what}: ${message}`);
  if (code === -32602 && !SAYS.some((says) => says.test(message))) mute.push(`${what}: ${message.slice(0, 300)}`);
}

let node, socket;
before(async () => {
  console.log(`CASES=${per}, ${methods.length} methods`);
  node = await h.fanatico(['--silent', '--rpc-evmtimeout', '1']);
  socket = await h.Socket.open(node.ws);
}, { timeout: 60000 });
after(async () => {
  socket?.close();
  const code = await node?.stop();
  console.log(`${sent.HTTP} over HTTP, ${sent.WebSocket} over WebSocket, ${sent.batch} in batches; codes: ${[...seen].map(([c, n]) => `${c} ${n} times`).join(', ')}`);
  assert.equal(code, 0, node?.output.slice(-3000));
  assert.doesNotMatch(node.output, /ERROR: AddressSanitizer|runtime error:|assert/i);
});

let id = 0;
const request = (method, params) => `{"jsonrpc":"2.0","id":${++id},"method":"${method}","params":${text(params)}}`;
const made = (method) => { const params = spoil(pick(good(method))); return { body: request(method, params), id, what: `SEED=${seed} ${method} ${text(params).slice(0, 300)}` }; };

async function alive() {
  assert.ok(node.running, `SEED=${seed}: the server ended: ${node.output.slice(-3000)}`);
  assert.match(await h.rpc(node.http, 'eth_chainId'), /^0x[1-9a-f][0-9a-f]*$/, `SEED=${seed}`); // which one, anvil_setChainId may have changed
}

test('docs/RPC.md names as many parameters as each method takes', { timeout: 60000 }, async () => {
  const told = Object.fromEntries([...fs.readFileSync(path.join(h.source, 'docs/RPC.md'), 'utf8').matchAll(/^\| `(\w+)` \| (.*?) \| .* \| (?:worker|call pool|writer) \|/gm)].map((m) => [m[1], m[2]]));
  const off = [];
  for (const [method, takes] of Object.entries(told)) {
    const { error } = await h.post(node.http, { jsonrpc: '2.0', id: 1, method, params: Array(20).fill(null) }), most = /want at most (\d+)/.exec(error?.message)?.[1];
    const count = takes.trim() ? takes.replace(/\{[^}]*\}/g, 'x').split(', ').length : 0; // what stands between braces is one
    if (most !== undefined && Number(most) !== count) off.push(`${method} takes at most ${most}, the table has (${takes})`);
  }
  assert.deepEqual(off, []);
});

test('one at a time over HTTP', { timeout: 170000 }, async () => {
  for (const method of methods) {
    for (let i = 0; i < Math.ceil(per / 3); i++) {
      const c = made(method);
      check(await h.post(node.http, c.body).catch((e) => assert.fail(`${c.what}: ${e.message}, ${node.output.slice(-2000)}`)), c.id, c.what);
      sent.HTTP++;
    }
    await alive();
  }
});

test('one behind the other over one WebSocket', { timeout: 170000 }, async () => {
  for (const method of methods) {
    const cases = Array.from({ length: Math.ceil(per / 3) }, () => made(method)), from = socket.received.length;
    for (const c of cases) await socket.send(c.body);
    const answers = () => socket.received.slice(from).filter((m) => !m.method);
    await h.until(`${cases.length} answers, SEED=${seed} ${method}`, () => answers().length >= cases.length);
    for (const c of cases) {
      const reply = answers().find((m) => m.id === c.id) ?? answers().find((m) => m.id === null && m.error?.code === -32600);
      check(reply, c.id, c.what);
      sent.WebSocket++;
    }
    assert.equal(socket.ws.readyState, 1, `SEED=${seed} ${method}: the connection ended`);
  }
  await alive();
});

test('in batches', { timeout: 170000 }, async () => {
  for (let i = 0; i < Math.ceil((methods.length * per) / 3 / 25); i++) {
    // What is too deep makes the whole message -32600, and is met one at a time above.
    const cases = [];
    while (cases.length < 25) { const c = made(pick(methods)); if (!/(\[{60}|({"a":){60})/.test(c.body)) cases.push(c); }
    const replies = await h.post(node.http, `[${cases.map((c) => c.body).join(',')}]`);
    assert.ok(Array.isArray(replies), `SEED=${seed}: ${JSON.stringify(replies).slice(0, 300)}`);
    assert.equal(replies.length, cases.length, `SEED=${seed}`);
    for (const [k, c] of cases.entries()) check(replies[k], c.id, c.what);
    sent.batch += cases.length;
  }
  await alive();
});

test('bodies that are no requests', { timeout: 60000 }, async () => {
  const whole = request('eth_getBalance', [h.ACCOUNTS[0], 'latest']);
  for (let i = 0; i < 300; i++) {
    const at = below(whole.length), body = pick([
      () => whole.slice(0, at), () => whole.slice(0, at) + pick(['"', '{', ']', ',', '\u0001', '\\', '\ud83d\ude00', '1e9']) + whole.slice(at + below(3)), () => `[${whole},${whole.slice(0, at)}]`, () => text(pick(JUNK)), () => `[${text(pick(JUNK))}]`,
      () => whole.replace('"2.0"', text(pick(JUNK))), () => whole.replace('"eth_getBalance"', text(pick(JUNK))), () => whole.replace(/"id":\d+/, `"id":${text(pick(JUNK))}`),
    ])();
    const what = `SEED=${seed} ${body.slice(0, 300)}`;
    const answer = await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const said = await answer.text();
    if (said) for (const one of [JSON.parse(said)].flat()) assert.ok(!one.error || [-32700, -32600, -32601, -32602, -32000].includes(one.error.code), `${what}: ${said.slice(0, 300)}`);
    sent.HTTP++;
  }
  await alive();
});

test('each refusal says which parameter and why', () => assert.deepEqual(mute, []));
test('two thousand at least', () => assert.ok(process.env.CASES || sent.HTTP + sent.WebSocket + sent.batch >= 2000, JSON.stringify(sent)));
