// --rpc-evmtimeout holds within a step, too: whatever code spends its time on, with gas as good as endless, the answer is there
// soon after the time is up. And nobody runs what nobody waits for. Bounds are ten times what is asked: without a look at
// the clock these take minutes.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const h = require('../lib/harness.cjs');
const { Raw } = require('./raw.cjs');

const AT = '0x00000000000000000000000000000000000e0d1e', BELOW = '0x0000000000000000000000000000000000000ca1';
const MORE = ['--rpc-gascap', '1000000000000000'], GAS = '0x' + (9e14).toString(16);
const LIMIT = 500, BOUND = 5000;
const word = (n) => n.toString(16).padStart(64, '0');
const LOOP = (body) => `0x5b${body}5f56`;

/** What takes long though code jumps back seldom, or not at all; `below` is code of a second account. */
const SLOW = {
  'a loop that hashes 1 MiB a step': { code: LOOP('62100000' + '5f2050') },
  'code without a jump that hashes 1 MiB a step': { code: '0x' + ('62100000' + '5f2050').repeat(20000) },
  'long code between two jumps': { code: LOOP('6007600660050950'.repeat(30000)) },
  'a loop over a contract without a jump': { code: LOOP('5f5f5f5f5f' + `73${BELOW.slice(2)}` + '5af150'), below: '0x' + '6007600660050950'.repeat(30000) },
  'copies of 1 MiB': { code: LOOP('621000005f60015e') },
  'creations of 40,000 bytes': { code: LOOP('619c405f5ff050') },
  'one modular exponentiation': { to: '0x' + word(5).slice(24), data: '0x' + word(4096) + word(4096) + word(4096) + 'ff'.repeat(3 * 4096 - 1) + 'fd' },
  'one BLAKE2 of 2^32 rounds': { to: '0x' + word(9).slice(24), data: '0xffffffff' + '00'.repeat(208) + '01' },
  'a loop of exponentiations': { code: LOOP('6101005f52610100602052610100604052' + '5f5f610360' + '5f60055afa50') },
};

let node;
before(async () => { node = await h.fanatico(['--silent', '--hardfork', 'prague', '--rpc-evmtimeout', `${LIMIT}ms`, ...MORE]); });
after(async () => { if (node) assert.equal(await node.stop(), 0); });

const message = ({ to = AT, data }) => ({ to, data, gas: GAS });
const METHODS = {
  eth_call: (s) => [message(s), 'latest'],
  eth_estimateGas: (s) => [message(s), 'latest'],
  eth_createAccessList: (s) => [message(s), 'latest'],
  eth_simulateV1: (s) => [{ blockStateCalls: [{ blockOverrides: { gasLimit: GAS }, calls: [message(s)] }] }, 'latest'],
  debug_traceCall: (s) => [message(s), 'latest', { tracer: 'callTracer' }],
  trace_call: (s) => [message(s), ['trace'], 'latest'],
};

for (const [what, slow] of Object.entries(SLOW))
  test(what, { timeout: 120000 }, async () => {
    const said = [];
    await h.rpc(node.http, 'anvil_setCode', [AT, slow.code ?? '0x']);
    await h.rpc(node.http, 'anvil_setCode', [BELOW, slow.below ?? '0x']);
    for (const [method, params] of Object.entries(METHODS)) {
      const began = Date.now(), reply = await h.post(node.http, { jsonrpc: '2.0', id: 1, method, params: params(slow) }), took = Date.now() - began;
      // A trace of many frames may be too large before its time is up; then it has ended too.
      assert.match(JSON.stringify(reply), /trace/.test(method) ? /"code":-3200[23]|timeout/ : /"code":-32002|timeout/, `${method}: ${JSON.stringify(reply).slice(0, 300)}`);
      assert.ok(took < BOUND, `${method}: ${took} ms for a limit of ${LIMIT}`);
      said.push(`${method.replace(/.*_/, '')} ${took}`);
    }
    console.log(`${what}, in ms of ${LIMIT}: ${said.join(', ')}`);
  });

// Each of these would have its thread of the pool for a minute.
const SPIN = { [AT]: { code: '0x5b5f56' } }, LONG = 60000;
const patient = () => h.fanatico(['--silent', '--rpc-evmtimeout', '60', ...MORE]);
const spin = (method = 'eth_call') => ({ jsonrpc: '2.0', id: 1, method, params: [{ to: AT, gas: GAS }, 'latest', SPIN] });
const answered = async (n) => { // a call for the pool, behind all that came before it
  const began = Date.now();
  await h.rpc(n.http, 'eth_estimateGas', [{ to: BELOW, data: '0x00' }, 'latest', { [BELOW]: { code: '0x600160015500' } }]);
  return Date.now() - began;
};

test('a client that goes ends its calls: those that run, and those that wait', { timeout: LONG }, async () => {
  const n = await patient();
  const sockets = await Promise.all(Array.from({ length: 20 }, () => Raw.open(n.wsPort)));
  for (const socket of sockets) for (const method of ['eth_call', 'eth_estimateGas', 'eth_createAccessList']) socket.ask(method, spin(method).params).catch(() => {});
  await h.sleep(300);
  for (const socket of sockets) socket.socket.destroy();
  const took = await answered(n);
  console.log(`${3 * sockets.length} endless calls of ${sockets.length} clients that went: the next call was answered in ${took} ms`);
  assert.ok(took < LONG / 4);
  // Over HTTP a client that resets has gone; one that only says it will send no more may still read.
  const requests = Array.from({ length: 20 }, () => {
    const r = http.request(n.http, { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false });
    r.on('error', () => {});
    r.end(JSON.stringify(spin()));
    return r;
  });
  await h.sleep(300);
  for (const r of requests) r.socket.resetAndDestroy();
  assert.ok((await answered(n)) < LONG / 4);
  assert.equal(await n.stop(), 0);
});

test('a server that ends does not wait for its calls', { timeout: LONG }, async () => {
  const n = await patient();
  for (let i = 0; i < 10; i++) h.post(n.http, spin(i % 2 ? 'eth_call' : 'eth_createAccessList')).catch(() => {});
  await h.sleep(300);
  const began = Date.now();
  assert.equal(await n.stop(), 0);
  console.log(`with ten endless calls under way the server ended in ${Date.now() - began} ms`);
});
