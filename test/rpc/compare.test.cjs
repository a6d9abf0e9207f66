// Every question of cases.cjs and sends.cjs, right and wrong ones, asked of ours and of geth on the same blocks: the same answer, or a
// difference that differences.cjs explains. docs/RPC.md has that table; `WRITE=1` renews it.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const cases = require('./cases.cjs');
const geth = require('./geth_peer.cjs');
const { fills, sends } = require('./sends.cjs');
const { DIFFERENCES } = require('./differences.cjs');

let node, peer, facts;
const used = new Map(), methods = new Set();
const counts = { same: 0, explained: 0 };

before(async () => {
  node = await h.fanatico([...rich.CHAIN_ARGS, '--silent']);
  facts = await rich.make(node.http);
  peer = await geth.start(node.http);
  for (const raw of facts.waiting) await h.rpc(peer.http, 'eth_sendRawTransaction', [raw]);
}, { timeout: 120000 });
after(async () => {
  await Promise.all([node?.stop(), peer?.end()]);
  console.log(`${counts.same} answers of ${methods.size} methods are geth's to the letter, ${counts.explained} differ as ${used.size} rows of docs/RPC.md have it`);
});

const asker = (url) => async (method, params) => {
  const { result, error } = await h.post(url, { jsonrpc: '2.0', id: 1, method, params });
  return error ? { error } : { result };
};

async function compare(list) {
  const wrong = [];
  for (const [name, method, params] of list) {
    const answers = [];
    for (const ask of [asker(node.http), asker(peer.http)]) answers.push(await ask(method, typeof params === 'function' ? await params(ask) : params));
    methods.add(method);
    try {
      assert.deepStrictEqual(...answers);
      counts.same++;
      continue;
    } catch {}
    const row = DIFFERENCES.find((d) => d.methods.test(method) && (!d.names || d.names.test(name)) && d.holds(...answers, { name, method, params }));
    if (row) {
      counts.explained++;
      used.set(row, (used.get(row) ?? 0) + 1);
    } else {
      wrong.push(`${method}, ${name}: ${JSON.stringify(params)?.slice(0, 200)}\n    ours ${JSON.stringify(answers[0]).slice(0, 600)}\n    geth ${JSON.stringify(answers[1]).slice(0, 600)}`);
    }
  }
  assert.equal(wrong.length, 0, `${wrong.length} answers differ without a reason:\n${wrong.slice(0, 20).join('\n')}`);
}

for (const group of ['plain', 'blocks', 'transactions', 'state', 'executions', 'logs', 'fees', 'wrong']) {
  test(group, { timeout: 120000 }, () => compare(cases[group](facts)));
}
test('transactions that are filled', { timeout: 60000 }, () => compare(fills(facts)));
test('transactions that are sent', { timeout: 60000 }, async () => compare((await sends(facts)).map(([name, raw]) => [name, 'eth_sendRawTransaction', [raw]])));

test('two thousand questions were asked', () => assert.ok(counts.same + counts.explained >= 2000, `${counts.same + counts.explained}`));

const BEGIN = '<!-- differences: WRITE=1 test/rpc/compare.test.cjs makes this table -->', END = '<!-- end of differences -->';
test('docs/RPC.md lists the differences, and no other', () => {
  const file = path.join(h.source, 'docs/RPC.md'), text = fs.readFileSync(file, 'utf8');
  const rows = DIFFERENCES.map((d) => `| ${d.what} | ${d.why} |`), table = `${BEGIN}\n| with us | because |\n|---|---|\n${rows.join('\n')}\n${END}`;
  const old = text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length);
  if (process.env.WRITE) fs.writeFileSync(file, text.replace(old, () => table));
  else assert.equal(old, table, 'the table is not that of differences.cjs. Cure: WRITE=1 node --test test/rpc/compare.test.cjs');
  for (const [row, count] of used) console.log(`${count} times: ${row.what}`);
  assert.deepEqual(DIFFERENCES.filter((d) => !used.has(d)).map((d) => d.what), [], 'rows that explain nothing');
});
