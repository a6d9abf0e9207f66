// ethers v6 against the real binary, over HTTP and WebSocket, with nothing configured.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

let node, http, ws;
const Probe = h.compile('Probe.sol').Probe;

before(async () => {
  node = process.env.PEER === 'anvil' ? await h.anvil() : await h.fanatico();
  http = new ethers.JsonRpcProvider(node.http, undefined, { cacheTimeout: -1 });
  ws = new ethers.WebSocketProvider(node.ws);
});
after(async () => {
  http?.destroy();
  await ws?.destroy();
  await node?.stop();
});

async function deploy(provider, first = 7) {
  const signer = await provider.getSigner(0);
  const probe = await new ethers.ContractFactory(Probe.abi, Probe.bytecode, signer).deploy(first);
  await probe.waitForDeployment();
  return probe;
}

test('network and accounts are found without configuration', async () => {
  assert.equal((await http.getNetwork()).chainId, 31337n);
  assert.equal((await ws.getNetwork()).chainId, 31337n);
  const accounts = await http.listAccounts();
  assert.equal(accounts.length, 10);
  assert.equal(accounts[0].address, h.ACCOUNTS[0]);
  assert.equal(await http.getBalance(accounts[9].address), ethers.parseEther('10000'));
});

test('deploys, reads, writes; the receipt and the block agree', async () => {
  const probe = await deploy(http);
  assert.equal(await probe.value(), 7n);
  const sent = await probe.set(8, 'eight', { value: 5n });
  const receipt = await sent.wait();
  assert.equal(receipt.status, 1);
  assert.equal(await probe.value(), 8n);
  assert.equal(await http.getBalance(await probe.getAddress()), 5n);
  const block = await http.getBlock(receipt.blockNumber, true);
  assert.equal(block.hash, receipt.blockHash);
  assert.equal(block.prefetchedTransactions[0].hash, sent.hash);
  assert.equal(receipt.logs.length, 1);
  const event = probe.interface.parseLog(receipt.logs[0]);
  assert.deepEqual([event.args.who, event.args.value, event.args.note], [h.ACCOUNTS[0], 8n, 'eight']);
});

test('a wallet signs by itself, types 0, 1 and 2, and replaces by price', async () => {
  const wallet = new ethers.Wallet(h.KEYS[1], http);
  for (const type of [0, 1, 2]) {
    const receipt = await (await wallet.sendTransaction({ to: h.ACCOUNTS[2], value: 1000n + BigInt(type), type })).wait();
    assert.equal(receipt.status, 1);
    assert.equal((await http.getTransaction(receipt.hash)).type, type);
  }
});

test('a revert carries its reason, its custom error and its panic', async () => {
  const probe = await deploy(http);
  await assert.rejects(probe.refuse.staticCall('not today'), (e) => e.code === 'CALL_EXCEPTION' && e.reason === 'not today');
  await assert.rejects(probe.refuseTyped.staticCall(), (e) => e.revert.name === 'Refused' && e.revert.args[0] === 7n && e.revert.args[1] === 42n);
  await assert.rejects(probe.overflow.staticCall(1n), (e) => e.code === 'CALL_EXCEPTION' && /panic|0x11|17/i.test(e.message));
  await assert.rejects(probe.refuse.send('in a transaction'), (e) => e.code === 'CALL_EXCEPTION' && e.reason === 'in a transaction');
  const failed = await probe.refuse.send('mined', { gasLimit: 100000 });
  await assert.rejects(failed.wait(), (e) => e.code === 'CALL_EXCEPTION');
  assert.equal((await http.getTransactionReceipt(failed.hash)).status, 0);
});

test('an unfunded sender is told so', async () => {
  const poor = ethers.Wallet.createRandom().connect(http);
  await assert.rejects(poor.sendTransaction({ to: h.ACCOUNTS[0], value: 1n }), (e) => e.code === 'INSUFFICIENT_FUNDS');
});

test('provider.on: blocks, pending transactions, contract events; off ends them', async () => {
  const probe = await deploy(ws);
  const blocks = [], pending = [], events = [], raw = [];
  await ws.on('block', (n) => blocks.push(n));
  await ws.on('pending', (hash) => pending.push(hash));
  await ws.on({ address: await probe.getAddress(), topics: [ethers.id('Burst(uint256)')] }, (log) => raw.push(log));
  await probe.on('Changed', (who, value, note) => events.push([who, value, note]));
  await h.sleep(200); // ethers subscribes behind our back
  const hashes = [];
  const writer = probe.connect(await http.getSigner(0));
  for (let i = 0; i < 5; i++) hashes.push((await (await writer.set(i, `n${i}`)).wait()).hash);
  await (await writer.burst(20)).wait();
  await h.until('all events', () => events.length === 5 && raw.length === 20 && blocks.length >= 6 && pending.length >= 6);
  assert.deepEqual(events.map((e) => e[2]), ['n0', 'n1', 'n2', 'n3', 'n4']);
  assert.deepEqual(raw.map((l) => Number(l.topics[1])), [...Array(20).keys()]);
  assert.deepEqual(pending.slice(0, 5), hashes);
  for (let i = 1; i < blocks.length; i++) assert.equal(blocks[i], blocks[i - 1] + 1);
  await probe.off('Changed');
  await ws.removeAllListeners();
  await h.sleep(200);
  const before = events.length;
  await (await writer.set(99, 'unheard')).wait();
  await h.sleep(200);
  assert.equal(events.length, before);
});

test('queryFilter finds history; getLogs by block hash', async () => {
  const probe = await deploy(http);
  await (await probe.set(1, 'one')).wait();
  const receipt = await (await probe.set(2, 'two')).wait();
  const found = await probe.queryFilter(probe.filters.Changed());
  assert.deepEqual(found.map((e) => e.args.note), ['one', 'two']);
  const byHash = await http.getLogs({ blockHash: receipt.blockHash });
  assert.equal(byHash.length, 1);
});

test('evm_snapshot and evm_revert, time travel', async () => {
  const probe = await deploy(http);
  const id = await http.send('evm_snapshot', []);
  await (await probe.set(100, 'x')).wait();
  assert.equal(await http.send('evm_revert', [id]), true);
  assert.equal(await probe.value(), 7n);
  await http.send('evm_increaseTime', [3600]); // against the clock: blocks of one second run a little ahead of it
  await http.send('evm_mine', []);
  assert.ok((await http.getBlock('latest')).timestamp >= Math.floor(Date.now() / 1000) + 3600);
});

test('signing with an unlocked account: messages', async () => {
  const signer = await http.getSigner(1);
  const signature = await signer.signMessage('hello');
  assert.equal(ethers.verifyMessage('hello', signature), h.ACCOUNTS[1]);
});

test('an unknown subscription id gives false on unsubscribe; an unknown kind an error; the socket lives on', async () => {
  const socket = await h.Socket.open(node.ws);
  assert.equal(await socket.call('eth_unsubscribe', ['0x1234567890abcdef1234567890abcdef']), false);
  await assert.rejects(socket.call('eth_subscribe', ['nonsense']), (e) => process.env.PEER ? true : e.code === -32601);
  assert.equal(await socket.call('eth_chainId'), '0x7a69');
  socket.close();
});
