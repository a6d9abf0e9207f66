// eth_signTypedData_v4 against ethers on random types and values, and against anvil on what it refuses.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { ethers } = require('ethers');

const seed = seedOf();
const cases = Number(process.env.CASES || 400);
let node, anvil;
before(async () => { [node, anvil] = await Promise.all([h.fanatico(['--silent']), h.anvil()]); });
after(() => Promise.all([node?.stop(), anvil?.stop()]));

/** mulberry32: the same values for the same seed. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Maker {
  constructor(n) { this.next = random(n); }
  below(n) { return Math.floor(this.next() * n); }
  hex(bytes) { return '0x' + Array.from({ length: bytes }, () => this.below(256).toString(16).padStart(2, '0')).join(''); }
  atom() {
    const bits = 8 * (1 + this.below(32));
    return [`uint${bits}`, `int${bits}`, `bytes${1 + this.below(32)}`, 'bytes', 'string', 'address', 'bool'][this.below(7)];
  }
  /** Types T0 … Tn; each may hold only later ones, so that values end. */
  types() {
    const count = 1 + this.below(4), types = {};
    for (let i = 0; i < count; i++) {
      types[`T${i}`] = Array.from({ length: 1 + this.below(5) }, (_, k) => {
        let type = i + 1 < count && (k === 0 || this.below(3) === 0) ? `T${k === 0 ? i + 1 : i + 1 + this.below(count - i - 1)}` : this.atom();
        for (let d = this.below(3); d > 0 && this.below(2); d--) type += this.below(2) ? '[]' : `[${1 + this.below(3)}]`;
        return { name: `f${k}`, type };
      });
    }
    return types;
  }
  value(types, type) {
    const array = type.match(/^(.*)\[(\d*)\]$/);
    if (array) return Array.from({ length: array[2] ? Number(array[2]) : this.below(4) }, () => this.value(types, array[1]));
    if (types[type]) return Object.fromEntries(types[type].map((m) => [m.name, this.value(types, m.type)]));
    const sized = type.match(/^(uint|int|bytes)(\d+)$/);
    if (type === 'string') return ['', 'plain', 'quote " and \\ back', 'ünïcödé ☃ 𝄞', '\n\t\u0001'][this.below(5)];
    if (type === 'bool') return this.below(2) === 1;
    if (type === 'address') return this.hex(20);
    if (type === 'bytes') return this.hex(this.below(70));
    const size = Number(sized[2]);
    if (sized[1] === 'bytes') return this.hex(size);
    const top = 1n << BigInt(sized[1] === 'uint' ? size : size - 1), least = sized[1] === 'uint' ? 0n : -top;
    const n = [least, top - 1n, 0n, 1n, BigInt(this.hex(size / 8)) % top][this.below(5)];
    if (Number.isSafeInteger(Number(n)) && this.below(2)) return Number(n);
    return n >= 0n && this.below(2) ? '0x' + n.toString(16) : n.toString();
  }
  domain() {
    const all = { name: 'a name', version: '2', chainId: 31337, verifyingContract: this.hex(20), salt: this.hex(32) };
    return Object.fromEntries(Object.entries(all).filter(() => this.below(2)));
  }
}

const DOMAIN = { name: 'string', version: 'string', chainId: 'uint256', verifyingContract: 'address', salt: 'bytes32' };

test('random types and values sign as with ethers', { timeout: 120000 }, async () => {
  console.log(`CASES=${cases}`);
  const wallet = new ethers.Wallet(h.KEYS[1]);
  for (let i = 0; i < cases; i++) {
    const make = new Maker(seed + i), types = make.types(), domain = make.domain(), message = make.value(types, 'T0');
    // Only what T0 reaches: ethers wants one root.
    const reached = new Set(['T0']);
    for (const t of reached) for (const m of types[t]) { const base = m.type.replace(/\[.*/, ''); if (types[base]) reached.add(base); }
    const used = Object.fromEntries(Object.entries(types).filter(([name]) => reached.has(name)));
    const want = await wallet.signTypedData(domain, used, message);
    const declared = make.below(2) ? { EIP712Domain: Object.keys(domain).map((name) => ({ name, type: DOMAIN[name] })) } : {};
    const data = { types: { ...declared, ...types }, primaryType: 'T0', domain, message };
    const method = ['eth_signTypedData', 'eth_signTypedData_v3', 'eth_signTypedData_v4'][make.below(3)];
    const got = await h.rpc(node.http, method, [wallet.address, make.below(2) ? data : JSON.stringify(data)]);
    assert.equal(got, want, `SEED=${seed + i}: ${JSON.stringify(data)}`);
  }
});

test('anvil signs the same, and refuses what we refuse', { timeout: 60000 }, async () => {
  const of = (type, value) => ({ types: { M: [{ name: 'a', type }] }, primaryType: 'M', domain: { name: 'x' }, message: { a: value } });
  const rows = [of('uint8', 1), of('uint8', 300), of('Nope', 1), of('bytes2', '0x0102'), of('uint8[2]', [1]), of('uint8[2]', [1, 2]),
    of('string', 'x'), of('bool', 1), of('address', '0x01'), { ...of('uint8', 1), message: {} }, { ...of('uint8', 1), primaryType: 'N' }];
  for (const data of rows) {
    const body = { jsonrpc: '2.0', id: 1, method: 'eth_signTypedData_v4', params: [h.ACCOUNTS[0], data] };
    const [ours, theirs] = await Promise.all([h.post(node.http, body), h.post(anvil.http, body)]);
    assert.equal(ours.result, theirs.result, JSON.stringify(data));
    assert.equal(ours.error?.code, theirs.error?.code, JSON.stringify([data, ours, theirs]));
  }
});

test('bytesN of another length is refused, as by ethers; anvil fills it up with zeros', async () => {
  const data = { types: { M: [{ name: 'a', type: 'bytes2' }] }, primaryType: 'M', domain: {}, message: { a: '0x01' } };
  await assert.rejects(new ethers.Wallet(h.KEYS[0]).signTypedData(data.domain, data.types, data.message));
  await assert.rejects(h.rpc(node.http, 'eth_signTypedData_v4', [h.ACCOUNTS[0], data]), { code: -32602, message: /type mismatch/ });
});

test('who is not ours does not sign, and text that is no JSON is refused', async () => {
  const data = { types: { M: [] }, primaryType: 'M', domain: {}, message: {} };
  await assert.rejects(h.rpc(node.http, 'eth_signTypedData_v4', ['0x' + '11'.repeat(20), data]), { code: -32000, message: /unknown account/ });
  await assert.rejects(h.rpc(node.http, 'eth_signTypedData_v4', [h.ACCOUNTS[0], '{"types":']), { code: -32602 });
  await assert.rejects(h.rpc(node.http, 'eth_signTypedData_v4', [h.ACCOUNTS[0]]), { code: -32602 });
});
