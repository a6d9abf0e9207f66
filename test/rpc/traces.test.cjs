// Traces as a server gives them: a long one costs a small part of its text, a heavy one delays no subscription, and what
// does not fit is said. That their content is geth's is test/peers/traces.test.cjs.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const h = require('../lib/harness.cjs');
const { code } = require('../peers/odd.cjs');
const { ethers } = require('ethers');
const WebSocket = require('ws');

const hex = (b) => ethers.hexlify(b);
const LOOP = hex(code('JUMPDEST', 0, 'JUMP'));
const rss = (program) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]) / 1024;
const top = (program) => Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]) / 1024;

async function spender(node, gas) {
  await h.rpc(node.http, 'anvil_setCode', ['0x00000000000000000000000000000000000c0de1', LOOP]);
  const hash = await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: '0x00000000000000000000000000000000000c0de1', gas: `0x${gas.toString(16)}` }]);
  assert.equal((await h.rpc(node.http, 'eth_getTransactionReceipt', [hash])).status, '0x0');
  return hash;
}

test('sixteen million gas step by step: the memory neither of the trace nor of the reply', { timeout: 300000 }, async () => {
  const node = await h.fanatico(['--silent', '--workers', '1']);
  const hash = await spender(node, 16000000); // four million steps, half a gigabyte of text
  await h.rpc(node.http, 'debug_traceTransaction', [hash, { limit: 1000 }]);
  const before = rss(node);
  const refused = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params: [hash, { timeout: '5m' }] });
  assert.deepEqual([refused.error?.code, refused.error?.message], [-32003, 'response too large']);
  const grown = top(node) - before;
  console.log(`a trace of 16,000,000 gas, refused at 25 MB: the process grew by ${grown.toFixed(1)} MiB`);
  assert.ok(grown < 8, `grew by ${grown} MiB`);
  const cut = await h.rpc(node.http, 'debug_traceTransaction', [hash, { limit: 1000000, disableStack: true, timeout: '5m' }]);
  assert.equal(cut.failed, true);
  assert.equal(cut.gas, 16000000);
  assert.ok(cut.structLogs.length > 10000);
  // Nothing of it stays: the same again and again needs no more.
  const high = top(node);
  for (let i = 0; i < 5; i++) await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params: [hash, { timeout: '5m' }] });
  assert.ok(top(node) - high < 10, `grew by ${top(node) - high} MiB more`);
  const tree = await h.rpc(node.http, 'debug_traceTransaction', [hash, { tracer: 'callTracer' }]);
  assert.deepEqual([tree.error, tree.gasUsed], ['out of gas', '0xf42400']);
  await node.stop();
});

/** Asks over HTTP and gives to each() what comes as it comes. */
const stream = (node, body, each) => new Promise((done, failed) => {
  const request = http.request(node.http, { method: 'POST', headers: { 'content-type': 'application/json' } }, (reply) => {
    reply.on('data', each).on('end', () => done(Number(reply.headers['content-length']))).on('error', failed);
  });
  request.on('error', failed).end(JSON.stringify(body));
});

test('twenty megabytes of trace are the same text over HTTP, WebSocket and compressed WebSocket, alone and in a batch, and wait compressed', { timeout: 120000 }, async () => {
  const node = await h.fanatico(['--silent', '--workers', '1']);
  const hash = await spender(node, 1000000), ask = (id) => ({ jsonrpc: '2.0', id, method: 'debug_traceTransaction', params: [hash, {}] });
  await h.rpc(node.http, 'debug_traceTransaction', [hash, { limit: 1000 }]);
  const before = rss(node), parts = [];
  const length = await stream(node, ask(1), (part) => parts.push(part));
  const text = Buffer.concat(parts).toString(), grown = top(node) - before;
  assert.equal(text.length, length);
  assert.ok(length > 15e6 && length < 25e6, `${length} bytes`);
  assert.equal(JSON.parse(text).result.structLogs.length > 100000, true);
  assert.ok(grown < 8, `grew by ${grown} MiB`);
  for (const perMessageDeflate of [false, true]) {
    const socket = new WebSocket(node.ws, { perMessageDeflate, maxPayload: 30e6 }), next = () => new Promise((done) => { socket.once('message', (data) => done(data.toString())); });
    await new Promise((done) => { socket.once('open', done); });
    assert.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate);
    let reply = next();
    socket.send(JSON.stringify(ask(1)));
    assert.ok((await reply) === text, `over a WebSocket, deflate ${perMessageDeflate}`);
    reply = next(); // the second does not fit, and takes nothing of the first with it
    socket.send(JSON.stringify([ask(1), ask(2), ask(3)]));
    const refused = (id) => `,{"jsonrpc":"2.0","id":${id},"error":{"code":-32003,"message":"response too large"}}`;
    assert.ok((await reply) === `[${text}${refused(2)}${refused(3)}]`, 'a batch');
    socket.close();
  }
  await node.stop();
});

test('with a limit that lets it pass, sixteen million gas leave whole, through a few megabytes', { timeout: 300000 }, async () => {
  const node = await h.fanatico(['--silent', '--workers', '1', '--rpc-batch-response-max-size', '2000000000']);
  const hash = await spender(node, 16000000);
  await h.rpc(node.http, 'debug_traceTransaction', [hash, { limit: 1000 }]);
  const before = rss(node);
  let bytes = 0, last;
  const length = await stream(node, { jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params: [hash, { timeout: '5m' }] }, (part) => { bytes += part.length; last = part; });
  const grown = top(node) - before;
  console.log(`a trace of 16,000,000 gas, ${(length / 1e6).toFixed(0)} MB of text: the process grew by ${grown.toFixed(1)} MiB`);
  assert.equal(bytes, length);
  assert.ok(length > 200e6, `${length} bytes`);
  assert.ok(last.toString().endsWith('}}'));
  assert.ok(grown < 40, `grew by ${grown} MiB`);
  await node.stop();
});

test('time is up where the caller says', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']);
  const hash = await spender(node, 16000000);
  const reply = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer', timeout: '1ms' }] });
  assert.deepEqual([reply.error?.code, reply.error?.message], [-32002, 'execution timeout']);
  await node.stop();
});

test('heavy traces on every pool thread delay no subscription', { timeout: 120000 }, async () => {
  const node = await h.fanatico(['--silent']);
  const hash = await spender(node, 16000000);
  const socket = await h.Socket.open(node.ws);
  await socket.call('eth_subscribe', ['newHeads']);
  let busy = true;
  const heavy = Array.from({ length: 8 }, async () => { while (busy) await h.rpc(node.http, 'debug_traceTransaction', [hash, { tracer: 'prestateTracer', timeout: '5m' }]); });
  const late = [];
  for (let i = 0; i < 20; i++) {
    const seen = socket.received.length, start = Date.now();
    await h.rpc(node.http, 'evm_mine', []);
    await h.until('the head', () => socket.received.length > seen);
    late.push(Date.now() - start);
  }
  busy = false;
  await Promise.all(heavy);
  late.sort((a, b) => a - b);
  console.log(`evm_mine to notification beside eight clients that trace 16,000,000 gas: median ${late[10]} ms, worst ${late[19]} ms`);
  assert.ok(late[10] < 1000, `median ${late[10]} ms`); // a trace takes longer than that; a head that waited for one would show
  await node.stop();
});

test('what cannot be traced is said', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']);
  const hash = await spender(node, 100000);
  for (const [method, params, codeOf, words] of [
    ['debug_traceTransaction', ['0x' + '11'.repeat(32)], -32000, 'transaction not found'],
    ['debug_traceTransaction', [hash, { tracer: '{ step: function () {} }' }], -32000, /JavaScript/],
    ['debug_traceTransaction', [hash, { tracer: 'callTracer', timeout: 'soon' }], -32602, /duration/],
    ['debug_traceBlockByNumber', ['0x0'], -32000, 'genesis is not traceable'],
    ['debug_traceBlockByNumber', ['0xffff'], -32000, 'block #65535 not found'],
    ['debug_traceBlockByHash', ['0x' + '11'.repeat(32)], -32000, /not found$/],
    ['debug_traceCall', [{ to: h.ACCOUNTS[0] }, 'pending'], -32000, 'tracing on top of pending is not supported'],
    ['debug_traceCall', [{ to: h.ACCOUNTS[0] }, 'latest', { txIndex: '0x9' }], -32000, /transaction index 9 out of range/],
  ]) {
    const { error } = await h.post(node.http, { jsonrpc: '2.0', id: 1, method, params });
    assert.equal(error?.code, codeOf, method);
    if (words instanceof RegExp) assert.match(error.message, words); else assert.equal(error.message, words);
  }
  const call = await h.rpc(node.http, 'debug_traceCall', [{ to: '0x00000000000000000000000000000000000c0de9' }, 'latest', { tracer: 'callTracer', stateOverrides: { '0x00000000000000000000000000000000000c0de9': { code: '0x602a60005260206000f3' } } }]);
  assert.equal(BigInt(call.output), 42n);
  await node.stop();
});

test('trace_callMany: each call sees what those before it left; trace_rawTransaction tells of what a block then holds', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']), ask = (method, ...params) => h.rpc(node.http, method, params), [alice, bob] = h.ACCOUNTS.map((a) => a.toLowerCase()), counter = '0x00000000000000000000000000000000000c0de2';
  await ask('anvil_setCode', counter, '0x6000546001018060005560005260206000f3'); // counts in slot 0, and returns the count
  const kinds = ['trace', 'stateDiff'], count = { from: alice, to: counter }, pay = { from: alice, to: bob, value: '0x5' };
  const many = await ask('trace_callMany', [[count, kinds], [pay, ['trace']], [count, kinds], [{ ...count, gas: '0x5300' }, ['stateDiff']], [count, []]], 'latest');
  assert.deepEqual(many.map((one) => (one.output === '0x' ? null : BigInt(one.output))), [1n, null, 2n, null, 3n]);
  assert.deepEqual(many[0], await ask('trace_call', count, kinds, 'latest'));
  const word = (n) => '0x' + BigInt(n).toString(16).padStart(64, '0');
  assert.deepEqual(many[2].stateDiff[counter].storage, { [word(0)]: { '*': { from: word(1), to: word(2) } } });
  assert.deepEqual(many[2].stateDiff[alice].nonce, { '*': { from: '0x2', to: '0x3' } });
  assert.deepEqual([many[3].trace, many[3].stateDiff[counter]], [[], undefined]); // ran out of gas, and left nothing but a nonce
  assert.deepEqual(many[4], { output: word(3), stateDiff: null, trace: [], vmTrace: null });
  assert.equal(await ask('eth_getStorageAt', counter, '0x0', 'latest'), word(0));
  assert.deepEqual(await ask('trace_callMany', []), []);
  for (const [params, words] of [[[[[count]]], /\[0\]: want a call and its trace types/], [[[[{ ...count, gas: 'x' }, kinds]]], /\[0\]\[0\]\.gas/], [[[[count, ['colour']]]], /\[0\]\[1\]\[0\]/], [[{}], /calls/], [[Array(1001).fill([count, []])], /at most 1000/]]) {
    const { error } = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'trace_callMany', params });
    assert.equal(error?.code, -32602, JSON.stringify(params).slice(0, 99));
    assert.match(error.message, words);
  }
  const { raw } = await ask('eth_signTransaction', { ...count, nonce: '0x0', gas: '0x186a0', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x3b9aca00', value: '0x0' });
  const told = await ask('trace_rawTransaction', raw, ['trace'], 'latest'), again = await ask('trace_replayTransaction', await ask('eth_sendRawTransaction', raw), ['trace']);
  assert.deepEqual(told, again);
  const after = await ask('trace_rawTransaction', raw, kinds); // its nonce was used; as a call it counts for nothing
  assert.equal(BigInt(after.output), 2n);
  assert.deepEqual(after.stateDiff[counter].storage, { [word(0)]: { '*': { from: word(1), to: word(2) } } });
  const { error } = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'trace_rawTransaction', params: ['0x1234', kinds] });
  assert.equal(error?.code, -32602);
  await node.stop();
});
