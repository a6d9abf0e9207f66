// Starts build/release/fanatico where no node answers on the network's address, and ends it after the tests.
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const http = process.env.FANATICO_HTTP || 'http://127.0.0.1:8545';
const ws = process.env.FANATICO_WS || 'ws://127.0.0.1:8546';

async function answers() {
  try {
    const reply = await fetch(http, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'web3_clientVersion', params: [] }),
    });
    return Boolean((await reply.json()).result);
  } catch {
    return false;
  }
}

let child;

async function start() {
  if (await answers()) return;
  const file = process.env.FANATICO_FILE || path.resolve(__dirname, '../../build/release/fanatico');
  if (!fs.existsSync(file)) throw new Error(`no node answers at ${http} and there is no ${file}: run make first`);
  child = spawn(file, ['dev', '--silent', '--http-port', new URL(http).port, '--ws-host', '127.0.0.1', '--ws-port', new URL(ws).port], { stdio: 'inherit' });
  for (let i = 0; i < 200; i++) {
    if (await answers()) return;
    if (child.exitCode !== null) throw new Error(`fanatico ended with ${child.exitCode}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('fanatico did not answer within 10 s');
}

async function stop() {
  if (!child) return;
  const ended = new Promise((done) => child.on('exit', done));
  child.kill('SIGTERM');
  await ended;
}

module.exports = { http, ws, hooks: { beforeAll: start, afterAll: stop } };
