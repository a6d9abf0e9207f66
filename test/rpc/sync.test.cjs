// eth_sendRawTransactionSync (EIP-7966): the receipt in the answer, wherever blocks come from, and words when none came in time.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const wallet = new ethers.Wallet(h.KEYS[0]);
const signed = (nonce, more = {}) => wallet.signTransaction({ type: 2, chainId: 31337, nonce, to: h.ACCOUNTS[1], value: 1n, gasLimit: 21000, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n, ...more });
const send = (url, ...params) => h.post(url, { jsonrpc: '2.0', id: 1, method: 'eth_sendRawTransactionSync', params });

test('with instant blocks and with blocks of their own time', { timeout: 60000 }, async () => {
  for (const args of [[], ['--block-time', '500ms']]) {
    const node = await h.fanatico(['--silent', ...args]);
    const raw = await signed(0);
    const { result } = await send(node.http, raw);
    assert.equal(result.transactionHash, ethers.keccak256(raw));
    assert.deepEqual(result, await h.rpc(node.http, 'eth_getTransactionReceipt', [result.transactionHash]));
    const socket = await h.Socket.open(node.ws);
    assert.equal((await socket.call('eth_sendRawTransactionSync', [await signed(1), 5000])).status, '0x1');
    await node.stop();
  }
});

test('no block in time: code 4, the words with the time, and the hash', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent', '--no-mining']);
  let nonce = 0;
  for (const [ms, words] of [[1, '1ms'], [250, '250ms'], [1500, '1.5s']]) {
    const raw = await signed(nonce++), start = Date.now();
    const { error } = await send(node.http, raw, ms);
    assert.ok(Date.now() - start >= ms);
    assert.deepEqual(error, { code: 4, message: `The transaction was added to the transaction pool but wasn't processed in ${words}`, data: ethers.keccak256(raw) });
  }
  // It waits there: mined a moment later, the answer that still waits gets its receipt, and nobody else is held up meanwhile.
  const waiting = Array.from({ length: 40 }, async (_, i) => send(node.http, await signed(nonce + i), 30000));
  await h.until('all to wait', async () => Number((await h.rpc(node.http, 'txpool_status')).pending) === nonce + 40);
  const start = Date.now();
  await h.rpc(node.http, 'eth_call', [{ to: h.ACCOUNTS[1] }, 'latest']);
  assert.ok(Date.now() - start < 2000);
  await h.rpc(node.http, 'evm_mine');
  for (const { result } of await Promise.all(waiting)) assert.equal(result.blockNumber, '0x1');
  await node.stop();
});

test('what the pool refuses is refused at once; a node that stops lets go of who waits', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent', '--no-mining']);
  const { error } = await send(node.http, await signed(0, { gasLimit: 20000 }));
  assert.equal(error.code, -32000);
  assert.match(error.message, /intrinsic gas too low/);
  assert.equal((await send(node.http, '0x02')).error.code, -32602);
  const waiting = send(node.http, await signed(0), 60000).catch((e) => e);
  await h.until('it to wait', async () => (await h.rpc(node.http, 'txpool_status')).pending === '0x1');
  const start = Date.now();
  await node.stop();
  assert.ok(Date.now() - start < 10000);
  await waiting;
});
