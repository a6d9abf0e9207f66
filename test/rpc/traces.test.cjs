// Traces as a server gives them: a long one costs no memory beyond its reply, a heavy one delays no subscription, and what
// does not fit is said. That their content is geth's is test/peers/traces.test.cjs.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const h = require('../lib/harness.cjs');
const { code } = require('../peers/odd.cjs');
const { ethers } = require('ethers');

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

test('sixteen million gas step by step: the memory of a reply, not of the trace', { timeout: 300000 }, async () => {
  const node = await h.fanatico(['--silent', '--workers', '1']);
  const hash = await spender(node, 16000000); // four million steps, half a gigabyte of text
  await h.rpc(node.http, 'debug_traceTransaction', [hash, { limit: 1000 }]);
  const before = rss(node);
  const refused = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'debug_traceTransaction', params: [hash, { timeout: '5m' }] });
  assert.deepEqual([refused.error?.code, refused.error?.message], [-32003, 'response too large']);
  const grown = top(node) - before;
  console.log(`a trace of 16,000,000 gas, refused at 25 MB: the process grew by ${grown.toFixed(1)} MiB`);
  assert.ok(grown < 40, `grew by ${grown} MiB`);
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
  const heavy = Array.from({ length: 8 }, async () => { while (busy) await h.rpc(node.http, 'debug_traceTransaction', [hash, { tracer: 'prestateTracer' }]); });
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
