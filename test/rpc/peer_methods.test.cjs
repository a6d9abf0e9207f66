// Every method of anvil, Hardhat and geth is answered, or docs/RPC.md says why not; and the lists are theirs: anvil is asked here, geth by
// compare.test.cjs.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { ABSENT, ANVIL, GETH, HARDHAT } = require('./peer_methods.cjs');

let node, peer;
before(async () => { [node, peer] = await Promise.all([h.fanatico(['--silent']), h.anvil([])]); }, { timeout: 60000 });
after(() => Promise.all([node?.stop(), peer?.stop()]));

/** A method that is there refuses these parameters, or takes them. */
const knows = async (url, method) => !/^Method not found/.test((await h.post(url, { jsonrpc: '2.0', id: 1, method, params: Array(9).fill('zz') })).error?.message ?? '');

test('what anvil is said to have, anvil has', { timeout: 60000 }, async () => {
  const not = [];
  for (const m of ANVIL.filter((m) => !/subscribe$/.test(m))) if (!(await knows(peer.http, m))) not.push(m);
  assert.deepEqual(not, []);
});
test('each is here, or is said not to be', { timeout: 60000 }, async () => {
  const wrong = [];
  for (const m of new Set([...ANVIL, ...HARDHAT, ...GETH].filter((m) => !/subscribe$/.test(m)))) {
    const here = await knows(node.http, m), absent = ABSENT.some(([which]) => which.test(m));
    if (here === absent) wrong.push(`${m} is ${here ? 'here, and said not to be' : 'not here'}`);
  }
  assert.deepEqual(wrong, []);
});
test('docs/RPC.md has the list', () => {
  const begin = '<!-- absent: WRITE=1 test/rpc/peer_methods.test.cjs makes this table -->', end = '<!-- end of absent -->';
  const rpc = path.join(h.source, 'docs/RPC.md'), text = fs.readFileSync(rpc, 'utf8'), old = text.slice(text.indexOf(begin), text.indexOf(end) + end.length);
  const all = [...new Set([...ANVIL, ...HARDHAT, ...GETH])].sort(), of = (m) => [['anvil', ANVIL], ['Hardhat', HARDHAT], ['geth', GETH]].filter(([, list]) => list.includes(m)).map(([n]) => n);
  const rows = ABSENT.map(([which, why]) => { const names = all.filter((m) => which.test(m)); return `| ${names.map((n) => `\`${n}\``).join(', ')} | ${[...new Set(names.flatMap(of))].join(', ')} | ${why} |`; });
  const table = `${begin}\n| not here | of | because |\n|---|---|---|\n${rows.join('\n')}\n${end}`;
  if (process.env.WRITE) fs.writeFileSync(rpc, text.replace(old, () => table));
  else assert.equal(old, table, 'the table is not the list\'s. Cure: WRITE=1 node --test test/rpc/peer_methods.test.cjs');
});
