// What a precompile says of its input, beside geth: the words, the gas and the output of each case in precompile_cases.cjs, called by a
// transaction and from a frame with little gas, and geth's own vectors of failure. Under Osaka and under Prague, where modexp has no limits.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');
const { cases } = require('./precompile_cases.cjs');
const { code } = require('../peers/odd.cjs');
const { difference, gethChain } = require('../peers/sealed.cjs');
const { gethModule } = require('../ethereum/peers.cjs');

const FAILS = { blsG1Add: 11, blsG1Mul: 12, blsG1MultiExp: 12, blsG2Add: 13, blsG2Mul: 14, blsG2MultiExp: 14, blsPairing: 15, blsMapG1: 16, blsMapG2: 17, blake2f: 9 };
const PLENTY = 16000000;

/** Initialisation code that calls with what stands behind it. */
function inside(at, input, gas) {
  const size = ethers.dataLength(input), head = (from) => code('0x' + size.toString(16).padStart(4, '0'), '0x' + from.toString(16).padStart(4, '0'), 0, 'CODECOPY', 0, 0, size, 0, at, gas, 'STATICCALL', 0, 0, 'RETURN');
  return ethers.concat([head(head(0).length), input]);
}

function* calls(last) {
  const list = [...cases(last)];
  for (const [name, at] of Object.entries(FAILS))
    for (const v of JSON.parse(fs.readFileSync(path.join(gethModule(), `core/vm/testdata/precompiles/fail-${name}.json`)))) list.push({ at, name: `geth's ${v.Name}`, input: `0x${v.Input}`, prices: [] });
  for (const { at, name, input, prices } of list) {
    const where = `precompile ${at}: ${name}`, call = { from: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', gas: ethers.toQuantity(PLENTY) };
    const direct = { ...call, to: ethers.toBeHex(at, 20), data: input };
    yield { where, method: 'eth_call', params: [direct, 'latest'] };
    yield { where, method: 'debug_traceCall', params: [direct, 'latest', { tracer: 'callTracer' }] };
    yield { where, method: 'debug_traceCall', params: [direct, 'latest', { tracer: 'flatCallTracer', tracerConfig: { convertParityErrors: true, includePrecompiles: true } }] };
    for (const gas of new Set([0, ...prices, 10000000])) yield { where: `${where}, ${gas} gas`, method: 'debug_traceCall', params: [{ ...call, data: inside(at, input, gas) }, 'latest', { tracer: 'callTracer' }] };
  }
}

for (const [fork, last] of [['osaka', 256], ['prague', 17]])
  test(`precompiles under ${fork}, beside geth`, { timeout: 600000 }, async () => {
    const dir = h.scratch(), { geth, url, genesis } = await gethChain(dir, fork);
    const ours = await h.fanatico(['--genesis', genesis, '--silent']);
    const list = [...calls(last)], differ = new Map(), words = new Set();
    let refused = 0;
    for (let i = 0; i < list.length; i += 200) {
      const batch = list.slice(i, i + 200).map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }));
      const [a, b] = await Promise.all([ours.http, url].map((to) => h.post(to, batch)));
      for (const [id, { where, method }] of list.slice(i, i + 200).entries()) {
        const of = (all) => { const r = all.find((x) => x.id === id); return r.result ?? { code: r.error.code, message: r.error.message }; };
        const [x, y] = [of(a), of(b)], d = difference(x, y), said = y.error ?? y.calls?.[0].error ?? y.message;
        if (said) { refused++; words.add(said); }
        if (d) differ.set(`${where}, ${method}`, d);
      }
    }
    console.log(`${fork}: ${list.length} calls, ${refused} of them refused in ${words.size} ways: ${[...words].sort().join('; ')}`);
    assert.ok(words.size > 15, 'the cases reach what they are for');
    for (const [where, d] of [...differ].slice(0, 40)) console.log(`${where}: ${d}`);
    assert.equal(differ.size, 0);
    assert.equal(await ours.stop(), 0);
    await geth.stop('SIGINT');
    fs.rmSync(dir, { recursive: true });
  });
