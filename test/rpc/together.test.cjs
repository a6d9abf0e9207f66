// Who shares an instant block, seen from outside: several senders at the same moment, nobody with himself, and nobody who is alone.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const path = require('node:path');
const { once } = require('node:events');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const TOPIC = '0x' + '00'.repeat(31) + '07';
const EMITTER = '0x00000000000000000000000000000000000e0001';
const EMITS = '0x60075f5fa160075f5fa1'; // LOG1 twice: topic 7, no data
const wallets = Array.from({ length: 10 }, (_, i) => ethers.HDNodeWallet.fromPhrase(h.MNEMONIC, '', `m/44'/60'/0'/0/${i}`));
const signed = (from, nonce, more = {}) => from.signTransaction({ type: 2, chainId: 31337, nonce, to: h.ACCOUNTS[1], value: 1n, gasLimit: 60000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n, ...more });
const num = (x) => Number(BigInt(x));

/** Requests that leave in one piece; resolves with their replies, in the order of the requests. */
async function burst(socket, requests) {
  const first = socket.received.length;
  socket.ws._socket.cork();
  requests.forEach(([method, ...params], id) => socket.ws.send(JSON.stringify({ jsonrpc: '2.0', id: `b${id}`, method, params })));
  socket.ws._socket.uncork();
  const replies = () => socket.received.slice(first).filter((m) => m.id !== undefined);
  await h.until('all answers', () => replies().length === requests.length, 60000);
  return requests.map((_, id) => replies().find((m) => m.id === `b${id}`));
}

const blockOf = async (node, hash) => num((await h.rpc(node.http, 'eth_getTransactionReceipt', [hash])).blockNumber);

/** Everything from outside must fit together: what was sent, what the blocks hold, what was told. */
async function checkAll(node, sent, watcher, subscriptions, { solo = false } = {}) {
  const head = num(await h.rpc(node.http, 'eth_blockNumber'));
  const next = new Map(), where = new Map(), logs = [], receipts = [], hashes = [];
  for (let n = 1; n <= head; n++) {
    const block = await h.rpc(node.http, 'eth_getBlockByNumber', [ethers.toQuantity(n), true]);
    const all = await h.rpc(node.http, 'eth_getBlockReceipts', [ethers.toQuantity(n)]);
    const senders = new Set(block.transactions.map((t) => t.from));
    assert.equal(senders.size, block.transactions.length, `block ${n} has one of each sender`);
    assert.ok(senders.size >= 1 && (!solo || senders.size === 1), `block ${n}`);
    let gas = 0, logIndex = 0;
    block.transactions.forEach((t, i) => {
      assert.equal(num(t.nonce), next.get(t.from) ?? 0);
      next.set(t.from, num(t.nonce) + 1);
      assert.ok(!where.has(t.hash));
      where.set(t.hash, n);
      gas += num(all[i].gasUsed);
      assert.deepEqual([num(t.transactionIndex), num(all[i].transactionIndex), all[i].transactionHash, num(all[i].cumulativeGasUsed)], [i, i, t.hash, gas]);
      for (const l of all[i].logs) assert.deepEqual([num(l.logIndex), l.transactionHash, num(l.transactionIndex)], [logIndex++, t.hash, i]);
      logs.push(...all[i].logs);
    });
    assert.equal(num(block.gasUsed), gas);
    receipts.push(all);
    hashes.push(block.hash);
  }
  assert.deepEqual([...where.keys()].sort(), [...sent].sort(), 'every transaction is in one block');
  const [heads, told, pending, blocks] = subscriptions;
  await h.until('all notifications', () => watcher.of(heads).length >= head && watcher.of(told).length >= logs.length && watcher.of(pending).length >= sent.length && watcher.of(blocks).length >= head);
  assert.deepEqual(watcher.of(heads).map((b) => b.hash), hashes);
  assert.deepEqual(watcher.of(told), logs);
  assert.deepEqual(watcher.of(pending), [...where.keys()], 'pending in the order of the blocks');
  assert.deepEqual(watcher.of(blocks).map((b) => b.map((r) => r.transactionHash)), receipts.map((b) => b.map((r) => r.transactionHash)));
  return head;
}

async function watched(node) {
  await h.rpc(node.http, 'hardhat_setCode', [EMITTER, EMITS]);
  const watcher = await h.Socket.open(node.ws), ids = [];
  for (const kind of [['newHeads'], ['logs', { topics: [TOPIC] }], ['newPendingTransactions'], ['transactionReceipts']]) ids.push(await watcher.call('eth_subscribe', kind));
  return [watcher, ids];
}

const ways = [['--silent'], [], ['--silent', '--datadir'], ['--silent', '--block-per-transaction']];

for (const way of ways) {
  test(`many senders at once: ${way.join(' ') || 'with a terminal'}`, { timeout: 180000 }, async () => {
    const args = way.includes('--datadir') ? [...way, path.join(h.scratch(), 'chain')] : way;
    const solo = way.includes('--block-per-transaction');
    const node = await h.fanatico(args);
    const [watcher, ids] = await watched(node);
    const sent = [];
    // Each over a connection of its own: half of them HTTP; every second transaction has logs, every seventh fails.
    await Promise.all(wallets.map(async (wallet, w) => {
      const socket = w % 2 ? await h.Socket.open(node.ws) : null;
      const call = socket ? (m, p) => socket.call(m, p) : (m, p) => h.rpc(node.http, m, p);
      for (let nonce = 0; nonce < 20; nonce++) {
        const more = nonce % 7 === 3 ? { to: EMITTER, gasLimit: 21500 } : nonce % 2 ? { to: EMITTER } : {};
        const sync = nonce % 5 === 4;
        const got = await call(sync ? 'eth_sendRawTransactionSync' : 'eth_sendRawTransaction', [await signed(wallet, nonce, more)]);
        const hash = sync ? got.transactionHash : got;
        const receipt = await call('eth_getTransactionReceipt', [hash]);
        assert.ok(receipt, 'whoever is answered has his block');
        assert.equal(receipt.status, nonce % 7 === 3 ? '0x0' : '0x1');
        if (sync) assert.deepEqual(got, receipt);
        sent.push(hash);
      }
      if (socket) socket.close();
    }));
    // And from one connection, in one piece.
    const socket = await h.Socket.open(node.ws);
    for (let nonce = 20; nonce < 40; nonce++) {
      const raws = await Promise.all(wallets.map((w) => signed(w, nonce, { to: EMITTER })));
      for (const reply of await burst(socket, raws.map((raw) => ['eth_sendRawTransaction', raw]))) sent.push(reply.result);
    }
    const head = await checkAll(node, sent, watcher, ids, { solo });
    if (solo) assert.equal(head, sent.length);
    else assert.ok(head < sent.length, `${head} blocks for ${sent.length} transactions`);
    await node.stop();
  });
}

test('a lone sender has a block for each, pipelined, in a batch or one by one', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']);
  const [watcher, ids] = await watched(node);
  const socket = await h.Socket.open(node.ws), sent = [];
  const raws = await Promise.all(Array.from({ length: 60 }, (_, nonce) => signed(wallets[0], nonce)));
  for (const reply of await burst(socket, raws.slice(0, 25).map((raw) => ['eth_sendRawTransaction', raw]))) sent.push(reply.result);
  const batch = await h.post(node.http, raws.slice(25, 50).map((raw, id) => ({ jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [raw] })));
  for (const reply of batch) sent.push(reply.result);
  for (const raw of raws.slice(50)) sent.push(await h.rpc(node.http, 'eth_sendRawTransaction', [raw]));
  assert.equal(await checkAll(node, sent, watcher, ids, { solo: true }), 60);
  for (const [i, hash] of sent.entries()) assert.equal(await blockOf(node, hash), i + 1);
  await node.stop();
});

test('what else is asked in one piece keeps its place between them', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']);
  const socket = await h.Socket.open(node.ws);
  const pair = async (from, nonce, ...next) => {
    const got = await burst(socket, [['eth_sendRawTransaction', await signed(wallets[from], nonce)], next]);
    for (const reply of got) assert.ok(!reply.error, JSON.stringify(reply));
    return got.map((reply) => reply.result);
  };
  const [mined] = await pair(0, 0, 'evm_mine');
  assert.equal(await blockOf(node, mined), 1);
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), '0x2');
  assert.equal((await pair(0, 1, 'eth_getTransactionCount', wallets[0].address, 'pending'))[1], '0x2');
  assert.equal((await pair(1, 0, 'eth_getTransactionCount', wallets[1].address, 'latest'))[1], '0x1');
  const [before] = await pair(2, 0, 'evm_setNextBlockTimestamp', 2000000000);
  const [after, sent] = await pair(3, 0, 'eth_sendTransaction', { from: wallets[4].address, to: h.ACCOUNTS[1], gas: '0x5208' });
  const places = await Promise.all([before, after, sent].map((hash) => blockOf(node, hash)));
  assert.deepEqual(places, [5, 6, 7]);
  assert.equal(num((await h.rpc(node.http, 'eth_getBlockByNumber', ['0x6', false])).timestamp), 2000000000);
  const [kept, snapshot] = await pair(5, 0, 'evm_snapshot');
  await pair(6, 0, 'evm_revert', snapshot);
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), '0x8');
  assert.equal(await blockOf(node, kept), 8);
  await node.stop();
});

test('one that is refused harms no other', { timeout: 60000 }, async () => {
  const node = await h.fanatico(['--silent']);
  const socket = await h.Socket.open(node.ws);
  const stranger = ethers.Wallet.createRandom();
  await h.rpc(node.http, 'eth_sendRawTransaction', [await signed(wallets[1], 0)]);
  const got = await burst(socket, [
    ['eth_sendRawTransaction', await signed(wallets[0], 0, { to: stranger.address, value: 10n ** 18n })],
    ['eth_sendRawTransaction', await signed(wallets[1], 0, { value: 2n })], // its nonce is used
    ['eth_sendRawTransaction', '0x02'],
    ['eth_sendRawTransaction', await signed(stranger, 0)], // funded by the first
    ['eth_sendRawTransaction', await signed(wallets[2], 0)],
    ['eth_sendRawTransaction', await signed(ethers.Wallet.createRandom(), 0)], // by nobody
    ['eth_sendRawTransaction', await signed(wallets[3], 1)], // behind a gap
  ]);
  assert.match(got[1].error.message, /nonce too low/);
  assert.equal(got[2].error.code, -32602);
  assert.match(got[5].error.message, /insufficient funds/);
  for (const i of [0, 3, 4]) assert.ok(await blockOf(node, got[i].result) >= 2);
  assert.equal(await h.rpc(node.http, 'eth_getTransactionReceipt', [got[6].result]), null);
  const closes = await h.rpc(node.http, 'eth_sendRawTransaction', [await signed(wallets[3], 0)]);
  assert.equal(await blockOf(node, got[6].result), await blockOf(node, closes) + 1);
  assert.deepEqual(await h.rpc(node.http, 'txpool_status'), { pending: '0x0', queued: '0x0' });
  await node.stop();
});

test('on a fork, one whose accounts the other node does not tell harms no other', { timeout: 120000 }, async () => {
  const far = await h.fanatico(['--silent']);
  const secret = '0x00000000000000000000000000000000000e0bad';
  let asked = 0;
  const door = http.createServer((request, answer) => {
    const pieces = [];
    request.on('data', (d) => pieces.push(d));
    request.on('end', async () => {
      const body = Buffer.concat(pieces).toString();
      if (body.includes(secret.slice(2))) { asked++; answer.writeHead(500).end(); return; }
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(await h.post(far.http, body)));
    });
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
  const node = await h.fanatico(['--silent', '--fork-url', `http://127.0.0.1:${door.address().port}`, '--retries', '1', '--fork-retry-backoff', '10', '--no-storage-caching']);
  const socket = await h.Socket.open(node.ws);
  const raws = await Promise.all(wallets.slice(0, 4).map((w, i) => signed(w, 0, { to: i === 1 ? secret : wallets[9].address })));
  const got = await burst(socket, raws.map((raw) => ['eth_sendRawTransaction', raw]));
  assert.ok(got[1].error && asked > 0, JSON.stringify(got[1]));
  for (const i of [0, 2, 3]) assert.ok(await blockOf(node, got[i].result) >= 1);
  assert.deepEqual(await h.rpc(node.http, 'txpool_status'), { pending: '0x0', queued: '0x0' });
  assert.equal(await h.rpc(node.http, 'eth_getTransactionByHash', [ethers.keccak256(raws[1])]), null);
  door.close();
  await node.stop();
  await far.stop();
});
