// What every JavaScript test shares: starting the real binary (and real peers) on free loopback ports, ending them by their
// pid, compiling the test contracts with solc, and a bare JSON-RPC client that adds nothing of its own.
'use strict';
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { once } = require('node:events');

const source = process.env.FANATICO_SOURCE || path.resolve(__dirname, '../..');
const build = process.env.FANATICO_BUILD || path.join(source, 'build');
const bin = process.env.FANATICO_BIN || path.join(build, 'release');
const cache = process.env.FANATICO_CACHE || path.join(os.homedir(), '.cache/fanatico');
// The packages live in the build folder, away from the tests: whoever loads this file first finds them by name.
process.env.NODE_PATH = path.join(build, 'npm/node_modules');
require('node:module').Module._initPaths();

const MNEMONIC = 'test test test test test test test test test test test junk';
const KEYS = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
];
const ACCOUNTS = [
  '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
];

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until check() gives something, or fails with what it was waiting for. */
async function until(what, check, ms = 30000) {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const got = await check();
    if (got) return got;
    await sleep(20);
  }
  throw new Error(`waited ${ms} ms in vain for ${what}`);
}

async function freePort() {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function scratch() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'fanatico-test-'));
}

// A test that is ended by its time limit has no chance to stop what it started: that must not go on without it.
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

class Program {
  constructor(file, args, env = {}) {
    this.output = '';
    this.child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.child.on('close', () => running.delete(this.child));
    this.child.stdout.on('data', (d) => (this.output += d));
    this.child.stderr.on('data', (d) => (this.output += d));
    this.ended = new Promise((done) => {
      this.child.on('error', (e) => { this.output += e.message; this.code = -1; done(-1); });
      this.child.on('exit', (code, signal) => {
        this.code = code ?? signal;
        // Whatever is refused from now on is a consequence: the first cause must not be lost.
        if (this.serving && !this.asked) process.stderr.write(`${path.basename(file)} (process ${this.child.pid}) ended with ${this.code}, and no test had ended it: ${this.output.slice(-2000)}\n`);
        done(this.code);
      });
    });
  }
  get running() { return this.code === undefined; }
  /** Waits until the signal does not simply end it any more, as it does a process that has just begun: caught, or kept for a signalfd. */
  listens(signal) {
    const bit = BigInt(os.constants.signals[signal] - 1);
    return until(`${signal} to be listened to`, () => {
      let status = '';
      try { status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8'); } catch { /* it is over */ }
      return !this.running || [...status.matchAll(/^Sig(?:Cgt|Blk):\s*([0-9a-f]+)$/gm)].some(([, mask]) => (BigInt(`0x${mask}`) >> bit) & 1n);
    });
  }
  async stop(signal = 'SIGTERM') {
    this.asked = true;
    if (this.serving && / ending  signal=|"message":"ending"/.test(this.output)) process.stderr.write(`process ${this.child.pid} was ending already: ${this.output.slice(-2000)}\n`);
    if (this.running) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 15000);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }
}

/** Starts our node; resolves when it accepts. */
async function fanatico(args = [], { command = 'dev', env = {}, ports = true, file = path.join(bin, 'fanatico') } = {}) {
  const dir = scratch();
  const ready = path.join(dir, 'ready.json');
  const own = ports ? ['--http-port', '0', '--ws-port', '0', '--ws-host', '127.0.0.1'] : [];
  const program = new Program(file, [command, ...own, '--ready-file', ready, ...args], env);
  await until('fanatico to accept', () => {
    if (!program.running) throw new Error(`fanatico ended with ${program.code}: ${program.output}`);
    return fs.existsSync(ready) && fs.readFileSync(ready, 'utf8').endsWith('\n');
  });
  const told = JSON.parse(fs.readFileSync(ready, 'utf8'));
  return Object.assign(program, {
    serving: true, dir, http: `http://127.0.0.1:${told.http_port}`, ws: `ws://127.0.0.1:${told.ws_port}`, httpPort: told.http_port, wsPort: told.ws_port,
  });
}

async function anvil(args = []) {
  const port = await freePort();
  // The states it writes to disk are gigabytes in a home folder when it is killed: here they go with the test.
  const states = scratch();
  process.on('exit', () => fs.rmSync(states, { recursive: true, force: true, maxRetries: 5 }));
  const program = new Program(require.resolve('@foundry-rs/anvil-linux-amd64/bin/anvil'), ['--host', '127.0.0.1', '--port', String(port), '--cache-path', states, ...args]);
  await until('anvil to accept', () => {
    if (!program.running) throw new Error(`anvil ended: ${program.output}`);
    return program.output.includes('Listening on');
  });
  return Object.assign(program, { http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}` });
}

const gethFile = () => path.join(cache, 'go/geth-v1.17.10');

/** One JSON-RPC call over HTTP; returns the whole reply. */
async function post(url, body, headers = {}) {
  const reply = await fetch(url, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await reply.text();
  return text ? JSON.parse(text) : undefined;
}

let nextId = 1;
async function rpc(url, method, params = []) {
  const reply = await post(url, { jsonrpc: '2.0', id: nextId++, method, params });
  if (reply.error) throw Object.assign(new Error(`${method}: ${reply.error.message}`), reply.error);
  return reply.result;
}

/** A WebSocket that keeps everything it was sent, in order. */
class Socket {
  static async open(url, options = {}) {
    const WebSocket = require('ws');
    const s = new Socket();
    s.ws = new WebSocket(url, { perMessageDeflate: false, ...options });
    s.received = [];
    s.ws.on('message', (data) => s.received.push(JSON.parse(data.toString())));
    s.closed = new Promise((done) => s.ws.on('close', (code, reason) => done({ code, reason: reason.toString() })));
    s.ws.on('error', () => {});
    await once(s.ws, 'open');
    return s;
  }
  async send(message) { this.ws.send(typeof message === 'string' ? message : JSON.stringify(message)); }
  async call(method, params = []) {
    const id = nextId++;
    await this.send({ jsonrpc: '2.0', id, method, params });
    const reply = await until(`the answer to ${method}`, () => this.received.find((m) => m.id === id));
    if (reply.error) throw Object.assign(new Error(`${method}: ${reply.error.message}`), reply.error);
    return reply.result;
  }
  /** Results of notifications for a subscription so far. */
  of(id) { return this.received.filter((m) => m.method === 'eth_subscription' && m.params.subscription === id).map((m) => m.params.result); }
  close() { this.ws.terminate(); }
}

/** Compiles a file of test/contracts; kept in build/contracts by the hash of what went in. */
function compile(file, settings = {}) {
  const solc = require('solc');
  const text = fs.readFileSync(path.join(source, 'test/contracts', file), 'utf8');
  const input = {
    language: 'Solidity', sources: { [file]: { content: text } },
    settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: 'cancun', outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } }, ...settings },
  };
  const key = crypto.createHash('sha256').update(JSON.stringify(input) + solc.version()).digest('hex').slice(0, 16);
  const kept = path.join(build, 'contracts', `${path.basename(file, '.sol')}-${key}.json`);
  if (!fs.existsSync(kept)) {
    const out = JSON.parse(solc.compile(JSON.stringify(input), { import: (name) => {
      try { return { contents: fs.readFileSync(require.resolve(name), 'utf8') }; } catch { return { error: `no ${name}` }; }
    } }));
    const bad = (out.errors || []).filter((e) => e.severity === 'error');
    if (bad.length) throw new Error(bad.map((e) => e.formattedMessage).join('\n'));
    fs.mkdirSync(path.dirname(kept), { recursive: true });
    fs.writeFileSync(kept + `.${process.pid}`, JSON.stringify(out.contracts[file]));
    fs.renameSync(kept + `.${process.pid}`, kept);
  }
  const all = JSON.parse(fs.readFileSync(kept, 'utf8'));
  return Object.fromEntries(Object.entries(all).map(([name, c]) => [name, { abi: c.abi, bytecode: '0x' + c.evm.bytecode.object }]));
}

module.exports = { ACCOUNTS, KEYS, MNEMONIC, Program, Socket, anvil, bin, build, cache, compile, fanatico, freePort, gethFile, post, rpc, scratch, sleep, source, until };
