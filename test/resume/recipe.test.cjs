// The recipes of docs/RESUME.md, as they are printed there: four readers (JavaScript and Python, logs and heads) whose
// connections are cut at random moments, in the middle of frames too, and whose processes are killed, while the chain
// grows and reorganises. Each must have seen every event once, in order.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { RUNTIME, burst, deploy } = require('../promises/world.cjs');

const SECONDS = Number(process.env.RESUME_SECONDS || 20);
const seed = seedOf();
let state = seed >>> 0;
/** 0 … n-1, from the seed that a failure prints. */
const random = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * n); };

let node, contract, dir;
const call = (method, params) => h.rpc(node.http, method, params);
before(async () => {
  node = await h.fanatico(['--silent', '--workers', '2']);
  contract = await deploy(call, RUNTIME);
  // A module looks for packages beside itself: the recipe is run from a folder as a reader would make it.
  dir = h.scratch();
  fs.copyFileSync(path.join(h.source, 'examples/resume.mjs'), path.join(dir, 'resume.mjs'));
  fs.symlinkSync(path.join(h.build, 'npm/node_modules'), path.join(dir, 'node_modules'));
});
after(async () => assert.equal(await node?.stop(), 0));

/** A wire that can be cut: passes bytes on, and now and then stops in the middle of them. */
async function cutter(port) {
  const wires = new Set();
  const server = net.createServer((client) => {
    const up = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const wire = { cut() { wires.delete(wire); client.destroy(); up.destroy(); } };
    // Half of them do not even live for long: what remains of the last chunk is half a frame.
    let left = random(2) ? 1000 + random(60000) : Infinity;
    wires.add(wire);
    client.on('error', () => {}).on('close', wire.cut).pipe(up);
    up.on('error', () => {}).on('close', wire.cut);
    up.on('data', (d) => {
      client.write(d.subarray(0, left));
      left -= d.length;
      if (left <= 0) { c.cuts++; client.end(); setImmediate(wire.cut); }
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const c = { cuts: 0, url: `ws://127.0.0.1:${server.address().port}`, cut() { for (const w of wires) { w.cut(); c.cuts++; } }, close() { c.cut(); server.close(); } };
  return c;
}

/** A reader: runs the recipe, keeps what it printed, and the position of its last whole line. */
class Reader {
  constructor(language, kind, url, position) { Object.assign(this, { language, kind, url, position, held: [], events: 0, removed: 0, faults: [], kills: 0 }); }
  get name() { return `${this.language} ${this.kind}`; }
  start() {
    const args = [this.url, this.kind, ...(this.kind === 'logs' ? [JSON.stringify({ address: contract })] : []), JSON.stringify(this.position)];
    const [file, script] = this.language === 'js' ? [process.execPath, path.join(dir, 'resume.mjs')] : [path.join(h.build, 'venv/bin/python'), path.join(h.source, 'examples/resume.py')];
    const child = this.child = spawn(file, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (d) => {
      if (child !== this.child) return; // what came after the kill is as lost as the process
      const lines = (text + d).split('\n');
      text = lines.pop();
      for (const line of lines) { const { event, position } = JSON.parse(line); this.take(event); this.position = position; }
    });
    child.stderr.on('data', (d) => this.faults.push(String(d)));
    child.on('exit', (code) => { if (child === this.child) this.faults.push(`ended by itself with ${code}`); });
  }
  kill() { this.kills++; const child = this.child; this.child = undefined; child.kill('SIGKILL'); }
  take(event) {
    this.events++;
    if (this.kind === 'newHeads') {
      while (this.held.length && this.held.at(-1) !== event.parentHash) this.held.pop();
      if (!this.held.length) this.faults.push(`header ${event.number} without its parent`);
      if (this.heads?.has(event.hash)) this.faults.push(`header ${event.number} twice`);
      (this.heads ??= new Set()).add(event.hash);
      this.held.push(event.hash);
      return;
    }
    const what = `${event.blockHash} ${event.logIndex}`;
    if (!event.removed) { if (this.held.includes(what)) this.faults.push(`${what} twice`); this.held.push(what); return; }
    this.removed++;
    if (this.held.at(-1) === what) this.held.pop(); else this.faults.push(`removed ${what}, which is not the last`);
  }
}

test('cut and killed at random moments, under reorgs: complete, in order, each once', { timeout: (SECONDS * 4 + 120) * 1000 }, async (t) => {
  const wire = await cutter(node.wsPort);
  const start = await call('eth_getBlockByNumber', ['latest', false]);
  const readers = ['js', 'py'].flatMap((language) => ['logs', 'newHeads'].map((kind) => new Reader(language, kind, wire.url, { blockHash: start.hash })));
  for (const r of readers) { if (r.kind === 'newHeads') r.held.push(start.hash); r.start(); }
  await h.sleep(1500); // interpreters start slowly; from here on every moment is a good one for an accident
  let reorgs = 0, bursts = 0;
  // On a machine with much else to do the trouble takes longer to come; four times as long is given to it.
  const enough = () => wire.cuts > 2 * SECONDS && reorgs > SECONDS / 2 && readers.some((r) => r.removed > 0);
  for (const begun = Date.now(); Date.now() < begun + SECONDS * 1000 || (!enough() && Date.now() < begun + SECONDS * 4000); ) {
    const head = Number(await call('eth_blockNumber')) - Number(start.number);
    switch (random(10)) {
      case 0: if (head > 8) { await call('anvil_reorg', [1 + random(8), []]); reorgs++; } break;
      case 1: await call('anvil_mine', ['0x2']); break;
      default: await call('eth_sendTransaction', [burst(contract, 1 + random(30))]); bursts++;
    }
    if (random(12) === 0) wire.cut();
    if (random(150) === 0) { const r = readers[random(4)]; r.kill(); r.start(); }
    if (random(3) === 0) await h.sleep(random(60));
  }
  await call('anvil_mine', ['0x1']);
  const logs = (await call('eth_getLogs', [{ address: contract, fromBlock: start.number }])).map((l) => `${l.blockHash} ${l.logIndex}`);
  const last = await call('eth_getBlockByNumber', ['latest', false]);
  const done = (r) => r.faults.length || (r.kind === 'logs' ? r.held.length === logs.length && r.held.at(-1) === logs.at(-1) : r.held.at(-1) === last.hash);
  await h.until('the readers to arrive', () => readers.every(done), 60000).catch((e) => t.diagnostic(e.message));
  await h.sleep(300); // for one event too many
  t.diagnostic(`${bursts} bursts, ${reorgs} reorgs, ${wire.cuts} cuts; ${readers.map((r) => `${r.name}: ${r.events} events, ${r.removed} removed, ${r.kills} kills`).join('; ')}`);
  const hashes = new Map();
  for (let n = Number(start.number); n <= Number(last.number); n++) hashes.set(n, (await call('eth_getBlockByNumber', [`0x${n.toString(16)}`, false])).hash);
  for (const r of readers) {
    assert.deepEqual(r.faults, [], r.name);
    assert.deepEqual(r.held, r.kind === 'logs' ? logs : [...hashes.values()], `${r.name}: what it holds is what the chain holds`);
    r.kill();
  }
  assert.ok(enough(), `there was not enough trouble: ${wire.cuts} cuts, ${reorgs} reorgs in ${SECONDS} s`);
  wire.close();
});
