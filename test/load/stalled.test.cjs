// 1,000 stalled readers among 1,000 live ones, over 10,000 events, against the real binary with its own defaults. Every
// notification is read and compared by load_check; this file starts both, turns the chain's crank and measures the server.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const h = require('../lib/harness.cjs');
const { hex } = require('../promises/raw.cjs');
const { RUNTIME, burst, deploy } = require('../promises/world.cjs');

const LIVE = 1000, STALLED = 1000, EVENTS = 10000;
const MINED = 20, LOGS = 29, STEP = MINED + 1 + LOGS; // a step: so many empty blocks, then one with so many logs

const MiB = 1 << 20;
const status = (program, key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]) * 1024;
const kernelTcp = () => Number(/TCP:.* mem (\d+)/.exec(fs.readFileSync('/proc/net/sockstat', 'utf8'))[1]) * 4096;
const mib = (n) => `${(n / MiB).toFixed(1)} MiB`;

/** Waits until the node does nothing by itself any more, so that what it sets up at start is not counted as growth. */
async function settled(node) {
  const ticks = () => fs.readFileSync(`/proc/${node.child.pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0);
  for (let quiet = 0, last = ticks(); quiet < 3; ) {
    await h.sleep(250);
    const now = ticks();
    quiet = now - last < 2 ? quiet + 1 : 0;
    last = now;
  }
}

/** load_check, a line in and a line out. */
function checker(args) {
  const child = spawn(path.join(h.bin, 'load_check'), args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    assert.ok(!done, 'load_check ended');
    assert.ok(!value.startsWith('WRONG'), value.slice(0, 4000));
    return value;
  };
  return { child, line, ask: (command) => { child.stdin.write(`${command}\n`); return line(); } };
}

test(`${STALLED} stalled readers among ${LIVE} live ones, ${EVENTS} events`, { timeout: 280000 }, async (t) => {
  const node = await h.fanatico(['--silent', '--max-connections', '3000', '--notify-linger', '25']);
  let check;
  try {
    const call = (method, params) => h.rpc(node.http, method, params);
    const contract = await deploy(call, RUNTIME);
    check = checker([node.wsPort, LIVE, STALLED, contract]);
    assert.equal(await check.line(), `ready ${LIVE + STALLED}`);
    await settled(node);
    const before = status(node, 'VmRSS'), tcpBefore = kernelTcp(), began = Date.now();
    let tcp = tcpBefore, told;
    // Once the kernel takes no more for them, they have 10 s; from then on they linger.
    let fullSince;
    const readOn = async () => { told = (await check.ask('read')).split(' ').slice(1).map(Number); };
    for (let done = 0; done < EVENTS; done += STEP) {
      await call('anvil_mine', [hex(MINED)]);
      await call('eth_sendTransaction', [burst(contract, LOGS)]);
      assert.equal(await check.ask(`wait ${done + STEP}`), `reached ${done + STEP}`);
      tcp = Math.max(tcp, kernelTcp());
      if (done === EVENTS / 10) fullSince = Date.now(); // 1.2 MB for each: three times what sockets take
      if (!told && Date.now() - fullSince > 12000) await readOn();
    }
    const took = Date.now() - began;
    if (!told) {
      await h.sleep(12000 - (Date.now() - fullSince));
      await readOn();
    }
    const [count, fewest, most] = told;
    assert.equal(count, STALLED / 2);
    assert.ok(fewest > 0 && most < EVENTS, `those who read on found ${fewest} to ${most} notifications`);
    assert.equal(await check.ask('reset'), `reset ${STALLED / 2}`);
    const [notifications, bytes, headers, logs] = (await check.ask('end')).split(' ').map(Number);
    const peak = status(node, 'VmHWM');
    assert.ok(headers >= LIVE * EVENTS / STEP * (MINED + 1) && logs >= LIVE * EVENTS / STEP * LOGS);
    t.diagnostic(`${notifications} notifications read and compared (${headers} headers, ${logs} logs, ${(bytes / 1e9).toFixed(1)} GB), 10,000 events in ${(took / 1000).toFixed(1)} s`);
    t.diagnostic(`stalled: ${count} read on and found ${fewest} to ${most} whole frames, 1013 and the end; ${STALLED / 2} were reset`);
    t.diagnostic(`resident: ${mib(before)} before, ${mib(peak)} at most: +${mib(peak - before)}; kernel TCP memory: ${mib(tcpBefore)} before, ${mib(tcp)} at most`);
    assert.ok(peak - before < 64 * MiB, `grew by ${mib(peak - before)}`);
  } finally {
    check?.child.kill();
    assert.equal(await node.stop(), 0);
  }
});
