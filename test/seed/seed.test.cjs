// The document the project began from, row by row: what it says is done here as it says it, on its own ports (alone.py gives them to us).
// docs/SEED.md maps each row to its test; what other folders prove is named there and not proved again.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { Raw } = require('../promises/raw.cjs');

const HTTP = 'http://127.0.0.1:8545', WS = 'ws://127.0.0.1:8546', SEED_PATH = `${WS}/ws`;
const binary = path.join(h.bin, 'fanatico');
const python = path.join(h.build, 'venv/bin/python');
const TOKEN = `0x${'70'.repeat(20)}`;
const hash = (n) => '0x01' + n.toString(16).padStart(62, '0');

/** A program of the seed's that has said where it listens. */
async function started(file, args, { env = {}, says = /WebSocket  ws:\/\/\S+\n/, cwd } = {}) {
  const before = process.cwd();
  if (cwd) process.chdir(cwd);
  const program = new h.Program(file, args, { FANATICO_LIBRARY: path.join(h.bin, 'libfanatico.so'), ...env });
  process.chdir(before);
  await h.until('its addresses', () => { assert.ok(program.running, program.output); return says.test(program.output); });
  return program;
}
const command = (args = [], env = {}) => started(binary, args, { env });

/** One test with the development chain on the seed's ports. */
function onChain(name, run) {
  test(name, { timeout: 60000 }, async () => {
    const node = await command();
    try { await run(node); } finally { assert.equal(await node.stop(), 0); }
  });
}
/** One test with the seed's Python server, told on standard input. */
function onPython(name, args, run) {
  test(name, { timeout: 60000 }, async () => {
    const child = spawn(python, ['-m', 'fanatico.websocket_server', '--stdin', '--ws-host', '127.0.0.1', ...args], {
      cwd: path.join(h.source, 'python'), stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, FANATICO_LIBRARY: path.join(h.bin, 'libfanatico.so') } });
    let out = '';
    child.stdout.on('data', (d) => (out += d));
    const ended = new Promise((done) => child.on('exit', done));
    await h.until('its address', () => /WebSocket/.test(out) || child.exitCode !== null);
    const tell = (hook, arg) => child.stdin.write(JSON.stringify({ hook, arg }) + '\n');
    const client = await h.Socket.open(SEED_PATH);
    try { await run(client, tell); } finally { client.close(); child.kill('SIGTERM'); assert.equal(await ended, 0); }
  });
}
const notified = async (client, id) => { await h.until('a notification', () => client.received.some((m) => m.method)); return client.received.find((m) => m.method && m.params.subscription === id); };

// ---- architecture ----

onChain('architecture: eth_, net_ and web3_ on HTTP port 8545, eth_subscribe and eth_unsubscribe on WebSocket port 8546, one state behind both', async () => {
  assert.equal(await h.rpc(HTTP, 'eth_chainId'), '0x7a69');
  assert.equal(await h.rpc(HTTP, 'net_version'), '31337');
  assert.match(await h.rpc(HTTP, 'web3_clientVersion'), /fanatico/);
  const socket = await h.Socket.open(SEED_PATH);
  const id = await socket.call('eth_subscribe', ['newHeads']);
  const sent = await h.rpc(HTTP, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  const [head] = await h.until('the header', () => socket.of(id).length && socket.of(id));
  assert.deepEqual(await h.rpc(HTTP, 'eth_getBlockByHash', [head.hash, false]), await socket.call('eth_getBlockByNumber', [head.number, false]));
  assert.deepEqual(await h.rpc(HTTP, 'eth_getTransactionReceipt', [sent]), await socket.call('eth_getTransactionReceipt', [sent]));
  assert.equal(await socket.call('eth_unsubscribe', [id]), true);
  socket.close();
});

// ---- subscription types: the notification formats of the document ----

onPython('newHeads: the notification is the one shown, with its own values', [], async (client, tell) => {
  const id = await client.call('eth_subscribe', ['newHeads']);
  tell('on_new_block', { hash: hash(16), parentHash: hash(15), number: 16, timestamp: 100000000, gasLimit: 15000000, gasUsed: 21000, baseFeePerGas: 20000000000 });
  assert.deepEqual(await notified(client, id), {
    jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result: {
      hash: hash(16), parentHash: hash(15), number: '0x10', timestamp: '0x5f5e100', gasLimit: '0xe4e1c0', gasUsed: '0x5208', baseFeePerGas: '0x4a817c800' } } });
  assert.match(id, /^0x/);
});

onPython('logs: with address and topics as filter, the notification is the one shown', [], async (client, tell) => {
  const transfer = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
  const id = await client.call('eth_subscribe', ['logs', { address: TOKEN, topics: [transfer] }]);
  tell('on_new_block', { hash: hash(16), parentHash: hash(15), number: 16 });
  const log = { address: TOKEN, topics: [transfer], data: '0x', blockNumber: 16, transactionHash: hash(7), logIndex: 0 };
  tell('on_logs', [{ ...log, topics: [hash(1)], logIndex: 1 }, { ...log, address: `0x${'71'.repeat(20)}`, logIndex: 2 }, log]);
  const told = await notified(client, id);
  const { removed, ...result } = told.params.result;
  assert.deepEqual({ ...told, params: { ...told.params, result } }, { jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result: { ...log, blockNumber: '0x10', logIndex: '0x0' } } });
  assert.equal(removed, false, 'one key more than the document shows, as in geth');
  assert.equal(client.received.filter((m) => m.method).length, 1, 'the others did not match');
});

onPython('newPendingTransactions: the notification is the hash', [], async (client, tell) => {
  const id = await client.call('eth_subscribe', ['newPendingTransactions']);
  tell('on_pending_transaction', hash(5));
  assert.deepEqual((await notified(client, id)).params, { subscription: id, result: hash(5) });
});

onPython('syncing: the notification is false, or a status object', [], async (client, tell) => {
  const id = await client.call('eth_subscribe', ['syncing']);
  assert.deepEqual((await notified(client, id)).params, { subscription: id, result: false });
  tell('on_syncing', { startingBlock: 1, currentBlock: 2, highestBlock: 3 });
  await h.until('the change', () => client.of(id).length === 2);
  assert.deepEqual(client.of(id)[1], { syncing: true, status: { startingBlock: '0x1', currentBlock: '0x2', highestBlock: '0x3' } });
});

// ---- files and commands ----

test('python3 websocket_server.py, as the document types it, listens on 0.0.0.0:8546', { timeout: 60000 }, async () => {
  const one = await started('python3', ['websocket_server.py'], { cwd: path.join(h.source, 'python') });
  assert.match(one.output, /ws:\/\/0\.0\.0\.0:8546\n/);
  const socket = await h.Socket.open('ws://127.0.0.2:8546/ws'); // another address of this machine
  assert.match(await socket.call('eth_subscribe', ['newHeads']), /^0x/);
  socket.close();
  await assert.rejects(fetch(HTTP), 'nothing on 8545');
  assert.equal(await one.stop(), 0);
});

test('python3 combined_server.py --http-port 8545 --ws-port 8546, as the document types it, has both', { timeout: 60000 }, async () => {
  const one = await started('python3', ['combined_server.py', '--http-port', '8545', '--ws-port', '8546'], { cwd: path.join(h.source, 'python') });
  assert.match(await h.rpc(HTTP, 'web3_clientVersion'), /^fanatico\/v/);
  const socket = await h.Socket.open(SEED_PATH);
  assert.match(await socket.call('eth_subscribe', ['logs', {}]), /^0x/);
  socket.close();
  assert.equal(await one.stop(), 0);
});

// ---- the JavaScript example ----

onChain('the JavaScript example with ethers v6 hears blocks and Transfer events', async () => {
  const { ethers } = require('ethers');
  assert.match(ethers.version, /^6\./);
  // HTTP provider for standard calls
  const httpProvider = new ethers.JsonRpcProvider(HTTP);
  // WebSocket provider for subscriptions
  const wsProvider = new ethers.WebSocketProvider(SEED_PATH);
  const signer = await httpProvider.getSigner(0);
  // init code of a contract that emits Transfer(caller, caller, value) whenever it is called
  const transfer = ethers.id('Transfer(address,address,uint256)');
  const runtime = `0x345f523333${'7f' + transfer.slice(2)}60205fa300`;
  const code = `0x60${((runtime.length - 2) / 2).toString(16)}8060095f395ff3${runtime.slice(2)}`;
  const contract = await (await new ethers.ContractFactory([], code, signer).deploy()).waitForDeployment();
  const blocks = [], logs = [];
  // Subscribe to new blocks
  await wsProvider.on('block', (blockNumber) => {
    blocks.push(blockNumber);
  });
  // Subscribe to logs
  const filter = {
    address: contract.target,
    topics: [ethers.id('Transfer(address,address,uint256)')]
  };
  await wsProvider.on(filter, (log) => {
    logs.push(log);
  });
  await wsProvider.getBlockNumber(); // answered behind the subscriptions, which on() does not wait for
  await (await signer.sendTransaction({ to: contract.target, value: 42n })).wait();
  await h.until('both', () => blocks.length && logs.length);
  const now = Number(await h.rpc(HTTP, 'eth_blockNumber'));
  assert.equal(blocks.at(-1), now);
  assert.deepEqual([logs.length, logs[0].blockNumber, BigInt(logs[0].data), logs[0].topics[0]], [1, now, 42n, transfer]);
  httpProvider.destroy();
  await wsProvider.destroy();
});

// ---- configuration: what is observed from outside without an option ----

onChain('WS_HOST: 0.0.0.0 by default, so that other addresses of the machine answer; the variable narrows it', async (node) => {
  const other = await h.Socket.open('ws://127.0.0.2:8546');
  assert.equal(await other.call('eth_chainId'), '0x7a69');
  other.close();
  assert.equal(await node.stop(), 0);
  const narrow = await command([], { WS_HOST: '127.0.0.1' });
  const reaches = (host) => new Promise((done) => { const s = net.connect(8546, host); s.on('connect', () => { s.destroy(); done(true); }).on('error', () => done(false)); });
  assert.deepEqual([await reaches('127.0.0.1'), await reaches('127.0.0.2')], [true, false]);
  assert.equal(await narrow.stop(), 0);
});

test('WS_PORT: 8546 by default; the variable chooses another', { timeout: 60000 }, async () => {
  const node = await command([], { WS_PORT: '18546' });
  const socket = await h.Socket.open('ws://127.0.0.1:18546');
  assert.equal(await socket.call('eth_chainId'), '0x7a69');
  socket.close();
  await assert.rejects(Raw.open(8546));
  assert.equal(await node.stop(), 0);
});

onChain('MAX_CONNECTIONS: 1000 by default; the next is refused with 503', async () => {
  const open = [];
  while (open.length < 1000) open.push(...await Promise.all(Array.from({ length: 100 }, () => Raw.open(8546, { keep: false }))));
  await assert.rejects(Raw.open(8546), { status: 503 });
  assert.equal(await open[999].call('eth_chainId'), '0x7a69');
  for (const c of open) c.socket.destroy();
});

onChain('MAX_SUBSCRIPTIONS_PER_CONNECTION: 100 by default; the next is refused with -32000', async () => {
  const socket = await h.Socket.open(WS);
  for (let i = 0; i < 100; i++) assert.match(await socket.call('eth_subscribe', ['newHeads']), /^0x/);
  await assert.rejects(socket.call('eth_subscribe', ['newHeads']), { code: -32000 });
  socket.close();
});

test('PING_INTERVAL: 30s and PING_TIMEOUT: 10s by default; the variables shorten them', { timeout: 90000 }, async () => {
  const slow = await command();
  const quick = await command(['--http-port', '0', '--ws-port', '9546'], { PING_INTERVAL: '1s', PING_TIMEOUT: '500ms' });
  const begin = Date.now();
  const silent = await Raw.open(8546, { pong: false }), hasty = await Raw.open(9546, { pong: false });
  assert.deepEqual([(await hasty.ended).code, hasty.pings], [1011, 1]);
  assert.ok(Date.now() - begin < 20000, 'long before the default would');
  await h.until('the ping', () => silent.pings, 45000);
  const pinged = Date.now() - begin;
  assert.ok(pinged >= 29500, `a ping after ${pinged} ms`);
  assert.equal((await silent.ended).code, 1011);
  assert.ok(Date.now() - begin - pinged >= 9500, `given up ${Date.now() - begin - pinged} ms after its ping`);
  assert.deepEqual([await slow.stop(), await quick.stop()], [0, 0]);
});

// ---- error codes ----

const CODES = [
  ['-32700 Parse error: what is no JSON', '{"jsonrpc": "2.0", "id": 1, "method":'],
  ['-32600 Invalid request: what is no request of JSON-RPC', '{"id": 1}'],
  ['-32601 Method not found: an unknown method', '{"jsonrpc":"2.0","id":1,"method":"eth_nonsense","params":[]}'],
  ['-32602 Invalid params: parameters that do not fit', '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{"address":"0x12"}]}'],
];
for (const [name, text] of CODES) {
  const [, code, phrase] = /^(-\d+) (.*?): /.exec(name);
  test(`${name}, on WebSocket and on HTTP, from both servers`, { timeout: 60000 }, async () => {
    for (const start of [() => command(), () => started(python, ['-m', 'fanatico.combined_server'], { cwd: path.join(h.source, 'python') })]) {
      const server = await start();
      try {
        const socket = await h.Socket.open(SEED_PATH);
        await socket.send(text);
        const overWs = await h.until('the answer', () => socket.received[0]);
        assert.equal(overWs.jsonrpc, '2.0');
        assert.equal(overWs.error.code, Number(code));
        assert.ok(overWs.error.message.startsWith(`${phrase}: `), overWs.error.message);
        if (phrase !== 'Invalid params') assert.deepEqual((await h.post(HTTP, text)).error, overWs.error); // subscribing over HTTP is -32601
        assert.match(await socket.call('eth_subscribe', ['newHeads']), /^0x/, 'the connection goes on');
        socket.close();
      } finally {
        assert.equal(await server.stop(), 0);
      }
    }
  });
}

test('-32603 Internal error: a method of the host that breaks', { timeout: 60000 }, async () => {
  const script = `
import fanatico, signal, threading
def broken(params): raise KeyError("no such thing")
server = fanatico.serve(methods={"host_broken": broken}, block=False)
print("WebSocket  ws://there", flush=True)
signal.sigwait({signal.SIGTERM})
server.close()`;
  const one = await started(python, ['-c', `import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})${script}`], { cwd: path.join(h.source, 'python') });
  try {
    const socket = await h.Socket.open(SEED_PATH);
    await assert.rejects(socket.call('host_broken'), { code: -32603, message: "Internal error: KeyError: 'no such thing'" });
    assert.match(await socket.call('eth_subscribe', ['newHeads']), /^0x/, 'the server goes on');
    socket.close();
  } finally {
    assert.equal(await one.stop(), 0);
  }
});

onChain('-32000 Server error: the subscription limit, and the connection stays', async () => {
  const socket = await h.Socket.open(SEED_PATH);
  for (let i = 0; i < 100; i++) await socket.call('eth_subscribe', ['newPendingTransactions']);
  await assert.rejects(socket.call('eth_subscribe', ['newHeads']), { code: -32000, message: /subscription limit reached/ });
  assert.equal(await socket.call('eth_chainId'), '0x7a69');
  socket.close();
});

// ---- performance: what can be counted; the figures are the bench's ----

onChain('100,000 subscriptions: 1,000 clients with 100 each, and a block reaches all of them once', async () => {
  const clients = [];
  const perClient = 100;
  while (clients.length < 1000) {
    clients.push(...await Promise.all(Array.from({ length: 50 }, async () => {
      const c = { ids: new Set(), heard: new Map() };
      c.raw = await Raw.open(8546, { keep: false, onMessage: (m) => {
        if (Array.isArray(m)) for (const reply of m) c.ids.add(reply.result);
        else if (m.method) c.heard.set(m.params.subscription, (c.heard.get(m.params.subscription) ?? 0) + 1);
      } });
      c.raw.text(JSON.stringify(Array.from({ length: perClient }, (_, id) => ({ jsonrpc: '2.0', id, method: 'eth_subscribe', params: ['newHeads'] }))));
      await h.until('a hundred ids', () => c.ids.size === perClient);
      return c;
    })));
  }
  assert.equal(new Set(clients.flatMap((c) => [...c.ids])).size, 100000, 'no id is given twice');
  await h.rpc(HTTP, 'evm_mine');
  await h.until('everybody', () => clients.every((c) => c.heard.size === perClient), 45000);
  for (const c of clients) for (const [id, times] of c.heard) assert.ok(times === 1 && c.ids.has(id));
  for (const c of clients) c.raw.socket.destroy();
});
