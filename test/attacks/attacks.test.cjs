// The attack table: each row attacks a node of its own while a second client goes about its business. Printed are the
// figures of docs/ATTACKS.md: what was refused, how much memory the attack cost, and what the second client's median
// request took meanwhile, against before. Asserted are the refusals, the memory, and that every request of the second
// client was answered; how long is no assertion, since machines differ.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const zlib = require('node:zlib');
const h = require('../lib/harness.cjs');
const { RUNTIME, deploy } = require('../promises/world.cjs');

const ask = (id, method = 'eth_chainId', params = []) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
const status = (program, key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))[1]) / 1024;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** The second client of bystander.cjs, warm. */
async function bystander(node) {
  const worker = new Worker(path.join(__dirname, 'bystander.cjs'), { workerData: { ws: node.ws } });
  const next = () => new Promise((done, fail) => { worker.once('message', done); worker.once('error', fail); });
  await next();
  return { end: async () => { const all = next(); worker.postMessage('end'); return all; } };
}

/** A row: its node, the attack (which returns what to print), the growth it may cost in MiB. */
function row(name, { args = [], mib = 32 }, attack) {
  test(name, { timeout: 120000 }, async () => {
    const node = await h.fanatico(['--silent', ...args]);
    const by = await bystander(node);
    const rss = status(node, 'VmRSS');
    const told = await attack(node);
    const { before, during } = await by.end();
    const grown = status(node, 'VmHWM') - rss;
    console.log(`  ${name}: ${told}; memory +${grown.toFixed(1)} MiB at most; the second client: ${during.length} requests answered, median ${(median(during) / median(before)).toFixed(1)} times as long`);
    assert.ok(node.running);
    assert.ok(during.length > 0);
    assert.ok(grown <= mib, `memory grew by ${grown.toFixed(1)} MiB, more than ${mib}`);
    assert.equal(await h.rpc(node.http, 'eth_chainId'), '0x7a69');
    assert.equal(await node.stop(), 0);
  });
}

/** One request with exactly these headers. */
function request(node, { port = node.httpPort, method = 'POST', headers = {}, body = '' }) {
  return new Promise((done) => {
    const r = http.request({ host: '127.0.0.1', port, method, path: '/', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text }));
    });
    r.on('error', (e) => done({ status: 0, text: e.message, headers: {} }));
    r.end(body);
  });
}

/** A bare socket: what it sent back so far, and whether it is over. */
function bare(port, first) {
  return new Promise((done) => {
    const s = { text: '', over: false };
    s.socket = net.connect({ port, host: '127.0.0.1' }, () => { if (first) s.socket.write(first); done(s); });
    s.socket.setEncoding('latin1');
    s.socket.on('data', (d) => (s.text += d));
    s.socket.on('error', () => {});
    s.closed = new Promise((end) => s.socket.on('close', () => { s.over = true; end(); done(s); }));
  });
}
const UPGRADE = (extra = '') => `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra}\r\n`;
/** A client's frame, its mask all zeros; `declared`: the length it claims. */
function frame(opcode, payload, { declared = BigInt(payload.length), rsv1 = false } = {}) {
  const head = [0x80 | (rsv1 ? 0x40 : 0) | opcode];
  const length = declared < 126n ? [0x80 | Number(declared)] : declared < 65536n ? [0xfe, Number(declared >> 8n), Number(declared & 255n)] : [0xff, ...Array.from({ length: 8 }, (_, i) => Number((declared >> BigInt(56 - 8 * i)) & 255n))];
  return Buffer.concat([Buffer.from([...head, ...length, 0, 0, 0, 0]), payload]);
}
async function ws(node, extra) {
  const s = await bare(node.wsPort, UPGRADE(extra));
  await h.until('the handshake', () => s.text.includes('\r\n\r\n') || s.over);
  return s;
}
/** One batch over a WebSocket: its answers. */
async function together(s, calls) {
  s.received.length = 0;
  s.send(`[${calls.map(([method, params], i) => ask(i, method, params)).join(',')}]`);
  return h.until('the batch', () => s.received.find(Array.isArray));
}
const many = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));

row('foreign origins', {}, async (node) => {
  const origins = ['https://evil.example', 'null', 'http://localhost.evil.example', 'http://127.0.0.1.evil.example', 'https://evil.example:8545', 'file://', 'http://[::1].evil.example', 'http://127.0.0.1@evil.example', 'http://evil.example#localhost', 'http://LOCALHOST.evil.example', 'ftp://localhost', 'http://0x7f.1.evil.example'];
  let refused = 0;
  for (const origin of origins) {
    const call = await request(node, { headers: { origin }, body: ask(1, 'evm_mine') });
    const preflight = await request(node, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    assert.equal(call.status, 403, origin);
    for (const r of [call, preflight]) assert.equal(r.headers['access-control-allow-origin'], undefined, origin);
    for (const url of [node.ws, `ws://127.0.0.1:${node.httpPort}`]) await assert.rejects(h.Socket.open(url, { headers: { origin } }), /403/, origin);
    refused += 4;
  }
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), '0x0', 'nothing was mined');
  return `${refused} of ${4 * origins.length} requests of ${origins.length} origins refused`;
});

row('DNS rebinding', {}, async (node) => {
  const hosts = ['evil.example', 'evil.example:8545', 'localhost.evil.example', '127.0.0.1.evil.example', 'a.localhost.', 'localhost@evil.example', '127.0.0.1:8545.evil.example', '[::1].evil.example', 'evil', 'xn--n3h.example'];
  let refused = 0;
  for (const host of hosts) {
    for (const port of [node.httpPort, node.wsPort]) {
      const s = await bare(port, `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${ask(1, 'evm_mine').length}\r\nConnection: close\r\n\r\n${ask(1, 'evm_mine')}`);
      await s.closed;
      assert.match(s.text, /^HTTP\/1\.1 40[03]/, host);
      const u = await bare(port, UPGRADE().replace('Host: localhost', `Host: ${host}`).replace('Connection: Upgrade', 'Connection: Upgrade, close'));
      await h.until('an answer', () => u.text);
      assert.match(u.text, /^HTTP\/1\.1 40[03]/, host);
      u.socket.destroy();
      refused += 2;
    }
  }
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), '0x0', 'nothing was mined');
  return `${refused} of ${4 * hosts.length} requests for ${hosts.length} names refused`;
});

row('CSRF by simple POST', {}, async (node) => {
  const types = ['text/plain', 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '', 'application/json-patch+json', 'text/plain; application/json', 'application/jsonx', 'application/x-json', 'text/json'];
  let refused = 0;
  for (const type of types) {
    for (const origin of [undefined, 'https://evil.example', 'http://localhost:3000']) {
      const headers = { 'content-type': type, ...(origin ? { origin } : {}) };
      const r = await request(node, { headers, body: ask(1, 'evm_mine') });
      assert.ok(r.status === 415 || r.status === 403, `${type}: ${r.status}`);
      refused++;
    }
  }
  for (const query of ['/?body=', '/']) assert.ok([200, 404, 405].includes((await fetch(`${node.http}${query}${encodeURIComponent(ask(1, 'evm_mine'))}`)).status), 'a GET calls nothing');
  assert.equal(await h.rpc(node.http, 'eth_blockNumber'), '0x0', 'nothing was mined');
  return `${refused} of ${3 * types.length} posts of ${types.length} types refused, no block was mined`;
});

row('header floods', { mib: 24 }, async (node) => {
  const heads = [
    `${Array.from({ length: 5000 }, (_, i) => `X-${i}: y\r\n`).join('')}`, `X: ${'y'.repeat(1 << 20)}`, `${'X'.repeat(1 << 20)}: y`, `Cookie: ${'a=b; '.repeat(100000)}`,
    'Host: localhost\r\n'.repeat(1000), 'Content-Length: 1\r\n'.repeat(1000), 'X:\r\n'.repeat(100000),
  ];
  const seen = {};
  await many(30 * heads.length, async (i) => {
    const s = await bare(i % 2 ? node.httpPort : node.wsPort, `POST / HTTP/1.1\r\nHost: localhost\r\n${heads[i % heads.length]}`);
    await s.closed;
    const code = s.text.slice(9, 12) || 'reset';
    seen[code] = (seen[code] ?? 0) + 1;
  });
  const lines = await bare(node.httpPort, `POST /${'x'.repeat(1 << 20)} HTTP/1.1\r\n`);
  await lines.closed;
  assert.ok(Object.keys(seen).every((code) => ['431', '400', 'reset'].includes(code)), JSON.stringify(seen));
  return `${30 * heads.length} floods of up to 1 MB: ${Object.entries(seen).map(([code, n]) => `${n} × ${code}`).join(', ')}`;
});

row('slowloris', { args: ['--http-max-connections', '1000'], mib: 48 }, async (node) => {
  const head = `POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'y'.repeat(200)}`, began = Date.now();
  const all = await many(900, () => bare(node.httpPort, head.slice(0, 10)));
  let at = 10;
  while (all.some((s) => !s.over) && Date.now() - began < 30000) {
    await h.sleep(400);
    for (const s of all) if (!s.over) s.socket.write(head[at]);
    at++;
  }
  const late = all.filter((s) => s.text.startsWith('HTTP/1.1 408')).length, gone = all.filter((s) => s.over).length;
  assert.equal(gone, 900);
  assert.ok(late > 800, `${late} were told 408`);
  return `900 connections that send a byte each 0.4 s: all gone after ${((Date.now() - began) / 1000).toFixed(1)} s, ${late} told 408`;
});

row('bodies that trickle in', { args: ['--http-max-connections', '1000'], mib: 48 }, async (node) => {
  const began = Date.now();
  const all = await many(900, () => bare(node.httpPort, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n['));
  while (all.some((s) => !s.over) && Date.now() - began < 60000) {
    await h.sleep(500);
    for (const s of all) if (!s.over) s.socket.write(' ');
  }
  const late = all.filter((s) => s.text.startsWith('HTTP/1.1 408')).length;
  assert.equal(all.filter((s) => s.over).length, 900);
  assert.ok(late > 800, `${late} were told 408`);
  return `900 bodies of which a byte comes each 0.5 s: all gone after ${((Date.now() - began) / 1000).toFixed(1)} s, ${late} told 408`;
});

row('declared lengths', { mib: 24 }, async (node) => {
  const MIB5 = 5n << 20n, posts = [], frames = [];
  const post = (line) => `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${line}\r\n\r\n`;
  // What may be that long waits for its bytes, and costs what has come of it.
  for (let i = 0; i < 300; i++) posts.push(await bare(node.httpPort, `${post(`Content-Length: ${MIB5}`)}{`));
  for (let i = 0; i < 300; i++) posts.push(await bare(node.httpPort, `${post('Transfer-Encoding: chunked')}500000\r\n{`));
  for (let i = 0; i < 300; i++) {
    const s = await ws(node);
    s.socket.write(frame(1, Buffer.from('{'), { declared: MIB5 }));
    frames.push(s);
  }
  await h.sleep(300);
  assert.equal([...posts, ...frames].filter((s) => s.over).length, 0);
  // What is too long is refused before a byte of it has come.
  let refused = 0;
  for (const length of ['5242881', '9223372036854775808', '18446744073709551615', '18446744073709551616', `1${'0'.repeat(200)}`]) {
    const s = await bare(node.httpPort, post(`Content-Length: ${length}`));
    await s.closed;
    assert.match(s.text, /^HTTP\/1\.1 4(13|00)/, length);
    refused++;
  }
  for (const size of ['500001', '8000000000000000', 'ffffffffffffffff', 'fffffffffffffffff']) {
    const s = await bare(node.httpPort, `${post('Transfer-Encoding: chunked')}${size}\r\n`);
    await s.closed;
    assert.match(s.text, /^HTTP\/1\.1 4(13|00)/, size);
    refused++;
  }
  for (const declared of [MIB5 + 1n, 1n << 40n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]) {
    const s = await ws(node);
    s.socket.write(frame(1, Buffer.alloc(0), { declared }));
    await h.until('a close', () => /\x88/.test(s.text.slice(s.text.indexOf('\r\n\r\n'))), 5000);
    s.socket.destroy();
    refused++;
  }
  for (const s of [...posts, ...frames]) s.socket.destroy();
  return `900 bodies and messages of 5 MiB declared (4,500 MiB) and a byte of each sent; ${refused} of 14 lengths up to 2^64 and beyond refused at once`;
});

row('inflate bombs', { args: ['--input-memory', '32M'], mib: 96 }, async (node) => {
  const extension = 'Sec-WebSocket-Extensions: permessage-deflate\r\n';
  const bomb = (mib) => { const z = zlib.deflateRawSync(Buffer.alloc(mib << 20, 0x20), { level: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH }); return z.subarray(0, z.length - 4); };
  const large = bomb(64), sockets = await many(50, () => ws(node, extension));
  for (const s of sockets) s.socket.write(frame(1, large, { rsv1: true }));
  await h.until('every bomb to be closed', () => sockets.every((s) => s.text.slice(s.text.indexOf('\r\n\r\n') + 4).startsWith('\x88')), 30000);
  const codeOf = (s) => { const at = s.text.indexOf('\r\n\r\n') + 4; return s.text.charCodeAt(at + 2) * 256 + s.text.charCodeAt(at + 3); };
  assert.ok(sockets.every((s) => [1009, 1013].includes(codeOf(s))));
  for (const s of sockets) s.socket.destroy();
  // And those that stay below the limit of a message, and never end.
  const kept = await many(300, () => ws(node, extension)), small = bomb(4);
  for (const s of kept) s.socket.write(frame(1, small, { rsv1: true, declared: BigInt(small.length + 1) }));
  await h.until('most of them to be refused', () => kept.filter((s) => codeOf(s) === 1013).length >= 280, 30000);
  const refused = kept.filter((s) => codeOf(s) === 1013).length;
  for (const s of kept) s.socket.destroy();
  return `50 messages of ${large.length >> 10} KB that inflate to 64 MiB each (3,200 MiB): ${sockets.filter((s) => codeOf(s) === 1009).length} closed with 1009; 300 that inflate to 4 MiB and never end (1,200 MiB): ${refused} closed with 1013 (--input-memory 32M)`;
});

row('ping floods', { mib: 24 }, async (node) => {
  const pings = Buffer.concat(Array.from({ length: 5000 }, () => frame(9, Buffer.alloc(125, 0x61)))), sockets = await many(20, () => ws(node));
  for (const s of sockets) s.socket.pause(); // the pongs are not taken
  let sent = 0;
  for (let i = 0; i < 20; i++) {
    for (const s of sockets) if (!s.over && s.socket.writableLength < 4 << 20) { s.socket.write(pings); sent += 5000; }
    await h.sleep(50);
  }
  const held = sockets.reduce((sum, s) => sum + s.socket.writableLength, 0);
  for (const s of sockets) s.socket.destroy();
  return `${sent} pings over 20 connections that take no pong: reading pauses, ${(held / 1048576).toFixed(0)} MiB of them stayed with the attacker`;
});

row('batch amplification', { args: ['--output-memory', '64M'], mib: 160 }, async (node) => {
  const contract = await deploy((m, p) => h.rpc(node.http, m, p), RUNTIME);
  await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: contract, data: `0x${(400).toString(16).padStart(64, '0')}`, gas: '0x1000000' }]);
  const item = (i) => ask(i, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }]);
  const batch = `[${Array.from({ length: 1000 }, (_, i) => item(i)).join(',')}]`;
  const one = (await (await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: batch })).text());
  const codes = JSON.parse(one).map((r) => r.error?.code ?? 0);
  assert.ok(one.length <= 26e6, `${one.length} bytes`);
  assert.ok(codes.includes(-32003));
  // And from those who ask and do not read.
  const sockets = await many(30, () => bare(node.httpPort));
  for (const s of sockets) { s.socket.pause(); s.socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${batch.length}\r\n\r\n${batch}`); }
  await h.sleep(4000);
  for (const s of sockets) s.socket.resume();
  await h.sleep(500);
  const cut = sockets.filter((s) => s.over).length;
  for (const s of sockets) s.socket.destroy();
  const tooMany = await h.post(node.http, `[${Array.from({ length: 1001 }, (_, i) => ask(i)).join(',')}]`);
  assert.equal(tooMany.error.code, -32600);
  return `${(batch.length / 1024).toFixed(0)} KB ask for ${(one.length / codes.filter((c) => !c).length * 1000 / 1048576).toFixed(0)} MiB and get ${(one.length / 1048576).toFixed(1)} (${codes.filter((c) => c === -32003).length} items -32003); 30 of them at once from clients that do not read, with --output-memory 64M: ${cut} connections ended`;
});

row('depth bombs', { mib: 96 }, async (node) => {
  const bombs = ['['.repeat(5 << 20), `${'['.repeat(2 << 20)}${']'.repeat(2 << 20)}`, `${'{"a":'.repeat(800000)}1${'}'.repeat(800000)}`, `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":${'['.repeat(1 << 20)}${']'.repeat(1 << 20)}}`];
  let refused = 0;
  for (const bomb of bombs) {
    for (let i = 0; i < 5; i++) {
      const r = await h.post(node.http, bomb);
      assert.ok([-32600, -32700].includes(r.error.code), JSON.stringify(r));
      refused++;
    }
    const s = await h.Socket.open(node.ws);
    s.send(bomb);
    assert.ok([-32600, -32700].includes((await h.until('the refusal', () => s.received[0])).error.code));
    assert.equal(await s.call('eth_chainId'), '0x7a69');
    s.close();
    refused++;
  }
  return `${refused} of ${6 * bombs.length} documents up to 5 Mi levels deep refused`;
});

row('metric injection', {}, async (node) => {
  const metrics = async () => (await fetch(`${node.http}/metrics`)).text();
  const series = (text) => text.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.replace(/ [^ ]*$/, ''));
  const before = series(await metrics());
  const evil = ['EVIL\n', 'EVIL"} 1\nEVIL{x="', 'EVIL\\', '# TYPE EVIL counter\nEVIL 1', 'eth_EVIL{method="x"}', 'EVIL\u0000\u2028', 'eth_call"} 666\n'];
  let sent = 0;
  for (let at = 0; at < 20; at++) { // 20,000 names, each its own
    const names = Array.from({ length: 1000 }, (_, i) => `${evil[(at + i) % evil.length]}${at * 1000 + i}`);
    const replies = await h.post(node.http, `[${names.map((n, i) => ask(i, n)).join(',')}]`);
    assert.ok(replies.every((r) => r.error.code === -32601));
    sent += names.length;
  }
  for (let i = 0; i < 300; i++) {
    const value = `EVIL"} ${i} {x="\\`;
    for (const headers of [{ origin: `https://${value}` }, { 'user-agent': value }, { host: value }, { 'x-forwarded-for': value }, { 'x-evil': value }]) {
      const s = await bare(node.httpPort, `POST /EVIL${i} HTTP/1.1\r\n${headers.host ? '' : 'Host: localhost\r\n'}${Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`);
      await s.closed;
      sent++;
    }
  }
  const text = await metrics(), after = series(text);
  assert.ok(!/EVIL/.test(text));
  assert.equal(new Set(after).size, after.length, 'no series twice');
  const fresh = after.filter((s) => !before.includes(s));
  assert.ok(fresh.every((s) => /^fanatico_rpc_(errors|request_seconds)_total\{method="other"(,code="-?\d+")?\}$/.test(s)), fresh.join('\n'));
  return `${sent} names, paths and headers that would like to be labels: ${before.length} series before, ${after.length} after (${fresh.join(', ') || 'none new'})`;
});

row('subscription floods', { mib: 48 }, async (node) => {
  const sockets = await many(30, () => h.Socket.open(node.ws));
  for (const s of sockets) for (let i = 0; i < 400; i++) s.send(ask(i, 'eth_subscribe', i % 2 ? ['newHeads'] : ['logs', { topics: [`0x${crypto.randomBytes(32).toString('hex')}`] }]));
  await h.until('every answer', () => sockets.every((s) => s.received.length === 400), 60000);
  const taken = sockets.reduce((n, s) => n + s.received.filter((m) => m.result).length, 0);
  const refused = sockets.reduce((n, s) => n + s.received.filter((m) => m.error?.code === -32000).length, 0);
  assert.equal(taken, 3000);
  assert.equal(refused, 9000);
  // Asked for and given back, again and again, on one connection.
  const churn = await h.Socket.open(node.ws);
  for (let i = 0; i < 40; i++) {
    const made = await together(churn, Array.from({ length: 50 }, () => ['eth_subscribe', ['newHeads']]));
    const gone = await together(churn, made.map((r) => ['eth_unsubscribe', [r.result]]));
    assert.ok(gone.every((r) => r.result === true));
  }
  // Polling filters are the process's.
  let filters = 0;
  for (let i = 0; i < 12; i++) {
    const made = await h.post(node.http, `[${Array.from({ length: 1000 }, (_, k) => ask(k, 'eth_newBlockFilter')).join(',')}]`);
    filters += made.filter((m) => m.result).length;
  }
  assert.equal(filters, 10000);
  [...sockets, churn].forEach((s) => s.close());
  return `12,000 subscriptions asked for over 30 connections: ${taken} taken, ${refused} refused with -32000; 2,000 taken and given back; of 12,000 polling filters ${filters} taken`;
});

row('id floods', { mib: 48 }, async (node) => {
  const s = await h.Socket.open(node.ws), victim = await h.Socket.open(node.ws);
  const id = await victim.call('eth_subscribe', ['newHeads']), filter = await h.rpc(node.http, 'eth_newBlockFilter');
  // Request ids, each its own: they go back as they came and leave nothing behind.
  const ids = Array.from({ length: 20000 }, () => crypto.randomBytes(127).toString('hex').slice(0, 254));
  for (let at = 0; at < ids.length; at += 1000) {
    const r = await h.post(node.http, `[${ids.slice(at, at + 1000).map((i) => ask(i)).join(',')}]`);
    assert.deepEqual(r.map((m) => m.id), ids.slice(at, at + 1000));
  }
  const long = await h.post(node.http, ask('x'.repeat(1 << 20)));
  assert.equal(long.error.code, -32600);
  // Guesses, the very id of another client among them: nobody can end or read what is not his.
  const guess = () => `0x1${crypto.randomBytes(16).toString('hex').slice(1)}`;
  let guesses = 1;
  assert.equal(await s.call('eth_unsubscribe', [id]), false);
  for (let i = 0; i < 10; i++) {
    const ended = await together(s, Array.from({ length: 1000 }, () => ['eth_unsubscribe', [guess()]]));
    const read = await together(s, Array.from({ length: 1000 }, () => ['eth_getFilterChanges', [guess()]]));
    assert.ok(ended.every((r) => r.result === false) && read.every((r) => r.error.message === 'filter not found'));
    guesses += ended.length + read.length;
  }
  await h.rpc(node.http, 'evm_mine');
  await h.until('the victim\'s head', () => victim.of(id).length === 1);
  assert.equal((await h.rpc(node.http, 'eth_getFilterChanges', [filter])).length, 1);
  s.close();
  victim.close();
  return `20,000 request ids of 256 bytes answered under theirs, one of 1 MiB refused; ${guesses} guesses at ids of others: none ended or read anything`;
});
