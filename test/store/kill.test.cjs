// kill -9 at random moments under load. node: every block that a client was told of is there after the next start, with the
// same hash. dev: what is there is what clients were told, from the start on; the last blocks may be lost. Both: the folder is
// sound each time, and the next block continues. FANATICO_KILLS: how many (30 and 20 here, 1,000 by make test-kill).
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { Wallet } = require('ethers');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const s = require('./folder.cjs');

const seed = seedOf();
let state = seed;
const random = (below) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor((state / 2147483648) * below); };
const wallets = h.KEYS.map((key) => new Wallet(key));

/** One client that sends as fast as it is answered, until the node is gone. Returns hashes of what was accepted. */
async function load(program, key, over) {
  const sent = [];
  try {
    let nonce = Number(await h.rpc(program.http, 'eth_getTransactionCount', [h.ACCOUNTS[key], 'pending']));
    while (!over.now) sent.push(await s.send(program, key, { nonce: nonce++, wallet: wallets[key] }));
  } catch { /* it was killed */ }
  return sent;
}

/** Runs the node under load for some moments, kills it, and returns the heads that were told, oldest first. */
async function round(program) {
  const socket = await h.Socket.open(program.ws);
  const id = await socket.call('eth_subscribe', ['newHeads']);
  const over = { now: false };
  const clients = [0, 1, 2].map((key) => load(program, key, over));
  await h.sleep(20 + random(250));
  const ended = program.stop('SIGKILL');
  over.now = true;
  await ended;
  await Promise.all(clients);
  await socket.closed;
  return socket.of(id).map((head) => ({ number: Number(head.number), hash: head.hash, parent: head.parentHash }));
}

async function hashes(program, numbers) {
  const batch = numbers.map((n) => ({ jsonrpc: '2.0', id: n, method: 'eth_getBlockByNumber', params: ['0x' + n.toString(16), false] }));
  const found = new Map();
  for (let i = 0; i < batch.length; i += 500)
    for (const reply of await h.post(program.http, batch.slice(i, i + 500))) found.set(reply.id, reply.result?.hash);
  return found;
}

const NODE = { start: (dir) => s.node(dir, ['--block-time', '15ms', '--silent']), keepsAll: true };
const DEV = { start: (dir) => h.fanatico(['--datadir', dir, '--timestamp', '1700000000', '--silent']), keepsAll: false };

async function campaign(t, mode, kills) {
  let dir, told, lost = 0, most = 0, blocks = 0;
  for (let i = 0; i < kills; i++) {
    if (i % 50 === 0) { // a new chain, or checking it whole each time would take ever longer
      dir = mode === NODE ? await s.folder() : require('node:path').join(h.scratch(), 'chain');
      told = new Map();
    }
    const program = await mode.start(dir);
    const head = Number(await h.rpc(program.http, 'eth_blockNumber'));
    const found = await hashes(program, [...told.keys()].filter((n) => n <= head));
    const top = Math.max(0, ...told.keys());
    if (mode.keepsAll) assert.ok(head >= top, `kill ${i}: block ${top} was told, the head is ${head} (seed ${seed})`);
    for (const [number, hash] of found) assert.equal(hash, told.get(number), `kill ${i}: block ${number} (seed ${seed})`);
    lost += Math.max(0, top - head);
    most = Math.max(most, top - head);
    for (const number of [...told.keys()]) if (number > head || number < head - 300) told.delete(number);
    const heads = await round(program);
    for (const [at, one] of heads.entries()) {
      if (at) assert.equal(one.parent, heads[at - 1].hash, `kill ${i}: the stream has a hole (seed ${seed})`);
      else if (told.has(one.number - 1)) assert.equal(one.parent, told.get(one.number - 1), `kill ${i}: the next block continues (seed ${seed})`);
      told.set(one.number, one.hash);
    }
    blocks += heads.length;
    await s.check(dir);
  }
  t.diagnostic(`${kills} kills, ${blocks} blocks told, ${lost} of them lost, at most ${most} by one kill (seed ${seed})`);
  assert.ok(blocks > kills, `${blocks} blocks in ${kills} rounds: too few to say anything`);
  if (mode.keepsAll) assert.equal(lost, 0);
}

const kills = Number(process.env.FANATICO_KILLS || 0);
test('node: what clients were told survives kill -9', (t) => campaign(t, NODE, kills || 30));
test('dev --datadir: what survives kill -9 is what clients were told', (t) => campaign(t, DEV, kills || 20));
