// anvil_reset and hardhat_reset onto other ground: from no fork onto one, from one to another, and back; what subscribers, snapshots,
// filters and readers see of it. anvil_setRpcUrl: the same block told by another node. Uniswap, laid below, used above.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { call, fork, hex, lay, send, token } = require('./ground.cjs');

let one, two, g1, g2;
before(async () => {
  [one, two] = await Promise.all([h.fanatico(['--silent', '--chain-id', '1001']), h.fanatico(['--silent', '--chain-id', '1002'])]);
  g1 = await lay(one.http);
  await h.rpc(two.http, 'anvil_mine', ['0x32']);
  g2 = await lay(two.http);
});
after(() => Promise.all([one?.stop(), two?.stop()]));

for (const method of ['anvil_reset', 'hardhat_reset']) {
  test(`${method} onto a fork, onto another, and back`, { timeout: 120000 }, async (t) => {
    const node = await h.fanatico(['--silent', '--no-storage-caching', '--retries', '0']);
    t.after(() => node.running && node.stop());
    const url = node.http, reset = (...params) => h.rpc(url, method, params);
    const s = await h.Socket.open(node.ws);
    t.after(() => s.close());
    const heads = await s.call('eth_subscribe', ['newHeads']), logs = await s.call('eth_subscribe', ['logs', {}]);
    const own = await send(url, { data: h.compile('Ground.sol').Token.bytecode + hex(5).slice(2).padStart(64, '0') });
    assert.equal(await h.rpc(url, 'eth_chainId'), '0x7a69');
    const snapshot = await h.rpc(url, 'evm_snapshot');

    await reset({ forking: { jsonRpcUrl: one.http } });
    await h.until('the log to be removed', () => s.of(logs).some((l) => l.removed && l.transactionHash === own.hash));
    assert.deepEqual([await h.rpc(url, 'eth_chainId'), await h.rpc(url, 'net_version'), Number(await h.rpc(url, 'eth_blockNumber'))], ['0x3e9', '1001', g1.head]);
    assert.equal((await call(url, g1.token, token, 'balanceOf', [h.ACCOUNTS[1]]))[0], 400n);
    assert.equal(await h.rpc(url, 'eth_getTransactionByHash', [own.hash]), null);
    assert.equal(await h.rpc(url, 'evm_revert', [snapshot]), false);
    assert.equal((await h.rpc(url, 'anvil_nodeInfo')).forkConfig.forkUrl, one.http);
    const above = await send(url, { to: g1.token, data: token.encodeFunctionData('transfer', [h.ACCOUNTS[2], 1n]) });
    assert.equal(above.number, g1.head + 1);
    await h.until('the head above', () => s.of(heads).some((b) => Number(b.number) === g1.head + 1 && b.parentHash === g1.block.hash));

    // The same ground again, without what was done; an earlier block of it; the other chain.
    await reset({ forking: {} });
    assert.equal(Number(await h.rpc(url, 'eth_blockNumber')), g1.head);
    assert.equal((await call(url, g1.token, token, 'balanceOf', [h.ACCOUNTS[2]]))[0], 0n);
    await reset({ forking: { jsonRpcUrl: one.http, blockNumber: g1.deployed.number } });
    assert.equal(Number(await h.rpc(url, 'eth_blockNumber')), g1.deployed.number);
    assert.equal((await call(url, g1.token, token, 'balanceOf', [h.ACCOUNTS[1]]))[0], 0n);
    await reset({ forking: { jsonRpcUrl: two.ws, blockNumber: hex(g2.head) } });
    assert.deepEqual([await h.rpc(url, 'eth_chainId'), Number(await h.rpc(url, 'eth_blockNumber'))], ['0x3ea', g2.head]);
    assert.equal((await call(url, g2.token, token, 'balanceOf', [h.ACCOUNTS[1]]))[0], 400n);
    assert.equal((await h.rpc(url, 'eth_getBlockByNumber', [hex(g2.head), false])).hash, g2.block.hash);

    // What cannot be is refused, and nothing has changed.
    for (const [forking, words] of [
      [{ jsonRpcUrl: 'nowhere' }, /begins with none of/], [{ jsonRpcUrl: `http://127.0.0.1:${await h.freePort()}` }, /Connection refused/],
      [{ jsonRpcUrl: one.http, blockNumber: 9999 }, /has no block 9999/], [{ jsonRpcUrl: 7 }, /want a string/],
    ]) await assert.rejects(reset({ forking }), (e) => words.test(e.message) || assert.fail(e.message));
    assert.equal(Number(await h.rpc(url, 'eth_blockNumber')), g2.head);

    // Another URL for the same block; not one that has another block there.
    await assert.rejects(h.rpc(url, 'anvil_setRpcUrl', [one.http]), /its block \d+ is not the fork's/);
    await h.rpc(url, 'anvil_setRpcUrl', [two.http]);
    assert.equal((await h.rpc(url, 'anvil_nodeInfo')).forkConfig.forkUrl, two.http);
    assert.equal(await h.rpc(url, 'eth_getBalance', ['0x00000000000000000000000000000000000000cc']), '0x0');

    // And back to nobody's chain.
    await reset();
    assert.deepEqual([await h.rpc(url, 'eth_chainId'), await h.rpc(url, 'eth_blockNumber')], ['0x7a69', '0x0']);
    assert.equal(await h.rpc(url, 'eth_getCode', [g2.token, 'latest']), '0x');
    assert.equal((await h.rpc(url, 'anvil_nodeInfo')).forkConfig.forkUrl, null);
    assert.equal((await send(url, { to: h.ACCOUNTS[1], value: 1n })).number, 1);
    await h.rpc(url, 'anvil_setChainId', [4242]);
    assert.equal(await h.rpc(url, 'eth_chainId'), '0x1092');
    assert.equal((await send(url, { to: h.ACCOUNTS[1], value: 1n })).number, 2);
    assert.equal(await node.stop(), 0);
  });
}

test('readers at work while the ground changes see one chain or the other', { timeout: 120000 }, async (t) => {
  const node = await h.fanatico(['--silent', '--no-storage-caching', '--retries', '0', '--fork-url', one.http]);
  t.after(() => node.running && node.stop());
  let stop = false, reads = 0;
  const balances = new Set(['400', 'none']);
  const reader = async () => {
    while (!stop) {
      for (const g of [g1, g2]) {
        const raw = await h.rpc(node.http, 'eth_call', [{ to: g.token, data: token.encodeFunctionData('balanceOf', [h.ACCOUNTS[1]]) }, 'latest']).catch((e) => {
          if (!/moved on|historical state|header not found|busy/.test(e.message)) throw e;
          return '0x';
        });
        assert.ok(balances.has(raw === '0x' ? 'none' : String(BigInt(raw))), raw);
        reads++;
      }
      await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
      await h.rpc(node.http, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }]).catch(() => {});
    }
  };
  const readers = Array.from({ length: 4 }, reader);
  for (let i = 0; i < 30; i++) {
    const [node_, g] = i % 2 ? [one, g1] : [two, g2];
    await h.rpc(node.http, 'anvil_reset', [{ forking: { jsonRpcUrl: node_.http } }]);
    assert.equal(Number(await h.rpc(node.http, 'eth_blockNumber')), g.head);
    await h.rpc(node.http, 'evm_mine');
  }
  stop = true;
  await Promise.all(readers);
  assert.ok(reads > 20, `${reads} reads`);
  assert.equal(await node.stop(), 0);
});
