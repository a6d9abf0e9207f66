// A Hardhat 3 project against the running node: deploy, call, revert with reason, watch. The contract comes compiled (PROBE),
// since Hardhat would download its compiler.
import { expect } from 'chai';
import { network } from 'hardhat';
import { readFileSync } from 'node:fs';
import { WebSocketProvider } from 'ethers';

const { ethers, provider } = await network.connect('fanatico');
const probeOf = JSON.parse(readFileSync(process.env.PROBE, 'utf8'));

describe('Hardhat 3', function () {
  let probe, owner;

  before(async () => {
    [owner] = await ethers.getSigners();
    probe = await new ethers.ContractFactory(probeOf.abi, probeOf.bytecode, owner).deploy(7n);
    await probe.waitForDeployment();
  });

  it('runs on a recent Node and finds the chain', async () => {
    expect(Number(process.versions.node.split('.')[0])).to.be.at.least(22);
    expect((await ethers.provider.getNetwork()).chainId).to.equal(31337n);
    expect(await provider.request({ method: 'web3_clientVersion', params: [] })).to.match(/^(hardhatnetwork|anvil|zksync)/);
  });

  it('deploys, calls, transacts', async () => {
    expect(await probe.value()).to.equal(7n);
    const receipt = await (await probe.set(8n, 'eight')).wait();
    expect(receipt.status).to.equal(1);
    expect(await probe.value()).to.equal(8n);
  });

  it('reads the reason of a revert', async () => {
    let caught;
    try { await probe.refuse('not today'); } catch (e) { caught = e; }
    expect(caught?.message).to.contain('not today');
    try { await probe.refuseTyped.staticCall(); caught = null; } catch (e) { caught = e; }
    // Hardhat's provider keeps the data and leaves its meaning to the contract's interface.
    expect(probe.interface.parseError(caught.data ?? caught.info?.error?.data ?? caught.error?.data)?.name).to.equal('Refused');
  });

  it('snapshots, reverts, travels in time, impersonates', async () => {
    const id = await provider.request({ method: 'evm_snapshot', params: [] });
    await (await probe.set(99n, 'gone')).wait();
    expect(await provider.request({ method: 'evm_revert', params: [id] })).to.equal(true);
    expect(await probe.value()).to.equal(8n);
    await provider.request({ method: 'hardhat_mine', params: ['0x3', '0x3c'] });
    const guest = '0x00000000000000000000000000000000000000cc';
    await provider.request({ method: 'hardhat_setBalance', params: [guest, '0xde0b6b3a7640000'] });
    await provider.request({ method: 'hardhat_impersonateAccount', params: [guest] });
    const hash = await provider.request({ method: 'eth_sendTransaction', params: [{ from: guest, to: owner.address, value: '0x1' }] });
    expect((await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })).status).to.equal('0x1');
    await provider.request({ method: 'hardhat_stopImpersonatingAccount', params: [guest] });
  });

  it('subscribes over WebSocket to all kinds, and unsubscribes', async () => {
    const ws = new WebSocketProvider(process.env.FANATICO_WS);
    const got = { newHeads: [], logs: [], newPendingTransactions: [], syncing: [], transactionReceipts: [] };
    const ids = {};
    const socket = ws.websocket;
    for (const kind of Object.keys(got)) ids[kind] = await ws.send('eth_subscribe', kind === 'logs' ? [kind, { address: await probe.getAddress() }] : [kind]);
    socket.addEventListener?.('message', () => {});
    const names = Object.fromEntries(Object.entries(ids).map(([kind, id]) => [id, kind]));
    const before = socket.onmessage;
    socket.onmessage = (event) => {
      const m = JSON.parse(event.data);
      if (m.method === 'eth_subscription' && names[m.params.subscription]) got[names[m.params.subscription]].push(m.params.result);
      before?.call(socket, event);
    };
    const sent = await probe.burst(3n);
    await sent.wait();
    for (let i = 0; i < 200 && (got.logs.length < 3 || !got.newHeads.length || !got.transactionReceipts.length); i++) await new Promise((done) => setTimeout(done, 20));
    expect(got.logs.map((l) => BigInt(l.topics[1]))).to.deep.equal([0n, 1n, 2n]);
    expect(got.newPendingTransactions).to.deep.equal([sent.hash]);
    expect(got.newHeads).to.have.length(1);
    expect(got.transactionReceipts[0][0].transactionHash).to.equal(sent.hash);
    for (const id of Object.values(ids)) expect(await ws.send('eth_unsubscribe', [id])).to.equal(true);
    await ws.destroy();
  });
});
