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

for (const [group, list] of Object.entries(cases.groups)) test(group, { timeout: 120000 }, () => compare(list(facts)));
test('subscriptions over HTTP', { timeout: 60000 }, () => compare(cases.subscriptions(facts).filter(([, method]) => method === 'eth_subscribe')));
test('subscriptions and more over WebSocket', { timeout: 60000 }, async () => {
  const sockets = await Promise.all([node.ws, peer.ws].map((url) => h.Socket.open(url)));
  await c.run(...sockets, [...cases.subscriptions(facts), ...cases.groups.plain(facts), ...cases.groups.fees(facts)]);
  for (const s of sockets) s.close();
});
/** Bodies that are hardly requests: [body, what we answer where geth does not: a code]. */
const ONE = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}', with_ = (rest) => `{"jsonrpc":"2.0","id":1,"method":"eth_chainId",${rest}}`;
const BODIES = [
  ['', -32700], [' ', -32700], ['x'], ['{'], ['[]'], ['['], ['[1]'], ['[null]'], ['[[]]'], ['{}'], ['null'], ['5'], ['"x"'], ['true'], [ONE + ONE], [`${ONE} `], [`\ufeff${ONE}`], [`[${ONE}]`], [`[${ONE},1]`], [`[${ONE},]`], [`[${ONE},{}]`], [ONE.replace('2.0', '1.0')], [ONE.replace('"jsonrpc":"2.0",', '')], [ONE.replace('"2.0"', '2.0')],
  ...['{}', '[]', 'null', '"x"', '1.5', '-1', '1e3', '01', '12345678901234567890'].map((id) => [ONE.replace(':1,', `:${id},`)]), [ONE.replace(':1,', ':true,'), -32600], [ONE.replace('"id":1,', '')], [`[${ONE.replace('"id":1,', '')},${ONE}]`], [`[${ONE.replace('"id":1,', '')}]`], ['{"jsonrpc":"2.0","id":1}'], [ONE.replace('"eth_chainId"', '5')], [ONE.replace('"eth_chainId"', 'null')],
  [with_('"params":"x"'), -32600], [with_('"params":5'), -32600], [with_('"params":{}')], [with_('"params":null')], [with_('"params":[null]')], [with_('"result":1')], [with_('"extra":1')], [with_('"id":2')], [ONE.replace('jsonrpc', 'JSONRPC')], [ONE.replace('_', '\\u005f')], [ONE.replace(/"/g, "'")],
];
test('bodies that are hardly requests', { timeout: 60000 }, async () => {
  const told = (text) => (text.trim() ? [JSON.parse(text)].flat().map((r) => [r.id, r.error?.code ?? r.result]) : 'nothing');
  for (const [body, code] of BODIES) {
    const [ours, theirs] = await Promise.all([node.http, peer.http].map(async (url) => {
      const reply = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return { status: reply.status, told: told(await reply.text()) };
    }));
    if (code) assert.equal(ours.told[0][1], code, body);
    assert[code ? 'notDeepEqual' : 'deepEqual'](ours, theirs, body);
  }
});
test('transactions that are filled', { timeout: 60000 }, () => compare(fills(facts)));
test('transactions that are sent', { timeout: 60000 }, async () => compare((await sends(facts)).map(([name, raw]) => [name, 'eth_sendRawTransaction', [raw]])));
test('two thousand questions were asked', () => assert.ok(c.asked >= 2000, `${c.asked}`));
test('docs/RPC.md lists the differences, and no other', () => c.checkTable('differences', 'test/rpc/compare.test.cjs'));
