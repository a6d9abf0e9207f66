// `fanatico blocktest` on blockchain tests of every network that geth's own runner knows: geth makes them (chains/main.go), with tampered blocks that
// must be refused, and judges them; then what a runner must notice, and side chains.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { plan, NETWORKS } = require('./plan.cjs');
const { evmFile } = require('./peers.cjs');
const { ethers } = require('ethers');

const first = seedOf();
let dir;
const read = (network) => JSON.parse(fs.readFileSync(path.join(dir, network, 'blocktest.json')))[network];
function ours(args, input) {
  const { status, stdout, stderr } = spawnSync(path.join(h.bin, 'fanatico'), ['blocktest', ...args], { encoding: 'utf8', maxBuffer: 1 << 28, input });
  return { code: status, stdout, stderr };
}
/** The verdict on one test, given whole. */
function verdict(t) {
  const file = path.join(dir, 'one.json');
  fs.writeFileSync(file, JSON.stringify({ one: t }));
  const { stdout, stderr } = ours(['--json', file]);
  return stdout ? JSON.parse(stdout) : stderr;
}

before(() => {
  dir = h.scratch();
  const maker = path.join(h.build, 'chain-maker'), dirs = NETWORKS.map((network) => path.join(dir, network));
  execFileSync('go', ['build', '-o', maker, '.'], { cwd: path.join(__dirname, 'chains'), stdio: 'inherit' });
  for (const [i, network] of NETWORKS.entries()) {
    fs.mkdirSync(dirs[i]);
    fs.writeFileSync(path.join(dirs[i], 'plan.json'), JSON.stringify(plan(first + i, network)));
  }
  execFileSync(maker, dirs, { stdio: ['ignore', 'ignore', 'inherit'] });
});
after(() => fs.rmSync(dir, { recursive: true }));

test('every network: geth passes the test, and so do we', { timeout: 300000 }, () => {
  const rows = ours(['--json', ...NETWORKS.map((n) => path.join(dir, n, 'blocktest.json'))]).stdout.trim().split('\n').map(JSON.parse);
  assert.deepEqual(rows.map((r) => r.fork), NETWORKS);
  let taken = 0, refused = 0;
  for (const row of rows) {
    const [geth] = JSON.parse(execFileSync(evmFile(), ['blocktest', row.file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).replace(/^[^[]*/, ''));
    assert.ok(geth.pass, `SEED=${first} ${row.fork}: geth: ${geth.error}`);
    assert.ok(row.pass, `SEED=${first} ${row.fork}: ${row.error}`);
    assert.equal(row.lastblockhash, read(row.fork).lastblockhash);
    taken += row.taken;
    refused += row.refused;
  }
  console.log(`${rows.length} networks: ${taken} blocks taken, ${refused} tampered ones refused, as geth's evm blocktest has it`);
});

test('what does not hold is noticed', () => {
  const t = read('Shanghai'), flip = (hash) => hash.replace(/.$/, (c) => (c === '0' ? '1' : '0'));
  assert.equal(verdict(t).pass, true);
  assert.match(verdict({ ...t, lastblockhash: flip(t.lastblockhash) }).error, /lastblockhash mismatch: got [0-9a-f]{64}, want/);
  assert.match(verdict({ ...t, postStateHash: flip(t.postStateHash) }).error, /post state root mismatch/);
  assert.match(verdict({ ...t, postState: t.pre }).error, /post state root mismatch/);
  const at = t.blocks.findIndex((b) => b.blockHeader), wrong = t.blocks.findIndex((b) => !b.blockHeader);
  assert.match(verdict({ ...t, blocks: t.blocks.map((b, i) => (i === at ? { ...b, expectException: 'any' } : b)) }).error, new RegExp(`blocks\\[${at}\\]: taken, though an exception is expected`));
  assert.match(verdict({ ...t, blocks: t.blocks.map((b, i) => (i === wrong ? { rlp: b.rlp, blockHeader: {} } : b)) }).error, new RegExp(`blocks\\[${wrong}\\]: refused: `));
  assert.match(verdict({ ...t, network: 'EOFv1' }).error, /unknown fork EOFv1/);
  assert.match(verdict({ ...t, blocks: [{ rlp: '0x0' }] }), /blocks\[0\]: rlp: 0x and an even number/);
  assert.match(verdict({ ...t, genesisRLP: '0x00' }), /genesisRLP/);
  assert.match(verdict({ ...t, blocks: undefined }), /network, genesisRLP, pre and blocks/);
  const none = { ...t, blocks: [], lastblockhash: t.genesisBlockHeader.hash, postStateHash: undefined, postState: t.pre };
  assert.equal(verdict(none).pass, true, 'the accounts in the end, given one by one');
});

test('side chains are executed, and the heavier is the head', () => {
  const t = read('London'), good = t.blocks.filter((b) => b.blockHeader);
  const twin = (block) => { // the same block under another seal: as good as the first, since the seal is not checked
    const parts = ethers.decodeRlp(block.rlp);
    parts[0][13] = `0x${'77'.repeat(32)}`;
    return { rlp: ethers.encodeRlp(parts), blockHeader: {} };
  };
  const hash = (block) => ethers.keccak256(ethers.encodeRlp(ethers.decodeRlp(block.rlp)[0]));
  const [one, two, three] = good, other = twin(two);
  const base = { ...t, postStateHash: undefined };
  assert.equal(verdict({ ...base, blocks: [one, two, other], lastblockhash: hash(two) }).pass, true, 'of two that weigh the same the first stays');
  assert.equal(verdict({ ...base, blocks: [one, other, two], lastblockhash: hash(other) }).pass, true);
  assert.equal(verdict({ ...base, blocks: [one, other, two, three], lastblockhash: hash(three) }).pass, true, 'a branch that outgrows the head');
  const bad = { rlp: three.rlp.replace(ethers.decodeRlp(three.rlp)[0][3].slice(2), '11'.repeat(32)), expectException: 'state root' };
  assert.equal(verdict({ ...base, blocks: [one, other, two, bad, three], lastblockhash: hash(three) }).pass, true, 'a bad block of a branch');
  assert.match(verdict({ ...base, blocks: [one, three], lastblockhash: hash(one) }).error, /blocks\[1\]: refused: unknown ancestor/);
});

test('a folder, filters and the count', () => {
  const { code, stdout } = ours(['--fork', 'Cancun', dir]);
  assert.match(stdout, /^pass .*Cancun\/blocktest\.json Cancun Cancun: \d+ blocks taken, \d+ refused\n1 passed, 0 failed, 0 skipped\n$/);
  assert.equal(code, 0);
  assert.equal(ours(['--index', '1', dir]).code, 2);
  assert.match(ours(['--help']).stdout, /Usage: fanatico blocktest/);
});
