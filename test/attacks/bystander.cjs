// The second client of a row, on a thread of its own, so that the attacker's work is not taken for the server's: one
// WebSocket that asks for the head's number, each time it was answered, 2 ms later. Told "end" it says how long its
// requests took, in milliseconds: before the attack and during it.
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let count = 0, going = true, heard = () => {};

async function one(ws) {
  const id = `by-${count++}`, began = process.hrtime.bigint();
  const text = await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('the second client got no answer within 20 s')), 20000);
    heard = (data) => { clearTimeout(timer); done(data); };
    ws.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_blockNumber', params: [] }));
  });
  assert.match(text, new RegExp(`"id":"${id}","result":"0x`));
  return Number(process.hrtime.bigint() - began) / 1e6;
}

async function main() {
  const { ws } = await h.Socket.open(workerData.ws);
  ws.removeAllListeners('message');
  ws.on('message', (data) => heard(data.toString()));
  ws.on('close', () => { throw new Error('the second client was closed'); });
  const before = [], during = [];
  for (let i = 0; i < 250; i++) { const took = await one(ws); if (i >= 50) before.push(took); await sleep(1); }
  parentPort.on('message', () => { going = false; });
  parentPort.postMessage('ready');
  while (going) { during.push(await one(ws)); await sleep(2); }
  parentPort.postMessage({ before, during });
  ws.removeAllListeners('close');
  ws.terminate();
  parentPort.close();
}
main();
