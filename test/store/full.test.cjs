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

test('init and import on a full disk say what is kept, and go on once there is room', async (t) => {
  const mount = h.scratch(), run = async (...args) => {
    const program = new h.Program(s.file, args);
    return { code: await program.ended, output: program.output };
  };
  const source = await h.fanatico(['--datadir', await s.folder(), '--no-mining', '--silent']); // a file of 400 blocks that are not empty
  for (let i = 0; i < 400; i += 100) await h.post(source.http, Array.from({ length: 300 }, (_, n) => (n % 3 === 2 ? { jsonrpc: '2.0', id: n, method: 'evm_mine', params: [] }
    : { jsonrpc: '2.0', id: n, method: 'eth_sendTransaction', params: [{ from: h.ACCOUNTS[n % 3], to: `0x${(i * 1000 + n + 4096).toString(16).padStart(40, '0')}`, value: '0x1' }] })));
  assert.equal(Number(await h.rpc(source.http, 'eth_blockNumber')), 400);
  assert.equal(await source.stop(), 0);
  const file = path.join(h.scratch(), 'chain.rlp'), from = source.child.spawnargs[source.child.spawnargs.indexOf('--datadir') + 1];
  assert.equal((await run('export', '--datadir', from, file)).code, 0);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', mount]).status !== 0) return t.skip('no right to mount a tmpfs here');
  try {
    const dir = path.join(mount, 'chain'), init = ['init', '--datadir', dir, '--genesis', s.genesis()];
    const refused = await run(...init);
    assert.equal(refused.code, 2);
    assert.match(refused.output, /^fanatico: .*chain: it cannot be written: no space left on the disk\n$/);
    assert.equal(spawnSync('mount', ['-o', 'remount,size=300k', mount]).status, 0);
    assert.equal((await run(...init)).code, 0);
    const full = await run('import', '--datadir', dir, file);
    assert.equal(full.code, 1, full.output);
    assert.doesNotMatch(full.output, /^imported/m, 'what is not on the disk is not imported');
    const [, kept] = full.output.match(/chain\.rlp: .*chain: it cannot be written: no space left on the disk; blocks are kept up to (\d+), and the same command goes on from there$/m);
    const held = Number((await s.check(dir)).match(/blocks +(\d+),/)[1]) - 1;
    assert.ok(held >= kept && held < 400, `${kept} told, ${held} held`); // the last try, at the end, may find room
    assert.equal(spawnSync('mount', ['-o', 'remount,size=64m', mount]).status, 0);
    assert.match((await run('import', '--datadir', dir, file)).output, new RegExp(`imported ${400 - held} blocks, head 400`));
    await s.check(dir);
  } finally {
    spawnSync('umount', [mount]);
  }
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
