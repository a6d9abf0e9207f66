// What the fork's tests share: a chain below, with contracts on it and blocks under them.
'use strict';
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const token = new ethers.Interface(h.compile('Ground.sol').Token.abi);
const inside = new ethers.Interface(h.compile('Ground.sol').Inside.abi);
const hex = (n) => `0x${BigInt(n).toString(16)}`;

/** Signs with a raw key and waits for the receipt: any node takes that. */
async function send(url, tx, key = h.KEYS[0]) {
  const provider = new ethers.JsonRpcProvider(url, undefined, { batchMaxCount: 1, pollingInterval: 50, cacheTimeout: -1 });
  try {
    const receipt = await (await new ethers.Wallet(key, provider).sendTransaction(tx)).wait(1, 30000);
    return { hash: receipt.hash, number: receipt.blockNumber, address: receipt.contractAddress };
  } finally { provider.destroy(); }
}

/** Deploys and uses the contracts; what is where, and what was told, comes back. */
async function lay(url) {
  const { Token, Inside } = h.compile('Ground.sol');
  const g = { url };
  g.deployed = await send(url, { data: Token.bytecode + ethers.AbiCoder.defaultAbiCoder().encode(['uint256'], [1000000n]).slice(2) });
  g.token = g.deployed.address;
  g.inside = (await send(url, { data: Inside.bytecode })).address;
  g.moved = await send(url, { to: g.token, data: token.encodeFunctionData('transfer', [h.ACCOUNTS[1], 400n]) });
  g.paid = await send(url, { to: '0x00000000000000000000000000000000000000aa', value: 0x1234n });
  g.head = Number(await h.rpc(url, 'eth_blockNumber'));
  g.block = await h.rpc(url, 'eth_getBlockByNumber', [hex(g.head), true]);
  return g;
}

const call = async (url, to, iface, name, args = [], at = 'latest') =>
  iface.decodeFunctionResult(name, await h.rpc(url, 'eth_call', [{ to, data: iface.encodeFunctionData(name, args) }, at]));

/** Our node on top of one. */
const fork = (url, args = [], more = {}) => h.fanatico(['--fork-url', url, '--silent', '--no-storage-caching', '--retries', '1', '--fork-retry-backoff', '50', ...args], more);

/** geth's own development chain. */
async function geth() {
  const port = await h.freePort(), url = `http://127.0.0.1:${port}`;
  const node = new h.Program(h.gethFile(), ['--dev', '--dev.period', '0', '--http', '--http.port', String(port), '--http.api', 'eth,web3,net,debug', '--nodiscover', '--maxpeers', '0',
    '--authrpc.port', '0', '--port', '0', '--ipcdisable']);
  await h.until('geth to answer', async () => {
    if (!node.running) throw new Error(node.output.slice(-3000));
    try { return await h.rpc(url, 'eth_blockNumber'); } catch { return null; }
  });
  const [rich] = await h.rpc(url, 'eth_accounts');
  const sent = await h.rpc(url, 'eth_sendTransaction', [{ from: rich, to: h.ACCOUNTS[0], value: hex(10n ** 21n) }]);
  // A young geth refuses to look transactions up: "transaction indexing is in progress".
  await h.until('the gift', () => h.rpc(url, 'eth_getTransactionReceipt', [sent]).catch(() => null));
  return Object.assign(node, { http: url });
}

module.exports = { call, fork, geth, hex, inside, lay, send, token };
