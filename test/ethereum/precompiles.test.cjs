// The vectors of the precompiled contracts that go-ethereum's module carries (they are the EIPs' own, and Wycheproof's), as state tests: a contract
// calls the precompile with the vector's input and exactly its gas and stores whether it went well, how much came back and its hash; with one gas
// less it must fail. What is stored is held against the vector, and the root against `evm statetest`.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const peers = require('./peers.cjs');
const { ethers } = require('ethers');

// Which precompile a file is about, and forks whose price it has.
const FILES = {
  ecRecover: [1, 'Byzantium', 'Osaka'], modexp: [5, 'Byzantium', 'Istanbul'], modexp_eip2565: [5, 'Berlin', 'Prague'], modexp_eip7883: [5, 'Osaka'],
  bn256Add: [6, 'Istanbul', 'Osaka'], bn256ScalarMul: [7, 'Istanbul', 'Osaka'], bn256Pairing: [8, 'Istanbul', 'Osaka'], blake2F: [9, 'Istanbul', 'Osaka'], 'fail-blake2f': [9, 'Istanbul', 'Osaka'],
  pointEvaluation: [10, 'Cancun', 'Osaka'], blsG1Add: [11, 'Prague'], blsG1Mul: [12, 'Prague'], blsG1MultiExp: [12, 'Prague'], blsG2Add: [13, 'Prague'], blsG2Mul: [14, 'Prague'],
  blsG2MultiExp: [14, 'Prague'], blsPairing: [15, 'Prague'], blsMapG1: [16, 'Prague'], blsMapG2: [17, 'Prague'], 'fail-blsG1Add': [11, 'Prague'], 'fail-blsG1Mul': [12, 'Prague'],
  'fail-blsG1MultiExp': [12, 'Prague'], 'fail-blsG2Add': [13, 'Prague'], 'fail-blsG2Mul': [14, 'Prague'], 'fail-blsG2MultiExp': [14, 'Prague'], 'fail-blsPairing': [15, 'Prague'],
  'fail-blsMapG1': [16, 'Prague'], 'fail-blsMapG2': [17, 'Prague'], p256Verify: [256, 'Osaka'],
};
const CALLER = `0x${'c0'.repeat(20)}`, SENDER = '0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b';

/** calldata: the gas in 32 bytes, then the input. Slots: 0 success + 1, 1 the size of the output, 2 its hash. */
function code(precompile) {
  return `0x${[
    '60006000', // what comes back goes nowhere at first
    '60203603', '80', '60206000', '37', // the input's size stays; calldatacopy(0, 32, size)
    '60006000', // from offset 0, no value
    `61${precompile.toString(16).padStart(4, '0')}`, '600035', 'f1',
    '600101', '600055', // success + 1
    '3d600155', // the output's size
    '3d60006000', '3e', // returndatacopy(0, 0, size)
    '3d600020', '600255', '00', // its hash
  ].join('')}`;
}

function stateTest(vectors, precompile, forks) {
  const data = [], expected = [], add = (gas, input, want) => { data.push(ethers.concat([ethers.toBeHex(gas, 32), input])); expected.push(want); };
  for (const v of vectors) {
    const input = `0x${v.Input}`;
    if (v.ExpectedError) { add(10000000, input, { ok: false, name: v.Name }); continue; }
    add(v.Gas, input, { ok: true, output: `0x${v.Expected}`, name: v.Name });
    if (v.Gas > 0) add(v.Gas - 1, input, { ok: false, name: `${v.Name}, one gas less` });
  }
  const post = Object.fromEntries(forks.map((f) => [f, data.map((_, i) => ({ hash: `0x${'00'.repeat(32)}`, logs: `0x${'00'.repeat(32)}`, indexes: { data: i, gas: f === 'Osaka' ? 1 : 0, value: 0 } }))]));
  return {
    expected,
    test: {
      env: { currentCoinbase: `0x${'2a'.repeat(20)}`, currentDifficulty: '0x0', currentRandom: `0x${'00'.repeat(32)}`, currentGasLimit: '0xffffffffffff', currentNumber: '0x1', currentTimestamp: '0x3e8',
        currentBaseFee: '0x7', currentExcessBlobGas: '0x0' },
      pre: { [CALLER]: { balance: '0x0', nonce: '0x1', code: code(precompile), storage: {} }, [SENDER]: { balance: `0x1${'0'.repeat(30)}`, nonce: '0x0', code: '0x', storage: {} } },
      transaction: { secretKey: '0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8', nonce: '0x0', to: CALLER, gasPrice: '0x7', data, gasLimit: ['0xffffffffff', '0x1000000'], value: ['0x0'] },
      post,
    },
  };
}

test('every vector of every precompile, at its price and one gas below', { timeout: 600000 }, () => {
  const from = path.join(peers.gethModule(), 'core/vm/testdata/precompiles');
  assert.deepEqual(fs.readdirSync(from).map((f) => f.replace('.json', '')).sort(), Object.keys(FILES).sort(), 'each file has its row');
  const dir = h.scratch(), tests = {};
  let vectors = 0, cases = 0, beyond = 0;
  for (const [name, [precompile, ...forks]] of Object.entries(FILES)) {
    let list = JSON.parse(fs.readFileSync(path.join(from, `${name}.json`)));
    vectors += list.length;
    if (forks.includes('Osaka')) { // EIP-7825 caps a transaction there
      const fits = list.filter((v) => !(v.Gas > 16000000));
      beyond += list.length - fits.length;
      list = fits;
    }
    tests[name] = stateTest(list, precompile, forks);
    fs.writeFileSync(path.join(dir, `${name}.json`), JSON.stringify({ [name]: tests[name].test }));
  }
  const { stdout, stderr } = peers.fanatico(['--dump', dir]);
  const rows = stdout.split('\n').filter(Boolean).map(JSON.parse), geth = peers.geth(dir);
  for (const row of rows) {
    const want = tests[row.name].expected[row.d], slots = row.state[CALLER].storage, slot = (n) => BigInt(slots[ethers.toBeHex(n, 32)] ?? 0);
    const where = `${row.name} ${row.fork}: ${want.name}`;
    cases++;
    assert.equal(slot(0), want.ok ? 2n : 1n, where);
    assert.equal(slot(1), BigInt(want.ok ? ethers.dataLength(want.output) : 0), where);
    assert.equal(slot(2), BigInt(ethers.keccak256(want.ok ? want.output : '0x')), where);
  }
  assert.equal(rows.length, geth.length, stderr);
  const theirs = new Map();
  for (const r of geth) theirs.set(`${r.name} ${r.fork}`, [...(theirs.get(`${r.name} ${r.fork}`) ?? []), r.stateRoot]);
  for (const row of rows) assert.equal(row.stateRoot, theirs.get(`${row.name} ${row.fork}`)[row.index], `${row.name} ${row.fork}[${row.index}]`);
  fs.rmSync(dir, { recursive: true });
  console.log(`precompiles: ${vectors} vectors of go-ethereum's module (${beyond} cost more than a transaction may), ${cases} cases over their forks: all as published, roots as geth's`);
});
