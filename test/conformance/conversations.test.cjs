// The recorded conversations of the execution-apis project, replayed over HTTP and WebSocket on both of its chains.
//
// Rules of comparison (the data's README): deep equality; two errors need only agree in code and data; a `speconly` file is
// validated against the method's result schema. The chains are from 2023, so fields that came later are tolerated where, and only
// where, the list below names them, and each use is printed. Every conversation's result is validated against the schema as well.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const Ajv = require('ajv');

const data = process.env.FANATICO_SHARED ? path.join(process.env.FANATICO_SHARED, 'conformance') : path.join(h.source, '../shared/conformance');
const openrpc = JSON.parse(fs.readFileSync(path.join(data, 'openrpc.json'), 'utf8'));
const ajv = new Ajv({ strict: false, unicodeRegExp: false });
const schemas = Object.fromEntries(openrpc.methods.map((m) => [m.name, ajv.compile(m.result.schema)]));
const HEADS = { cancun9: 9, shanghai3: 3 };

// [method, key, what today's geth does]; `added`: ours has it, the recording does not; `gone`: the other way round.
const TOLERATED = [
  { methods: /^eth_get(Transaction|Block|Logs)/, key: 'blockTimestamp', how: 'added', why: 'in logs and transactions since geth 1.16' },
  { methods: /^eth_get(Transaction|Block)/, key: 'yParity', how: 'added', why: 'in typed transactions since geth 1.12' },
  { methods: /^eth_getBlock/, key: 'totalDifficulty', how: 'gone', why: 'no longer part of blocks' },
  { methods: /^eth_getBlock/, key: 'requestsHash', how: 'added', why: 'Prague' },
  { methods: /^eth_get(TransactionReceipt|BlockReceipts)/, key: 'blobGasPrice', how: 'added', why: 'EIP-4844 receipts' },
  { methods: /^eth_get(TransactionReceipt|BlockReceipts)/, key: 'blobGasUsed', how: 'added', why: 'EIP-4844 receipts' },
  { methods: /^eth_feeHistory/, key: 'baseFeePerBlobGas', how: 'added', why: 'EIP-4844 fee history' },
  { methods: /^eth_feeHistory/, key: 'blobGasUsedRatio', how: 'added', why: 'EIP-4844 fee history' },
];
const used = new Map();
const echoed = { count: 0 };

function tolerated(method, key, how) {
  const row = TOLERATED.find((t) => t.methods.test(method) && t.key === key && t.how === how);
  if (row) used.set(row, (used.get(row) || 0) + 1);
  return Boolean(row);
}

/** Where two values differ, as paths; nothing where they agree or the difference is tolerated. */
function differences(method, got, want, at = 'result') {
  if (Array.isArray(got) && Array.isArray(want)) {
    if (got.length !== want.length) return [`${at}: ${got.length} items, expected ${want.length}`];
    return got.flatMap((g, i) => differences(method, g, want[i], `${at}[${i}]`));
  }
  if (got && want && typeof got === 'object' && typeof want === 'object') {
    return [...new Set([...Object.keys(got), ...Object.keys(want)])].flatMap((key) => {
      if (!(key in want)) return tolerated(method, key, 'added') ? [] : [`${at}.${key}: not in the recording`];
      if (!(key in got)) return tolerated(method, key, 'gone') ? [] : [`${at}.${key}: missing`];
      return differences(method, got[key], want[key], `${at}.${key}`);
    });
  }
  // The two recordings contradict one another for the same request: shanghai3 (older) echoes the key, cancun9 and today's geth answer the quantity.
  if (method === 'eth_getProof' && at.endsWith('.key') && got !== want && BigInt(got) === BigInt(want)) {
    echoed.count++;
    return [];
  }
  return got === want ? [] : [`${at}: ${JSON.stringify(got)?.slice(0, 200)}, expected ${JSON.stringify(want)?.slice(0, 200)}`];
}

function compare(method, got, want, speconly) {
  if (got.result !== undefined && got.result !== null && schemas[method]) {
    const valid = schemas[method](got.result);
    assert.ok(valid, `${method}: the result is not as openrpc.json has it: ${ajv.errorsText(schemas[method].errors)}`);
  }
  if (speconly) return;
  if (want.error) {
    assert.ok(got.error, `expected an error, got ${JSON.stringify(got).slice(0, 300)}`);
    assert.equal(got.error.code, want.error.code, got.error.message);
    assert.deepEqual(got.error.data, want.error.data);
    return;
  }
  assert.equal(got.error, undefined, JSON.stringify(got.error));
  assert.deepEqual(differences(method, got.result, want.result), []);
}

function conversations(chain) {
  const found = [];
  for (const method of fs.readdirSync(path.join(data, chain))) {
    const folder = path.join(data, chain, method);
    if (!fs.statSync(folder).isDirectory()) continue;
    for (const name of fs.readdirSync(folder).filter((n) => n.endsWith('.io'))) {
      const lines = fs.readFileSync(path.join(folder, name), 'utf8').split('\n');
      const rounds = [];
      for (const line of lines) {
        if (line.startsWith('>> ')) rounds.push({ request: line.slice(3) });
        else if (line.startsWith('<< ')) rounds.at(-1).reply = JSON.parse(line.slice(3));
      }
      found.push({ name: `${method}/${name}`, rounds, speconly: lines.some((l) => l.startsWith('//') && l.includes('speconly')) });
    }
  }
  return found;
}

for (const chain of Object.keys(HEADS)) {
  let node, socket;
  before(async () => {
    // Nothing is mined, so that the transactions some conversations send change nothing that the others read.
    node = await h.fanatico(['--genesis', path.join(data, chain, 'genesis.json'), '--import', path.join(data, chain, 'chain.rlp'), '--no-mining', '--silent', '--accounts', '0']);
    socket = await h.Socket.open(node.ws);
  });
  after(async () => {
    socket?.close();
    await node?.stop();
  });
  test(`${chain}: the chain imports to its last block`, async () => {
    const recorded = conversations(chain).find((c) => c.name === 'eth_getBlockByNumber/get-latest.io') ?? conversations(chain).find((c) => c.name.startsWith('eth_getBlockByNumber/get-block-n'));
    assert.equal(await h.rpc(node.http, 'eth_blockNumber'), `0x${HEADS[chain].toString(16)}`);
    const hash = recorded.rounds[0].reply.result.hash;
    assert.equal((await h.rpc(node.http, 'eth_getBlockByHash', [hash, false])).hash, hash);
  });
  test(`${chain}: bad.rlp is refused, with the number and the rule`, async () => {
    const before = await h.rpc(node.http, 'eth_blockNumber');
    const program = new h.Program(path.join(h.bin, 'fanatico'), ['dev', '--port', '0', '--genesis', path.join(data, chain, 'genesis.json'), '--import', path.join(data, chain, 'bad.rlp')]);
    const code = await program.ended;
    assert.equal(code, 2, program.output);
    assert.match(program.output, /block \d+/);
    assert.equal(program.output.trim().split('\n').length, 1, program.output);
    assert.equal(await h.rpc(node.http, 'eth_blockNumber'), before);
  });
  for (const transport of ['HTTP', 'WebSocket']) {
    for (const { name, rounds, speconly } of conversations(chain)) {
      test(`${chain} over ${transport}: ${name}`, async () => {
        for (const { request, reply } of rounds) {
          const { id, method } = JSON.parse(request);
          let got;
          if (transport === 'HTTP') got = await h.post(node.http, request);
          else {
            const from = socket.received.length;
            await socket.send(request);
            got = await h.until('the answer', () => socket.received.slice(from).find((m) => m.id === id));
          }
          // The same raw transaction was sent over HTTP already.
          if (method === 'eth_sendRawTransaction' && transport === 'WebSocket') assert.match(got.error?.message ?? '', /already known/);
          else compare(method, got, reply, speconly);
        }
      });
    }
  }
}

test('the tolerated differences, all of them', () => {
  if (echoed.count) console.log(`tolerated: eth_getProof's key as a quantity, ${echoed.count} times: the recordings differ from one another`);
  for (const [row, count] of used) console.log(`tolerated: ${row.key} ${row.how}, ${count} times: ${row.why}`);
});
