// The status page in Chromium, served by the real binary: what it shows is what RPC says, it survives restarts, reorgs, bursts and
// hostile words, it keeps its policy and asks nobody else, and everybody can read it. The screenshots land in build/page.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');
const h = require('../lib/harness.cjs');

const packages = path.join(h.build, 'page/node_modules');
const { chromium } = require(path.join(packages, 'playwright-core'));
const axe = fs.readFileSync(path.join(packages, 'axe-core/axe.min.js'), 'utf8');

let browser;
before(async () => { browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium' }); });
after(async () => { await browser?.close(); });

/** A page, and what it did that it must not do. */
async function look(url, { pathname = '/', live = true, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  const origin = new URL(url).origin;
  const seen = { wrong: [], asked: [] };
  page.on('pageerror', (e) => seen.wrong.push(e.stack));
  // A server that is away is said in the console by the browser itself; everything else there is a fault of the page.
  page.on('console', (m) => { if (!(/^WebSocket connection to/.test(m.text()) && seen.away)) seen.wrong.push(m.text()); });
  page.on('request', (r) => seen.asked.push(r.url()));
  page.on('websocket', (w) => seen.asked.push(w.url().replace(/^ws/, 'http')));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  const reply = await page.goto(origin + pathname);
  page.on('dialog', (d) => { seen.wrong.push(`dialog ${d.message()}`); return d.dismiss(); });
  const text = (id) => page.textContent(`#${id}`);
  const shows = (id, wanted, ms = 15000) => page.waitForFunction(([i, w]) => document.getElementById(i).textContent === w, [id, wanted], { timeout: ms });
  if (live) await shows('link-text', 'Live');
  return {
    page, reply, text, shows, seen,
    rows: () => page.$$eval('#rows tr', (rows) => rows.map((r) => ({
      number: r.children[0].textContent, hash: r.children[2].textContent, txs: r.children[3].textContent, gas: r.children[4].textContent, title: r.children[4].title, replaced: r.classList.contains('replaced'),
    }))),
    async close() {
      seen.wrong.push(...await page.evaluate(() => window.violations));
      await context.close();
      assert.deepEqual(seen.wrong, []);
      for (const asked of seen.asked) if (!asked.startsWith('data:')) assert.equal(new URL(asked).origin, origin, `${asked} was asked for`);
      assert.ok(seen.asked.some((asked) => asked === origin + pathname));
    },
  };
}

const group = (n) => BigInt(n).toLocaleString('en');

function get(port, { method = 'GET', pathname = '/', headers = {} } = {}) {
  return new Promise((done, fail) => {
    const r = http.request({ host: '127.0.0.1', port, method, path: pathname, headers }, (reply) => {
      let body = '';
      reply.on('data', (d) => (body += d));
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, body }));
    });
    r.on('error', fail);
    r.end();
  });
}

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

test('browsers get the page, on either port; health checks and JSON-RPC clients get what they always got', async () => {
  const node = await h.fanatico(['--silent']);
  for (const port of [node.httpPort, node.wsPort]) {
    const page = await get(port, { headers: BROWSER });
    assert.equal(page.status, 200);
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(page.headers.vary, 'Accept');
    assert.equal(page.headers['cache-control'], 'no-store');
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    const policy = page.headers['content-security-policy'];
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='; /);
    assert.doesNotMatch(policy, /unsafe|\*|http/);
    console.log(`# the page: ${Buffer.byteLength(page.body)} bytes`);
    assert.ok(Buffer.byteLength(page.body) < 60000);
    assert.doesNotMatch(page.body, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    const head = await get(port, { method: 'HEAD', headers: BROWSER });
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, String(Buffer.byteLength(page.body)), '']);
  }
  for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
    const plain = await get(node.httpPort, { headers });
    assert.deepEqual([plain.status, plain.headers['content-length'], plain.body], [200, '0', '']);
    assert.equal((await get(node.wsPort, { headers })).status, 426);
  }
  assert.equal((await get(node.httpPort, { headers: BROWSER, pathname: '/?x=1' })).status, 405);
  assert.equal(await h.rpc(node.http, 'eth_chainId'), '0x7a69');
  // Who may not see it is told so, with the status that a health check wants.
  const forwarded = await get(node.httpPort, { headers: { ...BROWSER, 'x-forwarded-for': '10.0.0.1' } });
  assert.equal(forwarded.status, 200);
  assert.match(forwarded.body, /--metrics-access/);
  assert.doesNotMatch(forwarded.body, /</);
  assert.equal((await get(node.httpPort, { headers: { ...BROWSER, host: 'evil.example' } })).status, 403);
  assert.equal(await node.stop(), 0);
});

for (const [args, sees] of [[['--no-status-page'], false], [['--metrics-access', 'none'], false], [['--metrics-access', 'all'], true]]) {
  test(`who may see it: ${args.join(' ')}`, async () => {
    const node = await h.fanatico(['--silent', ...args]);
    const page = await get(node.httpPort, { headers: { ...BROWSER, 'x-forwarded-for': '10.0.0.1' } });
    assert.equal(page.status, 200);
    assert.equal(/<title>/.test(page.body), sees);
    await node.stop();
  });
}

test('fanatico_status answers on either transport what /status says, to whom may read it', async () => {
  const node = await h.fanatico(['--silent']);
  const shape = (v) => (Array.isArray(v) ? 'array' : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).map((k) => [k, shape(v[k])])) : v === null ? 'null' : typeof v);
  const status = JSON.parse((await get(node.httpPort, { pathname: '/status' })).body);
  assert.deepEqual(shape(await h.rpc(node.http, 'fanatico_status')), shape(status));
  const ws = await h.Socket.open(node.ws);
  const told = await ws.call('fanatico_status');
  assert.equal(told.connections.ws, 1);
  assert.equal(told.chain.head.hash, (await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false])).hash);
  ws.close();
  const refused = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'fanatico_status', params: [] }, { 'x-forwarded-for': '10.0.0.1' });
  assert.match(refused.error.message, /--metrics-access/);
  assert.equal((await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'fanatico_status', params: [1] })).error.code, -32602);
  await node.stop();
});

test('a block that is mined is there within a second, and the title says its number', async () => {
  const node = await h.fanatico(['--silent']);
  const v = await look(node.http);
  await v.shows('head-number', '0');
  const took = [];
  for (let i = 1; i <= 9; i++) {
    const begun = performance.now();
    await h.rpc(node.http, 'evm_mine');
    await v.shows('head-number', String(i));
    took.push(performance.now() - begun);
  }
  took.sort((a, b) => a - b);
  console.log(`# from evm_mine to the screen: median ${took[4].toFixed(0)} ms, longest ${took[8].toFixed(0)} ms`);
  assert.ok(took[4] < 1000, `median ${took[4]} ms`); // of nine, so that a busy machine does not decide
  assert.equal(await v.page.title(), '#9 · Fanatico');
  await v.close();
  await node.stop();
});

test('what it shows is what RPC says', async () => {
  const node = await h.fanatico(['--silent', '--no-mining']);
  const [from, to] = await h.rpc(node.http, 'eth_accounts');
  const clients = await Promise.all([1, 2, 3].map(() => h.Socket.open(node.ws)));
  for (const [i, kinds] of [['newHeads', 'logs'], ['newHeads', 'transactionReceipts', 'logs', 'logs'], ['newPendingTransactions']].entries()) for (const kind of kinds) await clients[i].call('eth_subscribe', [kind]);
  const v = await look(node.http);
  for (let i = 0; i < 15; i++) {
    for (let n = 0; n < i % 5; n++) await h.rpc(node.http, 'eth_sendTransaction', [{ from, to, value: '0x1', data: '0x' + 'ff'.repeat(1000 * n), gas: '0x60000' }]);
    await h.rpc(node.http, 'evm_mine');
  }
  await v.shows('head-number', '15');
  await v.page.waitForFunction(() => [...document.querySelectorAll('#rows td.count')].every((e) => e.textContent !== '–'));
  const rows = await v.rows();
  assert.deepEqual(rows.map((r) => r.number), [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4].map(String));
  for (const row of rows) {
    const b = await h.rpc(node.http, 'eth_getBlockByNumber', [`0x${Number(row.number).toString(16)}`, false]);
    assert.deepEqual([row.hash, row.txs, row.title], [b.hash, String(b.transactions.length), `${group(b.gasUsed)} of ${group(b.gasLimit)}`]);
    const percent = (100 * Number(b.gasUsed)) / Number(b.gasLimit);
    assert.ok(Math.abs(parseFloat(row.gas) - percent) <= (percent < 10 ? 0.06 : 0.6), `${row.gas} for ${percent}`);
  }
  const head = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.equal(await v.text('head-hash'), head.hash);
  assert.equal(await v.text('head-txs'), String(head.transactions.length));
  assert.ok((await v.text('head-gas')).startsWith(`${group(head.gasUsed)} of ${group(head.gasLimit)}`));
  assert.ok(Math.abs(parseFloat(await v.text('head-fee')) * 1e9 - Number(head.baseFeePerGas)) <= 1e5, await v.text('head-fee'));
  assert.equal(await v.text('chain'), '31337');
  assert.equal(await v.text('client'), await h.rpc(node.http, 'web3_clientVersion'));
  const status = await h.rpc(node.http, 'fanatico_status');
  assert.equal(await v.text('version'), status.version);
  // The three and the page itself.
  await v.shows('connections', '4');
  await v.shows('subscriptions', '8');
  const kinds = await v.page.$$eval('#subscription-list div', (lines) => Object.fromEntries(lines.map((l) => [l.children[0].textContent, Number(l.children[1].textContent)])));
  assert.deepEqual(kinds, { newHeads: 3, logs: 3, newPendingTransactions: 1, 'newPendingTransactions, whole': 0, syncing: 0, transactionReceipts: 1 });
  await v.shows('sent', group(status.notifications));
  await v.page.waitForFunction(() => document.querySelector('#median').textContent !== '–');
  const told = (await h.rpc(node.http, 'fanatico_status')).latency.notification;
  const bars = await v.page.$$eval('#bars rect', (all) => all.map((r) => Number(r.getAttribute('height'))));
  assert.equal(bars.length, told.buckets.length);
  assert.deepEqual(bars.map((height) => height > 0), told.buckets.map((n) => n > 0));
  for (const c of clients) c.close();
  await v.shows('connections', '1');
  await v.close();
  await node.stop();
});

test('a reorg replaces rows, and says so; a head that moves back without a block is seen as well', async () => {
  const node = await h.fanatico(['--silent']);
  const v = await look(node.http);
  await h.rpc(node.http, 'anvil_mine', ['0x5']);
  const snapshot = await h.rpc(node.http, 'evm_snapshot');
  await h.rpc(node.http, 'anvil_mine', ['0x3']);
  await v.shows('head-number', '8');
  assert.equal(await v.text('reorg'), '');
  await h.rpc(node.http, 'evm_revert', [snapshot]);
  await v.shows('head-number', '5');
  await h.rpc(node.http, 'anvil_setCoinbase', ['0x00000000000000000000000000000000000000aa']);
  await h.rpc(node.http, 'anvil_mine', ['0x1']);
  await h.rpc(node.http, 'anvil_reorg', [{ depth: 3, txBlockPairs: [] }]).catch((e) => assert.match(e.message, /./));
  await h.rpc(node.http, 'anvil_mine', ['0x3']);
  const head = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  await v.page.waitForFunction((hash) => document.querySelector('#head-hash').textContent === hash, head.hash);
  assert.match(await v.text('reorg'), /^Reorg at [\d:]+: /);
  const rows = await v.rows();
  assert.ok(rows.some((r) => r.replaced));
  for (const row of rows) assert.equal(row.hash, (await h.rpc(node.http, 'eth_getBlockByNumber', [`0x${Number(row.number).toString(16)}`, false])).hash);
  await v.close();
  await node.stop();
});

test('a server that goes away is waited for; the one that comes is shown from its beginning', async () => {
  const port = await h.freePort();
  const start = () => h.fanatico(['--silent', '--port', String(port)], { ports: false });
  let node = await start();
  const v = await look(node.http);
  await h.rpc(node.http, 'anvil_mine', ['0x7']);
  await v.shows('head-number', '7');
  v.seen.away = true;
  await node.stop();
  await v.shows('link-text', 'Reconnecting');
  assert.equal(await v.page.title(), '… #7 · Fanatico');
  await h.sleep(1500);
  node = await start();
  await v.shows('link-text', 'Live');
  await v.shows('head-number', '0');
  assert.equal(await v.text('reorg'), ''); // another chain, not another branch
  await h.rpc(node.http, 'evm_mine');
  await v.shows('head-number', '1');
  assert.deepEqual((await v.rows()).map((r) => r.number), ['1', '0']);
  node.child.kill('SIGKILL');
  await node.ended;
  await v.shows('link-text', 'Reconnecting');
  await v.close();
});

test('a server that is there and says nothing is left for a new connection', async () => {
  const node = await h.fanatico(['--silent']);
  const v = await look(node.http);
  await v.shows('head-number', '0');
  node.child.kill('SIGSTOP');
  await v.shows('link-text', 'Reconnecting', 30000);
  node.child.kill('SIGCONT');
  await v.shows('link-text', 'Live', 30000);
  await h.rpc(node.http, 'evm_mine');
  await v.shows('head-number', '1');
  assert.equal(await v.text('reorg'), '');
  await v.close();
  await node.stop();
});

test('thousands of blocks at once: the newest is shown, drawn a few times a second', async () => {
  const node = await h.fanatico(['--silent']);
  const v = await look(node.http);
  await v.page.evaluate(() => {
    window.drawn = 0;
    new MutationObserver(() => window.drawn++).observe(document.querySelector('#head-number'), { childList: true });
  });
  const begun = performance.now();
  for (let i = 0; i < 10; i++) await h.rpc(node.http, 'anvil_mine', ['0x1f4']);
  await v.shows('head-number', '5,000', 60000);
  const seconds = (performance.now() - begun) / 1000;
  const drawn = await v.page.evaluate(() => window.drawn);
  console.log(`# 5,000 blocks in ${seconds.toFixed(1)} s, drawn ${drawn} times`);
  assert.ok(drawn <= 4 * seconds + 2, `${drawn} in ${seconds} s`);
  const rows = await v.rows();
  assert.deepEqual([rows.length, rows[0].number], [12, '5,000']);
  await v.close();
  await node.stop();
});

test('it stands still when asked to', async () => {
  const node = await h.fanatico(['--silent']);
  const v = await look(node.http);
  await v.shows('head-number', '0');
  await v.page.keyboard.press('Tab'); // the page's one control is the first stop
  await v.page.keyboard.press('Enter');
  await v.shows('pause', 'Resume');
  const noticed = v.page.waitForFunction(() => document.title.includes('#1 '));
  await h.rpc(node.http, 'evm_mine');
  await noticed;
  assert.equal(await v.text('head-number'), '0');
  await v.page.keyboard.press('Enter');
  await v.shows('head-number', '1');
  await v.close();
  await node.stop();
});

// fanatico ws: whose chain it is, lines of standard input say, so that it may be any.
async function strange(args) {
  const dir = h.scratch();
  const ready = path.join(dir, 'ready');
  const child = spawn(path.join(h.bin, 'fanatico'), ['ws', '--ws-port', '0', '--ws-host', '127.0.0.1', '--silent', '--ready-file', ready, ...args], { stdio: ['pipe', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  await h.until('fanatico ws to accept', () => fs.existsSync(ready) && fs.readFileSync(ready, 'utf8').endsWith('\n'));
  return {
    http: `http://127.0.0.1:${JSON.parse(fs.readFileSync(ready, 'utf8')).ws_port}`,
    block: (b) => child.stdin.write(`${JSON.stringify({ hook: 'on_new_block', arg: b })}\n`),
    async stop() { child.kill('SIGTERM'); await new Promise((done) => child.on('exit', done)); },
  };
}

test('no block, numbers beyond 2^53 and hostile words are text like any other', async () => {
  const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>&amp;"\'`';
  const node = await strange(['--chain-id', '18446744073709551615', '--client-version', evil]);
  const v = await look(node.http);
  await v.shows('client', evil);
  assert.equal(await v.text('chain'), '18446744073709551615');
  assert.equal(await v.text('head-number'), '–');
  assert.ok(await v.page.isVisible('#empty'));
  assert.equal(await v.page.title(), 'Fanatico');
  const base = 2n ** 63n;
  const hash = (n, branch) => '0x' + (n * 256n + BigInt(branch)).toString(16).padStart(64, '0');
  const block = (n, branch, parent = branch) => node.block({
    number: `0x${n.toString(16)}`, hash: hash(n, branch), parentHash: hash(n - 1n, parent), timestamp: '0xffffffffffffffff', gasLimit: '0xffffffffffffffff', gasUsed: '0x8000000000000000',
    baseFeePerGas: '0xffffffffffffffffffff', extraData: `0x${Buffer.from(evil).toString('hex')}`, miner: '0x' + '11'.repeat(20),
  });
  for (let i = 1n; i <= 4n; i++) block(base + i, 1);
  await v.shows('head-number', '9,223,372,036,854,775,812');
  assert.equal(await v.page.title(), '#9223372036854775812 · Fanatico');
  assert.ok((await v.text('head-gas')).startsWith('9,223,372,036,854,775,808 of 18,446,744,073,709,551,615, 50'));
  assert.equal(await v.text('head-time'), '18,446,744,073,709,551,615');
  assert.equal(await v.text('head-fee'), '1,208,925.8196 ether');
  block(base + 3n, 2, 1);
  block(base + 4n, 2);
  await v.shows('head-hash', hash(base + 4n, 2));
  assert.match(await v.text('reorg'), /^Reorg at [\d:]+: 2 blocks from 9,223,372,036,854,775,811 on were replaced$/);
  assert.deepEqual((await v.rows()).map((r) => [r.hash, r.replaced]), [[hash(base + 4n, 2), true], [hash(base + 3n, 2), true], [hash(base + 2n, 1), false], [hash(base + 1n, 1), false]]);
  for (const width of [1600, 360]) {
    await v.page.setViewportSize({ width, height: 800 });
    assert.equal(await v.page.evaluate(() => document.documentElement.scrollWidth), width, 'scrolls sideways');
  }
  assert.equal(await v.page.$('img'), null);
  await v.close();
  await node.stop();
});

test('behind TLS and below a path of a proxy: wss, and the same path', async () => {
  const node = await h.fanatico(['--silent']);
  const dir = h.scratch();
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${dir}/key`, '-out', `${dir}/cert`, '-days', '1', '-subj', '/CN=localhost'], { stdio: 'ignore' });
  const inner = (url) => url.replace(/^\/deep\/node/, '') || '/';
  const proxy = https.createServer({ key: fs.readFileSync(`${dir}/key`), cert: fs.readFileSync(`${dir}/cert`) }, (q, r) => {
    q.pipe(http.request({ port: node.httpPort, host: '127.0.0.1', method: q.method, path: inner(q.url), headers: q.headers }, (reply) => { r.writeHead(reply.statusCode, reply.headers); reply.pipe(r); }));
  });
  proxy.on('upgrade', (q, socket) => {
    const back = net.connect(node.httpPort, '127.0.0.1', () => {
      back.write(`GET ${inner(q.url)} HTTP/1.1\r\n${q.rawHeaders.map((v, i) => (i % 2 ? `${v}\r\n` : `${v}: `)).join('')}\r\n`);
      socket.pipe(back).pipe(socket);
    });
    back.on('error', () => socket.destroy());
    socket.on('error', () => back.destroy());
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  for (const pathname of ['/deep/node/', '/deep/node', '/deep/node/ws']) {
    const v = await look(`https://localhost:${proxy.address().port}`, { pathname });
    await v.shows('head-number', String(Number(await h.rpc(node.http, 'eth_blockNumber'))));
    await h.rpc(node.http, 'evm_mine');
    await v.shows('head-number', String(Number(await h.rpc(node.http, 'eth_blockNumber'))));
    assert.ok(v.seen.asked.includes(`https://localhost:${proxy.address().port}${pathname}`));
    await v.close();
  }
  proxy.closeAllConnections();
  proxy.close();
  await node.stop();
});

test('a page of a stranger may not look: its WebSocket is refused, and it says what to do', async () => {
  const node = await h.fanatico(['--silent']);
  const page = await get(node.httpPort, { headers: BROWSER });
  // The same page from a host that the node does not know: as if it were reached by another name.
  const context = await browser.newContext();
  const v = await context.newPage();
  await v.route('http://status.example/**', (route) => route.fulfill({ status: 200, contentType: 'text/html', body: page.body }));
  await v.routeWebSocket(/status\.example/, (ws) => ws.close());
  await v.goto('http://status.example/');
  await v.waitForSelector('#hint:not([hidden])', { timeout: 20000 });
  assert.match(await v.textContent('#hint'), /--ws-origins http:\/\/status\.example/);
  await context.close();
  await node.stop();
});

test('where namespaces are closed it shows what is left, and says what is not', async () => {
  const heads = await h.fanatico(['--silent', '--ws-api', 'eth']);
  let v = await look(heads.http);
  await h.rpc(heads.http, 'evm_mine');
  await v.shows('head-number', '1');
  await v.page.waitForSelector('#numbers-hint:not([hidden])');
  assert.match(await v.text('numbers-hint'), /does not tell its numbers here: .*fanatico_status/);
  assert.equal(await v.text('connections'), '–');
  await v.close();
  await heads.stop();
  const nothing = await h.fanatico(['--silent', '--ws-api', 'net']);
  v = await look(nothing.http, { live: false });
  await v.page.waitForSelector('#hint:not([hidden])');
  assert.match(await v.text('hint'), /refuses eth_subscribe: .*eth_subscribe/);
  await v.close();
  await nothing.stop();
});

test('light and dark, wide and narrow: nothing scrolls sideways, nothing is hard to read', async () => {
  const node = await h.fanatico(['--silent', '--block-time', '1']);
  const [from, to] = await h.rpc(node.http, 'eth_accounts');
  const clients = await Promise.all(Array.from({ length: 40 }, () => h.Socket.open(node.ws)));
  await Promise.all(clients.map(async (c, i) => { for (const kind of ['newHeads', 'logs', 'newPendingTransactions'].slice(0, 1 + (i % 3))) await c.call('eth_subscribe', [kind]); }));
  let load = true;
  const loading = (async () => {
    for (let i = 0; load; i++) {
      await h.post(node.http, Array.from({ length: (i * 7) % 23 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'eth_sendTransaction', params: [{ from, to, value: '0x1', data: '0x' + 'ff'.repeat(((i * 13 + id) % 9) * 900), gas: '0x60000' }] })).concat({ jsonrpc: '2.0', id: 99, method: 'eth_chainId', params: [] }));
      await h.sleep(300);
    }
  })();
  const looks = [];
  for (const colorScheme of ['light', 'dark']) for (const [name, width, height] of [['wide', 1600, 1000], ['narrow', 360, 800]]) looks.push([`${colorScheme}-${name}`, await look(node.http, { viewport: { width, height }, colorScheme, reducedMotion: 'reduce' }), width]);
  await h.sleep(13000); // a picture with something on it
  fs.mkdirSync(path.join(h.build, 'page'), { recursive: true });
  for (const [name, v, width] of looks) {
    await v.page.screenshot({ path: path.join(h.build, 'page', `${name}.png`), fullPage: true });
    assert.equal(await v.page.evaluate(() => document.documentElement.scrollWidth), width, `${name} scrolls sideways`);
    assert.equal(await v.page.evaluate(() => document.getAnimations().length), 0, `${name} moves`);
    // Everything that may be focused by keyboard can be seen to be.
    await v.page.keyboard.press('Tab');
    assert.deepEqual(await v.page.evaluate(() => [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]), ['pause', 'solid']);
    await v.page.evaluate(axe);
    const faults = await v.page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    assert.deepEqual(faults.violations.map((f) => `${f.id}: ${f.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`), [], name);
    console.log(`# ${name}: ${faults.passes.length} rules of axe hold, none is broken`);
  }
  load = false;
  await loading;
  for (const [, v] of looks) await v.close();
  for (const c of clients) c.close();
  await node.stop();
});
