// The questions of cases.cjs on older rules: ours and geth on the two chains that execution-apis recorded, Shanghai and Cancun.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const cases = require('./cases.cjs');
const geth = require('./geth_peer.cjs');
const { Comparison } = require('./comparison.cjs');
const { DIFFERENCES } = require('./differences.cjs');

const data = process.env.FANATICO_SHARED ? path.join(process.env.FANATICO_SHARED, 'conformance') : path.join(h.source, '../shared/conformance');
const masked = (a) => a.error?.message.replace(/0x[0-9a-f]{64}/, '0x…');
const OWN = [
  { methods: /^eth_(gasPrice|maxPriorityFeePerGas)$/, what: 'geth counts an empty block as its least tip, we leave it out', holds: (a, b) => a.result !== undefined && b.result !== undefined },
  { methods: /^eth_createAccessList$/, names: /blob/, what: 'the hash, and the cost, of blob calls whose fee geth fills in', holds: (a, b) => a.error && b.error && masked(a).replace(/want \d+/, '') === masked(b).replace(/want \d+/, '') },
];

/** What rich.make() tells, of a chain that is there. */
async function factsOf(url) {
  const last = Number(await h.rpc(url, 'eth_blockNumber')), at = {}, block = {};
  let chaos = rich.wallets[0].address;
  for (let n = 0; n <= last; n++) {
    const { transactions, hash } = await h.rpc(url, 'eth_getBlockByNumber', [rich.hex(n), true]);
    for (const t of transactions) {
      const name = `${n}.${Number(t.transactionIndex)}`;
      at[name] = t.hash;
      block[name] = { hash, number: rich.hex(n) };
      chaos = (await h.rpc(url, 'eth_getTransactionReceipt', [t.hash])).contractAddress ?? chaos;
    }
  }
  const head = await h.rpc(url, 'eth_getBlockByNumber', ['latest', true]), all = Object.values(block), some = all[0];
  return { wallets: rich.wallets, face: rich.face, at, block: { ...block, create: some, crowd0: some, logs: some, spawned: all.at(-1) }, head, crowd: rich.hex(last - 1), orphan: { hash: cases.NOWHERE }, chaos, delegate: rich.wallets[3].address };
}

for (const name of ['shanghai3', 'cancun9']) {
  test(name, { timeout: 150000 }, async () => {
    const dir = path.join(data, name), genesis = JSON.parse(fs.readFileSync(path.join(dir, 'genesis.json'), 'utf8'));
    const node = await h.fanatico(['--genesis', path.join(dir, 'genesis.json'), '--import', path.join(dir, 'chain.rlp'), '--no-mining', '--silent']);
    let peer;
    try {
      // today's geth wants what was a constant in 2023
      if (genesis.config.cancunTime !== undefined) genesis.config.blobSchedule ??= { cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3338477 } };
      peer = await geth.start(JSON.stringify(genesis), fs.readFileSync(path.join(dir, 'chain.rlp')));
      const facts = await factsOf(node.http), c = new Comparison([...OWN, ...DIFFERENCES]);
      for (const [group, list] of Object.entries(cases.groups)) if (group !== 'wrong') await c.run(node.http, peer.http, list(facts));
      console.log(`${name}: ${c.same} answers are geth's to the letter, ${c.explained} differ as docs/RPC.md has it or for these: ${OWN.filter((d) => c.used.has(d)).map((d) => d.what).join('; ')}`);
      assert.ok(c.same > 1000);
    } finally {
      await Promise.all([node.stop(), peer?.end()]);
    }
  });
}
