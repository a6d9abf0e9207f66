// --fork-url: our node on top of our own, of geth and of anvil: what was there is there, what is done on top stays on top, and
// what lies before is told by the node below.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { call, fork, geth, hex, inside, lay, send, token } = require('./ground.cjs');
const { ethers } = require('ethers');

const below = {
  'our own node, http': async () => { const n = await h.fanatico(['--silent', '--chain-id', '7777']); return Object.assign(n, { below: n.http }); },
  'our own node, ws': async () => { const n = await h.fanatico(['--silent', '--chain-id', '7777']); return Object.assign(n, { below: n.ws }); },
  geth: async () => { const n = await geth(); return Object.assign(n, { below: n.http }); },
  anvil: async () => { const n = await h.anvil(['--silent', '--chain-id', '7777', '--hardfork', 'osaka']).catch(() => h.anvil(['--chain-id', '7777'])); return Object.assign(n, { below: n.http }); },
};

for (const [name, start] of Object.entries(below)) {
  test(`on top of ${name}`, { timeout: 300000 }, async (t) => {
    const node = await start();
    t.after(() => node.running && node.stop());
    const g = await lay(node.http);
    const ours = await fork(node.below);
    t.after(() => ours.running && ours.stop());
    const url = ours.http;
    const both = async (method, params) => assert.deepEqual(await h.rpc(url, method, params), await h.rpc(node.http, method, params), `${method} ${JSON.stringify(params)}`);

    // The chain goes on where the other is.
    await both('eth_chainId', []);
    await both('eth_blockNumber', []);
    await both('net_version', []);
    // State of the fork's block, and before it.
    for (const at of ['latest', hex(g.head), hex(g.head - 1), hex(1), 'earliest', { blockHash: g.block.hash }]) {
      await both('eth_getBalance', ['0x00000000000000000000000000000000000000aa', at]);
      await both('eth_getCode', [g.token, at]);
      await both('eth_getTransactionCount', [h.ACCOUNTS[0], at]);
      await both('eth_getStorageAt', [g.token, '0x1', at]);
      if (at !== 'earliest' && at !== hex(1)) await both('eth_call', [{ to: g.token, data: token.encodeFunctionData('balanceOf', [h.ACCOUNTS[1]]) }, at]);
    }
    assert.deepEqual([...await call(url, g.token, token, 'name')], [...await call(node.http, g.token, token, 'name')]);
    // Blocks, transactions, receipts and logs before the fork are the other node's.
    for (const full of [true, false]) for (const at of ['latest', 'earliest', hex(g.head), hex(1)]) await both('eth_getBlockByNumber', [at, full]);
    await both('eth_getBlockByHash', [g.block.hash, true]);
    await both('eth_getBlockReceipts', ['latest']);
    await both('eth_getBlockTransactionCountByNumber', ['latest']);
    await both('eth_getTransactionByHash', [g.deployed.hash]);
    await both('eth_getTransactionReceipt', [g.moved.hash]);
    if (name !== 'anvil') await both('debug_traceTransaction', [g.moved.hash, { tracer: 'callTracer' }]);
    await both('eth_getTransactionByBlockNumberAndIndex', [hex(g.moved.number), '0x0']);
    await both('eth_getLogs', [{ fromBlock: 'earliest', toBlock: 'latest', address: g.token }]);
    await both('eth_getLogs', [{ blockHash: (await h.rpc(node.http, 'eth_getTransactionReceipt', [g.moved.hash])).blockHash }]);
    assert.equal(await h.rpc(url, 'eth_getBlockByHash', [ethers.ZeroHash, false]), null);
    assert.equal(await h.rpc(url, 'eth_getTransactionByHash', [ethers.ZeroHash]), null);

    // What happens below from now on is not seen above.
    const later = await send(node.http, { to: '0x00000000000000000000000000000000000000aa', value: 1n }, h.KEYS[0]);
    assert.equal(await h.rpc(url, 'eth_getBalance', ['0x00000000000000000000000000000000000000aa']), '0x1234');
    assert.equal(await h.rpc(url, 'eth_getTransactionByHash', [later.hash]), null);
    assert.equal(await h.rpc(url, 'eth_getTransactionReceipt', [later.hash]), null);
    assert.equal(await h.rpc(url, 'eth_getBlockByHash', [(await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false])).hash, false]), null);
    assert.equal(await h.rpc(url, 'eth_getBlockByNumber', [hex(g.head + 1), false]), null);

    // On top: development accounts are rich, and use what stands below.
    const before = (await call(url, g.token, token, 'balanceOf', [h.ACCOUNTS[2]]))[0];
    const sent = await send(url, { to: g.token, data: token.encodeFunctionData('transfer', [h.ACCOUNTS[2], 7n]) });
    assert.equal(sent.number, g.head + 1);
    assert.equal((await call(url, g.token, token, 'balanceOf', [h.ACCOUNTS[2]]))[0], before + 7n);
    assert.equal((await call(url, g.token, token, 'balanceOf', [h.ACCOUNTS[2]], hex(g.head)))[0], before);
    assert.equal((await call(node.http, g.token, token, 'balanceOf', [h.ACCOUNTS[2]]))[0], before);
    const block = await h.rpc(url, 'eth_getBlockByNumber', ['latest', false]);
    assert.equal(block.parentHash, g.block.hash);
    assert.equal(block.gasLimit, g.block.gasLimit);
    const { gasUsed, gasLimit, baseFeePerGas } = g.block, target = BigInt(gasLimit) / 2n, fee = BigInt(baseFeePerGas);
    const d = BigInt(gasUsed) - target;
    assert.equal(BigInt(block.baseFeePerGas), d > 0n ? fee + (fee * d / target / 8n || 1n) : fee - fee * -d / target / 8n, 'the base fee goes on');
    // Logs across the fork are one list.
    const logs = await h.rpc(url, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest', address: g.token, topics: [token.getEvent('Transfer').topicHash] }]);
    assert.deepEqual(logs.map((l) => Number(l.blockNumber)), [g.deployed.number, g.moved.number, sent.number]);
    // Hashes of blocks, seen from inside.
    for (const n of [g.head + 1, g.head, g.head - 1, g.head - 2, 1, 0]) {
      const real = n > g.head ? block.hash : (await h.rpc(node.http, 'eth_getBlockByNumber', [hex(n), false])).hash;
      await h.rpc(url, 'evm_mine');
      assert.equal((await call(url, g.inside, inside, 'hashOf', [n]))[0], real, `blockhash(${n})`);
    }
    assert.deepEqual((await call(url, g.inside, inside, 'codeOf', [g.token]))[0], ethers.keccak256(await h.rpc(node.http, 'eth_getCode', [g.token, 'latest'])));

    // Somebody from below, impersonated.
    const [rich] = node.http && name === 'geth' ? await h.rpc(node.http, 'eth_accounts') : [h.ACCOUNTS[1]];
    await h.rpc(url, 'anvil_impersonateAccount', [g.token]);
    await h.rpc(url, 'anvil_setBalance', [g.token, hex(10n ** 18n)]);
    await h.rpc(url, 'eth_sendTransaction', [{ from: g.token, to: rich, value: '0x1' }]);
    // A slot that is zeroed stays zero, and comes back with the snapshot.
    const id = await h.rpc(url, 'evm_snapshot');
    await h.rpc(url, 'anvil_setStorageAt', [g.token, '0x1', ethers.ZeroHash]);
    assert.equal((await call(url, g.token, token, 'totalSupply'))[0], 0n);
    assert.equal(await h.rpc(url, 'evm_revert', [id]), true);
    assert.equal((await call(url, g.token, token, 'totalSupply'))[0], 1000000n);

    const info = await h.rpc(url, 'anvil_nodeInfo');
    assert.equal(info.forkConfig.forkUrl, node.below.endsWith('/') ? node.below : node.below);
    assert.equal(info.forkConfig.forkBlockNumber, g.head);
    assert.deepEqual((await h.rpc(url, 'hardhat_metadata')).forkedNetwork, { chainId: Number(await h.rpc(url, 'eth_chainId')), forkBlockNumber: g.head, forkBlockHash: g.block.hash });

    // The node below goes away: what is known stays, what is not is a clear error, and the node lives.
    await node.stop();
    await assert.rejects(h.rpc(url, 'eth_getBalance', ['0x00000000000000000000000000000000000000bb']), (e) => {
      assert.match(e.message, new RegExp(`${node.below.replace(/[.]/g, '\\.')}: eth_get(Proof|Balance): `));
      return e.code === -32000;
    });
    assert.equal(await h.rpc(url, 'eth_getBalance', ['0x00000000000000000000000000000000000000aa']), '0x1234');
    assert.equal((await call(url, g.token, token, 'totalSupply'))[0], 1000000n);
    assert.equal(await ours.stop(), 0);
  });
}

test('a contract that is destroyed on top keeps nothing of what it had below', { timeout: 60000 }, async (t) => {
  const node = await h.fanatico(['--silent', '--hardfork', 'shanghai']);
  t.after(() => node.running && node.stop());
  const doomed = '0x000000000000000000000000000000000000d1e5';
  await h.rpc(node.http, 'anvil_setCode', [doomed, '0x33ff']); // CALLER SELFDESTRUCT
  await h.rpc(node.http, 'anvil_setStorageAt', [doomed, '0x1', ethers.toBeHex(42, 32)]);
  await h.rpc(node.http, 'anvil_mine', ['0x3']);
  const ours = await fork(node.http, ['--hardfork', 'shanghai']);
  t.after(() => ours.running && ours.stop());
  const slot = (block) => h.rpc(ours.http, 'eth_getStorageAt', [doomed, '0x1', block]);
  const head = Number(await h.rpc(ours.http, 'eth_blockNumber'));
  await send(ours.http, { to: doomed });
  assert.equal(await h.rpc(ours.http, 'eth_getCode', [doomed, 'latest']), '0x');
  assert.equal(await slot('latest'), ethers.ZeroHash);
  assert.equal(await slot(hex(head)), ethers.toBeHex(42, 32));
  for (let i = 0; i < 5; i++) { // in front of the base, and folded into it
    await h.rpc(ours.http, 'anvil_mine', ['0x1']);
    assert.equal(await slot('latest'), ethers.ZeroHash);
    assert.equal(await slot(hex(head + 1)), ethers.ZeroHash);
  }
});
