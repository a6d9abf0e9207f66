// Random chains that go-ethereum makes, through every fork by block, across the Merge, through every fork by time: our import reaches each head. And
// blocks of theirs with one thing changed: we refuse what go-ethereum's import refuses, and take what it takes.
// CHAINS=1000 makes it long (SEED: test/lib/seed.cjs).
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync, execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { plan } = require('./plan.cjs');

const first = seedOf();
const count = Number(process.env.CHAINS || 40);

test('chains that geth made reach the same head, and tampered blocks the same verdict', { timeout: 0 }, () => {
  console.log(`CHAINS=${count}`);
  const maker = path.join(h.build, 'chain-maker');
  execFileSync('go', ['build', '-o', maker, '.'], { cwd: path.join(__dirname, 'chains'), stdio: 'inherit' });
  const root = h.scratch(), sum = { blocks: 0, transactions: 0, refused: 0, taken: 0, sameWords: 0, cut: 0 }, families = {}, kinds = {};
  const dirs = Array.from({ length: count }, (_, i) => {
    const dir = path.join(root, String(first + i)), made = plan(first + i);
    fs.mkdirSync(dir);
    fs.writeFileSync(path.join(dir, 'plan.json'), JSON.stringify(made));
    families[first + i] = made.family;
    kinds[made.family] = (kinds[made.family] ?? 0) + 1;
    return dir;
  });
  for (let at = 0; at < count; at += 50) execFileSync(maker, dirs.slice(at, at + 50), { stdio: ['ignore', 'ignore', 'inherit'] });
  const check = spawnSync(path.join(h.bin, 'chain_check'), dirs, { encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(check.status, 0, `SEED=${first} CHAINS=${count}; the chains are kept in ${root}\n${check.stderr}`);
  const rows = check.stdout.trim().split('\n').map(JSON.parse);
  for (const [i, row] of rows.entries()) {
    const told = JSON.parse(fs.readFileSync(path.join(dirs[i], 'verdicts.json')));
    assert.equal(row.blocks, told.blocks);
    if (row.blocks) assert.equal(row.head, told.head);
    sum.transactions += told.transactions;
    if (told.cut) console.log(`chain ${first + i} (${families[first + i]}) ends behind block ${told.blocks}: geth refuses its own maker's next: ${told.cut}`);
    sum.cut += told.cut !== '';
    for (const key of ['blocks', 'refused', 'taken', 'sameWords']) sum[key] += row[key];
  }
  fs.rmSync(root, { recursive: true });
  console.log(`${count} chains (${Object.entries(kinds).map(([f, n]) => `${n} ${f}`).join(', ')}; ${sum.cut} end early where geth's maker and geth's import disagree): ${sum.blocks} blocks, ` +
    `${sum.transactions} transactions imported to geth's head; ${sum.refused + sum.taken} tampered blocks: ${sum.refused} refused by both (${sum.sameWords} in the same words), ${sum.taken} taken by both, 0 differ`);
  assert.ok(sum.blocks > count * 15, `only ${sum.blocks} blocks`);
});
