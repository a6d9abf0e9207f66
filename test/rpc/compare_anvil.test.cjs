// Every call of cases.cjs, right and wrong, asked of ours and of anvil on chains made of the same transactions: the same answer, or a
// difference that differences_anvil.cjs explains. (Receipts, state and development methods: test/peers and helpers.test.cjs.)
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const cases = require('./cases.cjs');
const { Comparison } = require('./comparison.cjs');
const { DIFFERENCES } = require('./differences_anvil.cjs');

let nodes, facts;
/** anvil lists accounts in the order of a hash table, another each time. */
const sorted = (a) => (a.result?.accessList ? { result: { ...a.result, accessList: [...a.result.accessList].sort((x, y) => (x.address < y.address ? -1 : 1)) } } : a);
const c = new Comparison(DIFFERENCES, sorted);
before(async () => {
  nodes = await Promise.all([h.fanatico([...rich.CHAIN_ARGS, '--silent']), h.anvil(rich.CHAIN_ARGS)]);
  await h.rpc(nodes[1].http, 'anvil_setNextBlockBaseFeePerGas', ['0x342770c0']); // its first block would keep the genesis block's
  facts = await Promise.all(nodes.map((n) => rich.make(n.http)));
}, { timeout: 120000 });
after(async () => {
  await Promise.all((nodes ?? []).map((n) => n.stop()));
  console.log(`${c.same} answers are anvil's, ${c.explained} differ as ${c.used.size} rows of docs/RPC.md have it`);
});

test('calls, estimates and access lists', { timeout: 120000 }, async () => {
  await c.run(nodes[0].http, nodes[1].http, ...facts.map((f) => cases.executions(f)));
  assert.ok(c.same > 60, `${c.same}`);
});
test('docs/RPC.md lists the differences, and no other', () => c.checkTable('differences from anvil', 'test/rpc/compare_anvil.test.cjs'));
