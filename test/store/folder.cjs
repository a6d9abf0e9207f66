// Folders of chains for the tests of the store: made by init, run by node, read over HTTP.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const file = path.join(h.bin, 'fanatico');

let made;
/** A genesis.json of the development chain, the same for a whole run. */
function genesis() {
  if (made) return made;
  made = path.join(h.scratch(), 'genesis.json');
  fs.writeFileSync(made, execFileSync(file, ['genesis', '--timestamp', '1700000000']));
  return made;
}

/** A folder with block 0 in it. */
async function folder(dir = path.join(h.scratch(), 'chain')) {
  const program = new h.Program(file, ['init', '--datadir', dir, '--genesis', genesis()]);
  assert.equal(await program.ended, 0, program.output);
  assert.match(program.output, /a new chain, genesis 0x[0-9a-f]{64}/);
  return dir;
}

const node = (dir, args = [], options = {}) => h.fanatico(['--datadir', dir, ...args], { command: 'node', ...options });

/** Hashes of all blocks, by number. */
async function blocks(program) {
  const head = Number(await h.rpc(program.http, 'eth_blockNumber')), out = [];
  for (let from = 0; from <= head; from += 500) {
    const batch = [];
    for (let n = from; n <= head && n < from + 500; n++) batch.push({ jsonrpc: '2.0', id: n, method: 'eth_getBlockByNumber', params: ['0x' + n.toString(16), false] });
    for (const reply of await h.post(program.http, batch)) out.push(reply.result.hash);
  }
  return out;
}

/** fanatico db check says that the folder is sound. Returns what it said. */
async function check(dir) {
  const program = new h.Program(file, ['db', 'check', '--datadir', dir]);
  assert.equal(await program.ended, 0, program.output);
  assert.match(program.output, /: sound\n/);
  return program.output;
}

/** Signs and sends a transfer; nonces are counted here, by key. Returns its hash. */
async function send(program, key = 0, more = {}) {
  const { Wallet } = require('ethers');
  const { wallet = new Wallet(h.KEYS[key]), ...fields } = more;
  const nonce = fields.nonce ?? Number(await h.rpc(program.http, 'eth_getTransactionCount', [h.ACCOUNTS[key], 'pending']));
  const raw = await wallet.signTransaction({
    type: 2, chainId: 31337, to: h.ACCOUNTS[(key + 1) % 3], value: 1n, gasLimit: 21000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n, ...fields, nonce,
  });
  return h.rpc(program.http, 'eth_sendRawTransaction', [raw]);
}

module.exports = { file, genesis, folder, node, check, blocks, send };
