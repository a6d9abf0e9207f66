// Two real processes and one port: the old one is told to end while the new one accepts already. Clients of every kind go on.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const net = require('node:net');
const { once } = require('node:events');
const h = require('../lib/harness.cjs');

const ports = (node) => ['--http-port', String(node.httpPort), '--ws-port', String(node.wsPort), '--ws-host', '127.0.0.1'];
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'web3_clientVersion', params: [] });

/** One request on a connection of its own: who answered, or the error's code. */
function ask(port) {
  return new Promise((done) => {
    const r = http.request({ host: '127.0.0.1', port, method: 'POST', agent: false, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => { try { done(reply.statusCode === 200 ? JSON.parse(text).result : `status ${reply.statusCode}`); } catch { done('cut'); } });
    });
    r.on('error', (e) => done(e.code || e.message));
    r.end(body);
  });
}

test('no connection is refused at any moment while one process hands the port to the next', async (t) => {
  let node = await h.fanatico(['--silent', '--client-version', 'generation-0']);
  const first = node, seen = new Map();
  let on = true;
  const hammer = async () => { while (on) { const who = await ask(first.httpPort); seen.set(who, (seen.get(who) ?? 0) + 1); } };
  const hammers = Array.from({ length: 8 }, hammer);
  try {
    for (let generation = 1; generation <= 5; generation++) {
      const next = await h.fanatico(['--silent', '--takeover', '--client-version', `generation-${generation}`, ...ports(first)], { ports: false });
      assert.equal(await node.stop(), 0);
      node = next;
      await h.sleep(100);
    }
  } finally {
    on = false;
    await Promise.all(hammers);
    await node.stop();
  }
  const wrong = [...seen].filter(([who]) => !who.startsWith('generation-'));
  const total = [...seen.values()].reduce((a, b) => a + b);
  t.diagnostic(`${total} connections over 5 handovers; not answered: ${JSON.stringify(wrong)}`);
  assert.ok(total > 200);
  assert.equal(seen.get('ECONNREFUSED') ?? 0, 0);
  for (let g = 0; g <= 5; g++) assert.ok(seen.get(`generation-${g}`) > 0, `generation ${g} answered nobody`);
  // What completes in the microseconds between the last accept and the close is reset by the kernel (src/net/listen.h).
  const reset = wrong.reduce((n, [, count]) => n + count, 0);
  assert.ok(reset <= 2, `${reset} of ${total} were reset`);
});

test('a WebSocket is told 1001 and is back at once, with the successor', async () => {
  const old = await h.fanatico(['--silent', '--client-version', 'old']);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => h.Socket.open(old.ws)));
  await Promise.all(sockets.map((s) => s.call('eth_subscribe', ['newHeads'])));
  const back = sockets.map(async (s) => {
    const { code, reason } = await s.closed;
    const again = await h.Socket.open(old.ws);
    const who = await again.call('web3_clientVersion');
    again.close();
    return [code, reason, who];
  });
  const next = await h.fanatico(['--silent', '--takeover', '--client-version', 'new', ...ports(old)], { ports: false });
  try {
    assert.equal(await old.stop(), 0);
    for (const got of await Promise.all(back)) assert.deepEqual(got, [1001, 'server is shutting down', 'new']);
  } finally { await next.stop(); }
});

test('viem goes on watching blocks through it', async () => {
  const { createPublicClient, webSocket } = require('viem');
  const old = await h.fanatico(['--silent', '--block-time', '0.2']);
  const client = createPublicClient({ transport: webSocket(old.ws, { reconnect: { attempts: 20, delay: 100 }, keepAlive: false }) });
  const hashes = new Set();
  const errors = [];
  const watch = () => client.watchBlocks({ onBlock: (b) => hashes.add(b.hash), onError: (e) => errors.push(e) });
  let stop = watch();
  await h.until('blocks of the first', () => hashes.size > 2);
  const next = await h.fanatico(['--silent', '--block-time', '0.2', '--takeover', ...ports(old)], { ports: false });
  try {
    assert.equal(await old.stop(), 0);
    const before = hashes.size;
    await h.until('the client to be back', async () => client.getChainId().then(() => true, () => false));
    stop();
    stop = watch(); // its subscriptions ended with their connection
    await h.until('blocks of the second', () => hashes.size > before + 2);
  } finally {
    stop();
    (await client.transport.getRpcClient?.())?.close?.();
    await next.stop();
  }
});

test('ethers: the provider over HTTP sees nothing of it; a WebSocket is opened anew, and blocks go on', async (t) => {
  const { JsonRpcProvider, WebSocketProvider } = require('ethers');
  const old = await h.fanatico(['--silent', '--client-version', 'old']);
  const http = new JsonRpcProvider(old.http, 31337, { staticNetwork: true, batchMaxCount: 1 });
  const blocks = [], ends = [];
  let ws;
  const open = async () => { // as its documentation does it: ethers itself never opens one again
    ws = new WebSocketProvider(old.ws, 31337, { staticNetwork: true });
    ws.websocket.onerror = () => {};
    const closed = once(ws.websocket, 'close').then(([code]) => ends.push(code));
    await ws.on('block', (n) => blocks.push(n));
    await ws.send('eth_chainId', []); // behind the subscription, which on() does not wait for
    return { closed };
  };
  const first = await open();
  await http.send('evm_mine', []);
  await h.until('a block', () => blocks.length === 1);
  const next = await h.fanatico(['--silent', '--takeover', '--client-version', 'new', ...ports(old)], { ports: false });
  try {
    let on = true;
    const answers = new Map();
    const asking = (async () => {
      while (on) { const who = await http.send('web3_clientVersion', []).catch((e) => e.code || e.message); answers.set(who, (answers.get(who) ?? 0) + 1); }
    })();
    assert.equal(await old.stop(), 0);
    await first.closed;
    await ws.destroy();
    await open();
    on = false;
    await asking;
    const wrong = [...answers].filter(([who]) => who !== 'old' && who !== 'new');
    t.diagnostic(`requests over HTTP: ${JSON.stringify([...answers])}`);
    assert.ok(answers.get('new') > 0);
    assert.ok(wrong.reduce((n, [, count]) => n + count, 0) <= 2, JSON.stringify(wrong)); // sent in the moment of the close, as above
    assert.deepEqual(ends, [1001]);
    assert.equal(await ws.send('web3_clientVersion', []), 'new');
    blocks.length = 0;
    await http.send('evm_mine', []);
    await h.until('a block of the successor', () => blocks.length === 1);
  } finally {
    http.destroy();
    await ws.destroy();
    await next.stop();
  }
});

test('fanatico ws: the port and the feed go over, subscribers are told 1001, feeders come back to the successor', async () => {
  const dir = h.scratch(), feed = path.join(dir, 'feed.sock');
  const start = async (name, port, more = []) => {
    const ready = path.join(dir, name);
    const p = new h.Program(path.join(h.bin, 'fanatico'), ['ws', '--ws-host', '127.0.0.1', '--ws-port', String(port), '--feed', feed, '--ready-file', ready, '--client-version', name, ...more]);
    await h.until(`${name} to be ready`, () => fs.existsSync(ready) || p.child.exitCode !== null);
    assert.equal(p.child.exitCode, null, p.output);
    return Object.assign(p, { port: JSON.parse(fs.readFileSync(ready)).ws_port });
  };
  const feeder = async () => {
    const s = net.connect(feed);
    await once(s, 'connect');
    return Object.assign(s, { over: once(s, 'close') });
  };
  const hash = (n) => `0x${n.toString(16).padStart(64, '0')}`;
  const line = (n) => `${JSON.stringify({ hook: 'on_new_block', arg: { number: n, hash: hash(n), parentHash: hash(n - 1) } })}\n`;
  const subscriber = async (port) => { const s = await h.Socket.open(`ws://127.0.0.1:${port}`); s.id = await s.call('eth_subscribe', ['newHeads']); return s; };
  const numbers = (s) => s.of(s.id).map((head) => Number(head.number));

  const old = await start('old', 0);
  const told = await feeder(), s = await subscriber(old.port);
  told.write(line(1));
  await h.until('block 1', () => numbers(s).length === 1);
  const next = await start('new', old.port, ['--takeover']);
  try {
    told.write(line(2)); // who is connected stays with the old one until it ends
    await h.until('block 2', () => numbers(s).length === 2);
    old.child.kill('SIGTERM');
    assert.equal((await s.closed).code, 1001);
    await told.over;
    assert.equal(await old.ended, 0);
    const again = await feeder(), t = await subscriber(old.port);
    assert.equal(await t.call('web3_clientVersion'), 'new');
    again.write(line(3) + line(4));
    await h.until('blocks 3 and 4', () => numbers(t).length === 2);
    assert.deepEqual(numbers(t), [3, 4]);
    again.destroy();
  } finally {
    next.child.kill('SIGTERM');
    await next.ended;
  }
  assert.ok(!fs.existsSync(feed));
});

test('what was asked before the end is answered, and the answer says Connection: close', async () => {
  const node = await h.fanatico(['--silent', '--drain-timeout', '10']);
  await h.rpc(node.http, 'evm_setAutomine', [false]);
  const s = net.connect(node.httpPort, '127.0.0.1');
  await once(s, 'connect');
  let got = '';
  s.on('data', (d) => (got += d));
  const ended = once(s, 'close');
  // waits two seconds for a receipt that does not come
  const slow = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'eth_sendRawTransactionSync', params: [await raw(node), '0x7d0'] });
  s.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${slow.length}\r\n\r\n${slow}`);
  await h.sleep(300);
  assert.equal(await node.stop(), 0);
  await ended;
  assert.match(got, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(got, /\r\nconnection: close\r\n/i);
  assert.equal(JSON.parse(got.split('\r\n\r\n')[1]).id, 7);
});

async function raw(node) {
  const { Wallet } = require('ethers');
  return new Wallet(h.KEYS[0]).signTransaction({ to: h.ACCOUNTS[1], value: 1n, nonce: 0, gasLimit: 21000, gasPrice: 10n ** 10n, chainId: Number(await h.rpc(node.http, 'eth_chainId')) });
}

test('--drain-delay: /readyz says 503 draining, and meanwhile all goes on', async () => {
  const node = await h.fanatico(['--silent', '--drain-delay', '2']);
  const s = await h.Socket.open(node.ws);
  const ended = node.stop();
  await h.until('not ready', async () => (await fetch(node.http + '/readyz')).status === 503);
  assert.equal(await (await fetch(node.http + '/readyz')).text(), 'draining\n');
  assert.equal((await fetch(node.http + '/livez')).status, 200);
  assert.equal(await s.call('eth_chainId'), '0x7a69');
  assert.equal(await ended, 0);
  assert.equal((await s.closed).code, 1001);
});

test('a folder has one owner: the successor of node --datadir starts once the first has gone', async () => {
  const dir = h.scratch(), data = path.join(dir, 'chain');
  const init = new h.Program(path.join(h.bin, 'fanatico'), ['init', '--datadir', data, '--genesis', path.join(h.source, 'packaging/genesis.json')]);
  assert.equal(await init.ended, 0);
  const old = await h.fanatico(['--silent', '--datadir', data], { command: 'node' });
  await h.until('a block', async () => Number(await h.rpc(old.http, 'eth_blockNumber')) > 0);
  const waiting = h.fanatico(['--silent', '--datadir', data, '--takeover', ...ports(old)], { command: 'node', ports: false });
  await h.sleep(500);
  const head = Number(await h.rpc(old.http, 'eth_blockNumber'));
  assert.equal(await old.stop(), 0);
  const next = await waiting;
  try { assert.ok(Number(await h.rpc(next.http, 'eth_blockNumber')) >= head); } finally { await next.stop(); }
});
