// Every call of cases.cjs, right and wrong, asked of ours and of anvil on chains made of the same transactions: the same answer, or a
// difference that differences_anvil.cjs explains. (Receipts, state and dev methods: test/peers and helpers.test.cjs.)
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const cases = require('./cases.cjs');
const { DIFFERENCES } = require('./differences_anvil.cjs');

let nodes, facts;
const used = new Map(), counts = { same: 0, explained: 0 };
before(async () => {
  nodes = await Promise.all([h.fanatico([...rich.CHAIN_ARGS, '--silent']), h.anvil(rich.CHAIN_ARGS)]);
  await h.rpc(nodes[1].http, 'anvil_setNextBlockBaseFeePerGas', ['0x342770c0']); // its first block would keep the genesis block's
  facts = await Promise.all(nodes.map((n) => rich.make(n.http)));
}, { timeout: 120000 });
after(async () => {
  await Promise.all((nodes ?? []).map((n) => n.stop()));
  console.log(`${counts.same} answers are anvil's, ${counts.explained} differ as ${used.size} rows of docs/RPC.md have it`);
});

const ask = async (node, method, params) => {
  const { result, error } = await h.post(node.http, { jsonrpc: '2.0', id: 1, method, params });
  return error ? { error } : { result };
};

test('calls, estimates and access lists', { timeout: 120000 }, async () => {
  const [ours, theirs] = facts.map((f) => cases.executions(f)), wrong = [];
  for (const [i, [name, method, params]] of ours.entries()) {
    const answers = [await ask(nodes[0], method, params), await ask(nodes[1], method, theirs[i][2])];
    try {
      assert.deepStrictEqual(...answers);
      counts.same++;
      continue;
    } catch {}
    const row = DIFFERENCES.find((d) => d.methods.test(method) && (!d.names || d.names.test(name)) && d.holds(...answers));
    if (row) {
      counts.explained++;
      used.set(row, (used.get(row) ?? 0) + 1);
    } else {
      wrong.push(`${method}, ${name}\n    ours  ${JSON.stringify(answers[0]).slice(0, 900)}\n    anvil ${JSON.stringify(answers[1]).slice(0, 900)}`);
    }
  }
  assert.equal(wrong.length, 0, `${wrong.length} answers differ without a reason:\n${wrong.join('\n')}`);
  assert.ok(counts.same > 60, `${counts.same}`);
});

const BEGIN = '<!-- differences from anvil: WRITE=1 test/rpc/compare_anvil.test.cjs makes this table -->', END = '<!-- end of differences from anvil -->';
test('docs/RPC.md lists the differences, and no other', () => {
  const file = path.join(h.source, 'docs/RPC.md'), text = fs.readFileSync(file, 'utf8');
  const table = `${BEGIN}\n| with us | because |\n|---|---|\n${DIFFERENCES.map((d) => `| ${d.what} | ${d.why} |`).join('\n')}\n${END}`;
  const old = text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length);
  if (process.env.WRITE) fs.writeFileSync(file, text.replace(old, () => table));
  else assert.equal(old, table, 'the table is not that of differences_anvil.cjs. Cure: WRITE=1 node --test test/rpc/compare_anvil.test.cjs');
  for (const [row, count] of used) console.log(`${count} times: ${row.what}`);
  assert.deepEqual(DIFFERENCES.filter((d) => !used.has(d)).map((d) => d.what), [], 'rows that explain nothing');
});
