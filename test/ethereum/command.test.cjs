// `fanatico statetest` as a person meets it: lines, counts, filters, exit codes, and what it says of files that are none.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { fanatico } = require('./peers.cjs');

const ROOT = '17454a767e5f04461256f3812ffca930443c04a47d05ce3f38940c4a14b8c479', NO_LOGS = '1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347';
const indexes = { data: 0, gas: 0, value: 0 };
const good = { hash: ROOT, logs: NO_LOGS, indexes };
const bad = { ...good, hash: ROOT.replace('1', '2') };
// stExample/add11 of ethereum/tests.
const add11 = (post) => ({
  env: { currentCoinbase: '2adc25665018aa1fe0e6bc666dac8fc2697ff9ba', currentDifficulty: '256', currentGasLimit: '1000000', currentNumber: '0', currentTimestamp: 1 },
  pre: {
    '095e7baea6a6c7c4c2dfeb977efac326af552d87': { balance: '1000000000000000000', code: '0x6001600101600055', nonce: '0', storage: {} },
    a94f5374fce5edbc8e2a8697c15331677e6ebf0b: { balance: '1000000000000000000', code: '0x', nonce: '0', storage: {} },
  },
  transaction: { data: [''], gasLimit: ['400000', '1'], gasPrice: '1', nonce: '0', value: ['100000'], to: '095e7baea6a6c7c4c2dfeb977efac326af552d87',
    secretKey: '0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8' },
  post,
});
let dir;
const at = (name) => path.join(dir, name);
function put(name, value) {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  fs.writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value));
  return at(name);
}

before(() => {
  dir = h.scratch();
  put('ok/a.json', { one: add11({ Frontier: [good, { ...good, indexes: { ...indexes, gas: 1 }, hash: '', expectException: 'TR_IntrinsicGas' }].map((c) => (c.hash ? c : { ...c, hash: undefined })), EOFv1: [good] }) });
  put('ok/deeper/b.json', { two: add11({ Homestead: [good] }), three: add11({ Frontier: [good] }) });
  put('ok/deeper/block.json', { chain: { blocks: [], genesisBlockHeader: {}, network: 'Cancun' } });
  put('ok/.meta/index.json', { anything: [1] });
  put('fails.json', { four: add11({ Frontier: [bad] }) });
});
after(() => fs.rmSync(dir, { recursive: true }));

test('a folder: one line a case, unknown forks named, the count, exit code 0', () => {
  const { code, stdout } = fanatico([at('ok')]);
  const lines = stdout.trim().split('\n');
  assert.deepEqual(lines.slice(0, 3), [`pass ${at('ok/a.json')} one Frontier[0] d0 g0 v0`,
    `pass ${at('ok/a.json')} one Frontier[1] d0 g1 v0: refused as expected (TR_IntrinsicGas): intrinsic gas too low: have 1, want 21000`,
    `skip ${at('ok/a.json')} one EOFv1[0] d0 g0 v0: unknown fork EOFv1`]);
  assert.deepEqual(lines.slice(-2), ['skipped: 1 of unknown fork EOFv1', '4 passed, 0 failed, 1 skipped']);
  assert.equal(code, 0);
});

test('a failure says what came and what was expected, exit code 1', () => {
  const { code, stdout } = fanatico([at('fails.json')]);
  assert.match(stdout, new RegExp(`^FAIL .*fails.json four Frontier\\[0\\] d0 g0 v0: post state root mismatch: got ${ROOT}, want ${bad.hash}\n0 passed, 1 failed, 0 skipped\n$`));
  assert.equal(code, 1);
});

test('--fork, --run and --index choose', () => {
  assert.match(fanatico(['--fork', 'Homestead', at('ok')]).stdout, /^pass .* two Homestead\[0\].*\n1 passed, 0 failed, 0 skipped\n$/);
  assert.match(fanatico([at('ok'), '--run=^th']).stdout, /^pass .* three Frontier\[0\].*\n1 passed/);
  assert.match(fanatico(['--index', '1', at('ok')]).stdout, /^pass .* one Frontier\[1\].*\n1 passed/);
});

test('--json gives an object for each case with what other runners have', () => {
  const { code, stdout, stderr } = fanatico(['--json', at('fails.json'), at('ok/a.json')]);
  const rows = stdout.trim().split('\n').map(JSON.parse);
  assert.equal(code, 1);
  assert.match(stderr, /^skipped: 1 of unknown fork EOFv1\n2 passed, 1 failed, 1 skipped\n$/);
  assert.deepEqual(rows[0], { name: 'four', file: at('fails.json'), fork: 'Frontier', index: 0, d: 0, g: 0, v: 0, pass: false, stateRoot: `0x${ROOT}`, logsRoot: `0x${NO_LOGS}`,
    gasUsed: '0xa034', error: `post state root mismatch: got ${ROOT}, want ${bad.hash}` });
  assert.equal(rows[2].refused, 'intrinsic gas too low: have 1, want 21000');
  assert.deepEqual([rows[3].pass, rows[3].skipped], [false, true]);
});

test('names come on standard input too', () => {
  const { code, stdout } = fanatico(['-'], `${at('fails.json')}\n${at('ok/deeper/b.json')}\n`);
  assert.match(stdout, /2 passed, 1 failed, 0 skipped\n$/);
  assert.equal(code, 1);
});

test('what is wrong is named, exit code 2', () => {
  const broken = put('broken.json', '{"a": {,}}'), list = put('list.json', [1]), half = put('half.json', { five: { ...add11({ Frontier: [good] }), env: undefined } });
  const beyond = put('beyond.json', { six: add11({ Frontier: [{ ...good, indexes: { ...indexes, gas: 9 } }] }) }), empty = at('empty');
  fs.mkdirSync(empty);
  for (const [args, words] of [
    [[], /needs a file or a folder/],
    [['--colour', at('ok')], /unknown option --colour/],
    [['--fork'], /--fork needs a value/],
    [['--run', '(', at('ok')], /--run: "\(" is no regular expression/],
    [['--index', 'two', at('ok')], /--index: "two" is not a whole number/],
    [[at('nowhere.json')], /nowhere\.json: No such file/],
    [[broken], /broken\.json: .*byte 7/],
    [[list], /list\.json: a file of state tests is an object, this is an array/],
    [[half], /half\.json: five: env: an object expected/],
    [[beyond], /beyond\.json: six: transaction: gasLimit: no item 9, the list has 2/],
    [[at('ok/deeper/block.json')], /block\.json: chain: env: an object expected/],
    [[empty], /no \.json file/],
    [['--fork', 'Nowhere', at('ok')], /no state test/],
  ]) {
    const { code, stderr } = fanatico(args);
    assert.match(stderr, words, args.join(' '));
    assert.equal(code, 2, args.join(' '));
  }
});

test('a broken file does not keep the others from running', () => {
  const { code, stdout, stderr } = fanatico([put('broken.json', '{'), at('ok/a.json')]);
  assert.match(stdout, /2 passed, 0 failed, 1 skipped/);
  assert.match(stderr, /broken\.json/);
  assert.equal(code, 2);
});

test('--help tells of all that', () => {
  const { code, stdout } = fanatico(['--help']);
  for (const word of ['--fork', '--run', '--index', '--json', 'FILE', 'Exit code']) assert.ok(stdout.includes(word), word);
  assert.equal(code, 0);
});
