// eth_simulateV1 as geth answers it on the same chain: overrides, gaps, transfers as logs, validation, limits and every code.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');
const { Run } = require('./chaos.cjs');
const { code } = require('./odd.cjs');
const { ask, difference, gethChain } = require('./sealed.cjs');

const [alice, bob] = ['0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266', '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'];
const poor = '0x00000000000000000000000000000000000f00d1', at = '0x00000000000000000000000000000000000c0de1', other = '0x00000000000000000000000000000000000c0de2';
const hex = (bytes) => ethers.hexlify(bytes);
const word = (n) => '0x' + BigInt(n).toString(16).padStart(64, '0');
const returns = (...items) => hex(code(...items, 0, 'MSTORE', 32, 0, 'RETURN'));
const NUMBER = Uint8Array.from([0x43]), TIME = Uint8Array.from([0x42]), BASEFEE = Uint8Array.from([0x48]), BLOBFEE = Uint8Array.from([0x4a]), COINBASE = Uint8Array.from([0x41]), RANDAO = Uint8Array.from([0x44]), LIMIT = Uint8Array.from([0x45]), BLOCKHASH = Uint8Array.from([0x40]);
const call = (more = {}) => ({ from: alice, to: bob, ...more });
const one = (block, more = {}) => ({ blockStateCalls: [block], ...more });
const rich = { [poor]: { balance: '0xde0b6b3a7640000' } };

const CASES = {
  'a transfer': one({ calls: [call({ value: '0x3e8' })] }),
  'a transfer as a log': one({ calls: [call({ value: '0x3e8' })] }, { traceTransfers: true }),
  'whole transactions': one({ calls: [call({ value: '0x3e8' }), call({ gasPrice: '0x0' }), call({ input: '0x1234', accessList: [{ address: at, storageKeys: [word(1)] }] })] }, { returnFullTransactions: true }),
  'two blocks, two calls': { blockStateCalls: [{ calls: [call({ value: '0x1' }), call({ value: '0x2' })] }, { calls: [call({ from: bob, to: alice, value: '0x5' })] }] },
  'a block without calls': one({}),
  'a gap': { blockStateCalls: [{ calls: [call()] }, { blockOverrides: { number: '0x5f5' }, calls: [call()] }] },
  'state: balance': one({ stateOverrides: rich, calls: [call({ from: poor, value: '0x10' })] }),
  'state: code and slots': one({ stateOverrides: { [at]: { code: returns(1, 'SLOAD'), stateDiff: { [word(1)]: word(77) } } }, calls: [call({ to: at })] }),
  'state: kept between blocks': { blockStateCalls: [{ stateOverrides: { [at]: { code: hex(code(5, 1, 'SSTORE')) } }, calls: [call({ to: at })] }, { stateOverrides: { [at]: { code: returns(1, 'SLOAD') } }, calls: [call({ to: at })] }] },
  'state: replaced': { blockStateCalls: [{ stateOverrides: { [at]: { code: returns(1, 'SLOAD'), stateDiff: { [word(1)]: word(7), [word(2)]: word(8) } } } }, { stateOverrides: { [at]: { state: { [word(2)]: word(9) } } }, calls: [call({ to: at })] }] },
  'block: everything': one({ blockOverrides: { number: '0x5f0', time: '0x70000000', gasLimit: '0x1c9c380', feeRecipient: other, prevRandao: word(99), baseFeePerGas: '0x7' }, stateOverrides: { [at]: { code: hex(code(NUMBER, 0, 'MSTORE', TIME, 32, 'MSTORE', LIMIT, 64, 'MSTORE', COINBASE, 96, 'MSTORE', RANDAO, 128, 'MSTORE', BASEFEE, 160, 'MSTORE', 192, 0, 'RETURN')) } }, calls: [call({ to: at })] }),
  'block: blob base fee': one({ blockOverrides: { blobBaseFee: '0x1234' }, stateOverrides: { [at]: { code: returns(BLOBFEE) } }, calls: [call({ to: at })] }),
  'block: beacon root and withdrawals': one({ blockOverrides: { beaconRoot: word(5), withdrawals: [{ index: '0x1', validatorIndex: '0x2', address: other, amount: '0x3b9aca00' }] }, calls: [call()] }),
  'the hash of a simulated block': { blockStateCalls: [{}, {}, { stateOverrides: { [at]: { code: returns(1, NUMBER, Uint8Array.from([0x03]), BLOCKHASH) } }, calls: [call({ to: at })] }] },
  'a log': one({ stateOverrides: { [at]: { code: hex(code(7, 0, 0, 'LOG1')) } }, calls: [call({ to: at }), call({ to: at })] }),
  'transfers among logs, undone ones too': one({ stateOverrides: { [at]: { code: hex(code(7, 0, 0, 'LOG1', 0, 0, 0, 0, 3, other, 'GAS', 'CALL', 0, 0, 0, 0, 2, poor, 'GAS', 'CALL', 8, 0, 0, 'LOG1')) }, [other]: { code: hex(code(9, 0, 0, 'LOG1', 0, 0, 'REVERT')) } }, calls: [call({ to: at, value: '0x9' }), call({ to: at, value: '0x8' })] }, { traceTransfers: true }),
  'an end as a transfer': one({ stateOverrides: { [at]: { code: hex(code(poor, 'SELFDESTRUCT')), balance: '0x64' } }, calls: [call({ to: at })] }, { traceTransfers: true }),
  'a creation': one({ calls: [{ from: alice, data: hex(code(1, 0, 'MSTORE8', 1, 0, 'RETURN')) }] }, { returnFullTransactions: true }),
  'a revert': one({ stateOverrides: { [at]: { code: hex(code(1, 0, 'REVERT')) } }, calls: [call({ to: at })] }),
  'a revert with words': one({ stateOverrides: { [at]: { code: hex(code('0x08c379a000000000000000000000000000000000000000000000000000000000', 0, 'MSTORE', 32, 4, 'MSTORE', 2, 36, 'MSTORE', '0x6e6f000000000000000000000000000000000000000000000000000000000000', 68, 'MSTORE', 100, 0, 'REVERT')) } }, calls: [call({ to: at })] }),
  'an invalid opcode': one({ stateOverrides: { [at]: { code: '0xfe' } }, calls: [call({ to: at, gas: '0x7530' })] }),
  'no gas left': one({ stateOverrides: { [at]: { code: '0x5b5f56' } }, calls: [call({ to: at, gas: '0x7530' })] }),
  'validation: fine': one({ calls: [call({ value: '0x1', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1', nonce: 'NONCE' })] }, { validation: true }),
  'validation: base fee': one({ calls: [call({ value: '0x1' })] }, { validation: true }),
  'validation: nonce low': one({ calls: [call({ nonce: '0x0', maxFeePerGas: '0x77359400' })] }, { validation: true }),
  'validation: nonce high': one({ calls: [call({ nonce: '0x7fff', maxFeePerGas: '0x77359400' })] }, { validation: true }),
  'validation: funds': one({ calls: [call({ from: poor, maxFeePerGas: '0x77359400', gas: '0x5208' })] }, { validation: true }),
  'validation: a tip above its cap': one({ calls: [call({ maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x77359401', gas: '0x5208' })] }, { validation: true }),
  'funds': one({ calls: [call({ from: poor, value: '0x1' })] }),
  'intrinsic gas': one({ calls: [call({ gas: '0x10' })] }),
  'the block is full': one({ blockOverrides: { gasLimit: '0x5208' }, calls: [call({ gas: '0x5209' })] }),
  'the block becomes full': one({ blockOverrides: { gasLimit: '0xea60' }, calls: [call({ gas: '0x5208' }), call({ gas: '0x5208' }), call({ gas: '0x5208' })] }),
  'gas by default': one({ blockOverrides: { gasLimit: '0xea60' }, calls: [call({ gas: '0x5208' }), call()] }),
  'numbers backwards': { blockStateCalls: [{ blockOverrides: { number: '0x5f0' } }, { blockOverrides: { number: '0x5f0' } }] },
  'times backwards': { blockStateCalls: [{ blockOverrides: { time: '0x7fffffff' } }, { blockOverrides: { time: '0x7fffffff' } }] },
  'too far ahead': one({ blockOverrides: { number: '0xffff' } }),
  'too many blocks': { blockStateCalls: Array(257).fill({}) },
  'no blocks': { blockStateCalls: [] },
  'a precompile moved': one({ stateOverrides: { '0x0000000000000000000000000000000000000002': { movePrecompileToAddress: other } }, calls: [call({ to: other, data: '0x1234' }), call({ to: '0x0000000000000000000000000000000000000002', data: '0x1234' })] }),
  'a precompile covered': one({ stateOverrides: { '0x0000000000000000000000000000000000000004': { code: returns(7) } }, calls: [call({ to: '0x0000000000000000000000000000000000000004', data: '0x1234' })] }),
  'a precompile moved and covered': one({ stateOverrides: { '0x0000000000000000000000000000000000000001': { code: returns(7), movePrecompileToAddress: '0x0000000000000000000000000000000000123456' } }, calls: [call({ to: '0x0000000000000000000000000000000000000001' })] }),
  'no precompile to move': one({ stateOverrides: { [other]: { movePrecompileToAddress: at } }, calls: [call()] }),
  'a precompile moved onto another override': one({ stateOverrides: { '0x0000000000000000000000000000000000000002': { movePrecompileToAddress: other }, [other]: { balance: '0x1' } }, calls: [call()] }),
  'a nonce too low and no fee, validated': one({ calls: [call({ nonce: '0x0' })] }, { validation: true }), 'a nonce too high and no fee, validated': one({ calls: [call({ nonce: '0xff' })] }, { validation: true }), 'a tip above its cap and a nonce too low, validated': one({ calls: [call({ nonce: '0x0', maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x2' })] }, { validation: true }),
  'an authorization and a blob': one({ calls: [call({ blobVersionedHashes: ['0x01' + '11'.repeat(31)], maxFeePerBlobGas: '0x100' })] }, { returnFullTransactions: true }),
};

test('eth_simulateV1 answers as geth does', { timeout: 600000 }, async () => {
  const dir = h.scratch();
  const { geth, url, genesis } = await gethChain(dir);
  const run = new Run(11, BigInt(await h.rpc(url, 'eth_chainId')));
  for (let i = 0; i < 8; i++) {
    const { raw, hash } = await run.next(BigInt((await h.rpc(url, 'eth_getBlockByNumber', ['latest', false])).baseFeePerGas));
    await h.rpc(url, 'eth_sendRawTransaction', [raw]);
    await h.until(`transaction ${i}`, () => h.rpc(url, 'eth_getTransactionReceipt', [hash]).catch(() => null));
    await run.settle(url);
  }
  const head = Number(await h.rpc(url, 'eth_blockNumber')), raw = [];
  for (let n = 1; n <= head; n++) raw.push(Buffer.from((await h.rpc(url, 'debug_getRawBlock', [`0x${n.toString(16)}`])).slice(2), 'hex'));
  const chain = path.join(dir, 'chain.rlp');
  fs.writeFileSync(chain, Buffer.concat(raw));
  const ours = await h.fanatico(['--genesis', genesis, '--import', chain, '--silent']);
  const nonce = await h.rpc(url, 'eth_getTransactionCount', [alice, 'latest']);
  const differ = [];
  let compared = 0;
  for (const [name, payload] of Object.entries(CASES)) {
    // Numbers in the cases are written for a chain of 1,500 blocks: they are moved to this one.
    const text = JSON.stringify(payload).replaceAll('"NONCE"', JSON.stringify(nonce)).replace(/"number":"0x5f(\w)"/g, (_, d) => `"number":"0x${(head + 2 + parseInt(d, 16)).toString(16)}"`);
    for (const tag of ['latest', '0x3']) {
      const params = [JSON.parse(text), tag];
      const [a, b] = await Promise.all([ask(ours.http, 'eth_simulateV1', params), ask(url, 'eth_simulateV1', params)]);
      compared++;
      // For -32602 and -32603 we set the code's phrase before geth's words.
      if (a.error) a.error.message = a.error.message.replace(/^(Invalid params|Internal error): /, '');
      // Of an unsigned legacy transaction geth derives a chain id from v = 0, which is none of anybody's.
      for (const block of Array.isArray(a) && Array.isArray(b) ? [...a, ...b] : []) for (const tx of block.transactions) if (tx.type === '0x0') delete tx.chainId;
      const d = difference(a, b);
      if (d) differ.push(`${name} on ${tag}: ${d}`);
    }
  }
  console.log(`${compared} simulations compared`);
  for (const d of differ) console.log(d);
  assert.deepEqual(differ, []);
  assert.equal(await ours.stop(), 0);
  await geth.stop('SIGINT');
  fs.rmSync(dir, { recursive: true });
});
