// The binary as a person meets it: help, wrong options, ports in use, missing files, the banner, signals.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const h = require('../lib/harness.cjs');

const file = path.join(h.bin, 'fanatico');
async function run(...args) {
  const program = new h.Program(file, args);
  const timer = setTimeout(() => program.child.kill('SIGKILL'), 20000);
  const code = await program.ended;
  clearTimeout(timer);
  return { code, lines: program.output.trim().split('\n'), output: program.output };
}

test('help and version', async () => {
  for (const args of [['--help'], ['help'], ['dev', '--help'], ['genesis', '--help']]) {
    const { code, output } = await run(...args);
    assert.equal(code, 0);
    assert.match(output, /Usage|fanatico/);
  }
  assert.match((await run('version')).output, /^fanatico \d+\.\d+\.\d+/);
  const dev = (await run('dev', '--help')).output;
  for (const flag of ['--port', '--block-time', '--no-mining', '--accounts', '--balance', '--mnemonic', '--chain-id', '--hardfork', '--gas-limit', '--client-version', '--silent', '--genesis', '--import',
    '--ready-file', '--max-connections', '--ping-interval', '--ping-timeout', '--max-subscriptions-per-connection', '--ws-host', '--ws-port']) assert.ok(dev.includes(flag), flag);
});

// args, what the one line must say
const WRONG = [
  [['--nonsense'], /unknown option --nonsense/],
  [['nonsense'], /unknown command "nonsense"/],
  [['--port', 'many'], /--port: "many" is not a port/],
  [['--port', '65536'], /--port: "65536" is not a port/],
  [['--port'], /--port needs a value/],
  [['--block-time', '-3'], /--block-time: "-3" is not a duration/],
  [['--block-time', '0x10'], /--block-time: "0x10" is not a duration/],
  [['--ping-interval', '1e3'], /--ping-interval: "1e3" is not a duration/],
  [['--balance', '1e9'], /--balance/],
  [['--hardfork', 'atlantis'], /--hardfork: "atlantis"/],
  [['--accounts', '1000000'], /--accounts/],
  [['--dev-methods', 'some'], /--dev-methods: "some"/],
  [['--coinbase', '0x12'], /--coinbase: "0x12" is not an address/],
  [['--rpc-batch-response-max-size', '3G'], /--rpc-batch-response-max-size: at most 2000000000/],
  [['--gas-limit', '4999'], /--gas-limit: at least 5000/],
  [['--chain-id', '0'], /--chain-id: at least 1/],
  [['--mnemonic', 'test test test'], /--mnemonic: 12, 15, 18, 21 or 24 words, not 3/],
  [['--block-time', '1', '--no-mining'], /--block-time and --no-mining exclude each other/],
  [['--genesis', 'any.json', '--chain-id', '5'], /--chain-id: the file that --genesis names decides it/],
  [['--genesis', '/nowhere/genesis.json'], /\/nowhere\/genesis\.json: No such file/],
  [['--port', '0', '--import', '/nowhere/chain.rlp'], /^fanatico: \/nowhere\/chain\.rlp: No such file or directory$/],
  [['--ws-host', '256.1.1.1', '--ws-port', '0', '--http-port', '0'], /256\.1\.1\.1/],
  [['extra'], /unknown command/],
  [['dev', 'extra'], /unexpected argument "extra"/],
];
for (const [args, words] of WRONG) {
  test(`one line and code 2: ${args.join(' ')}`, async () => {
    const { code, lines } = await run(...args);
    assert.equal(code, 2);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0], /^fanatico: /);
    assert.match(lines[0], words);
  });
}

test('damaged files: what and where', async () => {
  const dir = h.scratch();
  fs.writeFileSync(path.join(dir, 'a.json'), '{"config": {"chainId": 1}, "alloc": {"0x12": {}}, "gasLimit": "0x1", "difficulty": "0x0"}');
  fs.writeFileSync(path.join(dir, 'b.json'), '{"config": ');
  fs.writeFileSync(path.join(dir, 'c.rlp'), Buffer.from('f8ff00', 'hex'));
  for (const [args, words] of [[['--genesis', path.join(dir, 'a.json')], /a\.json: .*alloc/], [['--genesis', path.join(dir, 'b.json')], /b\.json: .*byte/], [['--port', '0', '--import', path.join(dir, 'c.rlp')], /c\.rlp/]]) {
    const { code, lines } = await run(...args);
    assert.equal(code, 2, lines.join('\n'));
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0], words);
  }
});

test('Ctrl-C ends a node that still imports', async () => {
  const pipe = path.join(h.scratch(), 'chain.rlp'); // nobody writes: an import without end
  execFileSync('mkfifo', [pipe]);
  const program = new h.Program(file, ['--port', '0', '--import', pipe]);
  await program.listens('SIGINT');
  await h.sleep(300);
  assert.ok(program.running, program.output);
  const began = Date.now();
  assert.equal(await program.stop('SIGINT'), 0);
  assert.ok(Date.now() - began < 5000);
});

test('a port in use is named, also when another fanatico has it', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const port = taken.address().port;
  const first = await run('--port', String(port));
  assert.equal(first.code, 2);
  assert.match(first.lines.at(-1), new RegExp(`127\\.0\\.0\\.1:${port}: address already in use`));
  taken.close();
  const node = await h.fanatico(['--silent']);
  const second = await run('--port', String(node.httpPort));
  assert.equal(second.code, 2);
  assert.match(second.lines.at(-1), /address already in use/);
  assert.equal(await node.stop(), 0);
});

test('environment, defaults and flags: a flag wins', async () => {
  const node = await h.fanatico(['--chain-id', '77'], { env: { FANATICO_CHAIN_ID: '66', FANATICO_ACCOUNTS: '2', MAX_SUBSCRIPTIONS_PER_CONNECTION: '3' } });
  assert.equal(await h.rpc(node.http, 'eth_chainId'), '0x4d');
  assert.equal((await h.rpc(node.http, 'eth_accounts')).length, 2);
  const socket = await h.Socket.open(node.ws);
  for (let i = 0; i < 3; i++) await socket.call('eth_subscribe', ['newHeads']);
  await assert.rejects(socket.call('eth_subscribe', ['newHeads']), (e) => e.code === -32000);
  socket.close();
  assert.equal(await node.stop(), 0);
});

test('the banner names addresses, accounts, keys and the chain id; a line per block and transaction', async () => {
  const node = await h.fanatico();
  assert.match(node.output, new RegExp(`127\\.0\\.0\\.1:${node.httpPort}`));
  assert.match(node.output, new RegExp(`127\\.0\\.0\\.1:${node.wsPort}`));
  assert.match(node.output, /31337/);
  for (let i = 0; i < 3; i++) assert.ok(node.output.includes(h.ACCOUNTS[i]) && node.output.includes(h.KEYS[i]));
  const hash = await h.rpc(node.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  await h.until('the lines', () => node.output.includes(hash) && /block 1 /.test(node.output));
  assert.equal(await node.stop('SIGINT'), 0);
});

test('one port for both, and upgrades on / and /ws', async () => {
  const port = await h.freePort();
  const node = await h.fanatico(['--port', String(port), '--silent'], { ports: false });
  assert.equal(node.httpPort, port);
  assert.equal(node.wsPort, port);
  for (const where of ['', '/', '/ws']) {
    const socket = await h.Socket.open(`ws://127.0.0.1:${port}${where}`);
    assert.equal(await socket.call('eth_chainId'), '0x7a69');
    socket.close();
  }
  assert.equal(await h.rpc(`http://127.0.0.1:${port}`, 'eth_chainId'), '0x7a69');
  assert.equal(await node.stop(), 0);
});

test('SIGTERM tells every WebSocket 1001 and ends in order', async () => {
  const node = await h.fanatico(['--silent']);
  const sockets = await Promise.all(Array.from({ length: 5 }, () => h.Socket.open(node.ws)));
  await Promise.all(sockets.map((s) => s.call('eth_subscribe', ['newHeads'])));
  const code = await node.stop('SIGTERM');
  assert.equal(code, 0, node.output);
  assert.match(node.output, new RegExp(`^\\S+Z warn  server  ending  signal=SIGTERM process=${process.pid}\n$`)); // who ended it, also where it is silent
  for (const socket of sockets) assert.equal((await socket.closed).code, 1001);
});

test('ready means ready: whoever has read the ready file is never refused, on either port, by any worker', async () => {
  const connected = (port) => new Promise((done, fail) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => { socket.destroy(); done(); });
    socket.on('error', fail);
  });
  for (let round = 0; round < 8; round++) {
    await Promise.all(Array.from({ length: 4 }, async () => {
      const node = await h.fanatico(['--silent', '--workers', '4']);
      for (let i = 0; i < 16; i++) await Promise.all([connected(node.wsPort), connected(node.httpPort)]);
      assert.equal(await node.stop(), 0);
    }));
  }
});

test('blocks every so often, or only when asked', async () => {
  const ticking = await h.fanatico(['--block-time', '200ms', '--silent']);
  const socket = await h.Socket.open(ticking.ws);
  const id = await socket.call('eth_subscribe', ['newHeads']);
  await h.until('three blocks', () => socket.of(id).length >= 3);
  socket.close();
  await ticking.stop();
  const still = await h.fanatico(['--no-mining', '--silent']);
  const hash = await h.rpc(still.http, 'eth_sendTransaction', [{ from: h.ACCOUNTS[0], to: h.ACCOUNTS[1], value: '0x1' }]);
  assert.equal(await h.rpc(still.http, 'eth_getTransactionReceipt', [hash]), null);
  assert.equal(await h.rpc(still.http, 'eth_getTransactionCount', [h.ACCOUNTS[0], 'pending']), '0x1');
  await h.rpc(still.http, 'evm_mine');
  assert.equal((await h.rpc(still.http, 'eth_getTransactionReceipt', [hash])).blockNumber, '0x1');
  await still.stop();
});

test('fanatico genesis is what fanatico dev begins with', async () => {
  const args = ['--timestamp', '1700000000', '--chain-id', '99', '--accounts', '3'];
  const dir = h.scratch();
  const { code, output } = await run('genesis', ...args);
  assert.equal(code, 0);
  assert.ok(JSON.parse(output).config.blobSchedule.prague);
  fs.writeFileSync(path.join(dir, 'genesis.json'), output);
  const [a, b] = [await h.fanatico([...args, '--silent']), await h.fanatico(['--genesis', path.join(dir, 'genesis.json'), '--silent'])];
  const hashes = await Promise.all([a, b].map((n) => h.rpc(n.http, 'eth_getBlockByNumber', ['0x0', false])));
  assert.equal(hashes[0].hash, hashes[1].hash);
  await a.stop();
  await b.stop();
});
