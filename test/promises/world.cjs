// A contract that emits as many logs as it is told, and what a test needs to know of a chain it is put on.
'use strict';
const h = require('../lib/harness.cjs');
const { hex } = require('./raw.cjs');

// Runtime: for (n = calldata[0]; n != 0; n--) log2(memory 0..32 = n, topic 0 = "burst", topic 1 = n). Readable here, so that
// nothing needs a compiler:
//   PUSH0 CALLDATALOAD  JUMPDEST(2) DUP1 ISZERO PUSH1 end JUMPI
//   DUP1 PUSH0 MSTORE  DUP1 PUSH5 "burst" PUSH1 32 PUSH0 LOG2  PUSH1 1 SWAP1 SUB PUSH1 2 JUMP  JUMPDEST(end) STOP
const RUNTIME = '5f355b8015601d57' + '805f52' + '80646275727374' + '60205fa2' + '600190036002565b00';
// Spends the gas it is given: JUMPDEST PUSH0 JUMP.
const SPIN = '5b5f56';

const initOf = (runtime) => `0x60${(runtime.length / 2).toString(16).padStart(2, '0')}600a5f3960${(runtime.length / 2).toString(16).padStart(2, '0')}5ff3${runtime}`;
const BURST = `0x${Buffer.from('burst').toString('hex').padStart(64, '0')}`;

/** Deploys a runtime from the first account over any caller (method, params) → result; its address. */
async function deploy(call, runtime) {
  const hash = await call('eth_sendTransaction', [{ from: h.ACCOUNTS[0], data: initOf(runtime), gas: '0x100000' }]);
  return (await call('eth_getTransactionReceipt', [hash])).contractAddress;
}
const burst = (to, count) => ({ from: h.ACCOUNTS[0], to, data: `0x${count.toString(16).padStart(64, '0')}`, gas: hex(60000 + count * 3000) });

module.exports = { BURST, RUNTIME, SPIN, burst, deploy };
