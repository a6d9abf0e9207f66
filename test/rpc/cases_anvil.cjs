// What is asked of ours and of anvil beside cases.cjs: traces as OpenEthereum told them, Otterscan's methods, and what anvil has of its own.
'use strict';
const { ethers } = require('ethers');
const { NOBODY, NOWHERE } = require('./cases.cjs');
const { hex } = require('./rich.cjs');

const kinds = [['trace'], ['stateDiff'], ['trace', 'stateDiff'], []];

function traces(f) {
  const out = [], bob = f.wallets[1].address;
  for (const [name, hash] of Object.entries({ ...f.at, unknown: NOWHERE })) out.push([`transaction ${name}`, 'trace_transaction', [hash]]);
  for (const block of ['0x0', '0x1', f.crowd, f.head.number, 'latest', 'earliest', 'pending', '0x999']) {
    out.push([`block ${block}`, 'trace_block', [block]]);
    for (const k of kinds) out.push([`${k.join(' and ') || 'nothing'} of block ${block}`, 'trace_replayBlockTransactions', [block, k]]);
  }
  for (let n = 1; n < Number(f.head.number); n++) out.push([`block ${n}`, 'trace_block', [hex(n)]], [`block ${n}`, 'trace_replayBlockTransactions', [hex(n), ['trace', 'stateDiff']]]);
  const filters = { everything: {}, from: { fromAddress: [bob] }, to: { toAddress: [bob] }, 'from or to': { fromAddress: [bob], toAddress: [bob] }, 'from and to': { fromAddress: [bob], toAddress: [f.chaos], mode: 'intersection' }, 'by name a union': { fromAddress: [bob], toAddress: [f.chaos], mode: 'union' },
    'behind the first': { fromBlock: '0x2', toBlock: '0x4', after: 1 }, 'only one': { fromBlock: '0x2', toBlock: '0x4', count: 1 }, backwards: { fromBlock: '0x9', toBlock: '0x4' }, 'past the head': { fromBlock: '0x3', toBlock: '0x100' }, none: { count: 0 }, 'some in the middle': { after: 3, count: 4 }, 'a creation': { toAddress: [f.chaos], toBlock: '0x1' },
    'far past the head': { fromBlock: '0x3', toBlock: '0x9999' }, 'a tag': { fromBlock: 'latest' }, 'an unknown mode': { mode: 'both' } };
  for (const [name, filter] of Object.entries(filters)) out.push([name, 'trace_filter', [filter]]);
  for (const [name, method, params] of [['nothing given', 'trace_block', []], ['nothing given', 'trace_transaction', []], ['nothing given', 'trace_filter', []], ['no kinds', 'trace_replayBlockTransactions', ['0x1']], ['an unknown kind', 'trace_replayBlockTransactions', ['0x1', ['colour']]], ['a block without 0x', 'trace_block', ['zz']],
    ['the steps', 'trace_replayBlockTransactions', ['0x1', ['vmTrace']]]]) out.push([name, method, params]);
  return out;
}

function otterscan(f) {
  const out = [], accounts = [...f.wallets.map((w) => w.address), f.chaos, NOBODY];
  for (const [name, hash] of Object.entries({ ...f.at, unknown: NOWHERE })) for (const m of ['ots_traceTransaction', 'ots_getInternalOperations', 'ots_getTransactionError']) out.push([`transaction ${name}`, m, [hash]]);
  for (const block of ['0x0', '0x1', f.crowd, 'latest', 'earliest', 'pending', '0x999', 3]) out.push([`block ${block}`, 'ots_getBlockDetails', [block]]);
  for (const [name, hash] of [['known', f.head.hash], ['unknown', NOWHERE]]) out.push([`${name} hash`, 'ots_getBlockDetailsByHash', [hash]]);
  for (const block of [0, 1, Number(f.crowd), 999]) for (const page of [[0, 2], [1, 2], [9, 2], [0, 0], [0, 100]]) out.push([`page ${page} of block ${block}`, 'ots_getBlockTransactions', [block, ...page]]);
  for (const [i, account] of accounts.entries()) {
    for (const nonce of [0, 1, 2, 5, 99]) out.push([`nonce ${nonce} of ${i}`, 'ots_getTransactionBySenderAndNonce', [account, nonce]], [`nonce ${nonce} of ${i}`, 'eth_getTransactionBySenderAndNonce', [account, hex(nonce)]]);
    for (const block of [0, 3, 9, Number(f.head.number), 99]) for (const size of [1, 3, 100]) for (const way of ['Before', 'After']) out.push([`${size} ${way} ${block} of ${i}`, `ots_searchTransactions${way}`, [account, block, size]]);
    out.push([`${i}`, 'ots_getContractCreator', [account]], [`${i}`, 'ots_hasCode', [account]], [`${i} at first`, 'ots_hasCode', [account, '0x0']]);
  }
  const spawned = ethers.getCreate2Address(f.chaos, '0x' + '00'.repeat(31) + '01', NOWHERE);
  return [...out, ['nobody', 'ots_getContractCreator', [spawned]], ['alone', 'ots_getApiLevel', []]];
}

function older(f) {
  const alone = ['eth_requestAccounts', 'eth_networkId', 'eth_hashrate', 'eth_protocolVersion', 'anvil_getAutomine', 'anvil_getIntervalMining', 'anvil_nodeInfo', 'anvil_metadata', 'hardhat_metadata', 'anvil_getGenesisTime', 'net_listening'];
  return [...alone.map((m) => ['alone', m, []]), ...['0x1', 'latest', '0x999'].map((b) => [`block ${b}`, 'erigon_getHeaderByNumber', [b]]), ['of code', 'debug_codeByHash', [ethers.keccak256(ethers.concat([]))]], ['of nothing known', 'debug_codeByHash', [NOWHERE]],
    ...[f.chaos, f.wallets[0].address, NOBODY].flatMap((a) => [['an account', 'eth_getAccount', [a]], ['an account', 'eth_getAccountInfo', [a]], ['an account', 'eth_getAccount', [a, '0x3']]])];
}

/** Methods of cases.cjs that one of the two has not (peer_methods.cjs says why). */
const NOT_THERE = new Set(['', 'debug_getBadBlocks', 'debug_getRawBlock', 'debug_getRawHeader', 'debug_getRawReceipts', 'debug_accountRange', 'debug_dumpBlock', 'debug_getModifiedAccountsByHash', 'debug_getModifiedAccountsByNumber', 'debug_storageRangeAt', 'debug_traceBlock', 'eth_baseFee', 'eth_capabilities', 'eth_getCompilers', 'eth_getHeaderByHash', 'eth_getHeaderByNumber', 'eth_getWork', 'eth_mining', 'eth_noSuch',
  'eth_pendingTransactions', 'net_peerCount', 'no_such', 'rpc_modules', 'txpool_contentFrom']);

module.exports = { NOT_THERE, groups: { traces, otterscan, older } };
