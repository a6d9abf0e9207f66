// Every question of cases.cjs and cases_anvil.cjs, right and wrong ones, asked of ours and of anvil on chains made of the same transactions at
// the same times: the same answer, or a difference that differences_anvil.cjs and smooth_anvil.cjs explain. (What development methods do to a
// chain: compare_dev.test.cjs; which methods either has: peer_methods.test.cjs.)
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const cases = require('./cases.cjs');
const more = require('./cases_anvil.cjs');
const { Comparison } = require('./comparison.cjs');
const { DIFFERENCES } = require('./differences_anvil.cjs');
const { smoothings } = require('./smooth_anvil.cjs');

let nodes, facts;
const own = [new Map(), new Map()];
/** anvil lists accounts in the order of a hash table, another each time. */
const sorted = (a) => (a.result?.accessList ? { result: { ...a.result, accessList: [...a.result.accessList].sort((x, y) => (x.address < y.address ? -1 : 1)) } } : a);
const c = new Comparison(DIFFERENCES, sorted, smoothings(own));
before(async () => {
  nodes = await Promise.all([h.fanatico([...rich.CHAIN_ARGS, '--silent']), h.anvil(rich.CHAIN_ARGS)]);
  await h.rpc(nodes[1].http, 'anvil_setNextBlockBaseFeePerGas', ['0x342770c0']); // its first block would keep the genesis block's
  for (const n of nodes) await h.rpc(n.http, 'anvil_setBlockTimestampInterval', [12]);
  facts = await Promise.all(nodes.map((n) => rich.make(n.http)));
  for (const [i, n] of nodes.entries()) for (const [hash, name] of await rich.ownHashes(n.http)) own[i].set(hash, name);
}, { timeout: 120000 });
after(async () => {
  await Promise.all((nodes ?? []).map((n) => n.stop()));
  console.log(`${c.same} answers are anvil's, ${c.explained} differ as ${c.used.size} rows of docs/RPC.md have it`);
});

for (const [group, list] of Object.entries({ ...cases.groups, ...more.groups })) {
  test(group, { timeout: 120000 }, () => c.run(nodes[0].http, nodes[1].http, ...facts.map((f) => list(f).filter(([, method]) => !more.NOT_THERE.has(method)))));
}
test('the life of each kind of filter', { timeout: 60000 }, async () => {
  const told = [];
  for (const [i, node] of nodes.entries()) {
    const f = facts[i], lines = [], say = (what, got) => lines.push([what, got]);
    const ask = (method, ...params) => h.rpc(node.http, method, params);
    const filters = { logs: await ask('eth_newFilter', { address: f.chaos }), plain: await ask('eth_newFilter', { topics: [f.face.getEvent('Plain').topicHash] }), others: await ask('eth_newFilter', { address: cases.NOBODY }), blocks: await ask('eth_newBlockFilter'), pending: await ask('eth_newPendingTransactionFilter') };
    const own = (log) => Object.fromEntries(Object.entries(log).filter(([k]) => !['blockHash', 'blockTimestamp', 'transactionIndex', 'logIndex', 'blockNumber'].includes(k)));
    const look = async (when) => {
      for (const [name, id] of Object.entries(filters)) {
        const got = await ask('eth_getFilterChanges', id);
        say(`${when}: ${name}`, name === 'blocks' ? got.length : got.map((x) => (typeof x === 'string' ? x : JSON.stringify(own(x)))).sort());
      }
    };
    await ask('anvil_dropAllTransactions');
    await look('at first');
    const s = Object.assign(new rich.Signer(), { nonces: [...f.nonces] });
    s.nonces[0] -= 2; // what waited was thrown away
    s.nonces[1] -= 1;
    const sent = [await s.sign(0, { to: f.chaos, data: f.face.encodeFunctionData('note', [2, '0x42']) }), await s.sign(1, { to: f.chaos, data: f.face.encodeFunctionData('note', [1, '0x43']) })];
    for (const { raw } of sent) await ask('eth_sendRawTransaction', raw);
    await h.until('the pending filter', async () => (await ask('txpool_status')).pending !== '0x0');
    await ask('evm_mine');
    await ask('evm_mine');
    await look('two blocks later');
    await look('at once again');
    say('all logs', (await ask('eth_getFilterLogs', filters.logs)).filter((l) => BigInt(l.blockNumber) > BigInt(f.head.number)).map((l) => JSON.stringify(own(l))).sort());
    for (const [name, id] of Object.entries(filters)) say(`${name} ends`, [await ask('eth_uninstallFilter', id), await ask('eth_uninstallFilter', id), (await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'eth_getFilterChanges', params: [id] })).error?.message]);
    told.push(lines);
  }
  assert.deepEqual(told[0], told[1]);
  const later = Object.fromEntries(told[0])['two blocks later: logs'];
  assert.equal(later.length, 9, 'three logs for each note');
});
test('docs/RPC.md lists the differences, and no other', () => c.checkTable('differences from anvil', 'test/rpc/compare_anvil.test.cjs'));
