// The chain that go-ethereum's module carries for its tests of the eth protocol (hive's): 600 blocks from Shanghai over Cancun to Prague with transactions of every
// type, withdrawals, requests and deletions, made by another program (hivechain) and published with the state in which it ends.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const VERSION = 'v1.16.9'; // later ones have forks that we do not know

test('the published chain imports to its head, and ends in the published state', { timeout: 120000 }, async () => {
  const told = JSON.parse(execFileSync('go', ['mod', 'download', '-json', `github.com/ethereum/go-ethereum@${VERSION}`], { encoding: 'utf8', cwd: h.scratch() }));
  const from = path.join(told.Dir, 'cmd/devp2p/internal/ethtest/testdata'), read = (name) => JSON.parse(fs.readFileSync(path.join(from, name)));
  const dir = h.scratch(), run = async (...args) => {
    const program = new h.Program(path.join(h.bin, 'fanatico'), args), code = await program.ended;
    assert.equal(code, 0, program.output);
    return program.output;
  };
  await run('init', '--datadir', dir, '--genesis', path.join(from, 'genesis.json'));
  assert.match(await run('import', '--datadir', dir, path.join(from, 'chain.rlp')), /imported 600 blocks, head 600/);
  await run('db', 'check', '--datadir', dir);
  const node = await h.fanatico(['--datadir', dir, '--no-mining', '--silent']), head = read('headblock.json'), state = read('headstate.json');
  const latest = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.equal(latest.hash, head.hash);
  assert.equal(latest.stateRoot, `0x${state.root.replace(/^0x/, '')}`);
  let slots = 0;
  const accounts = Object.entries(state.accounts);
  for (const [key, account] of accounts) {
    const address = account.address ?? key, storage = Object.entries(account.storage ?? {});
    const proof = await h.rpc(node.http, 'eth_getProof', [address, [], 'latest']);
    assert.deepEqual([BigInt(proof.balance), Number(proof.nonce), proof.storageHash, proof.codeHash], [BigInt(account.balance), account.nonce, account.root, account.codeHash], address);
    slots += storage.length;
  }
  assert.equal(await node.stop(), 0);
  fs.rmSync(dir, { recursive: true });
  console.log(`the chain of go-ethereum's ethtest: 600 blocks imported, ${accounts.length} accounts as published, by their storage roots ${slots} slots`);
});
