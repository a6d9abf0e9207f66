// The seed's test: npx hardhat test test/14-websocket-subscriptions.test.js --network fanatico
const { expect } = require('chai');
const { ethers } = require('hardhat');
const WebSocket = require('ws');
const node = require('../lib/node.js');

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

class Client {
  static async open() {
    const c = new Client();
    c.next = 1;
    c.messages = [];
    c.ws = new WebSocket(node.ws);
    c.ws.on('message', (data) => c.messages.push(JSON.parse(data.toString())));
    await new Promise((done, fail) => { c.ws.on('open', done); c.ws.on('error', fail); });
    return c;
  }
  raw(text) { this.ws.send(text); }
  async request(method, params = []) {
    const id = this.next++;
    this.raw(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return this.wait((m) => m.id === id);
  }
  async call(method, params) {
    const reply = await this.request(method, params);
    if (reply.error) throw new Error(`${method}: ${reply.error.code} ${reply.error.message}`);
    return reply.result;
  }
  async wait(match, ms = 10000) {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) {
      const found = this.messages.find(match);
      if (found) return found;
    }
    throw new Error(`nothing matched among ${JSON.stringify(this.messages).slice(0, 2000)}`);
  }
  results(id) { return this.messages.filter((m) => m.method === 'eth_subscription' && m.params.subscription === id).map((m) => m.params.result); }
  async count(id, n) {
    await this.wait(() => this.results(id).length >= n);
    return this.results(id);
  }
  close() { this.ws.terminate(); }
}

describe('WebSocket subscriptions', function () {
  let client, token, owner, other, third;

  before(async () => {
    [owner, other, third] = await ethers.getSigners();
    token = await (await ethers.getContractFactory('Token')).deploy(1_000_000n);
    await token.waitForDeployment();
  });
  beforeEach(async () => { client = await Client.open(); });
  afterEach(() => client.close());

  describe('newHeads', () => {
    it('announces each block once, in order, with its header', async () => {
      const id = await client.call('eth_subscribe', ['newHeads']);
      expect(id).to.match(/^0x[1-9a-f][0-9a-f]{31}$/);
      for (let i = 0; i < 5; i++) await (await token.transfer(other.address, 1n)).wait();
      const heads = await client.count(id, 5);
      expect(heads).to.have.length(5);
      for (let i = 1; i < 5; i++) {
        expect(heads[i].parentHash).to.equal(heads[i - 1].hash);
        expect(BigInt(heads[i].number)).to.equal(BigInt(heads[i - 1].number) + 1n);
      }
      for (const key of ['hash', 'parentHash', 'number', 'timestamp', 'gasLimit', 'gasUsed', 'baseFeePerGas']) expect(heads[0]).to.have.property(key).that.matches(/^0x/);
      const block = await client.call('eth_getBlockByHash', [heads[4].hash, false]);
      expect(block.number).to.equal(heads[4].number);
      expect(block.stateRoot).to.equal(heads[4].stateRoot);
    });

    it('names nothing that cannot be read yet', async () => {
      const id = await client.call('eth_subscribe', ['newHeads']);
      const reader = await Client.open();
      const seen = [];
      client.ws.on('message', (data) => {
        const m = JSON.parse(data.toString());
        if (m.method === 'eth_subscription') seen.push(reader.call('eth_getBlockByNumber', [m.params.result.number, false]).then((b) => b && b.hash === m.params.result.hash));
      });
      for (let i = 0; i < 10; i++) await client.call('evm_mine');
      await client.count(id, 10);
      expect(await Promise.all(seen)).to.deep.equal(Array(10).fill(true));
      reader.close();
    });
  });

  describe('logs', () => {
    it('delivers every event of a contract, once and in logIndex order', async () => {
      const address = await token.getAddress();
      const id = await client.call('eth_subscribe', ['logs', { address }]);
      const to = Array.from({ length: 25 }, (_, i) => ethers.zeroPadValue(ethers.toBeHex(i + 1), 20));
      const receipt = await (await token.scatter(to, 2n)).wait();
      const logs = await client.count(id, 25);
      expect(logs.map((l) => l.logIndex)).to.deep.equal(receipt.logs.map((l) => ethers.toQuantity(l.index)));
      for (const log of logs) {
        expect(log.address).to.equal(address.toLowerCase());
        expect(log.transactionHash).to.equal(receipt.hash);
        expect(log.blockNumber).to.equal(ethers.toQuantity(receipt.blockNumber));
        expect(log.removed).to.equal(false);
      }
    });

    it('filters by topic: one, alternatives, null, nested', async () => {
      const address = await token.getAddress();
      const transfer = ethers.id('Transfer(address,address,uint256)'), approval = ethers.id('Approval(address,address,uint256)');
      const pad = (a) => ethers.zeroPadValue(a, 32).toLowerCase();
      const ids = {
        transfers: await client.call('eth_subscribe', ['logs', { address, topics: [transfer] }]),
        either: await client.call('eth_subscribe', ['logs', { address, topics: [[transfer, approval]] }]),
        toThird: await client.call('eth_subscribe', ['logs', { address, topics: [null, null, pad(third.address)] }]),
        toBoth: await client.call('eth_subscribe', ['logs', { topics: [transfer, pad(owner.address), [pad(third.address), pad(other.address)]] }]),
        nobody: await client.call('eth_subscribe', ['logs', { address: other.address }]),
        everything: await client.call('eth_subscribe', ['logs', {}]),
      };
      await (await token.transfer(other.address, 5n)).wait();
      await (await token.approve(third.address, 6n)).wait();
      await (await token.transfer(third.address, 7n)).wait();
      await client.count(ids.everything, 3);
      await sleep(50);
      const values = (id) => client.results(id).map((l) => Number(BigInt(l.data)));
      expect(values(ids.transfers)).to.deep.equal([5, 7]);
      expect(values(ids.either)).to.deep.equal([5, 6, 7]);
      expect(values(ids.toThird)).to.deep.equal([6, 7]);
      expect(values(ids.toBoth)).to.deep.equal([5, 7]);
      expect(values(ids.nobody)).to.deep.equal([]);
      expect(values(ids.everything)).to.deep.equal([5, 6, 7]);
    });
  });

  describe('newPendingTransactions', () => {
    it('gives the hash', async () => {
      const id = await client.call('eth_subscribe', ['newPendingTransactions']);
      const sent = await token.transfer(other.address, 1n);
      expect(await client.count(id, 1)).to.deep.equal([sent.hash]);
    });
    it('gives bodies when asked', async () => {
      const plain = await client.call('eth_subscribe', ['newPendingTransactions', true]);
      const object = await client.call('eth_subscribe', ['newPendingTransactions', { includeTransactions: true }]);
      const sent = await token.transfer(other.address, 1n);
      for (const id of [plain, object]) {
        const [body] = await client.count(id, 1);
        expect(body.hash).to.equal(sent.hash);
        expect(body.from).to.equal(owner.address.toLowerCase());
      }
    });
  });

  describe('syncing', () => {
    it('tells the state at once', async () => {
      const id = await client.call('eth_subscribe', ['syncing']);
      expect(await client.count(id, 1)).to.deep.equal([false]);
    });
  });

  describe('order and end', () => {
    it('sends the id before the first notification, and header before logs', async () => {
      const heads = await client.call('eth_subscribe', ['newHeads']);
      const logs = await client.call('eth_subscribe', ['logs', { address: await token.getAddress() }]);
      await (await token.transfer(other.address, 1n)).wait();
      await client.count(logs, 1);
      const order = client.messages.map((m) => (m.id !== undefined ? `id${m.id}` : m.params.subscription === heads ? 'head' : 'log'));
      expect(order).to.deep.equal(['id1', 'id2', 'head', 'log']);
    });
    it('holds notifications back until a batch that subscribes has been answered', async () => {
      client.raw(JSON.stringify([
        { jsonrpc: '2.0', id: 'a', method: 'eth_subscribe', params: ['newHeads'] },
        { jsonrpc: '2.0', id: 'b', method: 'evm_mine', params: [] },
      ]));
      const reply = await client.wait((m) => Array.isArray(m));
      expect(client.messages[0]).to.equal(reply);
      const id = reply.find((r) => r.id === 'a').result;
      expect(await client.count(id, 1)).to.have.length(1);
    });
    it('is silent after eth_unsubscribe has answered true', async () => {
      const id = await client.call('eth_subscribe', ['newHeads']);
      await client.call('evm_mine');
      await client.count(id, 1);
      expect(await client.call('eth_unsubscribe', [id])).to.equal(true);
      await client.call('evm_mine');
      await sleep(100);
      expect(client.results(id)).to.have.length(1);
      expect(await client.call('eth_unsubscribe', [id])).to.equal(false);
    });
    it('leaves other connections alone when one goes', async () => {
      const second = await Client.open();
      const id = await client.call('eth_subscribe', ['newHeads']);
      await second.call('eth_subscribe', ['newHeads']);
      second.close();
      for (let i = 0; i < 3; i++) await client.call('evm_mine');
      expect(await client.count(id, 3)).to.have.length(3);
    });
  });

  describe('limits', () => {
    it('refuses the 101st subscription of a connection with -32000 and keeps the connection', async () => {
      for (let i = 0; i < 100; i++) await client.call('eth_subscribe', ['newHeads']);
      const refused = await client.request('eth_subscribe', ['newHeads']);
      expect(refused.error.code).to.equal(-32000);
      expect(refused.error.message).to.match(/limit/i);
      expect(await client.call('eth_chainId')).to.equal('0x7a69');
    });
  });

  describe('error codes', () => {
    const row = (name, text, code, phrase) =>
      it(`${code}: ${name}`, async () => {
        client.raw(text);
        const reply = await client.wait((m) => m.error);
        expect(reply.error.code).to.equal(code);
        expect(reply.error.message).to.match(phrase);
        expect(await client.call('eth_chainId')).to.equal('0x7a69');
      });
    row('not JSON', '{"jsonrpc":', -32700, /^Parse error/);
    row('not a request', '{"id":7}', -32600, /^Invalid request/i);
    row('a batch of nothing', '[]', -32600, /^Invalid request/i);
    row('unknown method', '{"jsonrpc":"2.0","id":7,"method":"eth_nonsense"}', -32601, /^Method not found/);
    row('unknown kind', '{"jsonrpc":"2.0","id":7,"method":"eth_subscribe","params":["nonsense"]}', -32601, /nonsense/);
    row('params that do not fit', '{"jsonrpc":"2.0","id":7,"method":"eth_subscribe","params":["logs",{"address":"0x12"}]}', -32602, /^Invalid params/);

    it('-32601 over HTTP: notifications need a WebSocket', async () => {
      const reply = await (await fetch(node.http, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }),
      })).json();
      expect(reply.error.code).to.equal(-32601);
      expect(reply.error.message).to.match(/notifications not supported/);
    });
  });

  describe('with ethers and the chai matchers', () => {
    it('reverts with reason and with a custom error; emits', async () => {
      await expect(token.transfer(ethers.ZeroAddress, 1n)).to.be.revertedWith('Token: to nobody');
      await expect(token.connect(third).transfer(other.address, 10n ** 18n)).to.be.revertedWithCustomError(token, 'NotEnough');
      await expect(token.transfer(other.address, 3n)).to.emit(token, 'Transfer').withArgs(owner.address, other.address, 3n);
    });
  });
});
