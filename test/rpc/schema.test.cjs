// Every method of the execution-apis specification that we answer, on a chain that has everything (rich.cjs), over HTTP and WebSocket:
// the parameters we send are as the specification's schemas have them, and so is each result. What the specification lists and we do
// not answer is printed, and must be in MISSING with its reason.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const rich = require('./rich.cjs');
const Ajv = require('ajv');
const { ethers } = require('ethers');

const { hex, word } = rich;
const NOWHERE = '0x' + '99'.repeat(32);

const data = process.env.FANATICO_SHARED ? path.join(process.env.FANATICO_SHARED, 'conformance') : path.join(h.source, '../shared/conformance');
const openrpc = JSON.parse(fs.readFileSync(path.join(data, 'openrpc.json'), 'utf8'));
const ajv = new Ajv({ strict: false, unicodeRegExp: false });
// An empty list is as much a list of hashes as of logs; the specification's oneOf would refuse it for being both.
const lenient = (schema) => JSON.parse(JSON.stringify(schema), (key, value) => (value?.title === 'Filter results' ? { ...value, oneOf: undefined, anyOf: value.oneOf } : value));
const spec = new Map(openrpc.methods.filter((m) => !m.name.startsWith('engine_')).map((m) => [m.name, {
  params: m.params.map((p) => ({ name: p.name, required: p.required, valid: ajv.compile(p.schema) })), result: ajv.compile(lenient(m.result.schema)),
}]));

/** Methods of the specification that a node of ours does not answer, and why. */
const MISSING = {
  eth_getBlockAccessList: 'block access lists come with Amsterdam (EIP-7928), a fork that is not final',
  debug_getRawBlockAccessList: 'likewise',
  testing_buildBlockV1: 'for testing consensus clients against an execution client; evm_mine and the pool do that here',
};

// Where geth answers null and the schema knows none. [what, whether a value is it, the keys that are null]
const NULLS = [
  ['the pending block has no hash, nonce and miner yet, as in geth', (v) => v.hash === null && v.transactions, { hash: NOWHERE, nonce: '0x' + '00'.repeat(8), miner: '0x' + '00'.repeat(20) }],
  ['a waiting transaction is in no block yet, as in geth', (v) => v.blockHash === null && v.gas, { blockHash: NOWHERE, blockNumber: '0x0', blockTimestamp: '0x0', transactionIndex: '0x0' }],
];
const nulls = new Map();
/** The result with something in place of such nulls, each counted. */
function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (!value || typeof value !== 'object') return value;
  const out = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v)]));
  for (const [what, is, keys] of NULLS) {
    if (!is(value)) continue;
    nulls.set(what, (nulls.get(what) ?? 0) + 1);
    for (const key of Object.keys(keys)) if (value[key] === null) out[key] = keys[key];
  }
  return out;
}

const NOBODY = '0x' + '98'.repeat(20);

/** What the blocks can be called, and the same without the object of EIP-1898. */
const places = (f) => [undefined, 'latest', 'earliest', 'safe', 'finalized', 'pending', f.crowd, '0x1', { blockHash: f.block.logs.hash }, { blockNumber: f.crowd }, f.head.hash,
  { blockHash: f.head.hash, requireCanonical: true }].map((at) => (at === undefined ? [] : [at]));
const numbers = (f) => ['latest', 'earliest', 'safe', 'finalized', 'pending', '0x0', f.crowd, f.head.number, hex(Number(f.head.number) + 1000)];
const raws = (f) => ['latest', 'earliest', 'safe', 'finalized', '0x0', f.crowd, f.head.number];
const hashes = (f) => [f.head.hash, ...new Set(Object.values(f.block).map((b) => b.hash)), f.orphan.hash, NOWHERE];
const crossed = (some, others) => some.flatMap((a) => others.map((b) => [a, b]));
const at = (f, heads) => places(f).map((place) => [...heads, ...place]);
const transactions = (f) => [...Object.values(f.at), NOWHERE].map((hash) => [hash]);
const accounts = (f) => [f.wallets[0].address, f.chaos, f.delegate, NOBODY, ethers.ZeroAddress];

const calls = (f) => [
  { to: f.chaos, data: f.face.encodeFunctionData('slots', [3]) },
  { from: f.wallets[0].address, to: f.chaos, input: f.face.encodeFunctionData('slots', [0]), gas: '0x30d40', maxFeePerGas: '0x12a05f2000', maxPriorityFeePerGas: '0x1', type: '0x2' },
  { from: f.wallets[0].address, to: f.wallets[1].address, value: '0x1' },
  { from: f.wallets[1].address, to: f.chaos, data: f.face.encodeFunctionData('store', [0, 3, 1]), gasPrice: '0x12a05f2000' },
];

const traced = (f, first) => [[first], [first, { tracer: 'callTracer' }], [first, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }], [first, { tracer: '4byteTracer' }],
  [first, { tracer: 'flatCallTracer' }], [first, { disableStorage: true, enableMemory: true, enableReturnData: true }]];

/** Method → facts → parameter sets. A set that is no array is a function that makes one, since filters must be there first. */
const SETS = {
  debug_getBadBlocks: () => [[]],
  debug_getRawBlock: (f) => raws(f).map((n) => [n]),
  debug_getRawHeader: (f) => raws(f).map((n) => [n]),
  debug_getRawReceipts: (f) => raws(f).map((n) => [n]),
  debug_getRawTransaction: transactions,
  debug_traceBlockByHash: (f) => [f.block.crowd0.hash, f.head.hash].flatMap((hash) => traced(f, hash)),
  debug_traceBlockByNumber: (f) => [f.crowd, f.head.number].flatMap((n) => traced(f, n)),
  debug_traceTransaction: (f) => ['create', 'legacy', 'listed', 'logs', 'reverted', 'invalid', 'blobs', 'delegated', 'spawned', 'crowd3'].flatMap((name) => traced(f, f.at[name])),
  eth_accounts: () => [[]],
  eth_baseFee: () => [[]],
  eth_blobBaseFee: () => [[]],
  eth_blockNumber: () => [[]],
  eth_call: (f) => calls(f).flatMap((c) => at(f, [c])),
  eth_capabilities: () => [[]],
  eth_chainId: () => [[]],
  eth_coinbase: () => [[]],
  eth_config: () => [[]],
  eth_createAccessList: (f) => calls(f).flatMap((c) => at(f, [c])),
  eth_estimateGas: (f) => calls(f).flatMap((c) => at(f, [c])),
  eth_feeHistory: (f) => [['0x1', 'latest', []], ['0x5', 'latest', [0, 10.5, 50, 100]], [hex(8), f.crowd, [25]], ['0x400', 'latest', [1]], ['0x2', 'pending', [50]], ['0x1', 'earliest', [50]]],
  eth_fillTransaction: (f) => [[{ from: f.wallets[0].address, to: f.wallets[1].address, value: '0x1' }], [{ from: f.wallets[0].address, to: f.chaos, data: f.face.encodeFunctionData('store', [0, 1, 2]), gas: '0x30d40' }],
    [{ from: f.wallets[1].address, to: f.wallets[1].address, gasPrice: '0x12a05f2000' }]],
  eth_gasPrice: () => [[]],
  eth_getBalance: (f) => accounts(f).flatMap((a) => at(f, [a])),
  eth_getBlockAccessList: (f) => [[f.head.number]],
  debug_getRawBlockAccessList: (f) => [[f.head.number]],
  eth_getBlockByHash: (f) => crossed(hashes(f), [true, false]),
  eth_getBlockByNumber: (f) => crossed(numbers(f), [true, false]),
  eth_getBlockReceipts: (f) => [...numbers(f), ...hashes(f)].map((n) => [n]),
  eth_getBlockTransactionCountByHash: (f) => hashes(f).map((x) => [x]),
  eth_getBlockTransactionCountByNumber: (f) => numbers(f).map((x) => [x]),
  eth_getCode: (f) => accounts(f).flatMap((a) => at(f, [a])),
  eth_getFilterChanges: () => [made('eth_newFilter', [{ fromBlock: 'earliest' }]), made('eth_newBlockFilter'), made('eth_newPendingTransactionFilter'), made('eth_newPendingTransactionFilter', [true])],
  eth_getFilterLogs: (f) => [made('eth_newFilter', [{ fromBlock: 'earliest' }]), made('eth_newFilter', [{ fromBlock: '0x1', address: f.chaos, topics: [null, word(1)] }])],
  eth_getLogs: (f) => filters(f).map((x) => [x]),
  eth_getProof: (f) => accounts(f).flatMap((a) => at(f, [a, [word(0), '0x1', word(999999)]])),
  eth_getStorageAt: (f) => accounts(f).flatMap((a) => at(f, [a, '0x0'])).concat(at(f, [f.chaos, word(3)]), at(f, [f.delegate, ethers.solidityPackedKeccak256(['uint256', 'uint256'], [9, 0])])),
  eth_getStorageValues: (f) => at(f, [{ [f.chaos]: [word(0), word(3)], [NOBODY]: [word(1)] }]),
  eth_getTransactionByBlockHashAndIndex: (f) => crossed(hashes(f), ['0x0', '0x2', '0x63']),
  eth_getTransactionByBlockNumberAndIndex: (f) => crossed(numbers(f), ['0x0', '0x1', '0x63']),
  eth_getTransactionByHash: transactions,
  eth_getTransactionCount: (f) => accounts(f).flatMap((a) => at(f, [a])),
  eth_getTransactionReceipt: transactions,
  eth_getUncleByBlockHashAndIndex: (f) => [[f.head.hash, '0x0']],
  eth_maxPriorityFeePerGas: () => [[]],
  eth_newBlockFilter: () => [[]],
  eth_newFilter: (f) => filters(f).filter((x) => !x.blockHash).map((x) => [x]),
  eth_newPendingTransactionFilter: () => [[]],
  eth_sendRawTransaction: (f) => [async () => [(await f.later.sign(0, { to: f.chaos, data: f.face.encodeFunctionData('note', [1, '0x77']) })).raw], async () => [(await f.later.sign(1, { type: 0, to: NOBODY, gasLimit: 21000 })).raw],
    async () => [(await f.later.sign(2, { type: 4, to: NOBODY, authorizationList: [await f.wallets[3].authorize({ address: f.chaos, nonce: 1, chainId: 0 })] })).raw]],
  eth_sendTransaction: (f) => [[{ from: f.wallets[3].address, to: f.chaos, value: '0x1' }], [{ from: f.wallets[3].address, data: '0x600060005500', gas: '0x30d40' }]],
  eth_sign: (f) => [[f.wallets[0].address, '0xdeadbeef'], [f.wallets[1].address, '0x']],
  eth_signTransaction: (f) => [[{ from: f.wallets[0].address, to: f.wallets[1].address, value: '0x1', gas: '0x5208', nonce: '0x0', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }],
    [{ from: f.wallets[0].address, to: f.wallets[1].address, gas: '0x5208', nonce: '0x7', gasPrice: '0x77359400' }]],
  eth_simulateV1: (f) => [
    [{ blockStateCalls: [{ calls: calls(f) }] }], [{ blockStateCalls: [{ calls: calls(f) }] }, 'latest'],
    [{ blockStateCalls: [{ stateOverrides: { [NOBODY]: { balance: '0xde0b6b3a7640000', nonce: '0x5' } }, calls: [{ from: NOBODY, to: f.wallets[0].address, value: '0x5' }] }, { blockOverrides: { time: '0x7a000000' }, calls: [{ from: NOBODY, to: f.chaos, data: f.face.encodeFunctionData('note', [2, '0x']) }] }],
      traceTransfers: true, returnFullTransactions: true }, f.head.number],
    [{ blockStateCalls: [{ calls: [{ from: f.wallets[3].address, to: f.chaos, data: f.face.encodeFunctionData('refuse', [0]) }] }], validation: false }, f.crowd],
  ],
  eth_syncing: () => [[]],
  eth_uninstallFilter: () => [made('eth_newBlockFilter'), ['0xdead']],
  net_version: () => [[]],
  testing_buildBlockV1: (f) => [[f.head.hash, { timestamp: '0x7a000000', prevRandao: NOWHERE, suggestedFeeRecipient: NOBODY, withdrawals: [], parentBeaconBlockRoot: NOWHERE }, []]],
  txpool_content: () => [[]],
  txpool_contentFrom: (f) => accounts(f).map((a) => [a]),
  txpool_status: () => [[]],
};

const filters = (f) => [{}, { fromBlock: 'earliest' }, { fromBlock: '0x0', toBlock: 'latest', address: f.chaos }, { fromBlock: '0x1', toBlock: f.crowd, address: [f.chaos, NOBODY] },
  { fromBlock: 'earliest', topics: [[f.face.getEvent('Plain').topicHash, f.face.getEvent('Noted').topicHash]] }, { fromBlock: 'earliest', topics: [null, word(1)] }, { blockHash: f.block.logs.hash },
  { blockHash: f.block.crowd0.hash, address: f.chaos, topics: [] }];

const made = (method, params = []) => async (ask) => {
  const { result } = await ask(method, params);
  assert.match(result, /^0x/);
  return [result];
};

let node, facts, socket;
const missing = new Set(), counted = { HTTP: 0, WebSocket: 0 };
before(async () => {
  node = await h.fanatico([...rich.CHAIN_ARGS, '--silent']);
  facts = await rich.make(node.http);
  facts.later = Object.assign(new rich.Signer(), { nonces: [...facts.nonces] });
  socket = await h.Socket.open(node.ws);
}, { timeout: 60000 });
after(async () => {
  socket?.close();
  await node?.stop();
  console.log(`${counted.HTTP} results over HTTP and ${counted.WebSocket} over WebSocket are as openrpc.json has them, of ${spec.size - missing.size} of its ${spec.size} methods (engine_ not counted)`);
});

let id = 0;
const overHttp = (method, params) => h.post(node.http, { jsonrpc: '2.0', id: ++id, method, params });
async function overSocket(method, params) {
  const mine = `s${++id}`, from = socket.received.length;
  await socket.send({ jsonrpc: '2.0', id: mine, method, params });
  return h.until(`the answer to ${method}`, () => socket.received.slice(from).find((m) => m.id === mine));
}

/** What every client sends and the specification's schemas forget: `data` beside `input`, and blocks by hash, as EIP-1898 has them. */
const beyond = (param) => param.data !== undefined || param.blockHash !== undefined || param.blockNumber !== undefined || (typeof param === 'string' && param.length === 66);

/** Geth answers these with an error though the schema knows null: a wanted refusal, with its code. */
function refusal(method, params, error) {
  return error.code === -32000 && /^(header|block|state)? ?.*not found|^unknown block|^pending block is not available/.test(error.message) && JSON.stringify(params).includes('99999');
}

for (const [method, { params: wanted, result: valid }] of spec) {
  for (const [transport, ask] of [['HTTP', overHttp], ['WebSocket', overSocket]]) {
    test(`${method} over ${transport}`, { timeout: 60000 }, async () => {
      assert.ok(SETS[method], `the specification has ${method}, and this test no parameters for it`);
      for (const made of SETS[method](facts)) {
        const params = typeof made === 'function' ? await made(ask) : made;
        const reply = await ask(method, params);
        const where = `${method} ${JSON.stringify(params).slice(0, 400)}`;
        if (reply.error?.code === -32601) {
          missing.add(method);
          return;
        }
        for (const [i, p] of wanted.entries()) {
          if (params[i] === undefined) assert.ok(!p.required, `${where}: lacks ${p.name}`);
          else if (!beyond(params[i])) assert.ok(p.valid(params[i]), `${where}: the parameter ${p.name} is not as openrpc.json has it: ${ajv.errorsText(p.valid.errors)}`);
        }
        if (reply.error && refusal(method, params, reply.error)) continue;
        assert.ok(!reply.error, `${where}: ${JSON.stringify(reply.error)}`);
        assert.ok(valid(reply.result) || valid(filled(reply.result)), `${where}: ${JSON.stringify(reply.result).slice(0, 600)} is not as openrpc.json has it: ${ajv.errorsText(valid.errors)}`);
        counted[transport]++;
      }
    });
  }
}

test('the schemas can refuse: a wrong type in place of each result', () => {
  for (const [method, { result }] of spec) {
    if (!method.startsWith('debug_trace')) assert.ok(!result(12.5) && !result({ no: 1 }), `the schema of ${method} takes anything`); // a tracer's result may be anything
  }
});

test('blocks with withdrawals, of the recorded chain', { timeout: 60000 }, async () => {
  const dir = path.join(data, 'shanghai3');
  const other = await h.fanatico(['--genesis', path.join(dir, 'genesis.json'), '--import', path.join(dir, 'chain.rlp'), '--no-mining', '--silent']);
  let withdrawals = 0;
  try {
    for (let n = 0; n <= 3; n++) {
      for (const full of [true, false]) {
        const block = await h.rpc(other.http, 'eth_getBlockByNumber', [hex(n), full]), { result: valid } = spec.get('eth_getBlockByNumber');
        assert.ok(valid(block), ajv.errorsText(valid.errors));
        withdrawals += block.withdrawals?.length ?? 0;
        counted.HTTP++;
      }
    }
    assert.ok(withdrawals > 0, 'no block of this chain has a withdrawal');
  } finally { await other.stop(); }
});

test('what we do not answer', () => {
  for (const [what, count] of nulls) console.log(`tolerated: ${what}, ${count} times`);
  for (const method of missing) console.log(`not answered: ${method}${MISSING[method] ? `: ${MISSING[method]}` : ''}`);
  const unexplained = [...missing].filter((m) => !MISSING[m]), stale = Object.keys(MISSING).filter((m) => !missing.has(m));
  assert.deepEqual({ unexplained, stale }, { unexplained: [], stale: [] });
});
