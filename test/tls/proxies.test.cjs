// Behind nginx and HAProxy from Debian, as docs/PROXIES.md sets them up: the configurations are those of the document, with the ports and
// files of the test put in.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { authority } = require('../lib/certs.cjs');

// The proxies speak to us from 127.0.0.2, so that only they are trusted and the test itself stays a client.
const PROXY = '127.0.0.2';
let dir, certs;
const running = [];

before(() => {
  dir = h.scratch();
  certs = authority(dir);
  fs.writeFileSync(path.join(dir, 'both.pem'), Buffer.concat([certs.good.cert, certs.good.key]));
});
after(async () => {
  for (const p of running.reverse()) await p.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

/** The block of docs/PROXIES.md that begins with this line, some of its words replaced. */
function configuration(first, replacements) {
  const text = fs.readFileSync(path.join(h.source, 'docs/PROXIES.md'), 'utf8');
  let block = text.split('```').find((b) => b.replace(/^\w*\n/, '').startsWith(first));
  assert.ok(block, `docs/PROXIES.md has a block that begins with ${first}`);
  block = block.replace(/^\w*\n/, '');
  for (const [from, to] of replacements) {
    assert.ok(block.includes(from), `the block has ${from}`);
    block = block.replaceAll(from, to);
  }
  return block;
}

async function start(program, args, port) {
  running.push(program);
  await h.until(`${args[0]} to accept`, () => new Promise((done, fail) => {
    if (!program.running) fail(new Error(program.output));
    const s = net.connect(port, '127.0.0.1', () => { s.destroy(); done(true); });
    s.on('error', () => done(false));
  }));
  return { program, port, https: `https://localhost:${port}`, wss: `wss://localhost:${port}` };
}

async function nginx(node) {
  const port = await h.freePort(), folder = fs.mkdtempSync(path.join(dir, 'nginx-'));
  const server = configuration('map $http_upgrade', [
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`], ['node.example', 'localhost'],
    ['/etc/ssl/node/fullchain.pem', certs.good.certPath], ['/etc/ssl/node/privkey.pem', certs.good.keyPath],
    ['127.0.0.1:8546', `127.0.0.1:${node.wsPort}`], ['127.0.0.1:8545', `127.0.0.1:${node.httpPort}`],
    ['proxy_read_timeout 75s;', 'proxy_read_timeout 3s;'],
  ]);
  fs.writeFileSync(path.join(folder, 'nginx.conf'), `pid ${folder}/pid;\nerror_log stderr;\nworker_processes 1;\n${process.getuid() ? '' : 'user root;\n'}events {}\nhttp {\naccess_log off;\n` +
    `client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;\nproxy_bind ${PROXY};\n${server}}\n`);
  return start(new h.Program('/usr/sbin/nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-g', 'daemon off;']), ['nginx'], port);
}

async function haproxy(node) {
  const port = await h.freePort(), file = path.join(dir, `haproxy-${port}.cfg`);
  fs.writeFileSync(file, configuration('global', [
    ['bind :443', `bind 127.0.0.1:${port}`], ['/etc/ssl/node/both.pem', path.join(dir, 'both.pem')],
    ['127.0.0.1:8545', `127.0.0.1:${node.httpPort} source ${PROXY}`],
    ['maxconn 200000', 'maxconn 1000'], ['timeout client 75s', 'timeout client 3s'], ['timeout server 75s', 'timeout server 3s'],
  ]));
  return start(new h.Program('/usr/sbin/haproxy', ['-db', '-f', file]), ['haproxy'], port);
}

const ca = () => fs.readFileSync(certs.ca);
const open = (proxy, options) => h.Socket.open(`${proxy.wss}/ws`, { ca: ca(), ...options });

function post(proxy, method, params = [], headers = {}) {
  return new Promise((done, fail) => {
    const r = https.request({ host: 'localhost', port: proxy.port, method: 'POST', ca: ca(), agent: false, servername: 'localhost', headers: { 'content-type': 'application/json', ...headers } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => { try { done(JSON.parse(text)); } catch { fail(new Error(`${reply.statusCode} ${text}`)); } });
    });
    r.on('error', fail);
    r.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  });
}

const set_ups = {
  nginx: { front: nginx, flags: ['--trusted-proxies', PROXY] },
  HAProxy: { front: haproxy, flags: ['--trusted-proxies', PROXY, '--proxy-protocol'] },
  'nginx that nobody trusts': { front: nginx, flags: [] },
};

for (const [name, { front, flags }] of Object.entries(set_ups)) {
  test(name, { timeout: 120000 }, async (t) => {
    const node = await h.fanatico(['--silent', '--ping-interval', '1s', ...flags]);
    running.push(node);
    const proxy = await front(node);

    await t.test('https answers, wss subscribes', async () => {
      assert.equal((await post(proxy, 'eth_chainId')).result, '0x7a69');
      const s = await open(proxy);
      const id = await s.call('eth_subscribe', ['newHeads']);
      await h.rpc(node.http, 'anvil_mine', ['0x5']);
      await h.until('five heads', () => s.of(id).length === 5);
      s.close();
    });

    await t.test('a long silence, longer than the proxy\'s patience, is kept alive by our pings', async () => {
      const s = await open(proxy);
      const id = await s.call('eth_subscribe', ['newHeads']);
      await h.sleep(7000);
      await h.rpc(node.http, 'anvil_mine', ['0x1']);
      await h.until('a head after the silence', () => s.of(id).length === 1, 5000);
      s.close();
    });

    await t.test('development methods are for loopback clients: none comes through a proxy', async () => {
      assert.equal((await h.rpc(node.http, 'evm_mine')), '0x0'); // the test itself is one
      for (const headers of [{}, { 'X-Forwarded-For': '127.0.0.1' }, { Forwarded: 'for=127.0.0.1' }, { 'X-Real-IP': '127.0.0.1' }])
        assert.equal((await post(proxy, 'evm_mine', [], headers)).error?.code, -32601, JSON.stringify(headers));
      const s = await open(proxy);
      await assert.rejects(s.call('evm_mine'), /local clients only/);
      s.close();
    });

    await t.test('a slow reader is told 1013 through the proxy', async () => {
      const slow = await h.fanatico(['--silent', '--notify-memory', '1M', ...flags]), before = await front(slow);
      running.push(slow);
      const s = await open(before);
      for (let i = 0; i < 100; i++) await s.call('eth_subscribe', ['newHeads']);
      s.ws._socket.pause();
      for (let i = 0; i < 40; i++) await h.rpc(slow.http, 'anvil_mine', ['0x5']);
      s.ws._socket.resume();
      const { code, reason } = await s.closed;
      assert.deepEqual([code, reason], [1013, 'slow consumer']);
      assert.equal(await slow.stop(), 0);
    });

    await t.test(flags.length ? 'limits by address count the clients, not the proxy' : 'limits by address count the proxy: nobody is told of its clients', async () => {
      const limited = await h.fanatico(['--silent', '--requests-per-second-per-ip', '1', '--requests-burst-per-ip', '6', ...flags]), before = await front(limited);
      running.push(limited);
      const answered = async (from) => {
        const s = await open(before, { localAddress: from });
        for (let id = 0; id < 30; id++) await s.send({ jsonrpc: '2.0', id, method: 'eth_chainId', params: [] });
        await h.until('thirty answers', () => s.received.length === 30);
        s.close();
        assert.ok(s.received.every((m) => m.result === '0x7a69' || m.error.code === -32005));
        return s.received.filter((m) => m.result).length;
      };
      const first = await answered('127.0.0.3'), second = await answered('127.0.0.4');
      assert.ok(first >= 5 && first <= 12, `${first} of 30 were answered to the first`);
      assert.ok(flags.length ? second >= 5 && second <= 12 : second <= 3, `${second} of 30 were answered to the second`);
      assert.equal(await limited.stop(), 0);
    });

    if (front === nginx) await t.test('a Host that is not ours is refused, whoever asks', async () => {
      await assert.rejects(post(proxy, 'eth_chainId', [], { host: 'evil.example' }), /403/);
    });

    await t.test('the node ends: 1001 comes through', async () => {
      const s = await open(proxy);
      assert.equal(await node.stop(), 0);
      assert.equal((await s.closed).code, 1001);
    });
  });
}

test('who is trusted and sends no PROXY header is dropped; who is not trusted and sends one is refused', async () => {
  const node = await h.fanatico(['--silent', '--trusted-proxies', PROXY, '--proxy-protocol']);
  running.push(node);
  const say = (from, text) => new Promise((done) => {
    let got = '';
    const s = net.connect({ port: node.httpPort, host: '127.0.0.1', localAddress: from }, () => s.write(text));
    s.on('data', (d) => (got += d));
    s.on('error', () => {});
    s.on('close', () => done(got));
  });
  const request = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  assert.equal(await say(PROXY, request), '');
  assert.match(await say(PROXY, `PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n${request}`), /^HTTP\/1\.1 200 /);
  assert.match(await say('127.0.0.1', `PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n${request}`), /^HTTP\/1\.1 501 /);
  assert.match(await say('127.0.0.1', request), /^HTTP\/1\.1 200 /);
});
