// /metrics, /status, /livez, /readyz of the real binary: held to two parsers of the format, and to what really happened.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const h = require('../lib/harness.cjs');
const { promtool, scrape } = require('./scrape.cjs');

let node;
before(async () => { node = await h.fanatico(['--silent', '--metrics-port', '0', '--max-connections', '20', '--http-max-connections', '30', '--max-subscriptions-per-connection', '3']); });
after(async () => { assert.equal(await node?.stop(), 0); });

/** A request with whatever bytes; all that came back until the peer closed, or nothing came for a while. */
async function raw(port, bytes) {
  const s = net.connect(port, '127.0.0.1');
  let got = '';
  s.on('data', (d) => (got += d.toString('latin1')));
  s.on('error', () => {});
  await once(s, 'connect');
  s.write(Buffer.from(bytes, 'latin1'));
  await Promise.race([once(s, 'close'), h.sleep(300)]);
  s.destroy();
  return got;
}

const get = (url, headers = {}) => new Promise((done, fail) => {
  http.get(url, { headers, agent: false }, (r) => {
    let text = '';
    r.on('data', (d) => (text += d));
    r.on('end', () => done({ status: r.statusCode, headers: r.headers, text }));
  }).on('error', fail);
});

test('the text passes promtool: format, and the customs of naming', async () => {
  const { text } = await scrape(node.http);
  const run = spawnSync(promtool(), ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.equal((run.stdout + run.stderr).trim(), '');
});

test('every row of every metrics.def is there, with its kind, once', async () => {
  const { families, reply } = await scrape(node.http);
  assert.equal(reply.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const there = new Map(families.map((f) => [f.type === 'counter' ? f.name + '_total' : f.name, f.type]));
  const walk = (dir) => fs.readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(path.join(dir, e.name)) : [path.join(dir, e.name)]));
  let rows = 0;
  for (const def of walk(path.join(h.source, 'src')).filter((f) => f.endsWith('metrics.def'))) {
    if (/store|host/.test(def)) continue; // a chain in memory has neither
    for (const [, kind, name] of fs.readFileSync(def, 'utf8').matchAll(/^FAMILY\((\w+), (\w+),/gm)) {
      const full = name.startsWith('process_') ? name : 'fanatico_' + name;
      assert.equal(there.get(full), kind.toLowerCase(), full);
      rows++;
    }
  }
  assert.ok(rows > 50, `${rows} rows`);
  const series = families.flatMap((f) => f.samples).map(([n, l]) => n + JSON.stringify(l));
  assert.equal(new Set(series).size, series.length, 'a series stands there twice');
});

test('histograms are whole: buckets grow, the last is the count', async () => {
  await h.rpc(node.http, 'eth_blockNumber');
  const { families } = await scrape(node.http);
  let some = 0;
  for (const f of families.filter((x) => x.type === 'histogram')) {
    const groups = new Map();
    for (const [name, labels, value] of f.samples) {
      const { le, ...rest } = labels;
      const key = JSON.stringify(rest);
      const g = groups.get(key) ?? { buckets: [] };
      groups.set(key, g);
      if (name.endsWith('_bucket')) g.buckets.push([le === '+Inf' ? Infinity : Number(le), value]);
      if (name.endsWith('_count')) g.count = value;
      if (name.endsWith('_sum')) g.sum = value;
    }
    for (const [key, g] of groups) {
      assert.equal(g.buckets.length, 20, f.name + key);
      for (let i = 1; i < 20; i++) assert.ok(g.buckets[i][0] > g.buckets[i - 1][0] && g.buckets[i][1] >= g.buckets[i - 1][1], f.name + key);
      assert.equal(g.buckets[19][1], g.count);
      assert.ok(g.count === 0 ? g.sum === 0 : g.sum > 0);
      some += g.count;
    }
  }
  assert.ok(some > 0);
});

test('requests and errors are counted by method and code; names that do not exist share one line', async () => {
  const before = await scrape(node.http);
  await h.rpc(node.http, 'eth_chainId');
  await h.post(node.http, [{ jsonrpc: '2.0', id: 1, method: 'eth_chainId' }, { jsonrpc: '2.0', id: 2, method: 'eth_getBalance', params: ['zz'] }, { jsonrpc: '2.0', method: 'eth_chainId' }]);
  for (let i = 0; i < 50; i++) await h.post(node.http, { jsonrpc: '2.0', id: 1, method: `made_up_${i}` });
  await h.post(node.http, '{"jsonrpc":');
  await h.rpc(node.http, 'debug_traceCall', [{ to: h.ACCOUNTS[0] }, 'latest', {}]); // by way of the pool
  await h.rpc(node.http, 'evm_mine'); // by way of the writer
  const after = await scrape(node.http);
  const grew = (name, labels) => after.value(name, labels) - (before.text.includes(name) ? sumOr0(before, name, labels) : 0);
  const sumOr0 = (s, name, labels) => { try { return s.value(name, labels); } catch { return 0; } };
  assert.equal(grew('fanatico_rpc_requests_total', { method: 'eth_chainId' }), 3);
  assert.equal(grew('fanatico_rpc_requests_total', { method: 'other' }), 50);
  assert.equal(grew('fanatico_rpc_errors_total', { method: 'eth_getBalance', code: '-32602' }), 1);
  assert.equal(grew('fanatico_rpc_errors_total', { method: 'other', code: '-32601' }), 50);
  assert.equal(grew('fanatico_rpc_errors_total', { method: 'other', code: '-32700' }), 1);
  assert.equal(grew('fanatico_rpc_messages_total', { form: 'batch' }), 1);
  assert.equal(grew('fanatico_rpc_messages_total', { form: 'unreadable' }), 1);
  assert.equal(grew('fanatico_rpc_duration_seconds_count', { start: 'pool' }), 1);
  assert.equal(grew('fanatico_call_pool_run_seconds_count'), 1);
  assert.equal(grew('fanatico_call_pool_wait_seconds_count'), 1);
  assert.equal(grew('fanatico_rpc_duration_seconds_count', { start: 'writer' }), 1);
  assert.equal(after.value('fanatico_rpc_in_flight'), 0);
  const series = after.families.flatMap((f) => f.samples).length, was = before.families.flatMap((f) => f.samples).length;
  assert.ok(series - was < 12, `${series - was} new series`);
  assert.ok(!after.text.includes('made_up'));
});

test('nothing a stranger sends becomes a line, a label or a family: metric injection', async (t) => {
  const evil = 'x"} 1\nfanatico_evil_total{a="b\\';
  const attempts = [
    () => h.post(node.http, { jsonrpc: '2.0', id: 1, method: evil }),
    () => h.post(node.http, { jsonrpc: '2.0', id: evil, method: 'eth_subscribe', params: [evil] }),
    () => h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [evil] }),
    () => raw(node.httpPort, `GET /metrics%0afanatico_evil_total HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    () => raw(node.httpPort, `GET /metrics?fanatico_evil_total=1 HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    () => raw(node.httpPort, `POST / HTTP/1.1\r\nHost: evil"} 1 fanatico_evil_total\r\n\r\n`),
    () => raw(node.httpPort, `POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://fanatico_evil_total{a="b"}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`),
    () => raw(node.httpPort, `GET / HTTP/1.1\r\nHost: localhost\r\nfanatico_evil_total: 1\r\nUser-Agent: fanatico_evil_total\r\n\r\n`),
    async () => { const s = await h.Socket.open(node.ws); s.ws.close(4000, 'fanatico_evil_total'); await s.closed; },
    async () => { const s = await h.Socket.open(node.ws); await s.call('eth_subscribe', ['newHeads', { fanatico_evil_total: evil }]).catch(() => {}); await s.call('eth_unsubscribe', [evil]).catch(() => {}); s.close(); },
  ];
  const was = await scrape(node.http);
  for (const attempt of attempts) await attempt();
  const now = await scrape(node.http);
  assert.ok(!now.text.includes('evil'));
  const names = (s) => new Set(s.families.map((f) => f.name));
  assert.deepEqual(names(now), names(was));
  const labels = (s) => new Set(s.families.flatMap((f) => f.samples).filter(([n]) => !/rpc_(errors|request_seconds)_total/.test(n)).map(([n, l]) => n + JSON.stringify(l)));
  assert.deepEqual(labels(now), labels(was));
  t.diagnostic(`attack: metric injection: ${attempts.length} ways, 0 lines of theirs, ${labels(now).size} series before and after`);
});

test('connections: by transport, how they ended, who was turned away', async () => {
  const before = await scrape(node.http);
  const grew = (after, name, labels) => after.value(name, labels) - before.value(name, labels);
  const open = [];
  for (let i = 0; i < 20; i++) open.push(await h.Socket.open(node.ws));
  await assert.rejects(h.Socket.open(node.ws));
  await assert.rejects(h.Socket.open(node.ws, { origin: 'https://evil.example' }));
  assert.equal((await get(node.http + '/', { host: 'evil.example' })).status, 403);
  const full = await scrape(node.http);
  assert.equal(full.value('fanatico_connections', { transport: 'ws' }), 20);
  assert.equal(grew(full, 'fanatico_connections_refused_total', { reason: 'limit' }), 1);
  assert.equal(grew(full, 'fanatico_connections_refused_total', { reason: 'origin' }), 1);
  assert.equal(grew(full, 'fanatico_connections_refused_total', { reason: 'host' }), 1);
  open[0].ws.close(1000);
  open[1].ws.close();
  open[2].ws.close(4321, 'mine');
  open[3].ws.terminate();
  open[4].ws._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0])); // a reserved opcode
  open[5].ws._socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])); // no UTF-8
  await open[4].closed;
  await open[5].closed;
  for (const s of open.slice(6)) s.ws.close(1001);
  const end = await h.until('all to be gone', async () => { const s = await scrape(node.http); return s.value('fanatico_connections', { transport: 'ws' }) === 0 && s; });
  const closed = (by, code) => grew(end, 'fanatico_websockets_closed_total', { by, code });
  assert.equal(closed('peer', '1000'), 1);
  assert.equal(closed('peer', '1005'), 1);
  assert.equal(closed('peer', 'other'), 1);
  assert.equal(closed('peer', '1006'), 1);
  assert.equal(closed('peer', '1001'), 14);
  assert.equal(closed('server', '1002'), 1);
  assert.equal(closed('server', '1007'), 1);
  assert.equal(grew(end, 'fanatico_connections_opened_total', { transport: 'ws' }), 20);
  assert.equal(grew(end, 'fanatico_protocol_errors_total'), 2);
});

test('subscriptions and notifications by kind, and how long they took', async () => {
  const before = await scrape(node.http);
  const grew = (after, name, labels) => after.value(name, labels) - before.value(name, labels);
  const a = await h.Socket.open(node.ws), b = await h.Socket.open(node.ws);
  const heads = await a.call('eth_subscribe', ['newHeads']);
  await a.call('eth_subscribe', ['newPendingTransactions']);
  await a.call('eth_subscribe', ['newPendingTransactions', true]);
  await assert.rejects(a.call('eth_subscribe', ['logs', {}]));
  await b.call('eth_subscribe', ['newHeads']);
  await b.call('eth_subscribe', ['logs', {}]);
  const live = await scrape(node.http);
  assert.equal(live.value('fanatico_subscriptions', { kind: 'newHeads' }), 2);
  assert.equal(live.value('fanatico_subscriptions', { kind: 'newPendingTransactions' }), 1);
  assert.equal(live.value('fanatico_subscriptions', { kind: 'newPendingTransactions_full' }), 1);
  assert.equal(live.value('fanatico_subscriptions', { kind: 'logs' }), 1);
  assert.equal(grew(live, 'fanatico_subscriptions_refused_total'), 1);
  await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  for (let i = 0; i < 9; i++) await h.rpc(node.http, 'evm_mine');
  await h.until('ten heads', () => a.of(heads).length === 10);
  const end = await scrape(node.http);
  assert.equal(grew(end, 'fanatico_notifications_total', { kind: 'newHeads' }), 20);
  assert.equal(grew(end, 'fanatico_notifications_total', { kind: 'newPendingTransactions' }), 1);
  assert.equal(grew(end, 'fanatico_notifications_total', { kind: 'newPendingTransactions_full' }), 1);
  const sends = grew(end, 'fanatico_notification_seconds_count');
  assert.ok(sends >= 2 && sends <= 21, `${sends} sends`); // at most one for each connection and event; events at one waking, on a busy machine, leave together
  assert.ok(grew(end, 'fanatico_frames_encoded_total') >= 12);
  assert.equal(grew(end, 'fanatico_chain_blocks_total'), 10);
  assert.equal(grew(end, 'fanatico_chain_transactions_total'), 1);
  assert.equal(grew(end, 'fanatico_chain_gas_used_total'), 21000);
  assert.equal(end.value('fanatico_chain_head_number'), Number(await h.rpc(node.http, 'eth_blockNumber')));
  a.close();
  b.close();
  await h.until('their subscriptions to end', async () => (await scrape(node.http)).value('fanatico_subscriptions') === 0);
});

test('reorgs, the pool', async () => {
  const before = await scrape(node.http);
  await h.rpc(node.http, 'evm_setAutomine', [false]);
  const id = await h.rpc(node.http, 'evm_snapshot');
  for (let i = 0; i < 3; i++) await h.rpc(node.http, 'evm_mine');
  await h.rpc(node.http, 'evm_revert', [id]);
  await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[1], to: h.ACCOUNTS[1], value: '0x1', nonce: '0x77' }]);
  const now = await h.until('the pool to be told', async () => { const s = await scrape(node.http); return s.value('fanatico_pool_transactions', { state: 'queued' }) === 1 && s; });
  assert.equal(now.value('fanatico_pool_transactions', { state: 'executable' }), 1);
  assert.equal(now.value('fanatico_chain_reorgs_total') - before.value('fanatico_chain_reorgs_total'), 1);
  assert.equal(now.value('fanatico_chain_removed_blocks_total') - before.value('fanatico_chain_removed_blocks_total'), 3);
  await h.rpc(node.http, 'evm_setAutomine', [true]);
});

test('the process: memory, descriptors and time are those of the system', async () => {
  const { value } = await scrape(node.http);
  const statm = fs.readFileSync(`/proc/${node.child.pid}/statm`, 'utf8').split(' ');
  assert.ok(Math.abs(value('process_resident_memory_bytes') / (Number(statm[1]) * 4096) - 1) < 0.2);
  assert.ok(Math.abs(value('process_open_fds') - fs.readdirSync(`/proc/${node.child.pid}/fd`).length) <= 3);
  assert.ok(value('process_cpu_seconds_total') > 0);
  assert.ok(Math.abs(value('process_start_time_seconds') - Date.now() / 1000) < 300);
  assert.equal(value('fanatico_build_info'), 1);
});

test('a store tells its size and its commits', async () => {
  const dir = h.scratch();
  const kept = await h.fanatico(['--silent', '--datadir', path.join(dir, 'chain')]);
  try {
    await h.rpc(kept.http, 'evm_mine');
    const s = await h.until('a commit', async () => { const got = await scrape(kept.http); return got.value('fanatico_store_commit_seconds_count') > 1 && got; });
    assert.ok(s.value('fanatico_store_used_bytes') > 100000);
    assert.equal(s.value('fanatico_store_commit_failures_total'), 0);
  } finally { await kept.stop(); }
});

/** All four paths, for a local asker and for one behind a proxy: the statuses. */
async function statuses(url) {
  const of = async (headers) => Object.fromEntries(await Promise.all(['/livez', '/readyz', '/metrics', '/status'].map(async (p) => [p, (await get(url + p, headers)).status])));
  return { local: await of({}), proxied: await of({ 'x-forwarded-for': '203.0.113.9' }) };
}
const all = { '/livez': 200, '/readyz': 200, '/metrics': 200, '/status': 200 };
const health = { '/livez': 200, '/readyz': 200, '/metrics': 403, '/status': 403 };

test('who may read: health everybody, metrics and status loopback, at a port of their own whoever reaches it', async () => {
  assert.deepEqual(await statuses(node.http), { local: all, proxied: health });
  assert.deepEqual(await statuses(node.ws.replace('ws:', 'http:')), { local: all, proxied: health });
  const { metrics_port: port } = JSON.parse(fs.readFileSync(path.join(node.dir, 'ready.json'), 'utf8'));
  assert.deepEqual(await statuses(`http://127.0.0.1:${port}`), { local: all, proxied: all });
  assert.equal((await get(`http://127.0.0.1:${port}/metrics`, { host: 'evil.example' })).status, 403, 'a name that resolves to loopback is no way in');
  assert.equal((await h.post(`http://127.0.0.1:${port}/`, { jsonrpc: '2.0', id: 1, method: 'eth_chainId' })).error.code, -32601);
  assert.equal((await fetch(node.http + '/livez', { method: 'HEAD' })).status, 200);
  assert.match(await raw(node.httpPort, 'POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n'), /^HTTP\/1.1 404/);
});

for (const [who, local, proxied] of [['all', all, all], ['none', health, health]]) {
  test(`--metrics-access ${who}`, async () => {
    const other = await h.fanatico(['--silent', '--metrics-access', who]);
    try { assert.deepEqual(await statuses(other.http), { local, proxied }); } finally { await other.stop(); }
  });
}

test('when the connections are used up, the port of their own still answers', async () => {
  const held = [];
  for (let i = 0; i < 31; i++) {
    const s = net.connect(node.httpPort, '127.0.0.1');
    s.on('error', () => {});
    await once(s, 'connect');
    held.push(s);
  }
  await h.until('no room', async () => (await get(node.http + '/livez').catch(() => ({}))).status === 503); // each worker accepts by itself
  const { metrics_port: port } = JSON.parse(fs.readFileSync(path.join(node.dir, 'ready.json'), 'utf8'));
  const own = await scrape(`http://127.0.0.1:${port}`);
  assert.ok(own.value('fanatico_connections', { transport: 'http' }) >= 30);
  for (const s of held) s.destroy();
  await h.until('room again', async () => (await get(node.http + '/livez').catch(() => ({}))).status === 200);
});

test('/readyz says 503 importing while an import runs, and /livez 200', async () => {
  const dir = h.scratch();
  const fifo = path.join(dir, 'blocks');
  spawnSync('mkfifo', [fifo]);
  const port = await h.freePort();
  const program = new h.Program(path.join(h.bin, 'fanatico'), ['dev', '--silent', '--http-port', String(port), '--ws-port', '0', '--import', fifo]);
  const pipe = await fs.promises.open(fifo, 'w'); // once the other end is open; and nothing comes
  try {
    const r = await h.until('importing', async () => { const got = await get(`http://127.0.0.1:${port}/readyz`).catch(() => ({})); return got.status === 503 && got; });
    assert.equal(r.text, 'importing\n');
    assert.equal((await get(`http://127.0.0.1:${port}/livez`)).status, 200);
    const s = await scrape(`http://127.0.0.1:${port}`);
    assert.equal(s.value('fanatico_ready'), 0);
    const status = JSON.parse((await get(`http://127.0.0.1:${port}/status`)).text);
    assert.equal(status.ready, false);
    assert.equal(status.reason, 'importing');
    await pipe.close();
    await h.until('ready', async () => (await get(`http://127.0.0.1:${port}/readyz`)).status === 200);
  } finally {
    await pipe.close().catch(() => {});
    await program.stop();
  }
});

test('/status says what happens: head, subscriptions, rates, latencies', async () => {
  await h.until('nobody', async () => JSON.parse((await get(node.http + '/status')).text).connections.ws === 0);
  const s = await h.Socket.open(node.ws);
  const id = await s.call('eth_subscribe', ['newHeads']);
  for (let i = 0; i < 40; i++) await h.rpc(node.http, 'evm_mine');
  await h.until('forty heads', () => s.of(id).length === 40);
  const got = JSON.parse((await get(node.http + '/status')).text);
  const head = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.match(got.version, /^\d+\.\d+\.\d+$/);
  assert.equal(got.ready, true);
  assert.equal(got.reason, null);
  assert.equal(got.chain.id, 31337);
  assert.equal(got.chain.fork, 'osaka');
  assert.deepEqual(got.chain.forks.at(-1), { name: 'osaka', time: 0 });
  assert.equal(got.chain.head.hash, head.hash);
  assert.equal(got.chain.head.number, Number(head.number));
  assert.equal(got.connections.ws, 1);
  assert.equal(got.connections.wsMax, 20);
  assert.equal(got.subscriptions.newHeads, 1);
  assert.ok(got.rates.notifications > 0.5 && got.rates.notifications <= 400, JSON.stringify(got.rates));
  assert.ok(got.latency.notification.count >= 40);
  assert.ok(got.latency.notification.p50 > 0 && got.latency.notification.p50 <= got.latency.notification.p99);
  assert.equal(got.latency.notification.buckets.length, got.latency.bounds.length + 1);
  assert.equal(got.latency.notification.buckets.reduce((a, b) => a + b), got.latency.notification.count);
  assert.ok(got.memory.resident > 1e6);
  assert.equal(got.ports.http, node.httpPort);
  s.close();
});
