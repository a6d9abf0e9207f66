// Real contracts from their npm packages: Uniswap v2 and v3, OpenZeppelin. Deploy, add liquidity, swap; every event that the
// receipts hold must have arrived on the WebSocket, once and in order.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const artifact = (name) => require(name);
const v2Factory = artifact('@uniswap/v2-core/build/UniswapV2Factory.json');
const v2Pair = artifact('@uniswap/v2-core/build/UniswapV2Pair.json');
const v2Router = artifact('@uniswap/v2-periphery/build/UniswapV2Router02.json');
const weth9 = artifact('@uniswap/v2-periphery/build/WETH9.json');
const v3Factory = artifact('@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json');
const v3Pool = artifact('@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json');
const { Coin, Payer } = h.compile('Exchange.sol', { viaIR: false });

let node, provider, signer, socket, subscription;
const receipts = [];

async function mined(sent) {
  const receipt = await (await sent).wait();
  assert.equal(receipt.status, 1);
  receipts.push(await h.rpc(node.http, 'eth_getTransactionReceipt', [receipt.hash]));
  return receipt;
}
async function deploy({ abi, bytecode, evm }, ...args) {
  const factory = new ethers.ContractFactory(abi, bytecode ?? evm.bytecode.object, signer);
  const contract = await factory.deploy(...args);
  await mined(Promise.resolve(contract.deploymentTransaction()));
  return contract.waitForDeployment();
}

before(async () => {
  node = process.env.PEER === 'anvil' ? await h.anvil() : await h.fanatico();
  socket = await h.Socket.open(node.ws);
  subscription = await socket.call('eth_subscribe', ['logs', {}]);
  provider = new ethers.JsonRpcProvider(node.http, undefined, { cacheTimeout: -1, pollingInterval: 20 });
  signer = await provider.getSigner(0);
});
after(async () => {
  provider?.destroy();
  socket?.close();
  await node?.stop();
});

// What a swap costs depends on the block's timestamp (Uniswap's price oracle), so an estimate can fall short.
const gas = { gasLimit: 1_000_000n };
const later = () => Math.floor(Date.now() / 1000) + 100000;

test('Uniswap v2: factory, router, pair, liquidity with ether, swaps both ways', async () => {
  const weth = await deploy(weth9);
  const factory = await deploy(v2Factory, signer.address);
  const router = await deploy(v2Router, await factory.getAddress(), await weth.getAddress());
  const [a, b] = [await deploy(Coin, 'A', ethers.parseEther('1000000')), await deploy(Coin, 'B', ethers.parseEther('1000000'))];
  for (const coin of [a, b]) await mined(coin.approve(await router.getAddress(), ethers.MaxUint256));
  await mined(router.addLiquidity(await a.getAddress(), await b.getAddress(), ethers.parseEther('1000'), ethers.parseEther('4000'), 0, 0, signer.address, later()));
  await mined(router.addLiquidityETH(await a.getAddress(), ethers.parseEther('500'), 0, 0, signer.address, later(), { value: ethers.parseEther('50') }));
  const pair = new ethers.Contract(await factory.getPair(await a.getAddress(), await b.getAddress()), v2Pair.abi, signer);
  const k = async () => { const [x, y] = await pair.getReserves(); return x * y; };
  const before = await k();
  for (let i = 1n; i <= 5n; i++) {
    await mined(router.swapExactTokensForTokens(ethers.parseEther('1') * i, 0, [await a.getAddress(), await b.getAddress()], signer.address, later(), gas));
    await mined(router.swapExactTokensForTokens(ethers.parseEther('2') * i, 0, [await b.getAddress(), await a.getAddress()], signer.address, later(), gas));
  }
  await mined(router.swapExactETHForTokens(0, [await weth.getAddress(), await a.getAddress(), await b.getAddress()], signer.address, later(), { ...gas, value: ethers.parseEther('1') }));
  assert.ok((await k()) > before, 'fees make k grow');
  await mined(pair.approve(await router.getAddress(), ethers.MaxUint256));
  await mined(router.removeLiquidity(await a.getAddress(), await b.getAddress(), ethers.parseEther('10'), 0, 0, signer.address, later(), gas));
  await assert.rejects(router.swapExactTokensForTokens.staticCall(1, ethers.MaxUint256, [await a.getAddress(), await b.getAddress()], signer.address, later()), (e) => /INSUFFICIENT/.test(e.reason));
});

test('Uniswap v3: pool, concentrated liquidity, swaps across ticks', async () => {
  const factory = await deploy(v3Factory);
  const payer = await deploy(Payer);
  const coins = [await deploy(Coin, 'C', ethers.parseEther('1000000')), await deploy(Coin, 'D', ethers.parseEther('1000000'))];
  for (const coin of coins) await mined(coin.approve(await payer.getAddress(), ethers.MaxUint256));
  await mined(factory.createPool(await coins[0].getAddress(), await coins[1].getAddress(), 3000));
  const pool = new ethers.Contract(await factory.getPool(await coins[0].getAddress(), await coins[1].getAddress(), 3000), v3Pool.abi, signer);
  await mined(pool.initialize(2n ** 96n));
  await mined(payer.mint(await pool.getAddress(), -600, 600, ethers.parseEther('1000')));
  await mined(payer.mint(await pool.getAddress(), -6000, 6000, ethers.parseEther('5000')));
  const MIN = 4295128740n, MAX = 1461446703485210103287273052203988822378723970341n;
  await mined(payer.swap(await pool.getAddress(), true, ethers.parseEther('10'), MIN));
  await mined(payer.swap(await pool.getAddress(), false, ethers.parseEther('400'), MAX));
  await mined(payer.swap(await pool.getAddress(), true, ethers.parseEther('100'), MIN));
  assert.notEqual((await pool.slot0()).tick, 0n);
});

test('OpenZeppelin: permits, delegation, votes', async () => {
  const coin = await deploy(Coin, 'Votes', 1000n);
  const holder = new ethers.Wallet(h.KEYS[1], provider);
  const domain = { name: 'Votes', version: '1', chainId: 31337, verifyingContract: await coin.getAddress() };
  const types = { Permit: ['owner', 'spender'].map((name) => ({ name, type: 'address' })).concat(['value', 'nonce', 'deadline'].map((name) => ({ name, type: 'uint256' }))) };
  const value = { owner: holder.address, spender: signer.address, value: 77n, nonce: 0n, deadline: BigInt(later()) };
  const { v, r, s } = ethers.Signature.from(await holder.signTypedData(domain, types, value));
  await mined(coin.permit(value.owner, value.spender, value.value, value.deadline, v, r, s));
  assert.equal(await coin.allowance(holder.address, signer.address), 77n);
  await mined(coin.delegate(signer.address));
  await mined(coin.transfer(holder.address, 100n));
  assert.equal(await coin.getVotes(signer.address), 900n);
});

test('every event of every receipt arrived, once and in order', async () => {
  const expected = receipts.flatMap((r) => r.logs);
  assert.ok(expected.length > 80, `${expected.length} events`);
  await h.until('the last event', () => socket.of(subscription).length >= expected.length);
  assert.deepEqual(socket.of(subscription), expected);
  console.log(`${receipts.length} transactions, ${expected.length} events`);
});
