// TLS on our own ports: versions, real clients, resumption, reloading under a subscription, who stalls or talks nonsense, and what a
// wrong file is told.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { bytesOf, seedOf } = require('../lib/seed.cjs');
const { authority } = require('../lib/certs.cjs');

const seed = seedOf();
let dir, certs, node, http, wss;
const flags = () => ['--tls-cert', path.join(dir, 'live.pem'), '--tls-key', path.join(dir, 'live.key'), '--log-level', 'info'];

function install(cert) {
  fs.copyFileSync(cert.certPath, path.join(dir, 'live.pem'));
  fs.copyFileSync(cert.keyPath, path.join(dir, 'live.key'));
}

before(async () => {
  dir = h.scratch();
  certs = authority(dir);
  certs.second = certs.issue('second', 'DNS:localhost,IP:127.0.0.1');
  install(certs.good);
  node = await h.fanatico(flags());
  http = `https://localhost:${node.httpPort}`;
  wss = `wss://localhost:${node.wsPort}`;
});
after(async () => {
  assert.equal(await node?.stop(), 0);
  fs.rmSync(dir, { recursive: true, force: true });
});

const ca = () => fs.readFileSync(certs.ca);
const body = (method, params = []) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** JSON-RPC over https, with our authority. */
function rpc(method, params = [], port = node.httpPort) {
  return new Promise((done, fail) => {
    const r = https.request({ host: 'localhost', port, method: 'POST', ca: ca(), agent: false, headers: { 'content-type': 'application/json' } }, (reply) => {
      let text = '';
      reply.on('data', (d) => (text += d));
      reply.on('end', () => done(JSON.parse(text)));
    });
    r.on('error', fail);
    r.end(typeof method === 'string' ? body(method, params) : JSON.stringify(method));
  });
}

function openssl(...args) {
  const got = spawnSync('openssl', ['s_client', '-connect', `localhost:${node.httpPort}`, '-CAfile', certs.ca, ...args], { input: '', encoding: 'utf8', timeout: 10000 });
  return got.stdout + got.stderr;
}

/** Runs a program of a real client; it must end with 0. Its output. */
function run(file, args, env) {
  const got = spawnSync(file, args, { encoding: 'utf8', timeout: 60000, env: { ...process.env, ...env } });
  assert.equal(got.status, 0, got.stdout + got.stderr);
  return got.stdout;
}

test('the banner names https and wss', async () => {
  await h.until('the banner', () => node.output.includes('WebSocket'));
  assert.match(node.output, /HTTP +https:\/\/127\.0\.0\.1:\d+\s/);
  assert.match(node.output, /WebSocket +wss:\/\/127\.0\.0\.1:\d+\n/);
});

test('TLS 1.2 and 1.3, http/1.1 by ALPN, a chain that verifies; 1.1 is refused', () => {
  for (const [flag, name] of [['-tls1_2', 'TLSv1.2'], ['-tls1_3', 'TLSv1.3']]) {
    const said = openssl(flag, '-alpn', 'h2,http/1.1', '-verify_return_error');
    assert.match(said, new RegExp(`New, ${name}, Cipher is (ECDHE-ECDSA-AES128-GCM-SHA256|TLS_AES_128_GCM_SHA256)`));
    assert.match(said, /ALPN protocol: http\/1\.1/);
    assert.match(said, /Verify return code: 0 \(ok\)/);
  }
  assert.match(openssl('-tls1_1'), /alert protocol version/);
  assert.match(openssl('-tls1_2', '-cipher', 'AES128-SHA'), /alert handshake failure/);
  assert.match(openssl('-alpn', 'h2'), /alert no application protocol/);
});

test('a session is resumed by its ticket', () => {
  for (const version of ['-tls1_2', '-tls1_3']) {
    const file = path.join(dir, 'session.pem');
    // 1.3 brings the ticket behind the handshake: the client must read on, until the answer ends the connection.
    run('sh', ['-c', `printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -connect localhost:${node.httpPort} ${version} -sess_out ${file} -ign_eof >/dev/null 2>&1; test -s ${file}`]);
    assert.match(openssl(version, '-sess_in', file), /Reused, TLSv1/);
  }
});

test('curl: https answers, and only with the right authority; plain HTTP is told what the port speaks', () => {
  const ask = (...args) => spawnSync('curl', ['-sS', '-i', '-H', 'content-type: application/json', '-d', body('eth_chainId'), ...args], { encoding: 'utf8', timeout: 10000 });
  assert.match(ask('--cacert', certs.ca, http).stdout, /"result":"0x7a69"/);
  assert.equal(ask(http).status, 60);
  const plain = ask(`http://localhost:${node.httpPort}`);
  assert.match(plain.stdout, /^HTTP\/1\.1 400 /);
  assert.match(plain.stdout, /this port speaks TLS: the address begins with https:\/\/ or wss:\/\//);
});

test('ethers: wss on both ports, https, a subscription', () => {
  const said = run(process.execPath, ['-e', `
    const { WebSocketProvider, JsonRpcProvider } = require('ethers');
    (async () => {
      const p = new WebSocketProvider(process.argv[1] + '/ws'), q = new JsonRpcProvider(process.argv[2]), both = new WebSocketProvider(process.argv[2].replace('https', 'wss'));
      const heads = [];
      await p.on('block', (n) => heads.push(n));
      while (heads.length < 3) { await q.send('evm_mine', []); await new Promise((d) => setTimeout(d, 50)); }
      const signer = await p.getSigner(0);
      const sent = await signer.sendTransaction({ to: await signer.getAddress(), value: 1n });
      console.log(heads.every((n, i) => i === 0 || n === heads[i - 1] + 1), (await sent.wait()).status, Number((await both.getNetwork()).chainId));
      await p.destroy(); await both.destroy(); q.destroy();
    })();`, wss, http], { NODE_EXTRA_CA_CERTS: certs.ca });
  assert.equal(said, 'true 1 31337\n');
});

test('viem: wss and https, blocks watched', () => {
  const said = run(process.execPath, ['-e', `
    const { createPublicClient, createWalletClient, http, webSocket } = require('viem');
    const { foundry } = require('viem/chains');
    (async () => {
      const client = createPublicClient({ chain: foundry, transport: webSocket(process.argv[1] + '/ws') });
      const wallet = createWalletClient({ chain: foundry, transport: http(process.argv[2]) });
      const [account] = await wallet.getAddresses();
      const watched = new Promise((done, fail) => client.watchBlocks({ onBlock: done, onError: fail }));
      const sending = setInterval(() => wallet.sendTransaction({ account, to: account, value: 1n }), 200); // the watch takes its time to begin
      const block = await watched;
      clearInterval(sending);
      const hash = await wallet.sendTransaction({ account, to: account, value: 1n });
      console.log(block.number > 0n, (await client.waitForTransactionReceipt({ hash })).status, await client.getChainId());
      process.exit(0);
    })();`, wss, http], { NODE_EXTRA_CA_CERTS: certs.ca });
  assert.equal(said, 'true success 31337\n');
});

test('web3.py: wss, a subscription', () => {
  const said = run(path.join(h.build, 'venv/bin/python'), ['-c', `
import asyncio, sys
from web3 import AsyncWeb3, WebSocketProvider
async def main():
    async with AsyncWeb3(WebSocketProvider(sys.argv[1])) as w3:
        await w3.eth.subscribe("newHeads")
        account = (await w3.eth.accounts)[0]
        await w3.eth.send_transaction({"from": account, "to": account, "value": 1})
        async for message in w3.socket.process_subscriptions():
            print("block", message["result"]["number"] > 0)
            break
asyncio.run(main())`, wss], { SSL_CERT_FILE: certs.ca });
  assert.equal(said, 'block True\n');
});

test('long replies come whole: a batch over https and over wss, megabytes of it', async () => {
  await rpc('anvil_mine', ['0x1']);
  const batch = Array.from({ length: 1000 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'eth_getBlockByNumber', params: ['latest', true] }));
  const first = await rpc(batch), one = JSON.stringify(first[0].result);
  assert.equal(first.length, 1000);
  assert.ok(first.every((r, i) => r.id === i && JSON.stringify(r.result) === one));
  const s = await h.Socket.open(wss, { ca: ca(), perMessageDeflate: false });
  await s.send(batch);
  const got = await h.until('the batch', () => s.received.find(Array.isArray));
  assert.ok(got.length === 1000 && got.every((r, i) => r.id === i && JSON.stringify(r.result) === one));
  s.close();
});

test('SIGHUP: new handshakes get the new certificate, an open subscription misses nothing; a wrong file changes nothing', async () => {
  const s = await h.Socket.open(wss, { ca: ca() });
  const id = await s.call('eth_subscribe', ['newHeads']);
  const first = Number((await rpc('eth_blockNumber')).result) + 1;
  let mined = 0;
  const mine = async (count) => { for (let i = 0; i < count; i++, mined++) await rpc('evm_mine'); };
  const subject = () => /subject=.*CN = (\w+)/.exec(openssl())[1];
  assert.equal(subject(), 'good');
  await mine(5);
  fs.copyFileSync(certs.second.certPath, path.join(dir, 'live.pem')); // with the other's key: half of a renewal
  node.child.kill('SIGHUP');
  await h.until('the refusal', () => /tls +SIGHUP: the old certificate stays  error="--tls-key: \S+live\.key: the key does not belong to the first certificate of \S+live\.pem \(--tls-cert\)"/.test(node.output));
  assert.equal(subject(), 'good');
  await mine(5);
  install(certs.second);
  node.child.kill('SIGHUP');
  await h.until('the renewal', () => node.output.includes('SIGHUP: the certificate was read again'));
  await h.until('the new certificate', () => subject() === 'second');
  await mine(5);
  for (let i = 0; i < 20; i++) { // under load: each reload while blocks come
    install(i % 2 ? certs.second : certs.good);
    node.child.kill('SIGHUP');
    await mine(2);
  }
  await h.until('all heads', () => s.of(id).length >= mined);
  assert.deepEqual(s.of(id).map((head) => Number(head.number)), Array.from({ length: mined }, (_, i) => first + i));
  s.close();
});

test('who does not shake hands is ended after 5 s, and costs a subscriber nothing', async () => {
  const s = await h.Socket.open(wss, { ca: ca() });
  const id = await s.call('eth_subscribe', ['newHeads']);
  // A real ClientHello, taken from a client that speaks to nobody.
  const hello = await new Promise((done) => {
    const server = net.createServer((socket) => { socket.on('error', () => {}); socket.once('data', (d) => { done(d); socket.destroy(); server.close(); }); });
    server.listen(0, '127.0.0.1', () => tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {}));
  });
  const began = Date.now(), took = [];
  const stalls = [];
  for (let i = 0; i < 60; i++) {
    const kind = ['silent', 'half', 'whole', 'drip'][i % 4];
    stalls.push(new Promise((done) => {
      const socket = net.connect(i % 2 ? node.wsPort : node.httpPort, '127.0.0.1');
      let drip;
      socket.on('error', () => {});
      socket.on('data', () => {});
      socket.on('connect', () => {
        if (kind === 'half') socket.write(hello.subarray(0, hello.length / 2));
        if (kind === 'whole') socket.write(hello);
        if (kind === 'drip') { let at = 0; drip = setInterval(() => { if (at < hello.length - 1) socket.write(hello.subarray(at, ++at)); }, 100); }
      });
      socket.on('close', () => { clearInterval(drip); took.push(Date.now() - began); done(); });
    }));
  }
  for (let i = 0; i < 10; i++) { await rpc('evm_mine'); await h.sleep(100); }
  await h.until('the heads', () => s.of(id).length >= 10, 2000);
  await Promise.all(stalls);
  assert.ok(Math.min(...took) > 4500 && Math.max(...took) < 9000, `${Math.min(...took)} to ${Math.max(...took)} ms`);
  console.log(`# 60 handshakes that stalled were ended after ${Math.min(...took)} to ${Math.max(...took)} ms`);
  s.close();
});

test('nonsense on the TLS port: 300 connections of it, and the node goes on', async () => {
  const heads = [Buffer.alloc(0), Buffer.from('160301', 'hex'), Buffer.from('16030102000100', 'hex'), Buffer.from('8046010301', 'hex'), Buffer.from('GET / HTTP/1.1\r\n'), Buffer.from('PROXY TCP4 ')];
  await Promise.all(Array.from({ length: 300 }, (_, i) => new Promise((done) => {
    const socket = net.connect(i % 2 ? node.wsPort : node.httpPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('connect', () => socket.end(Buffer.concat([heads[i % heads.length], bytesOf(seed, i, 1 + (i * 37) % 3000)])));
    socket.on('close', done);
  })));
  assert.equal((await rpc('eth_chainId')).result, '0x7a69');
});

test('a slow reader is told 1013 through TLS too', async () => {
  const slow = await h.fanatico([...flags(), '--notify-memory', '1M', '--notify-age', '60s']);
  const s = await h.Socket.open(`wss://localhost:${slow.wsPort}`, { ca: ca() });
  for (let i = 0; i < 50; i++) await s.call('eth_subscribe', ['newHeads']);
  s.ws._socket.pause();
  for (let i = 0; i < 60; i++) await rpc('anvil_mine', ['0x5'], slow.httpPort);
  s.ws._socket.resume();
  const { code, reason } = await s.closed;
  assert.deepEqual([code, reason], [1013, 'slow consumer']);
  assert.equal(await slow.stop(), 0);
});

test('one port for all; node and ws speak TLS as well; environment and file say so too', async () => {
  const one = await h.fanatico([...flags(), '--port', '0'], { ports: false });
  assert.equal((await rpc('eth_chainId', [], one.httpPort)).result, '0x7a69');
  (await h.Socket.open(`wss://localhost:${one.httpPort}/ws`, { ca: ca() })).close();
  assert.equal(await one.stop(), 0);

  const config = path.join(dir, 'fanatico.toml');
  fs.writeFileSync(config, `tls-cert = "${path.join(dir, 'live.pem')}"\n[tls]\nkey = "${path.join(dir, 'live.key')}"\n`);
  const file = await h.fanatico(['--config', config]);
  assert.equal((await rpc('eth_chainId', [], file.httpPort)).result, '0x7a69');
  assert.equal(await file.stop(), 0);
  const env = { FANATICO_TLS_CERT: path.join(dir, 'live.pem'), FANATICO_TLS_KEY: path.join(dir, 'live.key') };
  const folder = path.join(dir, 'chain');
  fs.writeFileSync(path.join(dir, 'genesis.json'), run(path.join(h.bin, 'fanatico'), ['genesis']));
  run(path.join(h.bin, 'fanatico'), ['init', '--datadir', folder, '--genesis', path.join(dir, 'genesis.json')]);
  const durable = await h.fanatico(['--datadir', folder], { command: 'node', env });
  assert.equal((await rpc('eth_chainId', [], durable.httpPort)).result, '0x7a69');
  assert.equal(await durable.stop(), 0);

  const ready = path.join(dir, 'ws.json');
  const ws = new h.Program(path.join(h.bin, 'fanatico'), ['ws', '--ws-host', '127.0.0.1', '--ws-port', '0', '--feed', path.join(dir, 'feed'), '--ready-file', ready, ...flags()]);
  await h.until('fanatico ws', () => fs.existsSync(ready));
  const s = await h.Socket.open(`wss://localhost:${JSON.parse(fs.readFileSync(ready)).ws_port}/ws`, { ca: ca() });
  assert.match(await s.call('eth_subscribe', ['newHeads']), /^0x/);
  ws.child.kill('SIGHUP');
  await h.until('the renewal', () => ws.output.includes('SIGHUP: the certificate was read again'));
  assert.match(ws.output, /fanatico ws: wss:\/\//);
  s.close();
  assert.equal(await ws.stop(), 0);
});

test('a wrong file is named with the reason, at the start and by --check-config', () => {
  const cert = certs.good.certPath, key = certs.good.keyPath, none = path.join(dir, 'none.pem');
  const locked = path.join(dir, 'locked.key'), empty = path.join(dir, 'empty.pem');
  run('openssl', ['pkey', '-in', key, '-aes128', '-passout', 'pass:secret', '-out', locked]);
  fs.writeFileSync(empty, '');
  for (const [args, words] of [
    [['--tls-cert', none, '--tls-key', key], /^fanatico: --tls-cert: \S+none\.pem: No such file or directory\n$/],
    [['--tls-cert', cert, '--tls-key', none], /^fanatico: --tls-key: \S+none\.pem: No such file or directory\n$/],
    [['--tls-cert', cert], /^fanatico: --tls-key: which file\? --tls-cert needs it\n$/],
    [['--tls-key', key], /^fanatico: --tls-cert: which file\? --tls-key needs it\n$/],
    [['--tls-cert', dir, '--tls-key', key], /^fanatico: --tls-cert: \S+: is a directory\n$/],
    [['--tls-cert', empty, '--tls-key', key], /no certificate in it/],
    [['--tls-cert', cert, '--tls-key', empty], /no private key in it/],
    [['--tls-cert', cert, '--tls-key', locked], /--tls-key: \S+locked\.key: the key cannot be read: it has a passphrase/],
    [['--tls-cert', cert, '--tls-key', certs.other.keyPath], /the key does not belong to the first certificate/],
    [['--trusted-proxies', '10.0.0.0/33'], /--trusted-proxies: "10\.0\.0\.0\/33" is no network/],
    [['--proxy-protocol'], /--proxy-protocol: from whom\? --trusted-proxies names the proxies/],
    [['--http-rpcprefix', 'rpc'], /--http-rpcprefix: "rpc" is no path/],
  ])
    for (const more of [['--check-config'], []]) {
      const got = spawnSync(path.join(h.bin, 'fanatico'), ['dev', '--http-port', '0', '--ws-port', '0', ...args, ...more], { encoding: 'utf8', timeout: 20000 });
      assert.equal(got.status, 2, args.join(' '));
      assert.match(got.stderr, words);
    }
  assert.equal(run(path.join(h.bin, 'fanatico'), ['dev', '--check-config', '--tls-cert', cert, '--tls-key', key]), 'the configuration is good\n');
});

test('libfanatico speaks it from Python: serve(tls_cert=…, tls_key=…), reloading, and what a wrong file raises', () => {
  const said = run(path.join(h.build, 'venv/bin/python'), ['-c', `
import json, ssl, sys, urllib.request
import fanatico
cert, key, ca, other = sys.argv[1:]
server = fanatico.serve(block=False, http_port=0, ws_port=None, chain_id=7, tls_cert=cert, tls_key=key)
context = ssl.create_default_context(cafile=ca)
request = urllib.request.Request(f"https://localhost:{server.http_port}/", b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}', {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request, context=context))["result"])
server.reload_tls()
server.close()
try:
    fanatico.serve(block=False, http_port=0, ws_port=None, tls_cert=cert, tls_key=other)
except ValueError as e:
    print(e)`, certs.good.certPath, certs.good.keyPath, certs.ca, certs.other.keyPath], { PYTHONPATH: path.join(h.source, 'python'), FANATICO_LIBRARY: path.join(h.bin, 'libfanatico.so') });
  assert.match(said, /^0x7\ntls_key: \S+other\.key: the key does not belong to the first certificate of \S+good\.pem \(tls_cert\)\n$/);
});
