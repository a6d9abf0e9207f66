// A run with everything at once: 200 clients of all kinds that subscribe, unsubscribe, stall, vanish and come again, while the
// chain grows, in bursts too, and is reorganised. Every notification of the run is read, and what was promised is proved for
// each stream:
//   no hole, no duplicate, no disorder   each client replays what it was told onto the chain it knows; a header must be the
//                                        child of the head, a removed log must be the newest that is left, a new one the next
//   order within one change of head      removed logs, newest first; then for each block its header, its logs, its receipts
//   what is announced can be read        by number and hash over HTTP, at the moment the notification was there
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { Raw, hex } = require('../promises/raw.cjs');
const { RUNTIME, burst, deploy } = require('../promises/world.cjs');

const CLIENTS = 200, SECONDS = 25;
const number = (q) => Number(BigInt(q));

/** One run's dice, from a printed seed. */
function dice(seed) {
  let s = seed >>> 0 || 1;
  return (below) => { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; return s % below; };
}

const total = { notifications: 0, headers: 0, logs: 0, removed: 0, receipts: 0, pending: 0, reorgs: 0, blocks: 0, opened: 0, vanished: 0, slow: 0, subscribed: 0, unsubscribed: 0, readable: 0, gone: 0 };

/** What one connection has been told, block by block. */
class Reader {
  constructor(world, dice) { Object.assign(this, { world, dice, streams: new Map(), heads: [], pending: new Set() }); }

  async open(port) {
    this.c = await Raw.open(port, { keep: false, onMessage: (m) => { if (m.method) this.take(m.params.subscription, m.params.result); } });
    total.opened++;
    this.c.ended.then(({ code, reason }) => {
      if (code !== undefined && !this.leaving) assert.deepEqual([code, reason], [1013, 'slow consumer']);
      if (code === 1013) total.slow++;
    }).catch((e) => this.world.failed.push(e));
  }

  async subscribe(kind) {
    // The reply comes before the first notification; so the stream is there when that arrives.
    const id = this.c.nextId++;
    const reply = new Promise((done, fail) => this.c.waiting.set(id, { done: (m) => { if (m.result) this.streams.set(m.result, { kind, blocks: [] }); done(m); }, fail }));
    const params = kind === 'logs' ? ['logs', { address: this.world.contract }] : [kind];
    this.c.text({ jsonrpc: '2.0', id, method: 'eth_subscribe', params });
    const m = await reply;
    assert.ok(m.result, JSON.stringify(m));
    total.subscribed++;
    return m.result;
  }

  async unsubscribe(id) {
    const reply = await this.c.ask('eth_unsubscribe', [id]);
    assert.equal(reply.result, true);
    this.streams.delete(id); // Raw calls back while it reads, so a notification behind the reply would find no stream
    total.unsubscribed++;
  }

  take(id, result) {
    try {
      const s = this.streams.get(id);
      assert.ok(s, `a notification for ${id}, which nobody has`);
      total.notifications++;
      this[s.kind](s, result);
    } catch (e) { this.world.failed.push(e); }
  }

  newHeads(s, header) {
    total.headers++;
    s.seen ??= new Set();
    assert.ok(!s.seen.has(header.hash), `a duplicate: header ${number(header.number)}`);
    s.seen.add(header.hash);
    // The parent must be a block this stream has announced, the head itself or, after a reorg, one further back.
    if (s.blocks.length) {
      while (s.blocks.length && s.blocks[s.blocks.length - 1].hash !== header.parentHash) {
        const dropped = s.blocks.pop();
        this.world.dropped.add(dropped.hash);
      }
      if (s.blocks.length) assert.equal(number(header.number), number(s.blocks[s.blocks.length - 1].number) + 1, 'a hole');
      else assert.ok(s.first >= number(header.number), 'a hole or a disorder');
    } else s.first = number(header.number);
    s.blocks.push(header);
    this.world.announced(header);
    this.lastHeader = header;
  }

  logs(s, log) {
    const key = `${log.blockHash} ${log.logIndex}`;
    if (log.removed) {
      total.removed++;
      if (s.blocks.length) assert.equal(s.blocks.pop(), key, 'removed: not the newest that is left');
      return;
    }
    total.logs++;
    const last = s.blocks[s.blocks.length - 1];
    const index = number(log.logIndex);
    if (index > 0) assert.equal(last, `${log.blockHash} ${hex(index - 1)}`, 'logs out of order');
    else assert.notEqual(last?.split(' ')[0], log.blockHash, 'a log twice');
    assert.ok(!s.blocks.includes(key, -200), 'a log twice');
    s.blocks.push(key);
    // Within one change of head its header comes first, where this connection hears of headers since before.
    if (this.headsSince !== undefined && this.lastHeader && number(log.blockNumber) > this.headsSince) assert.equal(log.blockHash, this.lastHeader.hash, 'a log before its header');
  }

  transactionReceipts(s, receipts) {
    total.receipts++;
    assert.ok(receipts.length > 0 && receipts.every((r) => r.blockHash === receipts[0].blockHash));
    assert.notEqual(s.blocks[s.blocks.length - 1], receipts[0].blockHash, 'receipts twice');
    s.blocks.push(receipts[0].blockHash);
    if (this.headsSince !== undefined && this.lastHeader && number(receipts[0].blockNumber) > this.headsSince) assert.equal(receipts[0].blockHash, this.lastHeader.hash, 'receipts before their header');
  }

  newPendingTransactions(s, hash) {
    total.pending++;
    assert.ok(!this.pending.has(hash), 'a pending transaction twice');
    this.pending.add(hash);
  }
}

/** Hashes of the canonical chain, by number. */
async function everyHash(call) {
  const top = number(await call('eth_blockNumber')), hashes = [];
  for (let n = 0; n <= top; n++) hashes.push((await call('eth_getBlockByNumber', [hex(n), false])).hash);
  return hashes;
}

const KINDS = [['newHeads'], ['logs'], ['newHeads', 'logs'], ['newHeads', 'logs', 'transactionReceipts'], ['newPendingTransactions'], ['newHeads', 'newPendingTransactions']];

test(`${CLIENTS} clients of all kinds, with reorgs, stalls and reconnects`, { timeout: 280000 }, async (t) => {
  const seed = seedOf(), roll = dice(seed);
  const node = await h.fanatico(['--silent', '--workers', '2', '--notify-memory', '512K', '--notify-age', '3', '--notify-linger', '2']);
  const failed = [], readings = [];
  const call = (method, params) => h.rpc(node.http, method, params);
  const known = new Set(); // hashes of announced blocks: whoever hears of one first has it read
  const world = {
    failed,
    contract: await deploy(call, RUNTIME),
    dropped: new Set(), // hashes a stream was told to forget, by a header with an older parent: at the end none is canonical
    announced(header) {
      if (known.has(header.hash)) return;
      known.add(header.hash);
      total.blocks++;
      readings.push((async () => {
        const [byHash, byNumber, receipts] = (await h.post(node.http, [['eth_getBlockByHash', [header.hash, false]], ['eth_getBlockByNumber', [header.number, false]], ['eth_getBlockReceipts', [header.hash]]].map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })))).map((r) => r.result);
        if (!byHash || byNumber?.hash !== header.hash) { total.gone++; unread.push(header); return; }
        assert.equal(byHash.parentHash, header.parentHash);
        assert.equal(receipts.length, byHash.transactions.length);
        total.readable++;
      })().catch((e) => failed.push(e)));
    },
  };
  const unread = []; // a reorg must have come between the notification and the reading
  const readers = [];
  let churn;
  const fresh = async (kinds) => {
    const r = new Reader(world, roll);
    await r.open(node.wsPort);
    for (const k of kinds) await r.subscribe(k);
    if (kinds[0] === 'newHeads') r.headsSince = number(await r.c.call('eth_blockNumber'));
    r.kinds = kinds;
    return r;
  };
  const leave = (r) => { r.leaving = true; return r.c.close(); };
  try {
    for (let i = 0; i < CLIENTS; i++) readers.push(await fresh(KINDS[i % KINDS.length]));
    const steady = readers.slice(0, 20); // these stay to the end, whatever happens to the others
    const end = Date.now() + SECONDS * 1000;
    churn = (async () => {
      while (Date.now() < end && failed.length === 0) {
        const at = 20 + roll(CLIENTS - 20), r = readers[at];
        if (r.c.gone) { readers[at] = await fresh(KINDS[roll(KINDS.length)]); continue; }
        if (r.stalled) { if (roll(2)) { r.c.resume(); r.stalled = false; } continue; }
        switch (roll(5)) {
          case 0: await leave(r); total.vanished++; break;
          case 1: r.c.stop(); r.stalled = true; break;
          case 2: await r.subscribe(['newHeads', 'logs', 'newPendingTransactions'][roll(2)]).catch((e) => { if (!r.c.gone) throw e; }); break;
          default: {
            const ids = [...r.streams.keys()];
            if (ids.length > 1) await r.unsubscribe(ids[ids.length - 1]).catch((e) => { if (!r.c.gone) throw e; });
          }
        }
        await h.sleep(5);
      }
    })().catch((e) => failed.push(e)); // never by itself: what fails because the node has been ended is not the first cause
    while (Date.now() < end && failed.length === 0) {
      switch (roll(6)) {
        case 0: await call('anvil_mine', [hex(1 + roll(8))]); break;
        case 1: {
          const top = number(await call('eth_blockNumber'));
          if (top < 2) break; // block 1 holds the contract and stays
          await call('anvil_reorg', [1 + roll(Math.min(6, top - 1)), []]);
          total.reorgs++;
          break;
        }
        default: await call('eth_sendTransaction', [burst(world.contract, 1 + roll(10))]);
      }
      await h.sleep(15);
    }
    await churn;
    await Promise.all(readings);
    assert.deepEqual(failed.map((e) => e.stack), []);
    // Everyone who is still reading has come to the same head, and the last block of each stream is the chain's.
    const mark = number(await call('eth_blockNumber')) + 1;
    await call('eth_sendTransaction', [burst(world.contract, 3)]);
    const block = await call('eth_getBlockByNumber', [hex(mark), false]);
    for (const r of readers) {
      if (r.c.gone || r.stalled) continue;
      for (const s of r.streams.values()) {
        if (s.kind === 'newPendingTransactions') continue;
        const has = { newHeads: () => s.blocks.at(-1)?.hash === block.hash, logs: () => s.blocks.at(-1) === `${block.hash} 0x2`, transactionReceipts: () => s.blocks.at(-1) === block.hash }[s.kind];
        await h.until(`${s.kind} to reach block ${mark}`, () => failed.length || r.c.gone || has(), 10000);
      }
    }
    await Promise.all(readings);
    for (const [at, hash] of (await everyHash(call)).entries()) assert.ok(!world.dropped.has(hash), `block ${at} was dropped by a stream, and is canonical`);
    // The steady ones: the whole chain since they came, hash by hash, and all its logs.
    const chain = new Map(), logs = await call('eth_getLogs', [{ fromBlock: '0x0', address: world.contract }]);
    let streams = 0;
    for (const r of steady) for (const s of r.streams.values()) {
      if (r.c.gone) continue;
      if (s.kind === 'newHeads') {
        for (const b of s.blocks) {
          if (!chain.has(b.number)) chain.set(b.number, (await call('eth_getBlockByNumber', [b.number, false])).hash);
          assert.equal(b.hash, chain.get(b.number));
        }
        streams++;
      } else if (s.kind === 'logs') {
        assert.deepEqual(s.blocks, logs.slice(logs.length - s.blocks.length).map((l) => `${l.blockHash} ${l.logIndex}`));
        streams++;
      }
    }
    assert.equal(steady.filter((r) => r.c.gone).length, 0, 'a steady client was closed');
    for (const header of unread) assert.notEqual((await call('eth_getBlockByNumber', [header.number, false])).hash, header.hash, 'announced, and not readable though it is canonical');
    assert.ok(total.reorgs > 0 && total.removed > 0 && total.slow + total.vanished > 0 && total.readable > total.gone && streams > 0);
    t.diagnostic(JSON.stringify(total));
    t.diagnostic(`${streams} streams of clients that stayed equal the chain, hash by hash and log by log; 0 holes, 0 duplicates, 0 disorder`);
  } catch (e) {
    failed.push(e);
  } finally {
    await churn;
    await Promise.all(readers.map(leave));
    assert.equal(await node.stop(), 0);
  }
  assert.deepEqual(failed.map((e) => e.stack), []);
});
