// The key `resume` on the wire (promise 6): history, then live, in one stream; what was orphaned comes as removed; what
// cannot be resumed is refused in words; the history goes at the reader's pace and never makes it slow.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { Raw, hex } = require('../promises/raw.cjs');
const { RUNTIME, burst, deploy } = require('../promises/world.cjs');

let node, clock, contract;
before(async () => {
  node = await h.fanatico(['--silent', '--workers', '2', '--ws.resume-blocks', '1000', '--notify-age', '500ms', '--notify-memory', '64K', '--ping-interval', '1', '--ping-timeout', '30']);
  clock = await Raw.open(node.wsPort);
  contract = await deploy((m, p) => clock.call(m, p), RUNTIME);
});
after(async () => {
  await clock?.close();
  assert.equal(await node?.stop(), 0);
});

const open = (options) => Raw.open(node.wsPort, options);
const number = (q) => Number(BigInt(q));
const head = () => clock.call('eth_getBlockByNumber', ['latest', false]);
const send = (count) => clock.call('eth_sendTransaction', [burst(contract, count)]);
const logs = (resume, more = {}) => ['eth_subscribe', ['logs', { address: contract, ...more, resume }]];
const brief = (l) => `${l.removed ? '-' : ''}${number(l.blockNumber)}.${number(l.logIndex)}`;
const arrive = (c, id, count) => h.until(`${count} notifications, ${c.of(id).length} so far`, () => c.of(id).length >= count, 20000);
const settled = async (c) => { await h.sleep(100); await c.call('net_version'); };
async function refused(params) {
  const c = await open(), reply = await c.ask('eth_subscribe', params);
  await c.close();
  assert.equal(reply.error?.code, -32602, JSON.stringify(reply));
  return reply.error.message;
}

test('heads from a number, from zero, from a hash; then the live ones', async () => {
  const c = await open(), at = number((await head()).number);
  for (let i = 0; i < 5; i++) await clock.call('evm_mine');
  const hash = (await clock.call('eth_getBlockByNumber', [hex(at + 2), false])).hash;
  const [byNumber, byHash, zero, next] = [await c.call('eth_subscribe', ['newHeads', { resume: { fromBlock: hex(at + 2) } }]), await c.call('eth_subscribe', ['newHeads', { resume: { blockHash: hash } }]),
    await c.call('eth_subscribe', ['newHeads', { resume: { fromBlock: '0x0' } }]), await c.call('eth_subscribe', ['newHeads', { resume: { fromBlock: hex(at + 6) } }])];
  await arrive(c, zero, at + 6);
  await clock.call('evm_mine');
  await arrive(c, zero, at + 7);
  await settled(c);
  const numbers = (id) => c.of(id).map((b) => number(b.number) - at);
  assert.deepEqual(numbers(byNumber), [2, 3, 4, 5, 6]);
  assert.deepEqual(numbers(byHash), [3, 4, 5, 6]);
  assert.deepEqual(numbers(zero), Array.from({ length: at + 7 }, (_, i) => i - at));
  assert.deepEqual(numbers(next), [6]);
  const live = await open(), plain = await live.call('eth_subscribe', ['newHeads']);
  await clock.call('evm_mine');
  await arrive(live, plain, 1);
  assert.deepEqual(Object.keys(c.of(byNumber)[0]), Object.keys(live.of(plain)[0]), 'a header of the history looks like a live one');
  await Promise.all([c.close(), live.close()]);
});

test('logs strictly behind a log, with a filter, and in a batch behind the reply', async () => {
  const c = await open();
  await send(3);
  const at = await head();
  await send(2);
  const replies = await c.batch([logs({ blockHash: at.hash, logIndex: '0x0' }), ['eth_chainId'], logs({ blockHash: at.hash }), logs({ fromBlock: at.number }, { topics: [null, `0x${'2'.padStart(64, '0')}`] }), ['evm_mine']]);
  assert.equal(c.messages[0], replies, 'the reply is the first thing that arrives');
  const ids = [0, 2, 3].map((i) => replies[i].result), n = number(at.number);
  await arrive(c, ids[0], 4);
  await send(1);
  await arrive(c, ids[0], 5);
  await settled(c);
  assert.deepEqual(c.of(ids[0]).map(brief), [`${n}.1`, `${n}.2`, `${n + 1}.0`, `${n + 1}.1`, `${n + 3}.0`]);
  assert.deepEqual(c.of(ids[1]).map(brief), [`${n + 1}.0`, `${n + 1}.1`, `${n + 3}.0`]);
  assert.deepEqual(c.of(ids[2]).map(brief), [`${n}.1`, `${n + 1}.0`]);
  await c.close();
});

test('orphaned since: removed, newest first, back to the common ancestor, then the new branch, headers without noise', async () => {
  const c = await open();
  await send(2);
  const ancestor = await head(), n = number(ancestor.number);
  await send(1);
  await send(2);
  const lost = await head();
  await clock.call('anvil_rollback', [2]);
  await send(3);
  const id = await c.call(...logs({ blockHash: lost.hash, logIndex: '0x0' })), heads = await c.call('eth_subscribe', ['newHeads', { resume: { blockHash: lost.hash } }]);
  await arrive(c, id, 5);
  assert.deepEqual(c.of(id).map(brief), [`-${n + 2}.0`, `-${n + 1}.0`, `${n + 1}.0`, `${n + 1}.1`, `${n + 1}.2`]);
  assert.equal(c.of(id)[0].blockHash, lost.hash);
  await settled(c);
  assert.deepEqual(c.of(heads).map((b) => [number(b.number), b.parentHash]), [[n + 1, ancestor.hash]]);
  await c.close();
});

test('what cannot be resumed says why', async () => {
  const last = await head(), n = number(last.number);
  assert.match(await refused(['newHeads', { resume: { blockHash: `0x${'ab'.repeat(32)}` } }]), /unknown block 0xabab/);
  assert.match(await refused(['newHeads', { resume: { fromBlock: hex(n + 2) } }]), /beyond the head/);
  assert.match(await refused(['logs', { resume: { blockHash: last.hash, logIndex: '0x64' } }]), /logIndex: 100, but the block has \d+ logs/);
  assert.match(await refused(['newHeads', { resume: { blockHash: last.hash, logIndex: '0x0' } }]), /logIndex goes with/);
  assert.match(await refused(['logs', { resume: { fromBlock: '0x1', logIndex: '0x0' } }]), /logIndex goes with/);
  for (const resume of [{}, [], 'latest', { fromBlock: '0x1', blockHash: last.hash }, { fromBlock: 'latest' }, { fromBlock: 1 }, { blockHash: '0x1' }, { fromBlock: '0x1', toBlock: '0x2' }, { logIndex: '0x0' }])
    await refused(['logs', { resume }]);
  assert.match(await refused(['transactionReceipts', { resume: { fromBlock: '0x1' } }]), /only newHeads and logs/);
  assert.match(await refused(['newPendingTransactions', { resume: { fromBlock: '0x1' } }]), /only newHeads and logs/);
  const c = await open();
  assert.match(await c.call('eth_subscribe', ['newHeads', { resume: null }]), /^0x[0-9a-f]{32}$/, 'null is no wish');
  await c.close();
});

test('fromBlock and toBlock in a plain filter bring no history', async () => {
  const c = await open();
  await send(2);
  const id = await c.call('eth_subscribe', ['logs', { address: contract, fromBlock: '0x0', toBlock: 'latest' }]);
  await settled(c);
  assert.equal(c.of(id).length, 0);
  await send(1);
  await arrive(c, id, 1);
  await settled(c);
  assert.equal(c.of(id).length, 1);
  await c.close();
});

test('a long history: a reader that stops is not slow; the chain turns meanwhile; unsubscribing ends it', async () => {
  const start = await head();
  for (let i = 0; i < 150; i++) await send(150); // some 12 MB of notifications: more than sockets hold
  const c = await open(), leaver = await open({ onMessage: (m) => { if (m.method) leaver.stop(); } });
  const id = await c.call(...logs({ blockHash: start.hash }));
  c.stop();
  const gone = await leaver.call(...logs({ blockHash: start.hash }));
  await arrive(leaver, gone, 1);
  await h.sleep(2500); // past the age limit, the pings, and their answers
  await clock.call('anvil_reorg', [20, []]);
  await send(2);
  for (const [one, what] of [[c, 'the reader'], [leaver, 'who unsubscribes']]) {
    assert.equal(one.gone, undefined, what);
    one.ended.then((e) => { one.why = JSON.stringify(e); });
  }
  c.resume();
  leaver.onMessage = undefined;
  leaver.resume();
  assert.equal(await leaver.call('eth_unsubscribe', [gone]), true);
  const had = leaver.of(gone).length;
  const all = await clock.call('eth_getLogs', [{ address: contract, fromBlock: hex(number(start.number) + 1) }]);
  const held = [];
  await h.until('the whole history', () => {
    assert.equal(c.why, undefined);
    const got = c.of(id);
    return got.length && got.at(-1).blockHash === all.at(-1).blockHash && got.at(-1).logIndex === all.at(-1).logIndex;
  }, 60000);
  for (const l of c.of(id)) {
    if (!l.removed) held.push(brief(l) + l.blockHash);
    else assert.equal(held.pop(), brief(l).slice(1) + l.blockHash);
  }
  assert.deepEqual(held, all.map((l) => brief(l) + l.blockHash));
  await send(1);
  await settled(leaver);
  assert.ok(had < all.length / 2, `${had} of ${all.length} had been sent`);
  assert.equal(leaver.of(gone).length, had, 'silence after the answer');
  await Promise.all([c.close(), leaver.close()]);
});

test('no further back than --ws.resume-blocks', async () => {
  await clock.call('anvil_mine', ['0x3e8']);
  const n = number((await head()).number);
  assert.match(await refused(['newHeads', { resume: { fromBlock: hex(n - 1000) } }]), /1001 blocks back, at most 1000/);
  const { hash } = await clock.call('eth_getBlockByNumber', [hex(n - 1001), false]);
  assert.match(await refused(['logs', { resume: { blockHash: hash } }]), /1001 blocks back, at most 1000/);
  const c = await open(), id = await c.call('eth_subscribe', ['newHeads', { resume: { fromBlock: hex(n - 999) } }]);
  await arrive(c, id, 1000);
  assert.deepEqual(c.of(id).map((b) => number(b.number)), Array.from({ length: 1000 }, (_, i) => n - 999 + i));
  await c.close();
});
