// Every development method that anvil has, in one long session with each of the two, right and wrong parameters: the same answers, and the same
// chain afterwards; or a row of differences_dev.cjs, which docs/RPC.md shows.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { Comparison } = require('./comparison.cjs');
const { DIFFERENCES } = require('./differences_dev.cjs');
const { ANVIL } = require('./peer_methods.cjs');

const TIMESTAMP = 1750000000, A = '0x' + 'a1'.repeat(20), B = '0x' + 'b2'.repeat(20), CODE = '0x6001600101', [alice, bob] = h.ACCOUNTS;
const hex = (n) => `0x${BigInt(n).toString(16)}`, word = (n) => '0x' + BigInt(n).toString(16).padStart(64, '0');
const tx = (more) => ({ from: alice, to: bob, value: '0x1', gas: '0x5208', ...more });
/** What random or its own each chain has in an answer. */
const own = (a) => JSON.parse(JSON.stringify(a, (k, v) => (/^(hash|parentHash|stateRoot|mixHash|blockHash|currentBlockHash|latestBlockHash|instanceId|size|totalDifficulty|blobGasPrice|blockTimestamp|clientVersion|clientSemver|clientCommitSha|snapshots)$/.test(k) ? undefined : v)));
const c = new Comparison(DIFFERENCES, own);

/** What the chain looks like now. */
const look = (name) => [
  ...[alice, bob, A, B].flatMap((who) => ['eth_getBalance', 'eth_getTransactionCount', 'eth_getCode'].map((m) => [`${name}: ${who.slice(0, 6)}`, m, [who, 'latest']])),
  [`${name}: a slot`, 'eth_getStorageAt', [A, '0x1', 'latest']], [`${name}: the head`, 'eth_getBlockByNumber', ['latest', false]], [`${name}: the number`, 'eth_blockNumber', []], [`${name}: the pool`, 'txpool_status', []],
];
let stage = 0;
const steps = (...list) => list.map(([method, ...params]) => [`${method} ${JSON.stringify(params).slice(0, 60)} (${stage++})`, method, params]);
const twins = (name, ...params) => steps([`anvil_${name}`, ...params], [`hardhat_${name}`, ...params]);

/** What happened behind a snapshot is gone. */
const back = async (ask) => {
  const { result } = await ask('evm_snapshot', []);
  await ask('eth_sendTransaction', [tx()]);
  await ask('evm_mine', []);
  return [result];
};
const revert = (method) => [`${method} (${stage++})`, method, back];

const SESSION = [
  ...steps(['anvil_setNextBlockBaseFeePerGas', '0x342770c0']), // what it is anyway; anvil's first block would keep the genesis block's
  ...steps(['anvil_setBlockTimestampInterval', 12]),
  ...twins('setBalance', A, hex(10n ** 18n)), ...steps(['tenderly_setBalance', B, '0x77'], ['tenderly_addBalance', B, '0x1'], ['anvil_addBalance', B, '0x1'], ['hardhat_addBalance', B, '0x1']),
  ...twins('setNonce', A, '0x5'), ...steps(['evm_setAccountNonce', A, '0x7'], ['anvil_setNonce', A, '0x3']), ...twins('setCode', A, CODE), ...twins('setStorageAt', A, '0x1', word(7)), ...steps(['anvil_setStorageAt', A, word(1), word(9)]),
  ...look('edited'),
  ...steps(['evm_mine']), ...look('a block later'),
  ...twins('mine', '0x2'), ...twins('mine', '0x2', '0x64'), ...steps(['anvil_mine', 1], ['evm_mine', TIMESTAMP + 5000], ['evm_mine', { timestamp: TIMESTAMP + 5500, blocks: 2 }], ['evm_mine', { timestamp: TIMESTAMP + 6000, blocks: 1 }], ['evm_mine_detailed'], ['anvil_mine_detailed']),
  ...look('mined'),
  revert('evm_revert'), ...steps(['anvil_setNextBlockBaseFeePerGas', '0x5000000']), revert('anvil_revert'), ...steps(['anvil_setNextBlockBaseFeePerGas', '0x5000000'], ['evm_mine'], ['anvil_snapshot'], ['evm_snapshot'], ['anvil_revert', '0x99']), ...look('reverted'),
  ...steps(['evm_setNextBlockTimestamp', TIMESTAMP + 8000], ['evm_mine'], ['anvil_setNextBlockTimestamp', hex(TIMESTAMP + 9000)], ['evm_mine'], ['anvil_setNextBlockTimestamp', 5], ['evm_setNextBlockTimestamp', '0x1']), ...look('set'),
  ...steps(['anvil_removeBlockTimestampInterval'], ['anvil_removeBlockTimestampInterval'], ['anvil_setBlockTimestampInterval', 5], ['evm_mine']), ...look('by five'),
  ...steps(['anvil_setNextBlockBaseFeePerGas', '0x64'], ['evm_mine'], ['hardhat_setNextBlockBaseFeePerGas', '0x3b9aca00'], ['evm_mine']), ...look('priced'),
  ...twins('setCoinbase', B), ...steps(['evm_mine'], ['eth_coinbase'], ['evm_setBlockGasLimit', '0x1c9c381'], ['evm_mine'], ['anvil_setBlockGasLimit', '0x1c9c380'], ['evm_mine']), ...look('paid'),
  ...steps(['anvil_getAutomine'], ['hardhat_getAutomine'], ['evm_setAutomine', false], ['anvil_getAutomine'], ['eth_sendTransaction', tx({ nonce: '0x0' })], ['eth_sendTransaction', tx({ nonce: '0x1' })], ['eth_sendTransaction', tx({ from: bob, to: alice })]), ...look('waiting'),
  ...steps(['anvil_dropTransaction', word(1)], ['hardhat_dropTransaction', word(1)], ['anvil_removePoolTransactions', bob]), ...look('one sender gone'),
  ...steps(['anvil_dropAllTransactions'], ['hardhat_dropAllTransactions']), ...look('dropped'),
  ...steps(['anvil_setAutomine', true], ['anvil_getIntervalMining'], ['anvil_setIntervalMining', 3600], ['anvil_getIntervalMining'], ['anvil_getAutomine'], ['evm_setIntervalMining', 0], ['anvil_getIntervalMining'], ['evm_setAutomine', true]),
  ...twins('impersonateAccount', A), ...steps(['eth_sendTransaction', tx({ from: B })]), ...twins('stopImpersonatingAccount', A), ...twins('autoImpersonateAccount', true), ...twins('autoImpersonateAccount', false),
  ...twins('setLoggingEnabled', true), ...twins('setMinGasPrice', '0x1'), ...steps(['anvil_setRpcUrl', 'http://127.0.0.1:1'], ['anvil_getGenesisTime'], ['anvil_nodeInfo'], ['anvil_rollback', 1], ['anvil_rollback', 999], ['anvil_reorg', 1, []], ['anvil_reorg', 999, []]),
  ['the number', 'eth_blockNumber', []],
  ...steps(['anvil_setChainId', 4711], ['eth_chainId'], ['net_version'], ['anvil_setChainId', 31337]),
  ...steps(['anvil_loadState', '0x'], ['anvil_loadState', 'zz'], ['hardhat_loadState', '0x1234']),
  ...look('loaded'),
];
const WRONG = ['setBalance', 'setNonce', 'setCode', 'setStorageAt', 'setCoinbase', 'mine', 'impersonateAccount', 'stopImpersonatingAccount', 'dropTransaction', 'setNextBlockBaseFeePerGas', 'setLoggingEnabled', 'autoImpersonateAccount'].flatMap((m) => [['nothing given', `anvil_${m}`, []], ['nonsense', `anvil_${m}`, ['zz', 'zz', 'zz']]])
  .concat(['evm_setAutomine', 'evm_setIntervalMining', 'evm_setNextBlockTimestamp', 'evm_increaseTime', 'evm_setTime', 'evm_revert', 'evm_setBlockGasLimit', 'anvil_reorg', 'anvil_setChainId', 'anvil_setERC20Balance', 'anvil_dealERC20', 'anvil_setERC20Allowance', 'hardhat_dealERC20', 'anvil_mine_detailed', 'evm_mine'].flatMap((m) => [['nonsense', m, ['zz', 'zz', 'zz', 'zz']]]));
/** As Hardhat's tools send them, which anvil refuses. */
const LENIENT = [['blocks alone', 'evm_mine', [{ blocks: 1 }]], ['blocks alone', 'evm_mine_detailed', [{ blocks: 1 }]], ['no depth', 'anvil_rollback', []], ['hexadecimal', 'anvil_setBlockTimestampInterval', ['0x5']]];
const TIME = [...steps(['evm_increaseTime', 100], ['anvil_increaseTime', '0x64'], ['evm_setTime', TIMESTAMP + 100000], ['anvil_setTime', hex(TIMESTAMP + 200000)])];

let nodes;
before(async () => { nodes = await Promise.all([h.fanatico(['--hardfork', 'osaka', '--timestamp', String(TIMESTAMP), '--silent']), h.anvil(['--hardfork', 'osaka', '--timestamp', String(TIMESTAMP)])]); }, { timeout: 60000 });
after(async () => {
  await Promise.all((nodes ?? []).map((n) => n.stop()));
  console.log(`${c.same} answers are anvil's, ${c.explained} differ as ${c.used.size} rows of docs/RPC.md have it`);
});
const run = (list) => c.run(nodes[0].http, nodes[1].http, list);
test('one long session', { timeout: 120000 }, () => run(SESSION));
test('wrong parameters', { timeout: 60000 }, () => run(WRONG));
test('what anvil refuses', { timeout: 60000 }, () => run(LENIENT));
test('the clock', { timeout: 60000 }, () => run(TIME));
test('dumps and resets', { timeout: 60000 }, () => run([...steps(['anvil_reset'], ['hardhat_reset', {}]), ['the number', 'eth_blockNumber', []]]));
test('no development method was left out', () => {
  const asked = new Set([...SESSION, ...WRONG, ...TIME].map(([, m]) => m)), elsewhere = /dumpState|getBlob|Snapshot|reset|metadata|mine_detailed|impersonateSignature|FeeToken|FeeAmm|sendUnsigned/;
  assert.deepEqual(ANVIL.filter((m) => /^(anvil|evm|hardhat|tenderly)_/.test(m) && !elsewhere.test(m) && !asked.has(m)), []);
});
test('docs/RPC.md lists the differences, and no other', () => c.checkTable('differences of development methods', 'test/rpc/compare_dev.test.cjs'));
