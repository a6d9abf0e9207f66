// Slow readers, against the real binary: they cost the others nothing, they lose nothing in silence, and the server's memory
// does not grow with them. Bare TCP clients, because a library always reads.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const h = require('../lib/harness.cjs');
const { Raw, hex } = require('./raw.cjs');
const { RUNTIME, burst, deploy } = require('./world.cjs');

const number = (q) => Number(BigInt(q));
const residentKiB = (program) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]);

/** Does one end of a connection still exist? From the kernel's table, so that nobody has to read. */
function endExists(from, to) {
  const end = (p) => `:${p.toString(16).toUpperCase().padStart(4, '0')}`;
  return fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').some((line) => {
    const [, local, remote] = line.trim().split(/\s+/);
    return local?.endsWith(end(from)) && remote.endsWith(end(to));
  });
}
const serverSideExists = (c, port) => endExists(port, c.localPort);

async function with_node(args, run) {
  const node = await h.fanatico(['--silent', '--workers', '2', ...args]);
  try {
    const clock = await Raw.open(node.wsPort, { keep: false });
    await run(node, clock);
    await clock.close();
  } finally {
    assert.equal(await node.stop(), 0);
  }
}

/** A client with several subscriptions to newHeads, which stops reading once it has the ids. */
async function stalled(port, subscriptions) {
  const c = await Raw.open(port);
  c.ids = (await c.batch(Array.from({ length: subscriptions }, () => ['eth_subscribe', ['newHeads']]))).map((r) => r.result);
  c.localPort = c.socket.localPort;
  c.stop();
  return c;
}

/** A client that reads on and remembers the numbers it saw. */
async function live(port) {
  const c = await Raw.open(port, { keep: false });
  c.numbers = [];
  c.onBytes = (bytes) => {
    const at = bytes.indexOf('"number":"0x') + 10;
    c.numbers.push(Number(bytes.toString('latin1', at, bytes.indexOf('"', at))));
  };
  await c.call('eth_subscribe', ['newHeads']);
  return c;
}

/** Mines so many blocks in steps, waiting each time until every live client has them; the milliseconds of each step. */
async function mine(clock, clients, count, step) {
  const took = [];
  for (let done = 0; done < count; done += step) {
    const began = process.hrtime.bigint();
    await clock.call('anvil_mine', [hex(step)]);
    const top = number(await clock.call('eth_blockNumber'));
    while (clients.some((c) => !c.gone && c.numbers[c.numbers.length - 1] !== top)) {
      if (process.hrtime.bigint() - began > 10_000_000_000n) assert.fail(`a live client waited 10 s for block ${top}`);
      await new Promise(setImmediate);
    }
    took.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  return took;
}
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function assertWhole(clients, first, last) {
  for (const c of clients) {
    assert.equal(c.gone, undefined, 'a live client was closed');
    assert.deepEqual(c.numbers, Array.from({ length: last - first }, (_, i) => first + 1 + i));
  }
}

/** What a stalled client finds when it reads at last: whole frames, each stream without a hole, then 1013 and the end. */
async function assertTold(c, first) {
  c.resume();
  const end = await c.ended;
  assert.deepEqual([end.code, end.reason, end.error], [1013, 'slow consumer', undefined]);
  assert.equal(c.have, 0, 'half a frame');
  assert.equal(c.after, undefined, 'something behind the close frame');
  let most = 0;
  for (const id of c.ids) {
    const numbers = c.of(id).map((b) => number(b.number));
    assert.deepEqual(numbers, numbers.map((_, i) => first + 1 + i));
    most = Math.max(most, numbers.length);
  }
  assert.ok(most > 0, 'what the kernel had taken arrives');
  return most;
}

test('too much waiting (--notify-memory): the others get everything; who resumes finds whole frames, then 1013', { timeout: 60000 }, async () => {
  await with_node(['--notify-memory', '2M', '--notify-age', '60', '--notify-linger', '20'], async (node, clock) => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => live(node.wsPort)));
    const slow = await Promise.all(Array.from({ length: 4 }, () => stalled(node.wsPort, 50)));
    const first = number(await clock.call('eth_blockNumber'));
    await mine(clock, clients, 200, 10); // 50 × 1.7 KB × 200 each: 17 MB
    assertWhole(clients, first, first + 200);
    for (const c of slow) assert.ok(serverSideExists(c, node.wsPort), 'lingers, so that the reason can be read');
    for (const c of slow) assert.ok(await assertTold(c, first) < 200, 'all arrived: nothing was stalled');
    assertWhole(clients, first, first + 200);
    await Promise.all(clients.map((c) => c.close()));
  });
});

test('waiting too long (--notify-age): likewise, with nothing more happening on the chain', { timeout: 60000 }, async () => {
  await with_node(['--notify-memory', '1G', '--notify-age', '1500ms', '--notify-linger', '20'], async (node, clock) => {
    const clients = [await live(node.wsPort)], slow = await stalled(node.wsPort, 50);
    const first = number(await clock.call('eth_blockNumber'));
    await mine(clock, clients, 60, 10); // 5 MB: more than the sockets take
    await h.sleep(3500);
    assert.ok(await assertTold(slow, first) < 60);
    assertWhole(clients, first, first + 60);
    await Promise.all(clients.map((c) => c.close()));
  });
});

test('pauses within the limits cost nothing: not a notification is lost, nobody is closed', { timeout: 60000 }, async () => {
  await with_node(['--notify-memory', '64M', '--notify-age', '5'], async (node, clock) => {
    const clients = [await live(node.wsPort)], c = await stalled(node.wsPort, 20);
    const first = number(await clock.call('eth_blockNumber'));
    for (let round = 0; round < 5; round++) {
      await mine(clock, clients, 50, 50); // 1.7 MB at once, read 700 ms later
      await h.sleep(700);
      c.resume();
      await h.until('the reader to catch up', () => c.of(c.ids[19]).length === (round + 1) * 50);
      c.stop();
    }
    assert.equal(c.code, undefined);
    for (const id of c.ids) assert.deepEqual(c.of(id).map((b) => number(b.number)), Array.from({ length: 250 }, (_, i) => first + 1 + i));
    await Promise.all([...clients, c].map((one) => one.close()));
  });
});

test('who never reads is reset when the linger is over, and its place is free again', { timeout: 60000 }, async () => {
  await with_node(['--notify-memory', '1M', '--notify-age', '60', '--notify-linger', '2', '--max-connections', '3'], async (node, clock) => {
    const clients = [await live(node.wsPort)], slow = await stalled(node.wsPort, 100);
    await assert.rejects(Raw.open(node.wsPort), { status: 503 }, 'the limit counts');
    await mine(clock, clients, 100, 10);
    await h.sleep(500);
    assert.ok(serverSideExists(slow, node.wsPort), 'within the linger');
    await h.until('the reset', () => !serverSideExists(slow, node.wsPort), 10000);
    // A FIN would have left the client's end waiting to be closed; a reset takes it away. (Node tells a late reader of neither.)
    assert.equal(endExists(slow.localPort, node.wsPort), false, 'ended, but not by a reset');
    slow.resume();
    assert.equal((await slow.ended).code, undefined);
    await (await Raw.open(node.wsPort)).close();
    await Promise.all(clients.map((c) => c.close()));
  });
});

test('a stalled reader of replies is not read from any more, and others are served meanwhile', { timeout: 60000 }, async () => {
  await with_node([], async (node, clock) => {
    const contract = await deploy((m, p) => clock.call(m, p), RUNTIME), before = residentKiB(node);
    for (let i = 0; i < 5; i++) await clock.call('eth_sendTransaction', [burst(contract, 2000)]);
    const c = await Raw.open(node.wsPort, { keep: false });
    c.stop();
    const asked = Array.from({ length: 40 }, () => c.ask('eth_getLogs', [{ fromBlock: '0x0' }])); // 6.5 MB each: 260 MB if all were made at once
    let most = 0;
    for (let i = 0; i < 20; i++) {
      await h.sleep(100);
      await clock.call('eth_chainId');
      most = Math.max(most, residentKiB(node) - before);
    }
    assert.ok(most < 128 * 1024, `${most} KiB for one client that does not read`);
    c.resume();
    for (const r of await Promise.all(asked)) assert.equal(r.result.length, 10000);
    console.log(`40 replies of 6.5 MB to a client that did not read: ${most} KiB at most`);
    await c.close();
  });
});

/** Returns when the tables of the KZG precompile are there, which our node makes in the background, in 100 MB: the proof that zero is zero. */
async function warm(clock) {
  const infinity = `c0${'0'.repeat(94)}`, hash = crypto.createHash('sha256').update(Buffer.from(infinity, 'hex')).digest('hex');
  await clock.call('eth_call', [{ to: `0x${'0'.repeat(39)}a`, data: `0x01${hash.slice(2)}${'0'.repeat(128)}${infinity}${infinity}` }, 'latest']);
}

/** 200 live clients without, then with 200 stalled ones beside them; the same blocks both times, since blocks need memory too. */
async function beside(node, port, clock, blocks, singles) {
  const clients = await Promise.all(Array.from({ length: 200 }, () => live(port)));
  const pass = async () => {
    const before = residentKiB(node);
    let most = 0;
    const watch = setInterval(() => { most = Math.max(most, residentKiB(node) - before); }, 20);
    await mine(clock, clients, blocks, 20); // until the sockets of who does not read are full
    const took = await mine(clock, clients, singles, 1);
    clearInterval(watch);
    return { took, most };
  };
  await warm(clock);
  await mine(clock, clients, 20, 1);
  const alone = await pass();
  const slow = await Promise.all(Array.from({ length: 200 }, () => stalled(port, 1)));
  const first = number(await clock.call('eth_blockNumber')), together = await pass();
  return { clients, slow, first, alone: median(alone.took), together: median(together.took), worst: Math.max(...together.took), usual: alone.most, grown: together.most };
}
const row = (who, r) => console.log(`${who}: a block to 200 clients takes ${r.alone.toFixed(1)} ms; beside 200 stalled ones ${r.together.toFixed(1)} ms (worst ${r.worst.toFixed(1)}); resident set +${(r.grown / 1024).toFixed(1)} MiB instead of +${(r.usual / 1024).toFixed(1)}`);

test('200 stalled among 200 live: nothing lost, no delay, no memory', { timeout: 60000 }, async () => {
  await with_node(['--notify-age', '4', '--notify-linger', '20'], async (node, clock) => {
    const r = await beside(node, node.wsPort, clock, 1000, 200);
    row('fanatico', r);
    const last = r.first + 1200;
    for (const c of r.clients) {
      assert.equal(c.gone, undefined);
      assert.deepEqual(c.numbers, Array.from({ length: c.numbers.length }, (_, i) => last - c.numbers.length + 1 + i));
      assert.equal(c.numbers.length, 20 + 2 * 1200);
    }
    assert.ok(r.grown - r.usual < 64 * 1024, `${r.grown} KiB instead of ${r.usual}`);
    // Loose, since the clients of this test share the cores: a stalled reader that held others up would cost seconds.
    assert.ok(r.together < r.alone * 3 + 20, `${r.together} ms instead of ${r.alone}`);
    await h.sleep(5000);
    await Promise.all(r.slow.map((c) => assertTold(c, r.first)));
    await Promise.all(r.clients.map((c) => c.close()));
  });
});

test('for contrast, not judged: anvil', { timeout: 60000 }, async () => {
  const node = await h.anvil(['--silent']).catch(() => h.anvil([]));
  try {
    const port = Number(new URL(node.ws).port), clock = await Raw.open(port, { keep: false });
    const r = await Promise.race([beside(node, port, clock, 200, 40), h.sleep(50000)]);
    if (r) row('anvil', r);
    else console.log('anvil: not done in 50 s');
  } catch (e) {
    console.log(`anvil: ${e.message}`);
  } finally {
    await node.stop('SIGKILL'); // and its clients' connections with it
  }
});
