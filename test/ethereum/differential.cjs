// Random state tests through two runners: geth's `evm statetest` is the oracle of the root, the logs and the refusal, ours must agree.
// SEED is the first seed (printed), CASES how many cases at least, KEEP a folder that the filled fixtures are left in.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const peers = require('./peers.cjs');
const { generate } = require('./generate.cjs');

const ZERO = `0x${'00'.repeat(32)}`;
const BATCH = 2000; // cases that one pair of runs takes

const refusal = (error) => /^unexpected error: ([^]*)$/.exec(error ?? '')?.[1];

/** Tests by name, so many that they have `wanted` cases; returns [files, next seed, cases]. */
function write(dir, seed, wanted) {
  const tests = new Map();
  let cases = 0, file = {};
  const files = [];
  const flush = () => {
    if (!Object.keys(file).length) return;
    files.push(path.join(dir, `${Object.keys(file)[0]}.json`));
    fs.writeFileSync(files.at(-1), JSON.stringify(file));
    file = {};
  };
  for (; cases < wanted; seed++) {
    const { name, test } = generate(seed);
    for (const list of Object.values(test.post)) for (const c of list) Object.assign(c, { hash: ZERO, logs: ZERO });
    cases += Object.values(test.post).flat().length;
    tests.set(name, file[name] = test);
    if (Object.keys(file).length === 20) flush();
  }
  flush();
  return { files, tests, seed, cases };
}

/** geth's answers in the order of the cases: of one name and fork they come one after the other, whatever the order of names. */
function byCase(results) {
  const map = new Map();
  for (const r of results) {
    const key = `${r.name} ${r.fork}`;
    map.set(key, [...(map.get(key) ?? []), r]);
  }
  return (name, fork, index) => map.get(`${name} ${fork}`)[index];
}

/** One batch; returns the counts and what differs. */
function round(dir, first, wanted) {
  const { files, tests, seed, cases } = write(dir, first, wanted);
  const blank = byCase(peers.geth(dir)), found = peers.ours([dir]);
  const out = { seed, cases: 0, ran: 0, refused: 0, differ: [] };
  // What geth found, and our hash of the logs, become what the cases say: geth then judges our logs and we geth's roots.
  for (const mine of found) {
    const theirs = blank(mine.name, mine.fork, mine.index), words = refusal(theirs.error), c = tests.get(mine.name).post[mine.fork][mine.index];
    Object.assign(c, { hash: theirs.stateRoot, logs: mine.logsRoot });
    if (words) c.expectException = words;
  }
  for (const file of files) {
    const names = Object.keys(JSON.parse(fs.readFileSync(file)));
    fs.writeFileSync(file, JSON.stringify(Object.fromEntries(names.map((n) => [n, tests.get(n)]))));
  }
  const judge = byCase(peers.geth(dir));
  for (const mine of peers.ours([dir])) {
    const theirs = judge(mine.name, mine.fork, mine.index), c = tests.get(mine.name).post[mine.fork][mine.index];
    out.cases++;
    out[c.expectException ? 'refused' : 'ran']++;
    if (!mine.pass || !theirs.pass)
      out.differ.push({ ...mine, theirs: theirs.error, test: tests.get(mine.name) });
  }
  if (out.cases !== cases) throw new Error(`${out.cases} results for ${cases} cases`);
  return out;
}

/** Where a difference can be looked at again: the one test, in a file of its own. */
function keepDifference(folder, d) {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${d.name}-${d.fork}-${d.index}.json`);
  fs.writeFileSync(file, JSON.stringify({ [d.name]: { ...d.test, post: { [d.fork]: [d.test.post[d.fork][d.index]] } } }, null, 1));
  return file;
}

module.exports = { round, keepDifference, BATCH };
