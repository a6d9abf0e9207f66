// Development methods through those who call them: Hardhat's chai-matchers, viem's test client action by action, and what anvil has
// beside them, asked of both.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');
const viem = require('viem');
const { foundry } = require('viem/chains');

let node, anvil;
before(async () => { [node, anvil] = await Promise.all([h.fanatico(['--silent']), h.anvil()]); });
after(() => Promise.all([node?.stop(), anvil?.stop()]));
const A = '0x' + 'a1'.repeat(20), B = '0x' + 'b2'.repeat(20);
const hex = (n) => `0x${BigInt(n).toString(16)}`;

test('hardhat-chai-matchers', { timeout: 180000 }, () => {
  const done = spawnSync('npx', ['--no-install', 'hardhat', 'run', '--no-compile', '--network', 'fanatico', path.join(__dirname, 'matchers_run.cjs')], {
    cwd: path.join(h.source, 'hardhat'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 150000,
    env: { ...process.env, FANATICO_HTTP: node.http, FANATICO_WS: node.ws, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', NODE_PATH: path.join(h.source, 'hardhat/node_modules'),
      FANATICO_CONTRACTS: JSON.stringify({ ...h.compile('Matchers.sol'), ...h.compile('Ground.sol') }) },
  });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  console.log(done.stdout.trim());
});

/** What one node answers: the result, or the error's code. */
async function ask(n, method, params = []) {
  const { result, error } = await h.post(n.http, { jsonrpc: '2.0', id: 1, method, params });
  return error ? { code: error.code } : result;
}
async function same(method, params) {
  const [ours, theirs] = await Promise.all([ask(node, method, params), ask(anvil, method, params)]);
  assert.deepEqual(ours, theirs, `${method} ${JSON.stringify(params)}`);
  return ours;
}
async function deploy(n, contract, ...args) {
  const data = contract.bytecode + (args.length ? ethers.AbiCoder.defaultAbiCoder().encode(['uint256'], args).slice(2) : '');
  const hash = await h.rpc(n.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], data }]);
  return (await h.until('the receipt', () => h.rpc(n.http, 'eth_getTransactionReceipt', [hash]))).contractAddress;
}

test("a token's balances are set, as by anvil", { timeout: 60000 }, async () => {
  const { Token } = h.compile('Ground.sol'), iface = new ethers.Interface(Token.abi);
  const [ours, theirs] = [await deploy(node, Token, 1000n), await deploy(anvil, Token, 1000n)];
  const balance = async (n, token, who) => BigInt(await h.rpc(n.http, 'eth_call', [{ to: token, data: iface.encodeFunctionData('balanceOf', [who]) }, 'latest']));
  for (const method of ['anvil_dealERC20', 'anvil_setERC20Balance', 'hardhat_dealERC20']) {
    for (const [n, token] of [[node, ours], [anvil, theirs]]) {
      for (const value of [12345n, 12345n, 0n, 2n ** 256n - 1n]) {
        assert.equal(await h.rpc(n.http, method, [A, token, hex(value)]), null);
        assert.equal(await balance(n, token, A), value);
        assert.equal(await balance(n, token, h.ACCOUNTS[0]), 1000n);
      }
    }
  }
  await assert.rejects(h.rpc(node.http, 'anvil_dealERC20', [A, B, '0x1']), /no storage slot of the token is its balance/);
  const code = await h.rpc(node.http, 'eth_getCode', [ours, 'latest']);
  assert.deepEqual(await h.rpc(node.http, 'eth_getAccountInfo', [ours, 'latest']), { nonce: '0x1', balance: '0x0', code });
  const account = await h.rpc(node.http, 'eth_getAccount', [ours, 'latest']);
  const proof = await h.rpc(node.http, 'eth_getProof', [ours, [], 'latest']);
  assert.deepEqual(account, { nonce: '0x1', balance: '0x0', codeHash: ethers.keccak256(code), storageRoot: proof.storageHash });
});

test('what anvil has beside them', async () => {
  for (const method of ['anvil_addBalance', 'hardhat_addBalance', 'tenderly_addBalance', 'tenderly_setBalance']) {
    await same(method, [B, '0x10']);
    await same('eth_getBalance', [B, 'latest']);
  }
  for (const who of [B, A]) for (const method of ['eth_getAccount', 'eth_getAccountInfo']) await same(method, [who, 'latest']);
  assert.equal(await h.rpc(node.http, 'anvil_getGenesisTime'), Number((await h.rpc(node.http, 'eth_getBlockByNumber', ['0x0', false])).timestamp));
  // A transaction of somebody whose key nobody has, and who is not impersonated afterwards.
  for (const n of [node, anvil]) {
    await h.rpc(n.http, 'anvil_setBalance', [A, hex(10n ** 18n)]);
    const hash = await h.rpc(n.http, 'eth_sendUnsignedTransaction', [{ from: A, to: B, value: '0x5', gas: '0x5208', maxFeePerGas: hex(10n ** 10n), maxPriorityFeePerGas: '0x1', nonce: '0x0' }]);
    const receipt = await h.until('the receipt', () => h.rpc(n.http, 'eth_getTransactionReceipt', [hash]));
    assert.equal(receipt.status, '0x1');
    assert.equal(receipt.from, A);
    await assert.rejects(h.rpc(n.http, 'eth_sendTransaction', [{ from: A, to: B, value: '0x5' }]));
  }
});

test("viem's test client, every action", { timeout: 120000 }, async () => {
  for (const mode of ['anvil', 'hardhat']) {
    const c = viem.createTestClient({ chain: foundry, mode, transport: viem.http(node.http) }).extend(viem.publicActions).extend(viem.walletActions);
    const [from, to] = h.ACCOUNTS, done = new Set();
    const t = new Proxy(c, { get: (o, k) => { done.add(k); return o[k]; } });
    const snapshot = await t.snapshot();
    await t.setAutomine(false);
    if (mode === 'anvil') assert.equal(await t.getAutomine(), false);
    else assert.equal(await t.getAutomine(), false);
    const dropped = await c.sendTransaction({ account: from, to, value: 1n });
    assert.equal((await t.getTxpoolStatus()).pending, 1);
    assert.ok((await t.getTxpoolContent()).pending);
    assert.ok((await t.inspectTxpool()).pending);
    await t.dropTransaction({ hash: dropped });
    assert.equal((await t.getTxpoolStatus()).pending, 0);
    await t.setAutomine(true);
    await t.setBalance({ address: A, value: 77n });
    assert.equal(await c.getBalance({ address: A }), 77n);
    await t.setNonce({ address: A, nonce: 9 });
    assert.equal(await c.getTransactionCount({ address: A }), 9);
    await t.setCode({ address: A, bytecode: '0x6001' });
    assert.equal(await c.getCode({ address: A }), '0x6001');
    await t.setStorageAt({ address: A, index: 2, value: viem.numberToHex(5, { size: 32 }) });
    assert.equal(BigInt(await c.getStorageAt({ address: A, slot: '0x2' })), 5n);
    await t.impersonateAccount({ address: B });
    await t.setBalance({ address: B, value: 10n ** 18n });
    assert.ok(await c.sendTransaction({ account: B, to, value: 1n }));
    await t.stopImpersonatingAccount({ address: B });
    await assert.rejects(c.sendTransaction({ account: B, to, value: 1n }));
    assert.ok(await t.sendUnsignedTransaction({ from: B, to, value: 1n, gas: 21000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n }));
    const n = await c.getBlockNumber({ cacheTime: 0 });
    await t.mine({ blocks: 2, interval: 3 });
    assert.equal(await c.getBlockNumber({ cacheTime: 0 }), n + 2n);
    await t.increaseTime({ seconds: 100 });
    const block = await c.getBlock();
    await t.setNextBlockTimestamp({ timestamp: block.timestamp + 1000n });
    await t.setNextBlockBaseFeePerGas({ baseFeePerGas: 123456n });
    await t.setCoinbase({ address: B });
    await t.setBlockGasLimit({ gasLimit: 20000000n });
    await t.mine({ blocks: 1 });
    const mined = await c.getBlock();
    assert.equal(mined.timestamp, block.timestamp + 1000n);
    assert.equal(mined.baseFeePerGas, 123456n);
    assert.equal(mined.gasLimit, 20000000n);
    assert.equal(mined.miner, B);
    await t.setIntervalMining({ interval: 0 });
    await t.setAutomine(true);
    await t.setBlockTimestampInterval({ interval: 5 });
    await t.mine({ blocks: 1 });
    assert.equal((await c.getBlock()).timestamp, mined.timestamp + (mode === 'hardhat' ? 5000n : 5n), 'viem counts milliseconds for Hardhat; we count seconds');
    await t.removeBlockTimestampInterval();
    await t.setLoggingEnabled(true);
    await assert.rejects(t.setMinGasPrice({ gasPrice: 1n }), /EIP-1559/);
    await assert.rejects(t.setRpcUrl('http://127.0.0.1:1'), /not a fork/);
    await t.setBalance({ address: A, value: 78n });
    const dump = await t.dumpState();
    await t.setBalance({ address: A, value: 1n });
    await t.loadState({ state: dump });
    assert.equal(await c.getBalance({ address: A }), 78n);
    await t.revert({ id: snapshot });
    assert.equal(await c.getCode({ address: A }), undefined);
    await t.reset();
    assert.equal(await c.getBlockNumber({ cacheTime: 0 }), 0n);
    const actions = Object.keys(viem.testActions({ mode })(viem.createClient({ transport: viem.http(node.http) })));
    assert.deepEqual(actions.filter((a) => !done.has(a)), [], 'actions that were not tried');
  }
});

test('a reorg to order: the new blocks hold the given transactions, as with anvil', { timeout: 60000 }, async () => {
  const nodes = await Promise.all([h.fanatico(['--silent']), h.anvil()]);
  try {
    const told = await Promise.all(nodes.map(async (n) => {
      const accounts = await ask(n, 'eth_accounts'), to = accounts[9];
      const send = (from, value) => ask(n, 'eth_sendTransaction', [{ from, to, value: hex(value), gas: '0x5208' }]);
      for (const [i, v] of [[0, 1], [0, 2], [1, 3], [0, 4]]) {
        const hash = await send(accounts[i], v);
        await h.until('the receipt', () => ask(n, 'eth_getTransactionReceipt', [hash]));
      }
      const raw = await ethers.HDNodeWallet.fromPhrase(h.MNEMONIC, '', "m/44'/60'/0'/0/2").signTransaction({ type: 2, chainId: 31337, nonce: 0, to, value: 77n, gasLimit: 21000, maxFeePerGas: 4000000000n, maxPriorityFeePerGas: 1n });
      const chain = async () => Promise.all([1, 2, 3, 4].map(async (i) => (await ask(n, 'eth_getBlockByNumber', [hex(i), true])).transactions.map((t) => [t.from, t.nonce, t.value])));
      const log = [];
      const reorg = async (...params) => log.push([await ask(n, 'anvil_reorg', params), await chain()]);
      await reorg(3, [[raw, 1], [{ from: accounts[3], to, value: '0x58' }, 0], [{ from: accounts[3], to, value: '0x59' }, 2]]);
      await reorg(3, [[raw, 5]]);
      await reorg(1, [[raw]]);
      await reorg(1, [['0x12', 0]]);
      await reorg(2, [[raw, 1]]);
      return log;
    }));
    assert.deepEqual(told[0], told[1]);
    assert.deepEqual(told[0][0][1].map((txs) => txs.length), [1, 1, 1, 1]);
    assert.equal((await ask(nodes[0], 'anvil_reorg', [1, [[{ from: A, to: B, value: '0x1' }, 0]]])).code, -32000, 'nobody signs for that sender');
    await ask(nodes[0], 'anvil_impersonateAccount', [A]);
    await ask(nodes[0], 'anvil_setBalance', [A, hex(10n ** 18n)]);
    assert.equal(await ask(nodes[0], 'anvil_reorg', [1, [[{ from: A, to: B, value: '0x1' }, 0]]]).then((r) => r?.code), -32000, 'the balance came after the blocks that stay');
    // Without transactions those of the old blocks come again, unlike with anvil, which forgets them.
    const before = (await ask(nodes[0], 'eth_getBlockByNumber', ['latest', false])).transactions;
    await ask(nodes[0], 'anvil_reorg', [1, []]);
    assert.deepEqual((await ask(nodes[0], 'eth_getBlockByNumber', ['latest', false])).transactions, before);
  } finally {
    await Promise.all(nodes.map((n) => n.stop()));
  }
});

test('eth_sendTransactionSync answers with the receipt, or in vain', { timeout: 60000 }, async () => {
  const tx = { from: h.ACCOUNTS[0], to: B, value: '0x1' };
  const receipt = await ask(node, 'eth_sendTransactionSync', [tx]);
  assert.deepEqual(receipt, await ask(node, 'eth_getTransactionReceipt', [receipt.transactionHash]));
  await ask(node, 'evm_setAutomine', [false]);
  assert.equal((await ask(node, 'eth_sendTransactionSync', [tx, 50])).code, 4);
  const later = ask(node, 'eth_sendTransactionSync', [tx, 5000]);
  await h.until('it waits', async () => (await ask(node, 'txpool_status')).pending === '0x2');
  await ask(node, 'evm_mine');
  assert.equal((await later).status, '0x1');
  await ask(node, 'evm_setAutomine', [true]);
});

test('debug_storageRangeAt tells the slots between the transactions of a block', { timeout: 60000 }, async () => {
  // Slot = the first word of the data, value = the second; value 0 clears.
  const code = '0x' + '6020355f3555' + '00', at = '0x' + 'c5'.repeat(20), word = (n) => ethers.zeroPadValue(ethers.toBeHex(n), 32);
  await ask(node, 'anvil_setCode', [at, code]);
  await ask(node, 'anvil_setStorageAt', [at, word(1), word(11)]);
  await ask(node, 'evm_mine');
  await ask(node, 'evm_setAutomine', [false]);
  const writes = [[2, 22], [1, 0], [3, 33], [2, 23]];
  for (const [slot, value] of writes) await ask(node, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: at, data: ethers.concat([word(slot), word(value)]), gas: '0x186a0' }]);
  await ask(node, 'evm_mine');
  await ask(node, 'evm_setAutomine', [true]);
  const block = await ask(node, 'eth_getBlockByNumber', ['latest', false]), want = new Map([[1, 11]]);
  assert.equal(block.transactions.length, writes.length);
  for (const [i, [slot, value]] of writes.entries()) {
    const { storage, nextKey } = await ask(node, 'debug_storageRangeAt', [block.hash, i, at, '0x0', 100]);
    assert.deepEqual(Object.fromEntries(Object.values(storage).map((s) => [Number(s.key), Number(s.value)])), Object.fromEntries(want), `before transaction ${i}`);
    assert.equal(nextKey, null);
    for (const [key, s] of Object.entries(storage)) assert.equal(key, ethers.keccak256(s.key));
    if (value) want.set(slot, value); else want.delete(slot);
  }
  assert.equal((await ask(node, 'debug_storageRangeAt', [block.hash, 4, at, '0x', 100])).code, -32000);
});

test('pages of Otterscan while others ask: what a page holds is not the call that was answered', { timeout: 60000 }, async () => {
  const own = await h.fanatico(['--silent']), long = '0x' + '22'.repeat(3000);
  try {
    for (let i = 0; i < 40; i++) await h.rpc(own.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: B, value: '0x1' }]);
    const digest = ethers.keccak256(long), [newest] = (await h.rpc(own.http, 'ots_searchTransactionsBefore', [B, 0, 1])).txs;
    assert.equal(Number(newest.blockNumber), 40);
    await Promise.all([0, 1, 2, 3].map(async () => {
      for (let i = 0; i < 100; i++) {
        const page = await h.rpc(own.http, 'ots_searchTransactionsAfter', [B, 0, 30]);
        assert.equal(page.txs.length, 30);
        assert.equal(await h.rpc(own.http, 'web3_sha3', [long]), digest);
      }
    }));
  } finally {
    await own.stop();
  }
});

test("blobs of what was sealed can be had, as anvil has them; what was taken back, or was never here, is null", { timeout: 120000 }, async () => {
  const rich = require('./rich.cjs');
  const nodes = await Promise.all([h.fanatico(['--silent']), h.anvil(['--hardfork', 'osaka'])]);
  await Promise.all(nodes.map(async (node) => {
    const ask = (method, ...params) => h.rpc(node.http, method, params), s = new rich.Signer();
    const { raw, hash } = await s.sign(0, { ...rich.blobs(2), to: h.ACCOUNTS[1], gasLimit: 21000 });
    const { hash: plain, raw: plainRaw } = await s.sign(0, { to: h.ACCOUNTS[1], gasLimit: 21000 });
    const snapshot = await ask('evm_snapshot');
    for (const one of [raw, plainRaw]) await ask('eth_sendRawTransaction', one);
    const [versioned] = (await h.until('the block', () => ask('eth_getTransactionByHash', hash))).blobVersionedHashes;
    await h.until('the receipt', () => ask('eth_getTransactionReceipt', plain));
    const zeros = '0x' + '00'.repeat(131072);
    assert.deepEqual(await ask('anvil_getBlobsByTransactionHash', hash), [zeros, zeros]);
    assert.equal(await ask('anvil_getBlobByHash', versioned), zeros);
    for (const other of [plain, '0x' + '11'.repeat(32)]) assert.equal(await ask('anvil_getBlobsByTransactionHash', other), null);
    assert.equal(await ask('anvil_getBlobByHash', '0x01' + '11'.repeat(31)), null);
    assert.equal((await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'anvil_getBlobByHash', params: ['0x12'] })).error?.code, -32602);
    await ask('evm_revert', snapshot);
    assert.equal(await ask('anvil_getBlobsByTransactionHash', hash), null);
    assert.equal(await ask('anvil_getBlobByHash', versioned), null);
  }));
  await Promise.all(nodes.map((n) => n.stop()));
});

test("a state that anvil dumped, packed as it comes, is read; damaged bytes are refused", { timeout: 60000 }, async () => {
  const [node, peer] = await Promise.all([h.fanatico(['--silent']), h.anvil([])]), A = '0x' + 'ab'.repeat(20);
  await h.rpc(peer.http, 'anvil_setBalance', [A, '0x1234']);
  const dump = await h.rpc(peer.http, 'anvil_dumpState', []);
  assert.match(dump, /^0x1f8b/);
  assert.equal(await h.rpc(node.http, 'anvil_loadState', [dump]), true);
  assert.equal(await h.rpc(node.http, 'eth_getBalance', [A, 'latest']), '0x1234');
  for (const [bad, words] of [[dump.slice(0, -20), /cut short/], [dump.slice(0, 60) + 'ffff' + dump.slice(64), /damaged/], ['0x1f8b', /damaged or cut short/]]) {
    const { error } = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'anvil_loadState', params: [bad] });
    assert.equal(error?.code, -32602);
    assert.match(error.message, words);
  }
  await Promise.all([node.stop(), peer.stop()]);
});

test('who names no sender means the first account, as with anvil', { timeout: 60000 }, async () => {
  for (const [start, args] of [[h.fanatico, ['--silent']], [h.anvil, []]]) {
    const node = await start(args), ask = (method, ...params) => h.rpc(node.http, method, params), to = '0x' + 'ee'.repeat(20);
    const hash = await ask('eth_sendTransaction', { to, value: '0x7' });
    await h.until('its receipt', () => ask('eth_getTransactionReceipt', hash));
    assert.equal((await ask('eth_getTransactionByHash', hash)).from, h.ACCOUNTS[0].toLowerCase());
    assert.equal(await ask('eth_getBalance', to, 'latest'), '0x7');
    await node.stop();
  }
  const bare = await h.fanatico(['--silent', '--accounts', '0']);
  assert.match((await h.post(bare.http, { jsonrpc: '2.0', id: 1, method: 'eth_sendTransaction', params: [{ to: h.ACCOUNTS[1] }] })).error.message, /unknown account/);
  await bare.stop();
});

test('Otterscan: behind the last number there can be, no transaction comes', async () => {
  await ask(node, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: A, value: '0x1' }]);
  assert.ok((await ask(node, 'ots_searchTransactionsAfter', [A, 0, 25])).txs.length);
  assert.deepEqual(await ask(node, 'ots_searchTransactionsAfter', [A, hex(2n ** 64n - 1n), 25]), { txs: [], receipts: [], firstPage: true, lastPage: false });
});
