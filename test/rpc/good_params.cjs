// Parameters that fit, for every method of a development chain: what bad_params.test.cjs spoils. A method that is not here gets some of
// the usual shapes.
'use strict';
const { ACCOUNTS } = require('../lib/harness.cjs');

const [alice, bob] = ACCOUNTS, hash = '0x' + '11'.repeat(32), word = '0x' + '00'.repeat(31) + '01';
const tx = { from: alice, to: bob, value: '0x1', gas: '0x5208', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1', nonce: '0x0', data: '0x', accessList: [{ address: bob, storageKeys: [word] }], chainId: '0x7a69' };
const call = { from: alice, to: bob, gas: '0x186a0', gasPrice: '0x77359400', value: '0x0', input: '0x1234', authorizationList: undefined };
delete call.authorizationList;
const set = { ...tx, authorizationList: [{ chainId: '0x1', address: bob, nonce: '0x0', yParity: '0x0', r: '0x1', s: '0x1' }] };
const overrides = { [bob]: { balance: '0x1', nonce: '0x1', code: '0x00', stateDiff: { [word]: word } } }, block = { number: '0x5', time: '0x7a000000', gasLimit: '0x1c9c380', feeRecipient: bob, prevRandao: hash, baseFeePerGas: '0x1' };
const filter = { fromBlock: '0x0', toBlock: 'latest', address: [alice], topics: [hash, null, [hash, hash]] };
const typed = { types: { EIP712Domain: [{ name: 'name', type: 'string' }], Mail: [{ name: 'to', type: 'address' }, { name: 'many', type: 'uint256[]' }] }, primaryType: 'Mail', domain: { name: 'x' }, message: { to: bob, many: [1, '0x2'] } };
const trace = { tracer: 'callTracer', tracerConfig: { onlyTopCall: true, withLog: true }, timeout: '1s' };

const GOOD = {
  eth_getBalance: [[alice, 'latest'], [alice, { blockHash: hash, requireCanonical: true }]], eth_getTransactionCount: [[alice, 'pending']], eth_getCode: [[alice, '0x0']], eth_getStorageAt: [[alice, '0x0', 'latest']], eth_getStorageValues: [[{ [alice]: [word, word] }, 'latest']],
  eth_getProof: [[alice, [word, '0x1'], 'latest']], eth_call: [[call, 'latest', overrides, block], [set, 'latest']], eth_estimateGas: [[call, 'latest', overrides, block]], eth_createAccessList: [[call, 'latest', overrides]], eth_simulateV1: [[{ blockStateCalls: [{ blockOverrides: block, stateOverrides: overrides, calls: [call] }], traceTransfers: true, validation: false, returnFullTransactions: true }, 'latest']],
  eth_feeHistory: [['0x5', 'latest', [1, 50.5]]], eth_getLogs: [[filter], [{ blockHash: hash }]], eth_newFilter: [[filter]], eth_getFilterChanges: [['0x1']], eth_getFilterLogs: [['0x1']], eth_uninstallFilter: [['0x1']], eth_subscribe: [['logs', filter], ['newHeads'], ['newPendingTransactions', true], ['newHeads', { resume: { fromBlock: '0x0' } }]], eth_unsubscribe: [['0x' + '11'.repeat(16)]],
  eth_sendTransaction: [[tx], [set]], eth_signTransaction: [[tx]], eth_fillTransaction: [[tx]], eth_sendRawTransaction: [['0x02f86f827a69']], eth_sendRawTransactionSync: [['0x02f86f827a69', 10]], eth_sign: [[alice, '0x1234']], personal_sign: [['0x1234', alice]], eth_signTypedData: [[alice, typed]], eth_signTypedData_v3: [[alice, typed]], eth_signTypedData_v4: [[alice, typed], [alice, JSON.stringify(typed)]],
  web3_sha3: [['0x1234']], txpool_contentFrom: [[alice]], debug_traceCall: [[call, 'latest', { ...trace, stateOverrides: overrides, blockOverrides: block }]], debug_traceTransaction: [[hash, trace]], debug_traceBlockByNumber: [['0x0', trace]], debug_traceBlockByHash: [[hash, trace]],
  evm_mine: [[], [{ blocks: 1, timestamp: 2000000000 }]], evm_mine_detailed: [[{ blocks: 1 }]], anvil_mine: [['0x1', '0x1']], hardhat_mine: [['0x1', '0x1']], evm_setAutomine: [[true]], anvil_setAutomine: [[true]], evm_setIntervalMining: [[0]], anvil_setIntervalMining: [[0]], evm_revert: [['0x99']], anvil_revert: [['0x99']], anvil_reorg: [[1, [[tx, 0]]]], anvil_rollback: [[1]], anvil_dropTransaction: [[hash]], hardhat_dropTransaction: [[hash]],
  anvil_removePoolTransactions: [[alice]], evm_setBlockGasLimit: [['0x1c9c380']], anvil_setBlockGasLimit: [['0x1c9c380']], evm_increaseTime: [[1]], anvil_increaseTime: [['0x1']], evm_setTime: [[2000000000]], anvil_setTime: [[2000000000]], evm_setNextBlockTimestamp: [[4000000000]], anvil_setNextBlockTimestamp: [[4000000000]], anvil_setBlockTimestampInterval: [[1]], hardhat_setBlockTimestampInterval: [[1]],
  anvil_reset: [[]], hardhat_reset: [[{}]], anvil_loadState: [['0x7b7d'], [{ accounts: { [alice]: { nonce: 1, balance: '0x1', code: '0x', storage: {} } } }]], hardhat_loadState: [['0x7b7d']], hardhat_addCompilationResult: [['0.8.0', {}, {}]], anvil_setRpcUrl: [['http://127.0.0.1:1']], hardhat_setRpcUrl: [['http://127.0.0.1:1']], anvil_setLoggingEnabled: [[true]], hardhat_setLoggingEnabled: [[true]],
};

const SHAPES = [
  [/^trace_(block|filter)$/, [['latest'], [{ fromBlock: '0x0', fromAddress: [alice], mode: 'union', after: 1, count: 2 }]]], [/^trace_call$/, [[call, ['trace', 'stateDiff'], 'latest']]], [/^trace_callMany$/, [[[[call, ['trace']], [call, ['stateDiff']]], 'latest']]], [/^anvil_getBlob/, [[hash]]], [/^trace_raw/, [['0x02f86f827a69', ['trace'], 'latest']]], [/^trace_get$/, [[hash, [0, 1]]]], [/^trace_replay/, [[hash, ['trace']], ['0x0', ['stateDiff']]]], [/^trace_transaction$/, [[hash]]],
  [/^ots_search/, [[alice, 0, 5]]], [/^ots_getBlockTransactions/, [[1, 0, 5]]], [/SenderAndNonce$/, [[alice, '0x1']]], [/^ots_(get(Internal|TransactionError)|trace)/, [[hash]]], [/^ots_(hasCode|getContractCreator)/, [[alice, 'latest'], [alice]]], [/^ots_getBlockDetails$/, [['0x1']]],
  [/^debug_storageRangeAt$/, [['latest', 0, alice, '0x', 10]]], [/^debug_accountRange$/, [['latest', '0x', 5, true, true, false]]], [/^debug_codeByHash$/, [[hash, 'latest']]], [/^debug_getModifiedAccountsByNumber$/, [[0, 1]]], [/^debug_getModifiedAccountsByHash$/, [[hash, hash]]], [/^debug_traceBlock$/, [['0xc0', trace]]], [/^eth_sendTransactionSync$/, [[tx, 10]]],
  [/AutoImpersonate|autoImpersonate/, [[true]]], [/impersonate|Impersonating|Coinbase/, [[alice]]], [/(Balance)$/, [[bob, '0x1']]], [/(set\w*Nonce)$/, [[bob, '0x9']]], [/(set\w*Code)$/, [[bob, '0x00']]], [/StorageAt$/, [[bob, word, word]]], [/PrevRandao$/, [[hash]]], [/(BaseFeePerGas|MinGasPrice)$/, [['0x1']]],
  [/ByHash$|ByHashAndIndex$|Receipt$|RawTransaction$/, [[hash, '0x0']]], [/getBlockByHash/, [[hash, true]]], [/BlockByNumber$/, [['0x0', true]]], [/ByNumberAndIndex$|ByBlockNumberAndIndex$/, [['0x0', '0x0']]], [/ByNumber$|BlockReceipts$|getRaw/, [['latest']]],
];

module.exports = (method) => GOOD[method] ?? SHAPES.find(([shape]) => shape.test(method))?.[1] ?? [[], ['0x1'], [alice, 'latest']];
