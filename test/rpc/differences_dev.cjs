// Where a development method's answer is not anvil's, and why. Held by compare_dev.test.cjs.
'use strict';
const isError = (a, code) => a.error && (code === undefined || a.error.code === code);
const both = (a, b) => a.result !== undefined && b.result !== undefined;

const DIFFERENCES = [
  { methods: /./, what: 'words of errors about parameters', why: 'ours name the parameter and say what would fit', holds: (a, b) => isError(a, -32602) && isError(b) },
  { methods: /^eth_sendTransaction$/, what: 'a sender who is nobody here is -32000 `unknown account`', why: 'as geth; anvil: -32602 `No Signer available`', holds: (a, b) => isError(a, -32000) && isError(b, -32602) },
  { methods: /^eth_sendTransaction$/, what: 'hashes of what is sent without fees', why: 'the fees that are filled in are ours: the tip suggested, twice the base fee above it', holds: both },
  { methods: /_snapshot$/, what: 'ids of snapshots begin at 1', why: 'as Hardhat; anvil begins at 0', holds: (a, b) => both(a, b) && BigInt(a.result) === BigInt(b.result) + 1n },
  { methods: /^(evm_mine|evm_mine_detailed|anvil_rollback|anvil_setBlockTimestampInterval)$/, names: /alone|no depth|hexadecimal/, what: '`{blocks}` without a timestamp, `anvil_rollback` without a depth, seconds in hexadecimal', why: 'Hardhat\'s tools send them', holds: (a, b) => a.result !== undefined && isError(b, -32602) },
  { methods: /^anvil_setRpcUrl$/, what: '`anvil_setRpcUrl` is refused where the chain is no fork', why: 'it would do nothing', holds: (a, b) => isError(a, -32000) && b.result === null },
  { methods: /^anvil_nodeInfo$/, what: 'forks in lower case and suggested prices in `anvil_nodeInfo`', why: 'as `--hardfork` and `eth_gasPrice` have them', holds: both },
  { methods: /_(increaseTime|setTime)$/, what: 'what `evm_increaseTime` and `evm_setTime` answer, by seconds', why: 'an offset from the system\'s clock, which goes on between two calls', sometimes: true, holds: (a, b) => both(a, b) && Math.abs(a.result - b.result) < 300 },
  { methods: /_reset$/, what: '`{}` for a reset of what is no fork', why: 'back to the genesis block, as nothing given; viem sends it', holds: (a, b) => a.result === null && isError(b) },
  { methods: /^eth_getBlockByNumber$/, names: /^loaded/, what: 'the base fee after blocks were taken back', why: 'follows from the parent (EIP-1559); anvil goes on from a block that went', holds: (a, b) => both(a, b) && JSON.stringify({ ...a.result, baseFeePerGas: 0 }) === JSON.stringify(Object.fromEntries(Object.keys(a.result).map((k) => [k, k === 'baseFeePerGas' ? 0 : b.result[k]]))) },
];

module.exports = { DIFFERENCES };
