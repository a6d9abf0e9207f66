// Asks two nodes the same and holds the answers against one another: equal, or different as a row of a list has it; and holds the list
// against the table that docs/RPC.md shows of it.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');

/** How to ask: at a URL over HTTP, or over a h.Socket. */
const asker = (where) => async (method, params) => {
  const id = `c${++asked}`, request = { jsonrpc: '2.0', id, method, params };
  if (typeof where === 'string') return answer(await h.post(where, request));
  await where.send(request);
  return answer(await h.until(`the answer to ${method}`, () => where.received.find((m) => m.id === id)));
};
const answer = ({ result, error }) => (error ? { error } : { result });
let asked = 0;
const equal = (a, b) => { try { assert.deepStrictEqual(a, b); return true; } catch { return false; } };
/** In how many members two answers differ. */
function distance(a, b) {
  if (!a || !b || typeof a !== 'object' || typeof b !== 'object') return a === b ? 0 : 1;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].reduce((sum, k) => sum + distance(a[k], b[k]), 0);
}

class Comparison {
  /** differences: rows {methods, names, what, why, holds(ours, theirs, case)}; normal(answer) does away with what is left to chance;
   *  smoothings: rows {what, why, apply(answer, side)} that do away with what differs in many answers. */
  constructor(differences, normal = (answer) => answer, smoothings = []) {
    Object.assign(this, { differences, normal, smoothings, used: new Map(), methods: new Set(), same: 0, explained: 0 });
  }
  get rows() { return [...this.smoothings, ...this.differences]; }
  use(row) { this.used.set(row, (this.used.get(row) ?? 0) + 1); }
  get asked() { return this.same + this.explained; }

  /** Cases [name, method, parameters or a function of ask that makes them]; theirs where the other node's are not ours. */
  async run(ours, theirs, list, others = list) {
    const wrong = [];
    for (const [i, [name, method, params]] of list.entries()) {
      const answers = [];
      for (const [ask, given] of [[asker(ours), params], [asker(theirs), others[i][2]]]) answers.push(this.normal(await ask(method, typeof given === 'function' ? await given(ask) : given)));
      this.methods.add(method);
      if (equal(...answers)) {
        this.same++;
        continue;
      }
      for (const row of this.smoothings) {
        const smooth = answers.map((a, side) => row.apply(a, side));
        if (distance(...smooth) < distance(...answers)) this.use(row); // it did away with a difference
        answers.splice(0, 2, ...smooth);
      }
      if (equal(...answers)) {
        this.explained++;
        continue;
      }
      const row = this.differences.find((d) => d.methods.test(method) && (!d.names || d.names.test(name)) && d.holds(...answers, { name, method, params }));
      if (row) {
        this.explained++;
        this.use(row);
      } else {
        wrong.push(`${method}, ${name}: ${JSON.stringify(params)?.slice(0, 200)}\n    ours   ${JSON.stringify(answers[0]).slice(0, 600)}\n    theirs ${JSON.stringify(answers[1]).slice(0, 600)}`);
      }
    }
    assert.equal(wrong.length, 0, `${wrong.length} answers differ without a reason:\n${wrong.slice(0, 20).join('\n')}`);
  }

  /** docs/RPC.md has exactly these rows between the marks, and each of them was needed. WRITE=1 renews it. */
  checkTable(name, file) {
    const begin = `<!-- ${name}: WRITE=1 ${file} makes this table -->`, end = `<!-- end of ${name} -->`;
    const rpc = path.join(h.source, 'docs/RPC.md'), text = fs.readFileSync(rpc, 'utf8');
    const table = `${begin}\n| with us | because |\n|---|---|\n${this.rows.map((d) => `| ${d.what} | ${d.why} |`).join('\n')}\n${end}`;
    const old = text.slice(text.indexOf(begin), text.indexOf(end) + end.length);
    if (process.env.WRITE) fs.writeFileSync(rpc, text.replace(old, () => table));
    else assert.equal(old, table, `the table is not the list's. Cure: WRITE=1 node --test ${file}`);
    for (const [row, count] of this.used) console.log(`${count} times: ${row.what}`);
    assert.deepEqual(this.rows.filter((d) => !d.sometimes && !this.used.has(d)).map((d) => d.what), [], 'rows that explain nothing');
  }
}

module.exports = { Comparison };
