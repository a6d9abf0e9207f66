// The three small hosts of examples/, each built against the public headers and libfanatico alone: what they tell arrives.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawn, spawnSync, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const h = require('../lib/harness.cjs');
const { WebSocketProvider, JsonRpcProvider } = require('ethers');
const WebSocket = require('ws');

/** A program whose first line is its URL. */
async function host(name, ...args) {
  const child = spawn(path.join(h.bin, name), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = [], waiting = [];
  readline.createInterface({ input: child.stdout }).on('line', (line) => (waiting.length ? waiting.shift()(line) : lines.push(line)));
  let errors = '';
  child.stderr.on('data', (d) => (errors += d));
  const ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
  const line = () => (lines.length ? Promise.resolve(lines.shift()) : new Promise((done) => waiting.push(done)));
  const url = await line();
  return { url, line, say: (text) => child.stdin.write(text + '\n'), end: () => { child.stdin.end(); return ended; }, errors: () => errors };
}

/** A bare client that keeps everything it hears, in order. */
async function client(url) {
  const ws = new WebSocket(url);
  const heard = [], answers = new Map();
  ws.on('message', (text) => {
    const m = JSON.parse(text);
    if (m.id !== undefined) answers.get(m.id)(m);
    else heard.push(m.params);
  });
  await new Promise((done, fail) => ws.once('open', done).once('error', fail));
  let id = 0;
  const call = (method, ...params) => new Promise((done) => {
    answers.set(++id, done);
    ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });
  return { call, heard, close: () => ws.close() };
}

const hash = (branch, number) => `0x${branch.toString(16).padStart(2, '0')}${number.toString(16).padStart(62, '0')}`;

test('lines on standard input become notifications, in the words of the host', async () => {
  const one = await host('embed_lines');
  const c = await client(one.url);
  const { result: heads } = await c.call('eth_subscribe', 'newHeads');
  const { result: logs } = await c.call('eth_subscribe', 'logs', { topics: [hash(9, 1)] });
  assert.match(heads, /^0x[1-9a-f][0-9a-f]{31}$/);
  assert.equal((await c.call('eth_chainId')).result, '0x539');
  assert.equal((await c.call('eth_getBalance', hash(1, 1))).error.code, -32601);

  one.say(JSON.stringify({ hook: 'on_new_block', arg: { number: 16, hash: hash(1, 16), parentHash: hash(1, 15), timestamp: 100000000, gasLimit: '0xe4e1c0', transactions: ['…'] } }));
  assert.equal(await one.line(), 'line 1: ok');
  one.say(JSON.stringify({ hook: 'on_logs', arg: [
    { address: `0x${'aa'.repeat(20)}`, topics: [hash(9, 1)], data: '0x01', blockNumber: 16, transactionHash: hash(7, 1), logIndex: 0 },
    { address: `0x${'aa'.repeat(20)}`, topics: [hash(9, 2)], data: '0x02', blockNumber: 16, transactionHash: hash(7, 1), logIndex: 1 }] }));
  assert.equal(await one.line(), 'line 2: ok');
  one.say('{"hook":"on_new_block","arg":{"number":17,"hash":"0x12"}}');
  assert.equal(await one.line(), 'line 3: block: parentHash: is missing');
  one.say('{"hook":"on_new_moon","arg":{}}');
  assert.match(await one.line(), /^line 4: hook: "on_new_moon" is none of on_new_block/);
  one.say('what?');
  assert.match(await one.line(), /^line 5: byte/);
  await h.until('two notifications', () => c.heard.length >= 2);
  assert.deepEqual(c.heard, [
    { subscription: heads, result: { parentHash: hash(1, 15), number: '0x10', gasLimit: '0xe4e1c0', timestamp: '0x5f5e100', hash: hash(1, 16) } },
    { subscription: logs, result: { address: `0x${'aa'.repeat(20)}`, topics: [hash(9, 1)], data: '0x01', blockNumber: '0x10', transactionHash: hash(7, 1), logIndex: '0x0', removed: false } },
  ]);
  c.close();
  assert.equal(await one.end(), 0);
});

test('a chain told by structs from two threads: every event once, in order, reorgs as promised', async () => {
  const COUNT = 400;
  const one = await host('embed_chain', String(COUNT));
  const clients = await Promise.all([...Array(8)].map(() => client(one.url)));
  const ids = await Promise.all(clients.map(async (c) => {
    const names = {};
    for (const [name, ...params] of [['heads', 'newHeads'], ['logs', 'logs', { address: `0xaa${'00'.repeat(19)}` }], ['pending', 'newPendingTransactions'], ['bodies', 'newPendingTransactions', true], ['syncing', 'syncing']])
      names[(await c.call('eth_subscribe', ...params)).result] = name;
    return names;
  }));
  const filter = (await clients[0].call('eth_newFilter', {})).result;
  one.say('go');
  // The order a single subscriber must see, by the rules of the hooks.
  const expected = [];
  for (let n = 1; n <= COUNT; n++) {
    expected.push(`+${n}`, `log ${n} false`);
    if (n % 10 === 0) expected.push(`log ${n} true`, `+${n}`, `log ${n} false`);
  }
  for (let n = COUNT; n > COUNT - 2; n--) expected.push(`log ${n} true`);
  assert.equal(await one.line(), `blocks ${COUNT + COUNT / 10} logs ${COUNT + COUNT / 10} pending ${COUNT}`);
  for (const [i, c] of clients.entries()) {
    const chain = () => c.heard.filter((p) => ['heads', 'logs'].includes(ids[i][p.subscription]));
    await h.until('all of the chain', () => chain().length >= expected.length);
    assert.deepEqual(chain().map(({ subscription, result: r }) => (ids[i][subscription] === 'heads' ? `+${Number(r.number)}` : `log ${Number(r.blockNumber)} ${r.removed}`)), expected);
    await h.until('all pending', () => c.heard.filter((p) => ids[i][p.subscription] === 'pending').length === COUNT);
    assert.deepEqual(c.heard.filter((p) => ids[i][p.subscription] === 'pending').map((p) => p.result), [...Array(COUNT)].map((_, n) => hash(5, n + 1)));
    assert.deepEqual(c.heard.filter((p) => ids[i][p.subscription] === 'bodies').map((p) => p.result), [...Array(COUNT)].map((_, n) => ({ hash: hash(5, n + 1) })));
    await h.until('the last state of syncing', () => c.heard.filter((p) => ids[i][p.subscription] === 'syncing').length === 3);
    assert.deepEqual(c.heard.filter((p) => ids[i][p.subscription] === 'syncing').map((p) => p.result.syncing ?? p.result), [false, true, false]);
  }
  const polled = (await clients[0].call('eth_getFilterChanges', filter)).result;
  assert.deepEqual(polled.map((r) => `log ${Number(r.blockNumber)} ${r.removed}`), expected.filter((e) => e.startsWith('log')));
  assert.equal((await clients[0].call('eth_blockNumber')).result, `0x${(COUNT - 2).toString(16)}`);

  // Somebody who lost the connection at block 100 resumes, over reorgs that are history and logs that came late.
  const late = await client(one.url);
  const { result: again } = await late.call('eth_subscribe', 'logs', { resume: { fromBlock: '0x64' } });
  assert.match(again, /^0x/);
  await h.until('the history', () => late.heard.length >= COUNT - 2 - 99);
  assert.deepEqual(late.heard.map((p) => Number(p.result.blockNumber)), [...Array(COUNT - 2 - 99)].map((_, i) => 100 + i));
  for (const c of [...clients, late]) c.close();
  assert.equal(one.errors(), '');
  assert.equal(await one.end(), 0);
});

test('methods of the host: at once, later, errors, what is no JSON, and a fallback; over HTTP, in a batch, with ethers', async () => {
  const one = await host('embed_methods');
  const post = async (body) => (await fetch(one.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
  const call = (method, ...params) => post({ jsonrpc: '2.0', id: 1, method, params });
  assert.equal((await call('eth_getBalance', '0x')).result, '0xde0b6b3a7640000');
  assert.deepEqual((await call('host_slowEcho', { a: [1, 2] }, 'x')).result, [{ a: [1, 2] }, 'x']);
  assert.deepEqual((await call('eth_call')).error, { code: 3, message: 'execution reverted', data: '0x08c379a0' });
  assert.equal((await call('host_notJson')).error.code, -32603);
  assert.equal((await call('anything_else')).result, 'host: anything_else');
  assert.equal((await call('web3_clientVersion')).result, 'host: web3_clientVersion', 'the fallback has what the host did not leave to us');
  assert.equal((await call('eth_chainId')).result, '0x539');
  const subscribing = await call('eth_subscribe', 'newHeads');
  assert.deepEqual([subscribing.error.code, /notifications not supported/.test(subscribing.error.message)], [-32601, true]);
  const started = Date.now();
  const many = await Promise.all([...Array(100)].map((_, i) => call('host_slowEcho', i)));
  assert.deepEqual(many.map((m) => m.result[0]), [...Array(100).keys()]);
  assert.ok(Date.now() - started < 9000, 'a hundred answers that each take a tenth of a second did not wait for one another');
  const batch = await post(['eth_getBalance', 'host_slowEcho', 'x'].map((method, id) => ({ jsonrpc: '2.0', id, method, params: [] })));
  assert.deepEqual(batch.map((b) => b.result), ['0xde0b6b3a7640000', [], 'host: x']);
  const provider = new JsonRpcProvider(one.url, 1337, { staticNetwork: true });
  assert.equal(await provider.getBalance(h.ACCOUNTS[0]), 10n ** 18n);
  provider.destroy();
  assert.match(one.errors(), /the answer is no JSON/);
  assert.equal(await one.end(), 0);
});

test('only fan_ names are to be seen, in both libraries', () => {
  const names = (...args) => execFileSync('nm', args, { encoding: 'utf8' }).split('\n').map((l) => l.trim().split(' ')).filter((p) => p.length === 3).map((p) => p[2]);
  const shared = names('-D', '--defined-only', path.join(h.bin, 'libfanatico.so'));
  const fixed = names('-g', '--defined-only', path.join(h.bin, 'libfanatico.a'));
  const headers = ['fanatico.h', 'hooks.h', 'types.h'].map((f) => fs.readFileSync(path.join(h.source, 'include/fanatico', f), 'utf8')).join('');
  const promised = [...headers.matchAll(/^FAN_API [^;]*?\b(fan_\w+)\(/gm)].map((m) => m[1]).sort();
  assert.ok(promised.length > 25, `${promised.length} functions were found in the headers`);
  assert.deepEqual([...shared].sort(), promised);
  assert.deepEqual([...fixed].sort(), promised);
});

test('installed, it is found by pkg-config; shared and static, from C and from C++', () => {
  const to = h.scratch();
  try {
    execFileSync('cmake', ['--install', h.bin, '--prefix', to], { stdio: 'ignore' });
    const env = { ...process.env, PKG_CONFIG_PATH: path.join(to, 'lib/pkgconfig'), LD_LIBRARY_PATH: path.join(to, 'lib') };
    const flags = (...args) => execFileSync('pkg-config', [...args, 'fanatico'], { env, encoding: 'utf8' }).trim().split(/\s+/);
    const source = path.join(to, 'version.c');
    fs.writeFileSync(source, '#include <fanatico/hooks.h>\n#include <stdio.h>\nstatic int conn_close(void) { return 5; }\nint main(void) { fan_server *s; if (fan_server_new(0, &s, 0)) return 1; fan_server_free(s); return puts(fan_version()) < 0 || conn_close() != 5; }\n');
    const version = fs.readFileSync(path.join(h.source, 'CMakeLists.txt'), 'utf8').match(/VERSION ([\d.]+) LANGUAGES/)[1];
    const kinds = [
      ['cc', [source, ...flags('--cflags', '--libs')]],
      ['cc', [source, ...flags('--cflags'), path.join(to, 'lib/libfanatico.a'), ...flags('--libs', '--static').filter((f) => f !== '-lfanatico')]],
      ['c++', ['-x', 'c++', source, '-x', 'none', ...flags('--cflags', '--libs')]],
    ];
    for (const [compiler, args] of kinds) {
      const built = spawnSync(compiler, ['-o', path.join(to, 'version'), '-Wall', '-Werror', ...args], { encoding: 'utf8' });
      assert.equal(built.status, 0, built.stderr);
      assert.equal(execFileSync(path.join(to, 'version'), { env, encoding: 'utf8' }).trim(), version);
    }
  } finally {
    fs.rmSync(to, { recursive: true });
  }
});
