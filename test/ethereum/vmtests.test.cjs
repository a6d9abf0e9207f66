// The VM tests of March 2015 (npm: ethereum-tests 0.0.6), 56,212 of them: code alone, without a transaction around it. Here each becomes a transaction
// to that code under Frontier's rules with the gas that is left after what a transaction costs; storage, logs and gas must be the file's.
// What a transaction changes of what code can see (balances, an origin beside the caller) or a stub hid (calls and creations) is counted as not applicable.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const peers = require('./peers.cjs');
const legacy = require('./legacy.cjs');

const plain = (text) => text.replace(/^0x/, '').toLowerCase(), prefixed = (text) => `0x${plain(text)}`;
const word = (text) => BigInt(plain(text) === '' ? 0 : /^0x/.test(text) ? text : `0x${text}`);
const HUGE = 2n ** 255n;

/** Whether code has one of these instructions where it would be executed as one. */
function has(code, wanted) {
  const bytes = Buffer.from(plain(code), 'hex');
  for (let i = 0; i < bytes.length; i++) {
    if (wanted.includes(bytes[i])) return true;
    if (bytes[i] >= 0x60 && bytes[i] <= 0x7f) i += bytes[i] - 0x5f;
  }
  return false;
}

const cost = (data) => 21000n + Buffer.from(plain(data), 'hex').reduce((sum, byte) => sum + (byte ? 68n : 4n), 0n);

/** Why a VM test cannot be a transaction, or undefined. */
function unfit(t) {
  const e = t.exec, gas = BigInt(e.gas), self = plain(e.address);
  if (gas + cost(e.data) >= 2n ** 63n) return 'gas beyond 63 bits';
  if (!t.pre[self] || plain(t.pre[self].code) !== plain(e.code)) return 'code that no account has';
  if (plain(e.caller) === self || (t.pre[plain(e.caller)] && plain(t.pre[plain(e.caller)].code))) return 'a caller with code';
  if (plain(e.origin) !== plain(e.caller) && has(e.code, [0x32])) return 'an origin beside the caller';
  if (has(e.code, [0xf0, 0xf1, 0xf2, 0xff]) ) return 'calls, creations, ends';
  if (has(e.code, [0x31])) return 'balances';
  if (word(`0x${BigInt(e.gasPrice).toString(16)}`) * (gas + cost(e.data)) + BigInt(e.value) >= HUGE) return 'a price beyond any balance';
  return undefined;
}

function stateTest(t) {
  const e = t.exec, gas = BigInt(e.gas) + cost(e.data), limit = BigInt(t.env.currentGasLimit);
  const pre = Object.fromEntries(Object.entries(t.pre).map(([a, v]) => [prefixed(a), { ...v, nonce: v.nonce, storage: Object.fromEntries(Object.entries(v.storage).map(([k, x]) => [k, x])) }]));
  pre[prefixed(e.caller)] = { balance: String(HUGE), nonce: '0', code: '0x', storage: {} };
  return {
    env: { ...t.env, currentGasLimit: String(limit > gas ? (limit < 2n ** 63n ? limit : 2n ** 63n - 1n) : gas) },
    pre,
    transaction: { sender: prefixed(e.caller), nonce: '0', to: prefixed(e.address), gasPrice: e.gasPrice, data: [prefixed(e.data)], gasLimit: [String(gas)], value: [e.value] },
    post: { Frontier: [{ hash: `0x${'00'.repeat(32)}`, logs: legacy.logsHash(t.logs ?? []), indexes: { data: 0, gas: 0, value: 0 } }] },
  };
}

/** What differs from the file, or undefined. */
function differs(t, row) {
  const self = prefixed(t.exec.address), after = row.state[self], all = BigInt(t.exec.gas) + cost(t.exec.data), used = BigInt(row.gasUsed);
  const want = Object.fromEntries(Object.entries((t.post ?? t.pre)[plain(self)].storage).map(([k, v]) => [word(k), word(v)]).filter(([, v]) => v));
  const got = Object.fromEntries(Object.entries(after?.storage ?? {}).map(([k, v]) => [BigInt(k), BigInt(v)]));
  if (JSON.stringify(Object.entries(want).map(String).sort()) !== JSON.stringify(Object.entries(got).map(String).sort())) return 'storage';
  if (!t.post) return used === all ? undefined : 'it should have used all gas';
  if (row.logsRoot !== legacy.logsHash(t.logs)) return 'logs';
  const burnt = all - BigInt(t.gas), back = burnt - used; // the refund for cleared slots is the transaction's, at most half
  return back >= 0n && (back % 15000n === 0n || back === burnt / 2n) ? undefined : `gas: ${used}, expected ${burnt}`;
}

test('every VM test that a transaction can carry out ends as published', { timeout: 1200000 }, () => {
  const dir = h.scratch(), unfitBy = {};
  let total = 0, passed = 0;
  const wrong = [];
  for (const [file, tests] of legacy.files('VMTests')) {
    const names = Object.keys(tests), fit = {};
    total += names.length;
    for (const name of names) {
      const why = unfit(tests[name]);
      if (why) unfitBy[why] = (unfitBy[why] ?? 0) + 1;
      else fit[name] = stateTest(tests[name]);
    }
    if (!Object.keys(fit).length) continue;
    const to = path.join(dir, 'vm.json');
    fs.writeFileSync(to, JSON.stringify(fit));
    const { stdout, stderr } = peers.fanatico(['--dump', to]);
    const rows = stdout.split('\n').filter(Boolean).map(JSON.parse);
    assert.equal(rows.length, Object.keys(fit).length, `${file}: ${stderr.slice(0, 500)}`);
    for (const row of rows) {
      const what = differs(tests[row.name], row);
      if (what) wrong.push(`${file} ${row.name}: ${what}${row.error ? ` (${row.error})` : ''}`);
      else passed++;
    }
  }
  fs.rmSync(dir, { recursive: true });
  console.log(`VM tests of March 2015: ${total}; ${passed} end as published, ${wrong.length} do not; not a transaction's: ${JSON.stringify(unfitBy)}`);
  assert.deepEqual(wrong.slice(0, 20), []);
});
