// A disk that is full, and a file that may not grow: a clear line, nothing corrupt, clients are still read to, and the chain goes
// on when there is room again.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const s = require('./folder.cjs');

const stands = async (node) => {
  const at = await h.rpc(node.http, 'eth_blockNumber');
  await h.sleep(300);
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), at, 'the head moved though nothing can be written');
  return Number(at);
};

for (const mode of ['node', 'dev'])
  test(`${mode}: a file that may not grow is told, blocks are refused, and a start without the limit goes on`, async () => {
    const dir = await s.folder();
    const blocks = Math.ceil(fs.statSync(path.join(dir, 'chain/data.mdb')).size / 1024) + 500;
    const wrapper = path.join(h.scratch(), 'limited');
    fs.writeFileSync(wrapper, `#!/bin/bash\nulimit -f ${blocks}\nexec ${s.file} "$@"\n`, { mode: 0o755 });
    const node = await h.fanatico(['--datadir', dir, '--block-time', '5ms', '--silent'], { command: mode, file: wrapper });
    await h.until('the line', () => /the file may not grow further/.test(node.output), 60000);
    assert.match(node.output, new RegExp(`error store   trouble  error="${dir}: it cannot be written: the file may not grow further"$`, 'm'));
    if (mode === 'dev') await h.until('blocks being refused', async () => {
      const at = await h.rpc(node.http, 'eth_blockNumber');
      await h.sleep(200);
      return at === (await h.rpc(node.http, 'eth_blockNumber'));
    }, 60000);
    const head = await stands(node);
    const before = await s.blocks(node);
    assert.equal(node.output.match(/may not grow/g).length, 1, 'told once, not for each block');
    await node.stop('SIGKILL');
    await s.check(dir);
    const again = await h.fanatico(['--datadir', dir, '--block-time', '50ms', '--silent'], { command: mode });
    const kept = Number(await h.rpc(again.http, 'eth_blockNumber'));
    if (mode === 'node') assert.ok(kept >= head, `${kept} of ${head}`);
    assert.deepEqual((await s.blocks(again)).slice(0, Math.min(kept, head) + 1), before.slice(0, Math.min(kept, head) + 1));
    await h.until('the next block', async () => Number(await h.rpc(again.http, 'eth_blockNumber')) > kept + 1);
    await again.stop();
    await s.check(dir);
  });

test('a full disk is told, and blocks come again once there is room', async (t) => {
  const mount = h.scratch();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]).status !== 0) return t.skip('no right to mount a tmpfs here');
  try {
    const dir = await s.folder(path.join(mount, 'chain'));
    const node = await s.node(dir, ['--block-time', '5ms', '--silent']);
    await h.until('the line', () => /no space left on the disk/.test(node.output), 60000);
    const head = await stands(node);
    const before = await s.blocks(node);
    assert.equal(spawnSync('mount', ['-o', 'remount,size=64m', mount]).status, 0);
    await h.until('the next block', async () => Number(await h.rpc(node.http, 'eth_blockNumber')) > head + 5);
    assert.match(node.output, /warn  store   the chain can be written again$/m);
    assert.deepEqual((await s.blocks(node)).slice(0, head + 1), before);
    assert.equal(await node.stop(), 0);
    await s.check(dir);
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', mount]).status, 0);
    const refused = new h.Program(s.file, ['node', '--datadir', dir]);
    assert.equal(await refused.ended, 2);
    assert.match(refused.output, /^fanatico: .*chain.*: (it cannot be written \()?Read-only file system\)?\n$/);
  } finally {
    spawnSync('umount', [mount]);
  }
});
