// Runs inside `hardhat run` (test/rpc/helpers.test.cjs): each helper once, its effect looked at over plain RPC.
'use strict';
const assert = require('node:assert/strict');
const hre = require('hardhat');
const helpers = require('@nomicfoundation/hardhat-network-helpers');

const rpc = (method, params = []) => hre.network.provider.request({ method, params });
const latest = () => rpc('eth_getBlockByNumber', ['latest', false]);
const A = '0x' + 'a1'.repeat(20), B = '0x' + 'b2'.repeat(20);

const CHECKS = {
  async mine() { const n = Number((await latest()).number); await helpers.mine(3, { interval: 15 }); assert.equal(Number((await latest()).number), n + 3); },
  async mineUpTo() { const n = Number((await latest()).number); await helpers.mineUpTo(n + 5); assert.equal(Number((await latest()).number), n + 5); },
  async dropTransaction() {
    await rpc('evm_setAutomine', [false]);
    const [from] = await rpc('eth_accounts');
    const hash = await rpc('eth_sendTransaction', [{ from, to: A, value: '0x1', gas: '0x5208' }]);
    assert.equal(await helpers.dropTransaction(hash), hash); // as anvil answers; Hardhat's own network says true
    assert.equal(await rpc('eth_getTransactionByHash', [hash]), null);
    await rpc('evm_setAutomine', [true]);
  },
  async setStorageAt() { await helpers.setStorageAt(A, 3, 77); assert.equal(BigInt(await rpc('eth_getStorageAt', [A, '0x3', 'latest'])), 77n); },
  async getStorageAt() { assert.equal(BigInt(await helpers.getStorageAt(A, 3)), 77n); },
  async impersonateAccount() {
    await helpers.setBalance(B, 10n ** 18n);
    await helpers.impersonateAccount(B);
    const hash = await rpc('eth_sendTransaction', [{ from: B, to: A, value: '0x1', gas: '0x5208' }]);
    assert.equal((await rpc('eth_getTransactionReceipt', [hash])).from, B);
  },
  async stopImpersonatingAccount() { await helpers.stopImpersonatingAccount(B); await assert.rejects(rpc('eth_sendTransaction', [{ from: B, to: A, value: '0x1', gas: '0x5208' }])); },
  async setBalance() { await helpers.setBalance(A, 123); assert.equal(BigInt(await rpc('eth_getBalance', [A, 'latest'])), 123n); },
  async setBlockGasLimit() { await helpers.setBlockGasLimit(20_000_000); await helpers.mine(); assert.equal(Number((await latest()).gasLimit), 20_000_000); },
  async setCode() { await helpers.setCode(A, '0x6001'); assert.equal(await rpc('eth_getCode', [A, 'latest']), '0x6001'); },
  async setCoinbase() { await helpers.setCoinbase(B); await helpers.mine(); assert.equal((await latest()).miner, B); },
  async setNextBlockBaseFeePerGas() { await helpers.setNextBlockBaseFeePerGas(7e9); await helpers.mine(); assert.equal(Number((await latest()).baseFeePerGas), 7e9); },
  async setNonce() { await helpers.setNonce(B, 50); assert.equal(Number(await rpc('eth_getTransactionCount', [B, 'latest'])), 50); },
  async setPrevRandao() { await helpers.setPrevRandao(42); await helpers.mine(); assert.equal(BigInt((await latest()).mixHash), 42n); },
  async takeSnapshot() {
    const n = (await latest()).number, shot = await helpers.takeSnapshot();
    await helpers.mine(4);
    await shot.restore();
    assert.equal((await latest()).number, n);
    await helpers.mine(2);
    await shot.restore();
    assert.equal((await latest()).number, n);
  },
  async loadFixture() {
    let runs = 0;
    const fixture = async () => { runs++; await helpers.mine(2); return (await latest()).number; };
    const n = await helpers.loadFixture(fixture);
    await helpers.mine(3);
    assert.equal(await helpers.loadFixture(fixture), n);
    assert.equal((await latest()).number, n);
    assert.equal(runs, 1);
  },
  async clearSnapshots() { await helpers.clearSnapshots(); },
  async reset() { await helpers.reset(); assert.equal((await latest()).number, '0x0'); assert.equal(await rpc('eth_getCode', [A, 'latest']), '0x'); },
};
const TIME = {
  async advanceBlock() { const n = Number((await latest()).number); await helpers.time.advanceBlock(2); assert.equal(Number((await latest()).number), n + 2); },
  async advanceBlockTo() { const n = Number((await latest()).number); await helpers.time.advanceBlockTo(n + 3); assert.equal(Number((await latest()).number), n + 3); },
  async latest() { assert.equal(await helpers.time.latest(), Number((await latest()).timestamp)); },
  async latestBlock() { assert.equal(await helpers.time.latestBlock(), Number((await latest()).number)); },
  async increase() { const t = await helpers.time.latest(); await helpers.time.increase(1000); assert.equal(await helpers.time.latest(), t + 1000); },
  async increaseTo() { const t = await helpers.time.latest(); await helpers.time.increaseTo(t + 5000); assert.equal(await helpers.time.latest(), t + 5000); },
  async setNextBlockTimestamp() { const t = await helpers.time.latest(); await helpers.time.setNextBlockTimestamp(t + 99); await helpers.mine(); assert.equal(await helpers.time.latest(), t + 99); },
};

(async () => {
  // A helper that a new version of the package brings must get its check.
  const named = (o) => Object.keys(o).filter((k) => typeof o[k] === 'function').sort();
  assert.deepEqual(named(helpers), Object.keys(CHECKS).sort());
  const { duration, ...time } = helpers.time;
  assert.deepEqual(named(time), Object.keys(TIME).sort());
  assert.equal(duration.hours(1), 3600);
  const { reset, ...before } = CHECKS;
  for (const [name, check] of [...Object.entries(TIME), ...Object.entries(before), ['reset', reset]]) {
    try { await check(); } catch (e) { throw new Error(`${name}: ${e.message}`, { cause: e }); }
  }
  console.log(`all ${Object.keys(CHECKS).length + Object.keys(TIME).length} helpers ran`);
})().catch((e) => { console.error(e); process.exit(1); });
