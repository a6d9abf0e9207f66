// What a user asks of a node, and asks wrongly: [name, method, parameters], for the chain of rich.cjs. A function in place of the
// parameters is given `ask`, so that it can first make what it names (a filter).
'use strict';
const { ethers } = require('ethers');
const { hex, word } = require('./rich.cjs');
const Asm = require('./asm.cjs');

const NOWHERE = '0x' + '99'.repeat(32), NOBODY = '0x' + '98'.repeat(20);

function blocks(f) {
  const numbers = ['latest', 'earliest', 'pending', '0x0', '0x1', f.crowd, f.head.number, hex(Number(f.head.number) + 1), '0xffffffffff', '0x7fffffffffffffff'];
  const hashes = [f.head.hash, f.block.create.hash, f.block.crowd0.hash, f.head.parentHash, NOWHERE];
  const out = [];
  for (const n of numbers) {
    for (const m of ['eth_getBlockReceipts', 'eth_getBlockTransactionCountByNumber', 'eth_getHeaderByNumber', 'eth_getUncleCountByBlockNumber', 'debug_getRawBlock', 'debug_getRawHeader', 'debug_getRawReceipts']) out.push([`block ${n}`, m, [n]]);
    for (const full of [true, false]) out.push([`block ${n}`, 'eth_getBlockByNumber', [n, full]]);
    for (const i of ['0x0', '0x1', '0x63']) for (const m of ['eth_getTransactionByBlockNumberAndIndex', 'eth_getRawTransactionByBlockNumberAndIndex', 'eth_getUncleByBlockNumberAndIndex']) out.push([`block ${n}`, m, [n, i]]);
  }
  for (const x of hashes) {
    const which = x === NOWHERE ? 'unknown' : 'known';
    for (const m of ['eth_getBlockReceipts', 'eth_getBlockTransactionCountByHash', 'eth_getHeaderByHash', 'eth_getUncleCountByBlockHash', 'debug_getRawBlock', 'debug_getRawHeader', 'debug_getRawReceipts']) out.push([`${which} hash`, m, [x]]);
    for (const full of [true, false]) out.push([`${which} hash`, 'eth_getBlockByHash', [x, full]]);
    for (const i of ['0x0', '0x63']) for (const m of ['eth_getTransactionByBlockHashAndIndex', 'eth_getRawTransactionByBlockHashAndIndex', 'eth_getUncleByBlockHashAndIndex']) out.push([`${which} hash`, m, [x, i]]);
  }
  for (const tag of ['safe', 'finalized']) for (const m of ['eth_getBlockByNumber', 'eth_getHeaderByNumber']) out.push([`block ${tag}`, m, m.includes('Block') ? [tag, false] : [tag]]);
  return out;
}

const transactions = (f) => Object.entries({ ...f.at, unknown: NOWHERE }).flatMap(([name, hash]) =>
  ['eth_getTransactionByHash', 'eth_getTransactionReceipt', 'eth_getRawTransactionByHash', 'debug_getRawTransaction'].map((m) => [`transaction ${name}`, m, [hash]]));

function state(f) {
  const places = { none: [], latest: ['latest'], earliest: ['earliest'], pending: ['pending'], crowd: [f.crowd], hash: [f.head.hash], object: [{ blockHash: f.block.logs.hash }], 'number object': [{ blockNumber: f.crowd }],
    canonical: [{ blockHash: f.head.hash, requireCanonical: true }], future: [hex(Number(f.head.number) + 5)], 'unknown hash': [NOWHERE], 'unknown object': [{ blockHash: NOWHERE }],
    'both in the object': [{ blockHash: f.head.hash, blockNumber: '0x1' }], 'empty object': [{}] };
  const accounts = { sender: f.wallets[0].address, contract: f.chaos, delegate: f.delegate, nobody: NOBODY, zero: ethers.ZeroAddress, system: '0x0000F90827F1C53a10cb7A02335B175320002935' };
  const slots = ['0x0', '0x3', word(0), ethers.solidityPackedKeccak256(['uint256', 'uint256'], [0, 0]), ethers.solidityPackedKeccak256(['uint256', 'uint256'], [9, 0])];
  const out = [];
  for (const [where, place] of Object.entries(places)) {
    for (const [who, address] of Object.entries(accounts)) {
      for (const m of ['eth_getBalance', 'eth_getTransactionCount', 'eth_getCode']) out.push([`${who} at ${where}`, m, [address, ...place]]);
      out.push([`${who} at ${where}`, 'eth_getProof', [address, ['0x0', word(0), slots[3], slots[4]], ...place]]);
      out.push([`${who} at ${where}`, 'eth_getStorageValues', [{ [address]: [word(0), slots[3], slots[4]] }, ...place]]);
    }
    for (const slot of slots) for (const who of ['contract', 'delegate', 'nobody']) out.push([`slot ${slot.slice(0, 8)} of ${who} at ${where}`, 'eth_getStorageAt', [accounts[who], slot, ...place]]);
    out.push([`call at ${where}`, 'eth_call', [{ to: f.chaos, data: f.face.encodeFunctionData('slots', [3]) }, ...place]]);
    out.push([`estimate at ${where}`, 'eth_estimateGas', [{ from: f.wallets[0].address, to: f.chaos, data: f.face.encodeFunctionData('note', [1, '0x00']) }, ...place]]);
    out.push([`list at ${where}`, 'eth_createAccessList', [{ from: f.wallets[0].address, to: f.chaos, data: f.face.encodeFunctionData('store', [0, 2, 3]) }, ...place]]);
  }
  for (const form of ['', '0', '0x', '1', '01', '0x01', '0x1', '0x001', '3', 'zz', '0xzz', '0x' + '00'.repeat(33), '0x' + '0'.repeat(63) + '1', '0X1', ' 0x1', '0x' + 'f'.repeat(64)]) {
    out.push([`slot spelled '${form.slice(0, 12)}'`, 'eth_getStorageAt', [f.chaos, form, 'latest']]);
    out.push([`proof of a slot spelled '${form.slice(0, 12)}'`, 'eth_getProof', [f.chaos, [form], 'latest']]);
  }
  out.push(['no slots', 'eth_getProof', [f.chaos, [], 'latest']], ['the same slot twice', 'eth_getProof', [f.chaos, ['0x0', '0x0'], 'latest']], ['1025 slots', 'eth_getProof', [f.chaos, Array(1025).fill('0x0'), 'latest']]);
  out.push(['nothing asked', 'eth_getStorageValues', [{}, 'latest']], ['1025 slots', 'eth_getStorageValues', [{ [f.chaos]: Array(1025).fill(word(0)) }, 'latest']]);
  return out;
}

/** Calls of every outcome, for eth_call, eth_estimateGas and eth_createAccessList alike. */
function calls(f) {
  const [alice, bob] = f.wallets.map((w) => w.address);
  const chaos = (name, ...args) => ({ from: alice, to: f.chaos, data: f.face.encodeFunctionData(name, args) });
  const code = (hexCode) => ({ [NOBODY]: { code: hexCode } });
  const m = {
    'a transfer': [{ from: alice, to: bob, value: '0x1' }],
    'a transfer to a contract': [{ from: alice, to: f.chaos, value: '0x1' }],
    'a transfer to a delegate': [{ from: alice, to: f.delegate, value: '0x1' }],
    'a transfer to nobody': [{ from: alice, to: NOBODY, value: '0x1' }],
    'a transfer from nobody': [{ from: NOBODY, to: bob, value: '0x1' }],
    'a transfer of more than there is': [{ from: alice, to: bob, value: '0xffffffffffffffffffffffff' }],
    'nothing at all': [{}],
    'only a sender': [{ from: alice }],
    'only a target': [{ to: bob }],
    'a creation': [{ from: alice, data: '0x600a600c600039600a6000f3602a60005260206000f3' }],
    'a creation that fails': [{ from: alice, data: '0xfe' }],
    'a creation of forbidden code': [{ from: alice, data: '0x60ef60005360016000f3' }],
    'a creation too large': [{ from: alice, data: '0x' + '00'.repeat(49153) }],
    'a read': [{ to: f.chaos, data: f.face.encodeFunctionData('slots', [3]) }],
    'input instead of data': [{ to: f.chaos, input: f.face.encodeFunctionData('slots', [3]) }],
    'input and data that agree': [{ to: f.chaos, data: f.face.encodeFunctionData('slots', [3]), input: f.face.encodeFunctionData('slots', [3]) }],
    'input and data that differ': [{ to: f.chaos, data: '0x01', input: '0x02' }],
    'stores': [chaos('store', 0, 6, 9)],
    'stores that refund': [chaos('store', 0, 5, 0)],
    'logs': [chaos('note', 4, '0x' + '22'.repeat(64))],
    'spawns': [{ ...chaos('spawn', 7, word(4), true), value: '0x5' }],
    'a reason': [chaos('refuse', 0)],
    'a custom error': [chaos('refuse', 1)],
    'an assertion': [chaos('refuse', 2)],
    'an index out of bounds': [chaos('refuse', 3)],
    'an invalid opcode': [chaos('refuse', 4)],
    'an empty revert': [chaos('refuse', 6)],
    'a division by zero': [chaos('refuse', 7)],
    'an unknown selector': [{ from: alice, to: f.chaos, data: '0x12345678' }],
    'a reason caught': [chaos('attempt', 0)],
    'a custom error caught': [chaos('attempt', 1)],
    'a transfer inside': [chaos('send', bob, 0)],
    'a transfer inside of more than there is': [chaos('send', bob, 10n ** 30n)],
    'a precompile': [chaos('precompile', 2, '0x1234')],
    'memory': [chaos('memoryHeavy', 3000)],
    'gas for nothing': [{ ...chaos('store', 0, 6, 9), gas: '0x0' }],
    'gas below intrinsic': [{ ...chaos('store', 0, 6, 9), gas: '0x5208' }],
    'too little gas': [{ ...chaos('store', 100, 20, 9), gas: '0xea60' }],
    'gas of a block': [{ ...chaos('store', 0, 6, 9), gas: '0x1c9c380' }],
    'gas beyond the transaction cap': [{ ...chaos('store', 0, 6, 9), gas: '0x1000001' }],
    'gas beyond the call cap': [{ ...chaos('store', 0, 6, 9), gas: '0x3b9aca00' }],
    'gasPrice': [{ ...chaos('store', 0, 6, 9), gasPrice: '0xb2d05e00' }],
    'gasPrice below the base fee': [{ ...chaos('store', 0, 6, 9), gasPrice: '0x1' }],
    'gasPrice of zero': [{ ...chaos('store', 0, 6, 9), gasPrice: '0x0' }],
    'fees': [{ ...chaos('store', 0, 6, 9), maxFeePerGas: '0xb2d05e00', maxPriorityFeePerGas: '0x1' }],
    'a fee below the base fee': [{ ...chaos('store', 0, 6, 9), maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x1' }],
    'a tip above the fee': [{ ...chaos('store', 0, 6, 9), maxFeePerGas: '0xb2d05e00', maxPriorityFeePerGas: '0xb2d05e01' }],
    'both kinds of price': [{ ...chaos('store', 0, 6, 9), gasPrice: '0xb2d05e00', maxFeePerGas: '0xb2d05e00' }],
    'fees nobody can pay': [{ ...chaos('store', 0, 6, 9), gas: '0xf4240', gasPrice: '0xffffffffffffffffffff' }],
    'fees of 2^256-1': [{ ...chaos('store', 0, 6, 9), gasPrice: '0x' + 'f'.repeat(64) }],
    'a value of 2^256-1': [{ from: alice, to: bob, value: '0x' + 'f'.repeat(64) }],
    'another chain': [{ ...chaos('store', 0, 6, 9), chainId: '0x1' }],
    'this chain': [{ ...chaos('store', 0, 6, 9), chainId: '0x7a69' }],
    'an access list': [{ ...chaos('store', 0, 6, 9), accessList: [{ address: f.chaos, storageKeys: [word(0), word(1)] }] }],
    'a nonce that is wrong': [{ ...chaos('store', 0, 6, 9), nonce: '0x999' }],
    'the largest nonce': [{ ...chaos('store', 0, 6, 9), nonce: '0xffffffffffffffff' }],
    'from a contract': [{ from: f.chaos, to: bob, value: '0x1' }],
    'type in the call': [{ ...chaos('store', 0, 1, 9), type: '0x2' }],
    'blobs': [{ ...chaos('note', 1, '0x'), blobVersionedHashes: ['0x01' + '00'.repeat(31)], maxFeePerBlobGas: '0x3b9aca00' }],
    'blobs without hashes': [{ ...chaos('note', 1, '0x'), blobVersionedHashes: [] }],
    'blobs of an unknown version': [{ ...chaos('note', 1, '0x'), blobVersionedHashes: ['0x02' + '00'.repeat(31)], maxFeePerBlobGas: '0x3b9aca00' }],
    'a blob fee of zero': [{ ...chaos('note', 1, '0x'), blobVersionedHashes: ['0x01' + '00'.repeat(31)], maxFeePerBlobGas: '0x0' }],
    'blobs that create': [{ from: alice, data: '0x00', blobVersionedHashes: ['0x01' + '00'.repeat(31)], maxFeePerBlobGas: '0x3b9aca00' }],
    'an authorization list': [{ from: alice, to: bob, authorizationList: [{ chainId: '0x7a69', address: f.chaos, nonce: '0x0', yParity: '0x0', r: '0x1', s: '0x1' }] }],
    'an empty authorization list': [{ from: alice, to: bob, authorizationList: [] }],
    'an authorization list that creates': [{ from: alice, data: '0x00', authorizationList: [] }],
    'overridden code': [{ to: NOBODY }, 'latest', code('0x602a60005260206000f3')],
    'overridden balance': [{ from: NOBODY, to: bob, value: '0x5' }, 'latest', { [NOBODY]: { balance: '0x5', nonce: '0x9' } }],
    'overridden slot': [{ to: f.chaos, data: f.face.encodeFunctionData('slots', [3]) }, 'latest', { [f.chaos]: { stateDiff: { [ethers.solidityPackedKeccak256(['uint256', 'uint256'], [3, 0])]: word(4711) } } }],
    'overridden state': [{ to: f.chaos, data: f.face.encodeFunctionData('slots', [0]) }, 'latest', { [f.chaos]: { state: {} } }],
    'state and stateDiff': [{ to: f.chaos }, 'latest', { [f.chaos]: { state: {}, stateDiff: {} } }],
    'a moved precompile': [{ to: NOBODY, data: '0x1234' }, 'latest', { '0x0000000000000000000000000000000000000002': { movePrecompileToAddress: NOBODY } }],
    'moved what is no precompile': [{ to: NOBODY }, 'latest', { [bob]: { movePrecompileToAddress: NOBODY } }],
    'every block field': [{ to: NOBODY }, 'latest', code(Asm.fields)],
    'every block field, overridden': [{ to: NOBODY }, 'latest', code(Asm.fields), { number: '0x1234', time: '0x7a000000', gasLimit: '0x989680', feeRecipient: bob, prevRandao: NOWHERE, baseFeePerGas: '0x7' }],
    'a gas probe': [{ to: NOBODY, gas: '0x186a0' }, 'latest', code('0x5a60005260206000f3')],
    'a gas probe without gas': [{ to: NOBODY }, 'latest', code('0x5a60005260206000f3')],
    'wants half a million gas left': [{ from: alice, to: NOBODY }, 'latest', code(Asm.wantsGas(500000))],
    'passes gas on (63/64)': [{ from: alice, to: NOBODY }, 'latest', { ...code(Asm.callsWith(f.wallets[2].address)), [f.wallets[2].address]: { code: Asm.wantsGas(300000) } }],
    'stack underflow': [{ to: NOBODY }, 'latest', code('0x50')],
    'stack overflow': [{ to: NOBODY }, 'latest', code('0x5b5f600056')],
    'a bad jump': [{ to: NOBODY }, 'latest', code('0x600056')],
    'an undefined opcode': [{ to: NOBODY }, 'latest', code('0x0c')],
    'out of gas at once': [{ to: NOBODY, gas: '0x5300' }, 'latest', code('0x60ff600055')],
    'return data out of bounds': [{ to: NOBODY }, 'latest', code('0x60205f5f3e')],
    'a revert with a short reason': [{ to: NOBODY }, 'latest', code('0x6308c379a05f52600460' + '1cfd')],
    'blockhash': [{ to: NOBODY }, 'latest', code('0x6001430340' + '5f5260205ff3')],
  };
  return m;
}

function executions(f) {
  return Object.entries(calls(f)).flatMap(([name, params]) => [
    [name, 'eth_call', params.length === 1 ? [...params, 'latest'] : params],
    [name, 'eth_estimateGas', params.length === 1 ? [...params, 'latest'] : params],
    ...(params.length < 4 ? [[name, 'eth_createAccessList', params.length === 1 ? [...params, 'latest'] : params]] : []),
  ]);
}

function logs(f) {
  const n = Number(f.head.number), plain = f.face.getEvent('Plain').topicHash, noted = f.face.getEvent('Noted').topicHash;
  const list = { everything: { fromBlock: '0x0', toBlock: 'latest' }, 'nothing given': {}, 'by hash': { blockHash: f.block.logs.hash }, 'by an unknown hash': { blockHash: NOWHERE }, 'by the crowd\'s hash': { blockHash: f.block.crowd0.hash, address: f.chaos },
    'hash and range': { blockHash: f.block.logs.hash, fromBlock: '0x0' }, 'hash and to': { blockHash: f.block.logs.hash, toBlock: '0x1' }, backwards: { fromBlock: '0x5', toBlock: '0x1' }, 'beyond the head': { fromBlock: hex(n + 1), toBlock: hex(n + 9) },
    'past the head': { fromBlock: '0x0', toBlock: hex(n + 100) }, 'from the future alone': { fromBlock: hex(n + 5) }, pending: { fromBlock: 'pending', toBlock: 'pending' }, 'to pending': { fromBlock: '0x0', toBlock: 'pending' },
    'from safe': { fromBlock: 'safe', toBlock: 'latest' }, 'from finalized': { fromBlock: 'finalized' }, 'earliest to latest': { fromBlock: 'earliest', toBlock: 'latest', topics: [] }, 'one topic': { fromBlock: '0x0', topics: [plain] },
    'one of two topics': { fromBlock: '0x0', topics: [[plain, noted]] }, 'second topic': { fromBlock: '0x0', topics: [null, word(1)] }, 'empty alternatives': { fromBlock: '0x0', topics: [[], word(1)] }, 'null among alternatives': { fromBlock: '0x0', topics: [[null, word(1)]] },
    'four topics': { fromBlock: '0x0', topics: [noted, null, null, null] }, 'five topics': { fromBlock: '0x0', topics: [noted, null, null, null, null] }, 'an address list': { fromBlock: '0x0', address: [f.chaos, NOBODY] }, 'an empty address list': { fromBlock: '0x0', address: [] },
    'a null address': { fromBlock: '0x0', address: null }, 'an address too short': { fromBlock: '0x0', address: '0x1234' }, 'an address that is a number': { fromBlock: '0x0', address: 5 }, 'a topic too short': { fromBlock: '0x0', topics: ['0x12'] }, 'a topic that is a number': { fromBlock: '0x0', topics: [5] },
    'topics that are no list': { fromBlock: '0x0', topics: '0x12' }, 'a bad block': { fromBlock: 'zz' }, 'a block without 0x': { fromBlock: '5' }, 'a block that is a number': { fromBlock: 5 }, 'nobody': { fromBlock: '0x0', address: NOBODY } };
  const out = Object.entries(list).map(([name, filter]) => [name, 'eth_getLogs', [filter]]);
  for (const [name, filter] of Object.entries(list)) if (!filter.blockHash) out.push([`a filter: ${name}`, 'eth_getFilterLogs', async (ask) => [(await ask('eth_newFilter', [filter])).result ?? '0x0']]);
  for (const name of Object.keys(list)) out.push([`making a filter: ${name}`, 'eth_newFilter', [list[name]]]);
  out.push(['no filter', 'eth_getLogs', []], ['null', 'eth_getLogs', [null]], ['a list', 'eth_getLogs', [[]]]);
  out.push(['an unknown filter', 'eth_getFilterChanges', ['0xdead']], ['an unknown filter', 'eth_getFilterLogs', ['0xdead']], ['an unknown filter', 'eth_uninstallFilter', ['0xdead']], ['a filter of blocks', 'eth_getFilterLogs', async (ask) => [(await ask('eth_newBlockFilter', [])).result]]);
  for (const m of ['eth_newBlockFilter', 'eth_newPendingTransactionFilter', 'eth_newFilter']) {
    out.push([`fresh from ${m}`, 'eth_getFilterChanges', async (ask) => [(await ask(m, m === 'eth_newFilter' ? [{}] : [])).result]]);
    out.push([`${m}'s`, 'eth_uninstallFilter', async (ask) => [(await ask(m, m === 'eth_newFilter' ? [{}] : [])).result]]);
    const gone = async (ask) => { const { result } = await ask(m, m === 'eth_newFilter' ? [{}] : []); await ask('eth_uninstallFilter', [result]); return [result]; };
    out.push([`${m}'s, uninstalled`, 'eth_getFilterChanges', gone], [`${m}'s, uninstalled`, 'eth_uninstallFilter', gone]);
  }
  return out;
}

function fees(f) {
  const out = [];
  for (const [name, params] of Object.entries({ one: ['0x1', 'latest', []], 'one as a number': [1, 'latest', []], 'one as decimal text': ['1', 'latest', []], none: ['0x0', 'latest', []], five: ['0x5', 'latest', [0, 25, 50, 75, 100]], many: ['0x400', 'latest', [50]], 'too many': ['0x10000', 'latest', []],
    'fractions': ['0x4', f.crowd, [0.5, 10.25, 99.9]], unsorted: ['0x2', 'latest', [50, 10]], equal: ['0x2', 'latest', [50, 50]], 'above 100': ['0x2', 'latest', [101]], negative: ['0x2', 'latest', [-1]], 'too many percentiles': ['0x1', 'latest', Array.from({ length: 101 }, (_, i) => i / 2)],
    'no percentiles': ['0x2', 'latest'], 'null percentiles': ['0x2', 'latest', null], pending: ['0x3', 'pending', [50]], earliest: ['0x3', 'earliest', [50]], 'the future': ['0x2', hex(Number(f.head.number) + 7), []], 'the crowd': ['0x1', f.crowd, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]],
    'a percentile as text': ['0x1', 'latest', ['5']], 'no block': ['0x1'], nothing: [] })) out.push([name, 'eth_feeHistory', params]);
  return [...out, ...['eth_gasPrice', 'eth_maxPriorityFeePerGas', 'eth_blobBaseFee', 'eth_baseFee'].map((m) => ['now', m, []])];
}

function plain(f) {
  return [...['eth_chainId', 'eth_blockNumber', 'eth_syncing', 'net_version', 'net_listening', 'net_peerCount', 'eth_config', 'txpool_status', 'txpool_content', 'txpool_inspect', 'rpc_modules', 'eth_accounts', 'web3_clientVersion', 'eth_coinbase', 'eth_pendingTransactions', 'eth_capabilities', 'debug_getBadBlocks',
    'eth_mining', 'eth_hashrate', 'eth_protocolVersion', 'eth_getCompilers', 'eth_getWork', 'no_such', 'eth_noSuch', ''].map((m) => ['alone', m, []]),
  ...f.wallets.map((w, i) => [`account ${i}`, 'txpool_contentFrom', [w.address]]), ['nobody', 'txpool_contentFrom', [NOBODY]],
  ['of nothing', 'web3_sha3', ['0x']], ['of bytes', 'web3_sha3', ['0x68656c6c6f']], ['of text', 'web3_sha3', ['hello']], ['odd', 'web3_sha3', ['0x123']], ['nothing given', 'web3_sha3', []],
  ['one too many', 'eth_chainId', [1]], ['one too many', 'eth_getBalance', [f.chaos, 'latest', 'more']], ['an object of parameters', 'eth_getBalance', { address: f.chaos }], ['an object of parameters', 'eth_chainId', {}], ['null for parameters', 'eth_chainId', null]];
}

/** Subscribing, rightly and wrongly; over HTTP nobody can. */
function subscriptions(f) {
  const out = [];
  for (const [name, params] of Object.entries({ heads: ['newHeads'], logs: ['logs', {}], 'logs without a filter': ['logs'], 'logs of an address': ['logs', { address: f.chaos, topics: [null, [word(1)]] }], pending: ['newPendingTransactions'], 'pending bodies': ['newPendingTransactions', true], syncing: ['syncing'], receipts: ['transactionReceipts'],
    nothing: [], 'an unknown kind': ['newNothing'], 'a kind in capitals': ['NEWHEADS'], 'a number as kind': [5], 'null as kind': [null], 'a list as kind': [[]], 'an empty kind': [''], 'heads and more': ['newHeads', 'more'], 'a filter that is text': ['logs', 'text'], 'a filter that is a list': ['logs', []], 'a bad address in the filter': ['logs', { address: '0x12' }],
    'five topics in the filter': ['logs', { topics: [null, null, null, null, null] }], 'a bad topic in the filter': ['logs', { topics: ['0x12'] }], 'bodies by text': ['newPendingTransactions', 'yes'], 'one more behind the filter': ['logs', {}, 1] })) out.push([`subscribing to ${name}`, 'eth_subscribe', params]);
  out.push(['unsubscribing from nothing', 'eth_unsubscribe', []], ['unsubscribing from what is not there', 'eth_unsubscribe', ['0xdead']], ['unsubscribing from a number', 'eth_unsubscribe', [5]], ['unsubscribing from null', 'eth_unsubscribe', [null]],
    ['unsubscribing', 'eth_unsubscribe', async (ask) => [(await ask('eth_subscribe', ['newHeads'])).result]], ['unsubscribing twice', 'eth_unsubscribe', async (ask) => { const { result } = await ask('eth_subscribe', ['newHeads']); await ask('eth_unsubscribe', [result]); return [result]; }]);
  return out;
}

/** One wrong parameter for many methods: what users get wrong first. */
function wrong(f) {
  const out = [];
  const each = (name, bad, methods) => { for (const [m, params] of methods) out.push([name, m, params(bad)]); };
  const address = [['eth_getBalance', (x) => [x, 'latest']], ['eth_getTransactionCount', (x) => [x, 'latest']], ['eth_getCode', (x) => [x, 'latest']], ['eth_getStorageAt', (x) => [x, '0x0', 'latest']], ['eth_getProof', (x) => [x, [], 'latest']], ['eth_call', (x) => [{ to: x }, 'latest']], ['eth_call', (x) => [{ from: x }, 'latest']], ['txpool_contentFrom', (x) => [x]]];
  for (const [name, bad] of Object.entries({ 'an address too short': '0x1234', 'an odd address': '0x123', 'an address too long': '0x' + '11'.repeat(21), 'an address without 0x': '11'.repeat(20), 'an address of other letters': '0x' + 'zz'.repeat(20), 'an empty address': '', 'a bare 0x as address': '0x', 'a number as address': 5, 'a list as address': [], 'an object as address': {}, 'true as address': true, 'null as address': null, 'an upper-case 0X address': '0X' + '11'.repeat(20) })) each(name, bad, address);
  const block = [['eth_getBlockByNumber', (x) => [x, false]], ['eth_getBalance', (x) => [f.chaos, x]], ['eth_call', (x) => [{ to: f.chaos }, x]], ['eth_getBlockReceipts', (x) => [x]], ['eth_getBlockTransactionCountByNumber', (x) => [x]], ['debug_getRawHeader', (x) => [x]], ['eth_feeHistory', (x) => ['0x1', x, []]], ['eth_getTransactionByBlockNumberAndIndex', (x) => [x, '0x0']]];
  for (const [name, bad] of Object.entries({ 'an unknown tag': 'newest', 'a tag in capitals': 'LATEST', 'an empty block': '', 'a bare 0x as block': '0x', 'leading zeros': '0x01', 'a decimal block': '1', 'a number as block': 1, 'a block of 65 bits': '0x10000000000000000', 'a block of 64 bits': '0xffffffffffffffff', 'a block of other letters': '0xzz', 'a negative block': '-0x1', 'a list as block': [], 'true as block': true, 'null as block': null, 'a short hash': '0x' + '11'.repeat(31), 'a block with a space': ' 0x1' })) each(name, bad, block);
  const hash = [['eth_getBlockByHash', (x) => [x, false]], ['eth_getTransactionByHash', (x) => [x]], ['eth_getTransactionReceipt', (x) => [x]], ['debug_getRawTransaction', (x) => [x]], ['eth_getBlockTransactionCountByHash', (x) => [x]]];
  for (const [name, bad] of Object.entries({ 'a hash too short': '0x1234', 'an odd hash': '0x123', 'a hash too long': '0x' + '11'.repeat(33), 'a hash without 0x': '11'.repeat(32), 'a hash of other letters': '0x' + 'zz'.repeat(32), 'an empty hash': '', 'a bare 0x as hash': '0x', 'a number as hash': 5, 'a list as hash': [], 'null as hash': null, 'a hash in capitals': '0x' + 'AB'.repeat(32) })) each(name, bad, hash);
  const quantity = [['eth_call', (x) => [{ to: f.chaos, value: x }, 'latest']], ['eth_call', (x) => [{ to: f.chaos, gas: x }, 'latest']], ['eth_estimateGas', (x) => [{ to: f.chaos, gasPrice: x }, 'latest']], ['eth_getTransactionByBlockNumberAndIndex', (x) => ['0x1', x]]];
  for (const [name, bad] of Object.entries({ 'an empty quantity': '', 'a bare 0x': '0x', 'leading zeros': '0x01', 'a decimal quantity': '5', 'a number': 5, 'a negative number': -1, 'a fraction': 1.5, 'other letters': '0xzz', '65 bits': '0x10000000000000000', '257 bits': '0x1' + '0'.repeat(64), 'true': true, 'a list': [], 'an object': {}, null: null })) each(name, bad, quantity);
  const bytes = [['eth_call', (x) => [{ to: f.chaos, data: x }, 'latest']], ['eth_call', (x) => [{ to: f.chaos, input: x }, 'latest']], ['eth_sendRawTransaction', (x) => [x]]];
  for (const [name, bad] of Object.entries({ 'odd bytes': '0x123', 'bytes without 0x': '1234', 'empty text as bytes': '', 'bare 0x as bytes': '0x', 'bytes of other letters': '0xzz', 'a number as bytes': 5, 'a list as bytes': [1], 'an object as bytes': {}, 'null as bytes': null })) each(name, bad, bytes);
  for (const m of ['eth_getBalance', 'eth_getBlockByNumber', 'eth_getBlockByHash', 'eth_getTransactionByHash', 'eth_getTransactionReceipt', 'eth_getCode', 'eth_getStorageAt', 'eth_getProof', 'eth_call', 'eth_estimateGas', 'eth_createAccessList', 'eth_sendRawTransaction', 'eth_getLogs', 'eth_newFilter', 'eth_getFilterChanges',
    'eth_getFilterLogs', 'eth_uninstallFilter', 'eth_getBlockReceipts', 'eth_getTransactionCount', 'eth_getTransactionByBlockHashAndIndex', 'eth_getUncleByBlockNumberAndIndex', 'debug_getRawBlock', 'eth_getStorageValues']) out.push(['nothing given', m, []]);
  for (const m of ['eth_getBlockByNumber', 'eth_getBlockByHash']) for (const [name, bad] of [['a missing flag', []], ['a flag that is text', ['true']], ['a flag that is a number', [1]], ['a null flag', [null]]]) out.push([name, m, [m.endsWith('Hash') ? f.head.hash : '0x1', ...bad]]);
  for (const [name, bad] of Object.entries({ 'a call that is text': 'x', 'a call that is a list': [], 'a call that is null': null, 'a call that is a number': 1 })) for (const m of ['eth_call', 'eth_estimateGas', 'eth_createAccessList']) out.push([name, m, [bad, 'latest']]);
  for (const [name, bad] of Object.entries({ 'overrides that are text': 'x', 'overrides that are a list': [], 'an override of no address': { zz: {} }, 'an override that is text': { [f.chaos]: 'x' }, 'an override that is null': { [f.chaos]: null }, 'an unknown key in an override': { [f.chaos]: { colour: 1 } }, 'a bad balance in an override': { [f.chaos]: { balance: 'x' } }, 'a bad slot in an override': { [f.chaos]: { state: { '0x1': '0x1' } } } })) out.push([name, 'eth_call', [{ to: f.chaos }, 'latest', bad]]);
  for (const [name, bad] of Object.entries({ 'block overrides that are text': 'x', 'a bad number in the block overrides': { number: 'x' }, 'an unknown block override': { colour: 1 }, 'withdrawals in the block overrides': { withdrawals: [] }, 'a beacon root in the block overrides': { beaconRoot: NOWHERE }, 'a blob base fee in the block overrides': { blobBaseFee: '0x1' } })) out.push([name, 'eth_call', [{ to: f.chaos }, 'latest', {}, bad]]);
  return out;
}

/** What a state holds, listed, and blocks traced by their bytes. */
function listings(f) {
  const out = [], number = (hash) => Number(f.block[hash].number);
  for (const place of [f.head.hash, 'latest', f.crowd, f.block.spawned.hash, '0x0', '0x999', NOWHERE]) {
    for (const [start, most] of [['0x', 1000], ['0x', 2], ['0x80', 3], ['0x' + 'ff'.repeat(32), 5], ['0x', 0]]) out.push([`${most} slots from ${start.slice(0, 6)} at ${place.slice(0, 9)}`, 'debug_storageRangeAt', [place, 0, f.chaos, start, most]]);
    out.push([`of nobody at ${place.slice(0, 9)}`, 'debug_storageRangeAt', [place, 0, NOBODY, '0x', 10]], [`beyond at ${place.slice(0, 9)}`, 'debug_storageRangeAt', [place, 99, f.chaos, '0x', 10]]);
    for (const rest of [['0x', 256, false, false, false], ['0x', 3, true, false, false], ['0x40' + '00'.repeat(31), 4, false, true, false], ['0x', 0, true, true, true]]) out.push([`${rest} at ${place.slice(0, 9)}`, 'debug_accountRange', [place, ...rest]]);
  }
  for (const place of ['latest', 'earliest', f.crowd, '0x999']) out.push([`block ${place}`, 'debug_dumpBlock', [place]]);
  for (const range of [[number('create')], [number('spawned')], [number('create'), number('spawned')], [5, 2], [3, 3], [0], [0, 999], [999]]) out.push([`blocks ${range}`, 'debug_getModifiedAccountsByNumber', range]);
  for (const range of [[f.block.create.hash], [f.block.create.hash, f.head.hash], [NOWHERE], [f.head.hash, NOWHERE]]) out.push([`from ${range[0].slice(0, 8)} on`, 'debug_getModifiedAccountsByHash', range]);
  const raw = (n) => async (ask) => [(await ask('debug_getRawBlock', [n])).result, { tracer: 'callTracer' }];
  for (const n of ['0x1', f.crowd, 'latest', '0x0']) out.push([`block ${n} by its bytes`, 'debug_traceBlock', raw(n)]);
  return [...out, ['no block', 'debug_traceBlock', ['0x1234']], ['no bytes', 'debug_traceBlock', ['zz']]];
}

/** By what they are about; subscriptions need a socket or are refused. */
const groups = { plain, blocks, transactions, state, executions, logs, fees, listings, wrong };

module.exports = { NOBODY, NOWHERE, calls, groups, subscriptions };
