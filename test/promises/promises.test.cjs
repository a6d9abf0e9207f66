// The promises of a subscription (docs/ARCHITECTURE.md has the ledger), against the real binary: 1 the id comes first and
// silence comes after, 2 what is named can be read, 3 no hole, 4 the order within a change of head, 7 nothing unasked.
// Promise 5 and the end of slow readers are in slow.test.cjs.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { Raw, hex } = require('./raw.cjs');
const { RUNTIME, SPIN, burst, deploy } = require('./world.cjs');

let node, clock, contract, spinner;
before(async () => {
  // Two workers at least, also on one core: what crosses threads must cross them here. The gas cap makes eth_call slow on demand.
  node = await h.fanatico(['--silent', '--workers', '4', '--rpc-gascap', '2000000000']);
  clock = await Raw.open(node.wsPort); // the client that moves the chain
  contract = await deploy((m, p) => clock.call(m, p), RUNTIME);
  spinner = await deploy((m, p) => clock.call(m, p), SPIN);
});
after(async () => {
  await clock?.close();
  assert.equal(await node?.stop(), 0);
});

const open = (options) => Raw.open(node.wsPort, options);
const several = (count, make) => Promise.all(Array.from({ length: count }, make));
const notifications = (c) => c.messages.filter((m) => m.method);
const number = (q) => Number(BigInt(q));
/** A call that keeps a pool thread busy for a good while. */
const slow = (gas = 400_000_000) => ['eth_call', [{ to: spinner, gas: hex(gas) }, 'latest']];
/** Answers come in the order of the requests of one connection, so after this one everything earlier has arrived. */
const settled = (c) => c.call('net_version');

/** Waits until a client has had this many notifications, then a little for one too many. */
async function settle(c, count) {
  await h.until(`${count} notifications, ${notifications(c).length} so far`, () => notifications(c).length >= count, 20000);
  await settled(c);
}

// ---- 1: the id before the first, silence after the last ----

test('1: in a batch with slow items, what the later ones cause waits for the reply and then comes, all of it', async () => {
  const c = await open(), start = number(await clock.call('eth_blockNumber'));
  const replies = await c.batch([['eth_subscribe', ['newHeads']], ['evm_mine'], slow(), ['eth_subscribe', ['logs', { address: contract }]],
    ['eth_sendTransaction', [burst(contract, 3)]], slow(), ['eth_subscribe', ['newPendingTransactions']], ['eth_subscribe', ['transactionReceipts']],
    ['eth_sendTransaction', [burst(contract, 2)]], slow(), ['eth_subscribe', ['syncing']], ['evm_mine'], slow()]);
  assert.equal(c.messages[0], replies, 'the reply is the first thing that arrives');
  const [heads, , , logs, , , pending, receipts, , , syncing] = replies.map((r) => r.result);
  for (const at of [2, 5, 9, 12]) assert.match(replies[at].error.message, /out of gas/, 'the slow items ran');
  await settle(c, 4 + 5 + 1 + 1 + 1);
  assert.deepEqual(c.of(heads).map((b) => number(b.number)), [1, 2, 3, 4].map((i) => start + i));
  assert.deepEqual(c.of(logs).map((l) => [number(l.blockNumber), number(l.logIndex)]), [[2, 0], [2, 1], [2, 2], [3, 0], [3, 1]].map(([b, i]) => [start + b, i]));
  assert.deepEqual(c.of(pending), [replies[8].result]);
  assert.deepEqual(c.of(receipts).map((r) => r.map((one) => one.transactionHash)), [[replies[8].result]]);
  assert.deepEqual(c.of(syncing), [false]);
  assert.equal(notifications(c).length, 12);
  await c.close();
});

test('1: other connections cause events while ids are given: never one before its id, never a hole behind it', async () => {
  let mining = true, mined = 0;
  const miner = (async () => { for (; mining; mined++) await clock.call('evm_mine'); })();
  const clients = await several(8, () => open());
  await Promise.all(clients.map(async (c) => {
    const known = new Set(), ended = new Set(), last = new Map();
    c.keep = false;
    c.onMessage = (m) => {
      if (!m.method) {
        for (const r of Array.isArray(m) ? m : [m]) if (typeof r.result === 'string' && r.result.length === 34) known.add(r.result);
        return;
      }
      const { subscription: id, result } = m.params;
      assert.ok(known.has(id), 'a notification before its id');
      assert.ok(!ended.has(id), 'a notification after unsubscribe answered true');
      if (last.has(id)) assert.equal(number(result.number), last.get(id) + 1, 'a hole');
      last.set(id, number(result.number));
    };
    for (let round = 0; round < 25; round++) {
      // Read after subscribing in the same batch: everything after that block must come.
      const [sub, head] = await c.batch([['eth_subscribe', ['newHeads']], ['eth_blockNumber'], ...(round % 5 ? [] : [slow(20_000_000)])]);
      const seen = number(head.result);
      await h.until('a head', () => last.has(sub.result) && last.get(sub.result) >= seen + 1);
      const more = await c.call('eth_subscribe', ['newHeads']);
      const [gone] = await c.batch([['eth_unsubscribe', [sub.result]], ...(round % 4 ? [] : [slow(20_000_000)])]);
      assert.equal(gone.result, true);
      ended.add(sub.result);
      assert.equal(await c.call('eth_unsubscribe', [more]), true);
      ended.add(more);
      assert.equal(await c.call('eth_unsubscribe', [more]), false, 'an id ends once');
    }
  }));
  mining = false;
  await miner;
  assert.ok(mined > 50, `only ${mined} blocks in the meantime`);
  await Promise.all(clients.map((c) => c.close()));
});

test('1: the first head after a subscription follows what could be read behind it, without a gap', async () => {
  let mining = true;
  const miner = (async () => { while (mining) await clock.call('evm_mine'); })();
  const c = await open();
  for (let round = 0; round < 60; round++) {
    const [sub, head] = await c.batch([['eth_subscribe', ['newHeads']], ['eth_blockNumber']]);
    const [first] = await h.until('a head', () => { const got = c.of(sub.result); return got.length ? got : null; });
    assert.ok(number(first.number) <= number(head.result) + 1, `read ${number(head.result)}, then told ${number(first.number)}`);
    await c.call('eth_unsubscribe', [sub.result]);
    c.messages.length = 0;
  }
  mining = false;
  await miner;
  await c.close();
});

test('1: unsubscribe in one batch with its causes, and while notifications are held', async () => {
  const c = await open();
  const id = await c.call('eth_subscribe', ['newHeads']), kept = await c.call('eth_subscribe', ['newHeads']);
  // The second subscription holds everything until the reply: what the first got meanwhile must not come after its end.
  const replies = await c.batch([['eth_subscribe', ['newHeads']], ['evm_mine'], slow(), ['evm_mine'], ['eth_unsubscribe', [id]], ['evm_mine'], slow()]);
  assert.equal(replies[4].result, true);
  const third = replies[0].result, before = c.of(id).length;
  assert.equal(before, 0, 'held with the others');
  await clock.call('evm_mine');
  await settle(c, 8);
  assert.equal(c.of(id).length, 0);
  assert.equal(c.of(kept).length, 4);
  assert.equal(c.of(third).length, 4);
  // Without a hold: what was mined before the item may come, in front of the reply; nothing after it.
  const gone = await c.batch([['evm_mine'], ['eth_unsubscribe', [kept]], ['evm_mine'], slow(), ['eth_unsubscribe', [kept]]]);
  assert.deepEqual([gone[1].result, gone[4].result], [true, false]);
  const at = c.messages.indexOf(gone);
  await clock.call('evm_mine');
  await settled(c);
  assert.equal(c.messages.slice(at).filter((m) => m.method && m.params.subscription === kept).length, 0);
  assert.equal(c.of(kept).length, 5);
  assert.equal(await c.call('eth_unsubscribe', ['0x1']), false, 'an unknown id is no error');
  await c.close();
});

// ---- 2: what is named can be read ----

test('2: at newHeads N everything of N answers, on HTTP and on other connections, by number and by hash', { timeout: 60000 }, async () => {
  const others = await several(10, () => open({ keep: false })), listeners = await several(4, () => open({ keep: false }));
  const stop = 300, asked = [], failed = [];
  const read = (block) => {
    const n = block.number, byHash = { blockHash: block.hash };
    return [['eth_getBlockByNumber', [n, false]], ['eth_getBlockByHash', [block.hash, false]], ['eth_getBlockReceipts', [n]], ['eth_getBlockReceipts', [block.hash]],
      ['eth_getLogs', [{ fromBlock: n, toBlock: n }]], ['eth_getLogs', [byHash]], ['eth_getBalance', [h.ACCOUNTS[0], n]], ['eth_getBalance', [h.ACCOUNTS[0], byHash]],
      ['eth_getTransactionCount', [h.ACCOUNTS[0], n]], ['eth_getTransactionCount', [h.ACCOUNTS[0], byHash]], ['eth_blockNumber', []],
      ['eth_getTransactionByBlockNumberAndIndex', [n, '0x0']], ['eth_call', [{ to: contract }, n]]];
  };
  const check = (where, block, logs, nonce, replies) => {
    const n = number(block.number);
    try {
      for (const r of replies) assert.equal(r.error, undefined, JSON.stringify(r.error));
      const [b1, b2, r1, r2, l1, l2, m1, m2, c1, c2, head, tx] = replies.map((r) => r.result);
      assert.equal(b1?.hash, block.hash, 'block by number');
      assert.deepEqual(b2, b1, 'block by hash');
      assert.equal(r1?.length, 1, 'receipts by number');
      assert.deepEqual(r2, r1, 'receipts by hash');
      assert.equal(r1[0].transactionHash, b1.transactions[0]);
      assert.deepEqual(l1, r1[0].logs, 'logs by range');
      assert.deepEqual(l2, l1, 'logs by hash');
      assert.equal(l1.length, logs);
      assert.ok(BigInt(m1) > 0n && m1 === m2, 'state');
      assert.equal(number(c1), nonce, 'state of this very block');
      assert.equal(c2, c1);
      assert.ok(number(head) >= n, `eth_blockNumber ${number(head)} behind ${n}`);
      assert.equal(tx.hash, b1.transactions[0]);
    } catch (e) { failed.push(`${where}, block ${n}: ${e.message}`); }
  };
  const base = number(await clock.call('eth_getTransactionCount', [h.ACCOUNTS[0], 'latest'])), first = number(await clock.call('eth_blockNumber'));
  const logsOf = (n) => n % 4;
  let turn = 0;
  for (const l of listeners) {
    l.onMessage = (m) => {
      if (!m.method) return;
      const block = m.params.result, n = number(block.number), logs = logsOf(n), nonce = base + n - first;
      const items = read(block);
      // From inside the handler, before anything else is read: two other connections, single requests on a third, HTTP.
      for (let k = 0; k < 2; k++) asked.push(others[turn++ % others.length].batch(items).then((r) => check('WS batch', block, logs, nonce, r)));
      const one = others[turn++ % others.length];
      asked.push(Promise.all(items.map(([method, params]) => one.ask(method, params))).then((r) => check('WS', block, logs, nonce, r)));
      if (l === listeners[n % listeners.length]) asked.push(h.post(node.http, items.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params }))).then((r) => check('HTTP', block, logs, nonce, r)));
    };
    await l.call('eth_subscribe', ['newHeads']);
  }
  for (let n = first + 1; n <= first + stop; n++) await clock.call('eth_sendTransaction', [burst(contract, logsOf(n))]);
  await h.until('all to be asked', () => asked.length >= stop * (listeners.length * 3 + 1), 40000);
  await Promise.all(asked);
  assert.deepEqual(failed.slice(0, 5), [], `${failed.length} of ${asked.length} readings`);
  await Promise.all([...others, ...listeners].map((c) => c.close()));
});

// ---- 3: no hole, no duplicate, no disorder ----

test('3: fifty clients, thousands of blocks, others coming and going', { timeout: 60000 }, async () => {
  const rounds = 120, each = 20, clients = await several(50, () => open({ keep: false }));
  const first = number(await clock.call('eth_blockNumber'));
  const streams = await Promise.all(clients.map(async (c, i) => {
    const s = { heads: [], logs: [] };
    const wanted = i % 3 === 0 ? {} : { address: contract };
    c.onMessage = (m) => {
      if (!m.method) return;
      const r = m.params.result;
      if (m.params.subscription === s.headsId) s.heads.push([r.number, r.hash, r.parentHash]);
      else if (m.params.subscription === s.logsId) s.logs.push(`${r.blockHash} ${r.logIndex} ${r.removed}`);
      else assert.fail('a stranger\'s notification');
    };
    s.headsId = await c.call('eth_subscribe', ['newHeads']);
    s.logsId = await c.call('eth_subscribe', ['logs', wanted]);
    return s;
  }));
  let churning = true, visits = 0;
  const churn = several(6, async (_, k) => {
    for (; churning; visits++) {
      const c = await open({ keep: false });
      await c.batch([['eth_subscribe', ['newHeads']], ['eth_subscribe', ['logs']], ['eth_subscribe', ['newPendingTransactions']]]);
      if (visits % 3 === 0) await h.sleep(10);
      if (visits % 2) c.socket.resetAndDestroy(); else await c.close();
      await h.sleep(5);
    }
  });
  for (let i = 0; i < rounds; i++) {
    if (i % 3 === 0) await clock.batch([['anvil_mine', [hex(each)]], ['eth_sendTransaction', [burst(contract, 3)]]]);
    else await clock.batch([...Array.from({ length: each }, (_, k) => ['eth_sendTransaction', [burst(contract, (k + i) % 4)]])]);
  }
  churning = false;
  await churn;
  const last = number(await clock.call('eth_blockNumber'));
  assert.ok(last - first >= 2000, `${last - first} blocks`);
  const truth = (await clock.call('eth_getLogs', [{ fromBlock: hex(first + 1), toBlock: hex(last) }])).map((l) => `${l.blockHash} ${l.logIndex} ${l.removed}`);
  await h.until('all streams to be complete', () => streams.every((s) => s.heads.length >= last - first && s.logs.length >= truth.length), 20000);
  await Promise.all(clients.map(settled));
  const heads = [];
  for (let n = first + 1; n <= last; n += 500) {
    const part = await clock.batch(Array.from({ length: Math.min(500, last - n + 1) }, (_, k) => ['eth_getBlockByNumber', [hex(n + k), false]]));
    heads.push(...part.map((r) => [r.result.number, r.result.hash, r.result.parentHash]));
  }
  for (const s of streams) {
    assert.deepEqual(s.heads, heads);
    assert.deepEqual(s.logs, truth);
  }
  console.log(`${last - first} blocks and ${truth.length} logs to ${clients.length} clients, ${visits} visitors meanwhile`);
  await Promise.all(clients.map((c) => c.close()));
});

// ---- 4: the order within one change of head ----

/** What a client of newHeads, logs and transactionReceipts must get for blocks read over RPC, oldest first. */
async function announced(from, to) {
  const out = [];
  if (to < from) return out;
  const items = [];
  for (let n = from; n <= to; n++) items.push(['eth_getBlockByNumber', [hex(n), false]], ['eth_getLogs', [{ fromBlock: hex(n), toBlock: hex(n) }]], ['eth_getBlockReceipts', [hex(n)]]);
  const replies = [];
  for (let i = 0; i < items.length; i += 600) replies.push(...await clock.batch(items.slice(i, i + 600)));
  for (let i = 0; i < replies.length; i += 3) {
    const [block, logs, receipts] = [replies[i].result, replies[i + 1].result, replies[i + 2].result];
    out.push(`head ${block.number} ${block.hash}`, ...logs.map((l) => `log ${JSON.stringify(l)}`));
    if (receipts.length) out.push(`receipts ${receipts.map((r) => r.transactionHash).join(' ')}`);
  }
  return out;
}
const asRemoved = (lines) => lines.filter((l) => l.startsWith('log ')).reverse().map((l) => `log ${JSON.stringify({ ...JSON.parse(l.slice(4)), removed: true })}`);

/** A connection with all three kinds, as lines in the order of arrival. */
async function observer() {
  const c = await open(), kinds = {};
  kinds[await c.call('eth_subscribe', ['transactionReceipts'])] = (r) => `receipts ${r.map((one) => one.transactionHash).join(' ')}`;
  kinds[await c.call('eth_subscribe', ['logs', { address: contract }])] = (l) => `log ${JSON.stringify(l)}`;
  kinds[await c.call('eth_subscribe', ['newHeads'])] = (b) => `head ${b.number} ${b.hash}`;
  c.lines = () => notifications(c).splice(0).map((m) => kinds[m.params.subscription](m.params.result));
  return c;
}

const head = async () => number(await clock.call('eth_blockNumber'));

async function grow(blocks) {
  for (let i = 0; i < blocks; i++) {
    if (i % 5 === 4) await clock.call('evm_mine');
    else await clock.call('eth_sendTransaction', [burst(contract, 1 + (i % 3))]);
  }
}

test('4: reorgs of every depth up to 128: removed newest first, then each new block, oldest first', { timeout: 60000 }, async () => {
  await grow(135);
  const logFilter = await clock.call('eth_newFilter', [{ address: contract }]), blockFilter = await clock.call('eth_newBlockFilter');
  const c = await observer();
  for (let depth = 1; depth <= 128; depth++) {
    const top = await head();
    const expected = asRemoved(await announced(top - depth + 1, top));
    c.messages.length = 0;
    await clock.call('anvil_reorg', [depth, []]);
    assert.equal(await head(), top, 'as many blocks as went');
    const added = await announced(top - depth + 1, top);
    expected.push(...added);
    await settle(c, expected.length);
    assert.deepEqual(c.lines(), expected, `depth ${depth}`);
    assert.deepEqual((await clock.call('eth_getFilterChanges', [logFilter])).map((l) => `log ${JSON.stringify(l)}`), expected.filter((l) => l.startsWith('log ')), `filter at depth ${depth}`);
    assert.deepEqual(await clock.call('eth_getFilterChanges', [blockFilter]), added.filter((l) => l.startsWith('head ')).map((l) => l.split(' ')[2]));
  }
  c.messages.length = 0;
  const top = await head(), refused = await clock.ask('anvil_reorg', [129, []]);
  assert.ok(refused.error, 'no deeper than 128');
  assert.equal(await head(), top);
  await grow(2); // and life goes on
  const expected = await announced(top + 1, top + 2);
  await settle(c, expected.length);
  assert.deepEqual(c.lines(), expected);
  await c.close();
});

test('4: evm_revert: removed logs, no header; the next block is announced as usual; polling filters likewise', async () => {
  const c = await observer();
  for (const depth of [1, 2, 17, 100]) {
    const snapshot = await clock.call('evm_snapshot'), base = await head();
    await grow(depth);
    const before = await announced(base + 1, base + depth);
    await settle(c, before.length);
    assert.deepEqual(c.lines(), before);
    const logFilter = await clock.call('eth_newFilter', [{ address: contract }]), blockFilter = await clock.call('eth_newBlockFilter');
    c.messages.length = 0;
    assert.equal(await clock.call('evm_revert', [snapshot]), true);
    const removed = asRemoved(before);
    await settle(c, removed.length);
    assert.deepEqual(c.lines(), removed, `back ${depth}`);
    assert.deepEqual((await clock.call('eth_getFilterChanges', [logFilter])).map((l) => `log ${JSON.stringify(l)}`), removed);
    assert.deepEqual(await clock.call('eth_getFilterChanges', [blockFilter]), []);
    assert.equal(await head(), base);
    c.messages.length = 0;
    await grow(2);
    const next = await announced(base + 1, base + 2);
    await settle(c, next.length);
    assert.deepEqual(c.lines(), next);
    assert.deepEqual(await clock.call('eth_getFilterChanges', [blockFilter]), next.filter((l) => l.startsWith('head ')).map((l) => l.split(' ')[2]));
    assert.deepEqual((await clock.call('eth_getFilterChanges', [logFilter])).map((l) => `log ${JSON.stringify(l)}`), next.filter((l) => l.startsWith('log ')));
    for (const f of [logFilter, blockFilter]) await clock.call('eth_uninstallFilter', [f]);
    c.messages.length = 0;
  }
  await c.close();
});

// ---- 7: nothing that was not asked for ----

test('7: newHeads has exactly geth\'s keys, and the envelope nothing more', { timeout: 60000 }, async () => {
  const dir = h.scratch(), genesis = path.join(dir, 'genesis.json'), port = await h.freePort();
  fs.writeFileSync(genesis, execFileSync(path.join(h.bin, 'fanatico'), ['genesis', '--hardfork', 'osaka', '--accounts', '1']));
  const init = new h.Program(h.gethFile(), ['--datadir', path.join(dir, 'geth'), 'init', genesis]);
  assert.equal(await init.ended, 0, init.output);
  const geth = new h.Program(h.gethFile(), ['--dev', '--dev.period', '1', '--datadir', path.join(dir, 'geth'), '--ws', '--ws.port', String(port), '--ws.api', 'eth', '--nodiscover', '--maxpeers', '0',
    '--authrpc.port', '0', '--port', '0', '--ipcdisable']);
  try {
    const g = await h.until('geth to accept', () => { if (!geth.running) throw new Error(geth.output.slice(-2000)); return Raw.open(port).catch(() => null); });
    const id = await g.call('eth_subscribe', ['newHeads']);
    const theirs = await h.until('a head of geth', () => g.messages.find((m) => m.method && m.params.subscription === id));
    const c = await open(), mine = await c.call('eth_subscribe', ['newHeads']);
    assert.match(mine, /^0x[1-9a-f][0-9a-f]{31}$/);
    await clock.call('eth_sendTransaction', [burst(contract, 1)]);
    await settle(c, 1);
    const ours = notifications(c)[0];
    assert.deepEqual(Object.keys(ours.params.result).sort(), Object.keys(theirs.params.result).sort());
    for (const key of Object.keys(theirs.params.result)) assert.equal(typeof ours.params.result[key], typeof theirs.params.result[key], key);
    assert.deepEqual(Object.keys(ours), Object.keys(theirs));
    assert.deepEqual(Object.keys(ours.params), Object.keys(theirs.params));
    await Promise.all([c.close(), g.close()]);
  } finally { await geth.stop('SIGINT'); fs.rmSync(dir, { recursive: true, force: true }); }
});

test('7: who asked for one kind gets that kind; who asked for nothing gets nothing; notifications get no answer', async () => {
  const silent = await open(), one = await open(), noisy = await open();
  const id = await one.call('eth_subscribe', ['newPendingTransactions']);
  // A request without an id is a notification: it runs, and nobody answers, whatever comes of it.
  for (const m of ['{"jsonrpc":"2.0","method":"eth_blockNumber"}', '{"jsonrpc":"2.0","method":"no_such"}', '[{"jsonrpc":"2.0","method":"eth_chainId","params":[]},{"jsonrpc":"2.0","method":"eth_getBalance","params":[7]}]',
    '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":1}}']) silent.text(m);
  // Others make mistakes, reorgs and noise.
  await noisy.call('eth_subscribe', ['logs']);
  for (const m of ['{', '[]', '[null]', 'null', '{"jsonrpc":"2.0","id":"e1","method":"eth_subscribe","params":["nothing"]}', '{"jsonrpc":"2.0","id":"e2","method":"no_such"}']) noisy.text(m);
  await grow(4);
  const sent = await clock.call('eth_sendTransaction', [burst(contract, 1)]);
  await clock.call('anvil_reorg', [2, []]);
  await clock.call('evm_revert', [await clock.call('evm_snapshot')]);
  await Promise.all([silent, one, noisy].map(settled));
  assert.equal(silent.messages.length, 1, JSON.stringify(silent.messages));
  await h.until('the hash of the transaction', () => one.of(id).includes(sent));
  assert.deepEqual(one.messages.filter((m) => 'id' in m).map((m) => m.id), [1, 2], 'its two answers');
  for (const m of one.messages.filter((m) => !('id' in m))) { // what another connection caused may come behind the second
    assert.deepEqual(Object.keys(m), ['jsonrpc', 'method', 'params']);
    assert.equal(m.method, 'eth_subscription');
    assert.equal(m.params.subscription, id);
    assert.match(m.params.result, /^0x[0-9a-f]{64}$/);
  }
  const errors = noisy.messages.flat().filter((m) => m.error);
  assert.equal(errors.length, 6);
  await Promise.all([silent, one, noisy].map((c) => c.close()));
});
