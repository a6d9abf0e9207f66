// Where a call's answer is not anvil's, and why: as differences.cjs has it for geth. Held by compare_anvil.test.cjs.
'use strict';
const isError = (a, code) => a.error && (code === undefined || a.error.code === code);
const both = (a, b) => a.result !== undefined && b.result !== undefined;
const touched = (list) => list.flatMap((x) => [x.address, ...x.storageKeys.map((k) => x.address + k)]);
const close = (a, b) => { const d = BigInt(a) - BigInt(b); return d >= -1n && d <= 1n; };
const words = (data) => data.slice(2).match(/.{64}/g) ?? [];

const DIFFERENCES = [
  { methods: /^eth_createAccessList$/, what: 'a list is given for a call that fails too, with its `error`', why: 'as geth; anvil answers the failure alone', holds: (a, b) => a.result?.error && isError(b) },
  { methods: /^eth_createAccessList$/, what: '`eth_createAccessList` takes state overrides', why: 'as geth', holds: (a, b) => isError(b, -32602) && /fewer elements/.test(b.error.message) },
  { methods: /^eth_createAccessList$/, names: /^an access list$/, what: 'what the given list has and the call does not touch is left out', why: 'as geth', holds: (a, b) => both(a, b) && touched(a.result.accessList).every((x) => touched(b.result.accessList).includes(x)) },
  { methods: /^eth_createAccessList$/, names: /authorization list/, what: 'the gas of a list for a call with authorizations', why: 'as geth, and as the transaction will use', holds: (a, b) => both(a, b) && BigInt(a.result.gasUsed) > BigInt(b.result.gasUsed) },
  { methods: /^eth_(call|estimateGas)$/, what: 'words for a revert: a panic by geth\'s phrase, a custom error without its bytes', why: 'as geth; code 3 and the data are the same', holds: (a, b) => isError(a, 3) && isError(b, 3) && a.error.data === b.error.data },
  { methods: /./, what: 'codes and words of refusals and halts', why: 'geth\'s: -32000 where anvil has -32003, -32602 or, as if it were its own fault, -32603', holds: (a, b) => isError(a, -32000) && isError(b) && b.error.code !== 3 },
  { methods: /^eth_(estimateGas|createAccessList)$/, names: /nobody|more than there is|2\^256-1|from a contract/, what: 'estimates and lists for what the sender cannot pay are refused', why: 'as geth, and the transaction would be', holds: (a, b) => isError(a, -32000) && b.result !== undefined },
  { methods: /./, names: /of zero|below the base fee|tip above|both kinds of price|nobody can pay|blobs that create/, what: 'prices that are zero, contradict one another or lie below the base fee are refused in calls and lists', why: 'as geth', holds: (a, b) => isError(a, -32000) && b.result !== undefined },
  { methods: /./, names: /withdrawals|beacon root|moved what is no precompile/, what: 'overrides that we refuse and anvil passes over in silence', why: 'as geth', holds: (a, b) => isError(a, -32000) && b.result !== undefined },
  { methods: /^eth_(call|estimateGas)$/, names: /a moved precompile/, what: 'a precompile moves where `movePrecompileToAddress` says', why: 'as geth; anvil passes it over', holds: both },
  { methods: /./, names: /largest nonce/, what: 'a call may name the largest nonce', why: 'as geth: a call\'s nonce counts for nothing', holds: (a, b) => a.result && isError(b, -32003) },
  { methods: /^eth_estimateGas$/, names: /^gas for nothing$/, what: 'no gas at all is no wish', why: 'as geth', holds: (a, b) => a.result && isError(b, -32003) },
  { methods: /^eth_estimateGas$/, what: 'estimates of some creations and delegations, by one', why: 'the least that is enough: one less than anvil\'s', holds: (a, b) => both(a, b) && close(a.result, b.result) },
  { methods: /^eth_call$/, names: /gas probe without gas/, what: 'a call without gas has the server\'s cap', why: 'as geth; anvil gives it the block\'s', holds: both },
  { methods: /^eth_call$/, names: /every block field|blockhash/, what: 'BLOCKHASH, TIMESTAMP and PREVRANDAO; BASEFEE is 0 in a call that names no price', why: 'each chain has its own blocks; as geth', holds: (a, b) => both(a, b) && (words(a.result.length > 66 ? a.result : '0x').every((w, i) => [1, 4, 5].includes(i) || w === words(b.result)[i])) },
];

module.exports = { DIFFERENCES };
