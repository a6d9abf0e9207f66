// viem against the real binary, over HTTP and WebSocket: public, wallet and test client.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const viem = require('viem');
const { privateKeyToAccount } = require('viem/accounts');
const { anvil: localChain } = require('viem/chains');

let node, http, ws, wallet, tester;
const Probe = h.compile('Probe.sol').Probe;

before(async () => {
  node = process.env.PEER === 'anvil' ? await h.anvil() : await h.fanatico();
  http = viem.createPublicClient({ chain: localChain, transport: viem.http(node.http), pollingInterval: 50, cacheTime: 0 });
  // keepAlive pings with net_version and id null, far more often than the default 30 s, so that the test sees some
  ws = viem.createPublicClient({ chain: localChain, transport: viem.webSocket(node.ws, { keepAlive: { interval: 300 } }) });
  wallet = viem.createWalletClient({ chain: localChain, account: privateKeyToAccount(h.KEYS[0]), transport: viem.http(node.http) });
  tester = viem.createTestClient({ chain: localChain, mode: 'anvil', transport: viem.http(node.http) });
});
after(async () => {
  (await ws?.transport.getRpcClient())?.close();
  await node?.stop();
});

async function deploy(first = 7n) {
  const hash = await wallet.deployContract({ abi: Probe.abi, bytecode: Probe.bytecode, args: [first] });
  const receipt = await http.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  return receipt.contractAddress;
}
const set = (address, value, note) => wallet.writeContract({ address, abi: Probe.abi, functionName: 'set', args: [value, note] });

test('chain id, block, fees', async () => {
  assert.equal(await http.getChainId(), 31337);
  const block = await ws.getBlock();
  assert.ok(block.baseFeePerGas > 0n);
  assert.ok((await http.estimateFeesPerGas()).maxFeePerGas > 0n);
  assert.equal(typeof (await http.getFeeHistory({ blockCount: 1, rewardPercentiles: [50] })).baseFeePerGas[0], 'bigint');
});

test('deploys, writes, reads; multicall of reads over one batch', async () => {
  const address = await deploy();
  await http.waitForTransactionReceipt({ hash: await set(address, 9n, 'nine') });
  const batched = viem.createPublicClient({ chain: localChain, transport: viem.http(node.http, { batch: true }) });
  const [value, owner, balance] = await Promise.all([
    batched.readContract({ address, abi: Probe.abi, functionName: 'value' }),
    batched.readContract({ address, abi: Probe.abi, functionName: 'owner' }),
    batched.getBalance({ address: h.ACCOUNTS[5] || h.ACCOUNTS[2] }),
  ]);
  assert.deepEqual([value, owner], [9n, h.ACCOUNTS[0]]);
  assert.ok(balance > 0n);
});

test('reverts are decoded: reason, custom error, panic', async () => {
  const address = await deploy();
  const read = (functionName, args = []) => http.simulateContract({ address, abi: Probe.abi, functionName, args, account: h.ACCOUNTS[0] });
  const cause = (e) => e.walk((x) => x instanceof viem.ContractFunctionRevertedError);
  await assert.rejects(read('refuse', ['no']), (e) => cause(e).reason === 'no');
  await assert.rejects(read('refuseTyped'), (e) => cause(e).data.errorName === 'Refused' && cause(e).data.args[1] === 42n);
  await assert.rejects(read('overflow', [1n]), (e) => /overflow/.test(cause(e).reason));
});

test('watchBlocks over WebSocket reads each block right after its header', async () => {
  const address = await deploy();
  const seen = [], problems = [];
  const stop = ws.watchBlocks({ onBlock: async (b) => seen.push((await ws.getBlock({ blockNumber: b.number })).hash === b.hash ? b.number : -1n), onError: (e) => problems.push(e) });
  await h.sleep(200);
  for (let i = 0n; i < 5n; i++) await set(address, i, 'b').then((hash) => http.waitForTransactionReceipt({ hash }));
  await h.until('five blocks', () => seen.length >= 5);
  stop();
  assert.deepEqual(problems, []);
  assert.ok(!seen.includes(-1n));
  for (let i = 1; i < seen.length; i++) assert.equal(seen[i], seen[i - 1] + 1n);
});

test('watchContractEvent, watchEvent and watchPendingTransactions over WebSocket', async () => {
  const address = await deploy();
  const events = [], raw = [], pending = [];
  const stops = [
    ws.watchContractEvent({ address, abi: Probe.abi, eventName: 'Changed', args: { value: [1n, 3n] }, onLogs: (logs) => events.push(...logs) }),
    ws.watchEvent({ address, onLogs: (logs) => raw.push(...logs) }),
    ws.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes) }),
  ];
  await h.sleep(200);
  const hashes = [];
  for (let i = 0n; i < 4n; i++) hashes.push(await set(address, i, `v${i}`));
  await h.until('events', () => raw.length === 4 && events.length === 2 && pending.length === 4);
  assert.deepEqual(events.map((l) => l.args.value), [1n, 3n]);
  assert.deepEqual(pending, hashes);
  stops.forEach((stop) => stop());
});

test('polling filters over HTTP', async () => {
  const address = await deploy();
  const filter = await http.createContractEventFilter({ address, abi: Probe.abi, eventName: 'Changed' });
  const blocks = await http.createBlockFilter();
  await http.waitForTransactionReceipt({ hash: await set(address, 5n, 'five') });
  const logs = await http.getFilterChanges({ filter });
  assert.equal(logs.length, 1);
  assert.equal(logs[0].args.note, 'five');
  assert.equal((await http.getFilterChanges({ filter: blocks })).length, 1);
  assert.equal((await http.getFilterChanges({ filter })).length, 0);
  assert.equal((await http.getFilterLogs({ filter })).length, 1);
  assert.equal(await http.uninstallFilter({ filter }), true);
  await assert.rejects(http.getFilterChanges({ filter }), /filter not found/i);
});

test('test client: mine, balances, code, storage, nonce, time, impersonation, snapshots', async () => {
  const before = await http.getBlockNumber();
  await tester.mine({ blocks: 3 });
  assert.equal(await http.getBlockNumber(), before + 3n);
  const someone = '0x00000000000000000000000000000000000000aa';
  await tester.setBalance({ address: someone, value: viem.parseEther('5') });
  assert.equal(await http.getBalance({ address: someone }), viem.parseEther('5'));
  await tester.setNonce({ address: someone, nonce: 3 });
  assert.equal(await http.getTransactionCount({ address: someone }), 3);
  await tester.setCode({ address: someone, bytecode: '0x600160005260206000f3' });
  assert.equal(await http.getCode({ address: someone }), '0x600160005260206000f3');
  await tester.setStorageAt({ address: someone, index: 2, value: viem.pad('0x2a') });
  assert.equal(await http.getStorageAt({ address: someone, slot: '0x2' }), viem.pad('0x2a'));
  const id = await tester.snapshot();
  const guest = '0x00000000000000000000000000000000000000bb';
  await tester.setBalance({ address: guest, value: viem.parseEther('1') });
  await tester.impersonateAccount({ address: guest });
  const asGuest = viem.createWalletClient({ chain: localChain, account: guest, transport: viem.http(node.http) });
  const hash = await asGuest.sendTransaction({ to: h.ACCOUNTS[1], value: 1n });
  const receipt = await http.waitForTransactionReceipt({ hash });
  assert.equal(receipt.from, guest);
  await tester.stopImpersonatingAccount({ address: guest });
  await tester.revert({ id });
  assert.equal(await http.getBalance({ address: guest }), 0n);
  const t = (await http.getBlock()).timestamp + 1000n;
  await tester.setNextBlockTimestamp({ timestamp: t });
  await tester.mine({ blocks: 1 });
  assert.equal((await http.getBlock()).timestamp, t);
  await tester.increaseTime({ seconds: 60 });
  await tester.setAutomine(false);
  const waiting = await set(someone, 1n, 'w').catch(() => null);
  await tester.setAutomine(true);
  await tester.mine({ blocks: 1 });
  if (waiting) await http.waitForTransactionReceipt({ hash: waiting });
});

test('keep-alive with id null was answered all along', async () => {
  await h.sleep(1000);
  assert.ok((await ws.getBlockNumber()) > 0n);
  const socket = await h.Socket.open(node.ws);
  await socket.send({ jsonrpc: '2.0', id: null, method: 'net_version', params: [] });
  await h.until('the answer', () => socket.received.length === 1);
  assert.deepEqual(socket.received[0], { jsonrpc: '2.0', id: null, result: '31337' });
  socket.close();
});

test('EIP-7702 and blobs through a wallet', async () => {
  const address = await deploy();
  const account = privateKeyToAccount(h.KEYS[1]);
  const delegated = viem.createWalletClient({ chain: localChain, account, transport: viem.http(node.http) });
  const authorization = await delegated.signAuthorization({ account, contractAddress: address, executor: 'self' });
  const hash = await delegated.sendTransaction({ authorizationList: [authorization], to: account.address, data: viem.encodeFunctionData({ abi: Probe.abi, functionName: 'set', args: [11n, 'delegated'] }) });
  const receipt = await http.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  assert.equal(receipt.logs[0].address.toLowerCase(), account.address.toLowerCase());
  assert.equal((await http.getCode({ address: account.address })).toLowerCase(), '0xef0100' + address.slice(2).toLowerCase());
});
