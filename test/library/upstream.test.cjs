// What the server does not own goes to the host's JSON-RPC, from either port: --upstream-http before a host that is slow, wrong, rude or gone.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const path = require('node:path');
const h = require('../lib/harness.cjs');

const SLOW_MS = 400;
let host, front, seen, release;

// Each method is a way to answer. What a host must do is JSON-RPC; what it may do is anything.
const WAYS = {
  echo: (call) => ({ result: call.params ?? null }),
  slow: async () => { await h.sleep(SLOW_MS); return { result: 'slow' }; },
  error: () => ({ error: { code: -1234, message: 'my words', data: { a: [1, 2.5, 'x'] } } }),
  words: () => ({ error: 'only words' }),
  under500: () => ({ status: 500, error: { code: -3, message: 'said under 500' } }),
  under400: () => ({ status: 400, error: { code: -4, message: 'said under 400' } }),
  precise: (call) => ({ raw: `{"jsonrpc":"2.0","id":${call.id},"result":{"n":1.10,"big":123456789012345678901234567890,"u":"\\u00e9"}}` }),
  nothing: () => ({ result: null }),
  big: () => ({ result: 'x'.repeat(3000000) }),
  page: () => ({ raw: '<html>hello</html>' }),
  empty: () => ({ raw: '' }),
  array: () => ({ raw: '[]' }),
  neither: () => ({}),
  broken500: () => ({ status: 500, raw: 'Internal Server Error' }),
  full: () => ({ raw: 'later', status: 503 }),
  hangup: () => 'hang up',
};

before(async () => {
  seen = [];
  host = http.createServer((request, response) => {
    let body = '';
    request.on('data', (d) => (body += d));
    request.on('end', async () => {
      const call = JSON.parse(body);
      seen.push({ call, body });
      const way = WAYS[call.method];
      const told = way ? await way(call) : { error: { code: -32601, message: `no ${call.method} here` } };
      if (told === 'hang up') { request.socket.destroy(); return; }
      const { status = 200, raw, ...rest } = told;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(raw ?? JSON.stringify({ jsonrpc: '2.0', id: call.id, ...rest }));
    });
  });
  host.listen(0, '127.0.0.1');
  await new Promise((done) => host.once('listening', done));
  // The path is a secret, as a service's is.
  front = new h.Program(path.join(h.build, 'venv/bin/python'), [path.join(h.source, 'python/combined_server.py'), '--http-port', '0', '--ws-port', '0', '--ws-host', '127.0.0.1',
    '--upstream-http', `http://127.0.0.1:${host.address().port}/v2/KEY`], { FANATICO_LIBRARY: path.join(h.bin, 'libfanatico.so') });
  await h.until('both ports', () => { assert.ok(front.running, front.output); return /WebSocket  ws:\/\/\S+\n/.test(front.output); });
  front.http = /http:\S+/.exec(front.output)[0];
  front.ws = /ws:\S+/.exec(front.output)[0];
});
after(async () => {
  release?.();
  host.close();
  host.closeAllConnections();
  assert.equal(await front.stop(), 0);
});

const call = (method, params = [], id = 1) => h.post(front.http, { jsonrpc: '2.0', id, method, params });
const ask = async (method, params) => { const { jsonrpc, id, ...rest } = await call(method, params); assert.deepEqual([jsonrpc, id], ['2.0', 1]); return rest; };

test('answers and errors are the host\'s, word for word', async () => {
  assert.deepEqual(await ask('echo', [1, { a: 'b' }]), { result: [1, { a: 'b' }] });
  assert.deepEqual(await ask('echo', { named: true }), { result: { named: true } });
  assert.deepEqual(await ask('nothing'), { result: null });
  assert.equal((await ask('big')).result.length, 3000000);
  assert.deepEqual(await ask('error'), { error: { code: -1234, message: 'my words', data: { a: [1, 2.5, 'x'] } } });
  assert.deepEqual(await ask('words'), { error: { code: -32000, message: 'only words' } });
  assert.deepEqual(await ask('under500'), { error: { code: -3, message: 'said under 500' } });
  assert.deepEqual(await ask('under400'), { error: { code: -4, message: 'said under 400' } });
  assert.deepEqual(await ask('eth_nonsense'), { error: { code: -32601, message: 'no eth_nonsense here' } });
  const raw = await (await fetch(front.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"precise"}' })).text();
  assert.equal(raw.trim(), '{"jsonrpc":"2.0","id":1,"result":{"n":1.10,"big":123456789012345678901234567890,"u":"\\u00e9"}}', 'not a digit is changed');
});

test('what is no answer is told as what it is, and does not tell where the host is', async () => {
  for (const [method, words] of [['page', /page: its answer is no JSON/], ['empty', /empty: its answer is no JSON/], ['array', /array: its answer has neither result nor error/],
    ['neither', /neither: its answer has neither/], ['broken500', /broken500: HTTP status 500: Internal Server Error/], ['full', /full: HTTP status 503/], ['hangup', /hangup: .*(ended|broke off|reset)/]]) {
    const { error } = await ask(method);
    assert.equal(error.code, -32000, method);
    assert.match(error.message, words);
    assert.match(error.message, /^the node upstream: /);
    assert.doesNotMatch(error.message, /KEY|127\.0\.0\.1/);
  }
});

test('what the host may have begun is not asked twice', async () => {
  const times = async (method) => { seen.length = 0; await ask(method); return seen.length; };
  assert.equal(await times('hangup'), 1);
  assert.equal(await times('broken500'), 1);
  assert.equal(await times('page'), 1);
  assert.equal(await times('full'), 3, 'a 503 says that nobody took it');
});

test('a method\'s name stays a name: what is in it cannot become another call', async () => {
  seen.length = 0;
  for (const name of ['echo","params":["evil"],"method":"error', 'a\\b', 'a\nb', 'é\u{1f600}']) {
    assert.equal((await ask(name)).error.message, `no ${name} here`);
  }
  assert.deepEqual(seen.map(({ call: c }) => Object.keys(c)), Array(4).fill(['jsonrpc', 'id', 'method', 'params']));
  seen.length = 0;
  assert.equal((await ask('echo\u0000more')).error.code, -32601);
  assert.equal(seen.length, 0, 'cut at the zero byte it would have been echo');
});

test('on the WebSocket: ids of all kinds, and batches with our own methods between the host\'s', async () => {
  const WebSocket = require('ws');
  const ws = new WebSocket(front.ws);
  const texts = [];
  ws.on('message', (m) => texts.push(m.toString()));
  await new Promise((done, fail) => ws.once('open', done).once('error', fail));
  for (const id of ['0', '-1', '1.10', '"x"', 'null', '"\\u00e9"', '12345678901234567890123', '1e400', '1E2']) {
    texts.length = 0;
    ws.send(`{"jsonrpc":"2.0","id":${id},"method":"echo","params":[7]}`);
    await h.until('the answer', () => texts.length);
    assert.equal(texts[0].trim(), `{"jsonrpc":"2.0","id":${id},"result":[7]}`);
  }
  texts.length = 0;
  ws.send('[{"jsonrpc":"2.0","id":1,"method":"slow"},{"jsonrpc":"2.0","id":"b","method":"echo","params":{"a":1}},{"jsonrpc":"2.0","method":"echo"},{"jsonrpc":"2.0","id":3,"method":"error"},{"jsonrpc":"2.0","id":4,"method":"eth_subscribe","params":["newHeads"]},7]');
  await h.until('the answer', () => texts.length);
  const batch = JSON.parse(texts[0]);
  assert.deepEqual(batch.map((b) => b.id), [1, 'b', 3, 4, null]);
  assert.equal(batch[0].result, 'slow');
  assert.deepEqual(batch[1].result, { a: 1 });
  assert.equal(batch[2].error.message, 'my words');
  assert.match(batch[3].result, /^0x[1-9a-f][0-9a-f]{31}$/);
  assert.equal(batch[4].error.code, -32600);
  ws.close();
});

test('a slow host costs those who ask it, and nobody else; many wait at once', async () => {
  const gate = new Promise((done) => (release = done));
  WAYS.gated = async () => { await gate; return { result: 'at last' }; };
  const waiting = Array.from({ length: 20 }, (_, i) => call('gated', [], i));
  await h.until('twenty calls at the host', () => seen.filter(({ call: c }) => c.method === 'gated').length === 20);
  const socket = await h.Socket.open(front.ws);
  assert.match(await socket.call('eth_subscribe', ['newHeads']), /^0x/);
  assert.deepEqual(await ask('echo', [2]), { result: [2] }, 'another call passes by');
  socket.close();
  release();
  assert.deepEqual((await Promise.all(waiting)).map((r) => [r.id, r.result]), Array.from({ length: 20 }, (_, i) => [i, 'at last']));
});

test('a host that has gone is told; one that came back is asked again', async () => {
  const { port } = host.address();
  host.close();
  host.closeAllConnections();
  assert.match((await ask('echo')).error.message, /^the node upstream: echo: /);
  const socket = await h.Socket.open(front.ws);
  assert.match(await socket.call('eth_subscribe', ['logs', {}]), /^0x/, 'subscriptions do not need it');
  socket.close();
  host.listen(port, '127.0.0.1');
  await new Promise((done) => host.once('listening', done));
  assert.deepEqual(await ask('echo', [3]), { result: [3] });
});

test('clients of other machines do not become the host\'s own machine: what it allows to loopback stays refused', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']);
  for (const url of [node.http, node.ws]) {
    const middle = await h.fanatico(['--ws-host', '127.0.0.1', '--ws-port', '0', '--upstream-http', url], { command: 'ws', ports: false });
    const near = await h.Socket.open(middle.ws), far = await h.Socket.open(middle.ws, { headers: { 'X-Forwarded-For': '203.0.113.7' } });
    const before = Number(await far.call('eth_blockNumber'));
    await assert.rejects(far.call('evm_mine'), { code: -32601 });
    await assert.rejects(far.call('eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1] }]), { code: -32601 });
    await near.call('evm_mine');
    await assert.rejects(far.call('evm_mine'), { code: -32601 }, 'also behind a call that was allowed');
    assert.equal(Number(await near.call('eth_blockNumber')), before + 1);
    near.close();
    far.close();
    assert.equal(await middle.stop(), 0);
  }
  assert.equal(await node.stop(), 0);
});
