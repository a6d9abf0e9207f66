// Thousands of random state tests on every fork: the same root, logs and refusals as geth.
// CASES=100000 makes it long (`make test-state`; SEED: test/lib/seed.cjs).
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { round, keepDifference, BATCH } = require('./differential.cjs');

const first = seedOf();
const wanted = Number(process.env.CASES || 4000);

test('random state tests end as in geth', { timeout: 0 }, () => {
  console.log(`CASES=${wanted}`);
  const all = { cases: 0, ran: 0, refused: 0, differ: [] };
  for (let seed = first; all.cases < wanted; ) {
    const dir = h.scratch();
    const out = round(dir, seed, Math.min(BATCH, wanted - all.cases));
    fs.rmSync(dir, { recursive: true });
    for (const key of ['cases', 'ran', 'refused']) all[key] += out[key];
    all.differ.push(...out.differ);
    seed = out.seed;
    if (wanted > 10 * BATCH) console.log(`${all.cases} cases, ${all.differ.length} differ, next SEED=${seed}`);
  }
  for (const d of all.differ.slice(0, 20)) {
    const file = keepDifference(path.join(h.build, 'state-differences'), d);
    console.log(`DIFFERS ${d.name} ${d.fork}[${d.index}]: ours ${d.error ?? 'passes'}; geth ${d.theirs ?? 'passes'}; kept as ${file}`);
  }
  console.log(`state tests: ${all.cases} cases, ${all.ran} executed, ${all.refused} refused by both; ${all.differ.length} differ from geth`);
  assert.equal(all.differ.length, 0, `SEED=${first} CASES=${wanted}`);
  assert.ok(all.ran > all.cases / 2, 'most cases execute');
});
