// The Unix socket (--ipcpath), from outside: the stream as geth speaks it, the file, the clients that know how to use it
// (ethers, geth's console, Go's ethclient; web3.py is in ipc_test.py), slow readers and the end.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { RUNTIME, deploy } = require('../promises/world.cjs');

let node, ipc;
before(async () => {
  ipc = path.join(h.scratch(), 'node.ipc');
  node = await h.fanatico(['--silent', '--ipcpath', ipc]);
});
after(async () => {
  assert.equal(await node?.stop(), 0);
  assert.equal(fs.existsSync(ipc), false, 'the socket goes with its process');
});

/** A bare client: what it reads is split at line feeds, one JSON value each. */
class Line {
  static async open(where = ipc) {
    const c = new Line();
    c.received = [];
    c.text = '';
    c.socket = net.connect(where);
    c.socket.on('data', (d) => {
      c.text += d;
      const lines = c.text.split('\n');
      c.text = lines.pop();
      for (const l of lines) c.received.push(JSON.parse(l));
    });
    c.ended = new Promise((done) => c.socket.on('close', done));
    c.socket.on('error', (e) => (c.error = e));
    await new Promise((done, fail) => { c.socket.on('connect', done); c.socket.on('error', fail); });
    return c;
  }
  async call(method, params = []) {
    const id = `${method}-${Math.random()}`;
    this.socket.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const reply = await h.until(`the answer to ${method}`, () => this.received.find((m) => m.id === id));
    if (reply.error) throw Object.assign(new Error(reply.error.message), reply.error);
    return reply.result;
  }
  async answers(count) { await h.until(`${count} answers`, () => this.received.length >= count); return this.received.splice(0); }
  close() { this.socket.destroy(); }
}
const ask = (id, method = 'eth_chainId', params = []) => JSON.stringify({ jsonrpc: '2.0', id, method, params });

test('the file is its owner\'s alone', () => {
  assert.equal((fs.statSync(ipc).mode & 0o777).toString(8), '600');
  assert.ok(fs.statSync(ipc).isSocket());
});

test('several requests in one write, one request over several, with white space and without', async () => {
  const c = await Line.open();
  c.socket.write(`${ask(1)}${ask(2)}\n\n ${ask(3)}\t[${ask(4)},${ask(5)}]`);
  assert.deepEqual((await c.answers(4)).map((m) => (Array.isArray(m) ? m.map((i) => i.id) : m.id)), [1, 2, 3, [4, 5]]);
  for (const byte of ask(6, 'web3_clientVersion')) {
    c.socket.write(byte);
    await new Promise((done) => setImmediate(done));
  }
  assert.match((await c.answers(1))[0].result, /fanatico/);
  c.close();
});

test('what cannot be read is told; where no end of a request can be told any more, the connection ends', async () => {
  const c = await Line.open();
  c.socket.write(`{"jsonrpc":}[]${ask(1, 'nope')}{"jsonrpc":"2.0","id":2,"method":"eth_chainId","params":${'['.repeat(80)}${']'.repeat(80)}}${ask(3)}`);
  assert.deepEqual((await c.answers(5)).map((m) => m.error?.code ?? m.result), [-32700, -32600, -32601, -32600, '0x7a69']);
  c.socket.write('GET / HTTP/1.1\r\n\r\n');
  assert.equal((await c.answers(1))[0].error.code, -32700);
  await c.ended;
  const long = await Line.open();
  long.socket.write(`["${'x'.repeat(5 * 1024 * 1024)}`);
  assert.equal((await long.answers(1))[0].error.code, -32600);
  await long.ended;
});

test('who says all and then ends, as `nc -U` does, gets his answers', async () => {
  const c = await Line.open();
  c.socket.end(`${ask(1)}${ask(2, 'eth_call', [{ to: h.ACCOUNTS[0] }])}`);
  assert.deepEqual((await c.answers(2)).map((m) => m.result), ['0x7a69', '0x']);
  await c.ended;
});

test('an IPC client is local: development methods answer, and subscriptions are there', async () => {
  const c = await Line.open();
  const heads = await c.call('eth_subscribe', ['newHeads']);
  const pending = await c.call('eth_subscribe', ['newPendingTransactions']);
  await c.call('evm_mine');
  const hash = await c.call('eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  const of = (id) => c.received.filter((m) => m.params?.subscription === id).map((m) => m.params.result);
  await h.until('two heads', () => of(heads).length === 2);
  assert.deepEqual(of(pending), [hash]);
  assert.equal(BigInt(of(heads)[1].number), BigInt(of(heads)[0].number) + 1n);
  assert.equal(await c.call('eth_unsubscribe', [heads]), true);
  await c.call('evm_mine');
  await c.call('eth_chainId');
  assert.equal(of(heads).length, 2);
  // The reply with the id comes before the first notification, in a batch too.
  c.received.length = 0;
  c.socket.write(`[${ask('s', 'eth_subscribe', ['newHeads'])},${ask('m', 'evm_mine')}]`);
  await h.until('reply and head', () => c.received.length === 2);
  assert.ok(Array.isArray(c.received[0]));
  assert.equal(c.received[1].params.subscription, c.received[0][0].result);
  c.close();
});

test('over HTTP and IPC the same answers, byte for byte', async () => {
  const c = await Line.open();
  for (const [method, params] of [['eth_getBlockByNumber', ['latest', true]], ['eth_accounts', []], ['eth_getBalance', [h.ACCOUNTS[0], 'latest']], ['rpc_modules', []], ['eth_feeHistory', ['0x4', 'latest', [50]]]]) {
    assert.deepEqual(await c.call(method, params), await h.rpc(node.http, method, params), method);
  }
  c.close();
});

test('a reader that stalls is ended behind a whole line; the others get everything', async () => {
  const where = path.join(h.scratch(), 'small.ipc');
  const small = await h.fanatico(['--silent', '--ipcpath', where, '--notify-memory', '1M', '--notify-linger', '5s']);
  const slow = await Line.open(where), live = await Line.open(where);
  const ids = [];
  for (const c of [slow, live]) for (let i = 0; i < 20; i++) ids.push(await c.call('eth_subscribe', ['newHeads']));
  slow.socket.pause();
  const blocks = 400;
  for (let at = 20; at <= blocks; at += 20) { // no faster than the live one reads, or it would be slow too
    await h.rpc(small.http, 'hardhat_mine', ['0x14']);
    await h.until('every head for the live one', () => live.received.filter((m) => m.method === 'eth_subscription').length === 20 * at);
  }
  slow.socket.resume();
  await slow.ended;
  assert.equal(slow.text, '', 'the last line is whole');
  const got = slow.received.filter((m) => m.method === 'eth_subscription');
  assert.ok(got.length > 0 && got.length < 20 * blocks, `${got.length} of ${20 * blocks}`);
  const numbers = got.filter((m) => m.params.subscription === ids[0]).map((m) => Number(m.params.result.number));
  assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i), 'what came has no hole');
  assert.equal(await live.call('eth_blockNumber'), `0x${blocks.toString(16)}`);
  live.close();
  assert.equal(await small.stop(), 0);
});

test('SIGTERM: what was asked is answered, then the end; a new process takes the path at once', async () => {
  const where = path.join(h.scratch(), 'drain.ipc');
  const first = await h.fanatico(['--silent', '--ipcpath', where]);
  const c = await Line.open(where);
  await c.call('eth_chainId');
  const stopping = first.stop();
  await c.ended;
  assert.equal(c.error, undefined);
  assert.equal(await stopping, 0);
  assert.equal(fs.existsSync(where), false);
  const second = await h.fanatico(['--silent', '--ipcpath', where]);
  (await Line.open(where)).close();
  assert.equal(await second.stop(), 0);
});

test('a killed process leaves its socket, which the next one replaces; one that lives keeps it; a file stays', async () => {
  const where = path.join(h.scratch(), 'left.ipc');
  const killed = await h.fanatico(['--silent', '--ipcpath', where]);
  await killed.stop('SIGKILL');
  assert.ok(fs.existsSync(where));
  const next = await h.fanatico(['--silent', '--ipcpath', where]);
  await assert.rejects(h.fanatico(['--silent', '--ipcpath', where]), /left\.ipc: another process listens there/);
  const c = await Line.open(where);
  assert.equal(await c.call('eth_chainId'), '0x7a69');
  c.close();
  const heir = await h.fanatico(['--silent', '--ipcpath', where, '--takeover']);
  await next.stop();
  const d = await Line.open(where);
  assert.equal(await d.call('eth_chainId'), '0x7a69');
  d.close();
  await heir.stop();
  fs.writeFileSync(where, 'mine');
  await assert.rejects(h.fanatico(['--silent', '--ipcpath', where]), /left\.ipc: there is a file that is no socket/);
  assert.equal(fs.readFileSync(where, 'utf8'), 'mine');
  await assert.rejects(h.fanatico(['--silent', '--ipcpath', `/tmp/${'x'.repeat(120)}`]), /at most 107 bytes/);
});

test('a bare name lies in the chain\'s folder', async () => {
  const dir = h.scratch();
  const n = await h.fanatico(['--silent', '--datadir', dir, '--ipcpath', 'chain.ipc']);
  const c = await Line.open(path.join(dir, 'chain.ipc'));
  assert.equal(await c.call('eth_chainId'), '0x7a69');
  c.close();
  await n.stop();
});

test('ethers: IpcSocketProvider', async () => {
  const { IpcSocketProvider, parseEther } = require('ethers');
  const provider = new IpcSocketProvider(ipc);
  const heard = [];
  await provider.on('block', (n) => heard.push(n));
  const signer = await provider.getSigner(0);
  const sent = await signer.sendTransaction({ to: h.ACCOUNTS[1], value: parseEther('1') });
  const receipt = await sent.wait();
  await h.until('the block\'s event', () => heard.includes(receipt.blockNumber));
  assert.equal(await provider.getTransactionCount(h.ACCOUNTS[0]), Number(await h.rpc(node.http, 'eth_getTransactionCount', [h.ACCOUNTS[0], 'latest'])));
  await provider.destroy();
});

test('geth attach', { skip: fs.existsSync(h.gethFile()) ? false : 'no geth was built: make test builds it' }, () => {
  const attach = (expression) => {
    const ran = spawnSync(h.gethFile(), ['attach', '--exec', expression, ipc], { encoding: 'utf8', timeout: 60000 });
    assert.equal(ran.status, 0, `${ran.stdout}${ran.stderr}`);
    return ran.stdout.trim();
  };
  assert.equal(attach('web3.toHex(eth.chainId())'), '"0x7a69"');
  const before = Number(attach('eth.blockNumber'));
  assert.match(attach(`eth.sendTransaction({from: eth.accounts[0], to: eth.accounts[1], value: 1})`), /^"0x[0-9a-f]{64}"$/);
  assert.equal(Number(attach('eth.blockNumber')), before + 1);
});

test('Go: ethclient over IPC', { timeout: 600000 }, async (t) => {
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.error) { t.skip('no `go` in PATH: install Go 1.24 or newer'); return; }
  const contract = await deploy((m, p) => h.rpc(node.http, m, p), RUNTIME);
  const ran = spawnSync('go', ['test', '-count=1', '-v', './...'], {
    cwd: path.join(h.source, 'test/go'), encoding: 'utf8',
    env: { ...process.env, FANATICO_WS: ipc, FANATICO_FROM: h.ACCOUNTS[0], FANATICO_CONTRACT: contract },
  });
  assert.equal(ran.status, 0, `${ran.stdout}${ran.stderr}`);
  assert.equal((ran.stdout.match(/^--- PASS/gm) ?? []).length, 2, ran.stdout);
});

test('fanatico ws has it too', async () => {
  const where = path.join(h.scratch(), 'ws.ipc'), feed = path.join(h.scratch(), 'feed');
  const server = await h.fanatico(['--silent', '--ws-host', '127.0.0.1', '--ws-port', '0', '--ipcpath', where, '--feed', feed], { command: 'ws', ports: false });
  const c = await Line.open(where);
  const id = await c.call('eth_subscribe', ['newPendingTransactions']);
  const hash = `0x${'ab'.repeat(32)}`;
  net.connect(feed).write(`{"hook":"on_pending_transaction","arg":"${hash}"}\n`);
  await h.until('the notification', () => c.received.some((m) => m.params?.subscription === id && m.params.result === hash));
  c.close();
  assert.equal(await server.stop(), 0);
});
