// Every question of cases.cjs and sends.cjs, right and wrong ones, asked of ours and of geth on the same blocks: the same answer, or a
// difference that differences.cjs explains. docs/RPC.md has that table; `WRITE=1` renews it.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const cases = require('./cases.cjs');
const geth = require('./geth_peer.cjs');
const { Comparison } = require('./comparison.cjs');
const { fills, sends } = require('./sends.cjs');
const { DIFFERENCES } = require('./differences.cjs');

let node, peer, facts;
const c = new Comparison(DIFFERENCES);
const compare = (list) => c.run(node.http, peer.http, list);

before(async () => {
  node = await h.fanatico([...rich.CHAIN_ARGS, '--silent']);
  facts = await rich.make(node.http);
  peer = await geth.start(rich.genesis(), await rich.blocksOf(node.http));
  for (const raw of facts.waiting) await h.rpc(peer.http, 'eth_sendRawTransaction', [raw]);
}, { timeout: 120000 });
after(async () => {
  await Promise.all([node?.stop(), peer?.end()]);
  console.log(`${c.same} answers of ${c.methods.size} methods are geth's to the letter, ${c.explained} differ as ${c.used.size} rows of docs/RPC.md have it`);
});

for (const group of ['plain', 'blocks', 'transactions', 'state', 'executions', 'logs', 'fees', 'wrong']) {
  test(group, { timeout: 120000 }, () => compare(cases[group](facts)));
}
test('transactions that are filled', { timeout: 60000 }, () => compare(fills(facts)));
test('transactions that are sent', { timeout: 60000 }, async () => compare((await sends(facts)).map(([name, raw]) => [name, 'eth_sendRawTransaction', [raw]])));
test('two thousand questions were asked', () => assert.ok(c.asked >= 2000, `${c.asked}`));
test('docs/RPC.md lists the differences, and no other', () => c.checkTable('differences', 'test/rpc/compare.test.cjs'));
