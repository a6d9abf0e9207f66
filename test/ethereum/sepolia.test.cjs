// The first 8,191 blocks of Sepolia, as go-ethereum's module carries them in an era1 file for its own tests: real headers of a
// proof-of-work chain under London's rules, imported with every difficulty, reward, base fee and state root checked.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');
const { gethModule } = require('./peers.cjs');
const era = require('./era.cjs');

test('Sepolia from its genesis on', { timeout: 300000 }, async () => {
  const blocks = era.blocks(path.join(gethModule(), 'core/rawdb/eradb/testdata/sepolia-00000-643a00f7.era1'));
  assert.equal(blocks.length, 8192);
  const dir = h.scratch(), genesis = JSON.parse(execFileSync(h.gethFile(), ['dumpgenesis', '--sepolia'], { encoding: 'utf8', maxBuffer: 1 << 26 }));
  delete genesis.config.amsterdamTime; // a fork that we do not know is refused, and rightly
  fs.writeFileSync(path.join(dir, 'genesis.json'), JSON.stringify(genesis));
  fs.writeFileSync(path.join(dir, 'chain.rlp'), Buffer.concat(blocks.slice(1)));
  const node = await h.fanatico(['--genesis', path.join(dir, 'genesis.json'), '--import', path.join(dir, 'chain.rlp'), '--silent']);
  await h.until('the import', async () => Number(await h.rpc(node.http, 'eth_blockNumber')) === 8191, 200000);
  for (const number of [0, 1, 4096, 8191]) {
    const [header] = ethers.decodeRlp(blocks[number]);
    const block = await h.rpc(node.http, 'eth_getBlockByNumber', [ethers.toQuantity(number), false]);
    assert.equal(block.hash, ethers.keccak256(ethers.encodeRlp(header)), `block ${number}`);
    assert.equal(block.stateRoot, header[3]);
  }
  assert.equal(await node.stop(), 0);
  fs.rmSync(dir, { recursive: true });
  console.log('Sepolia: 8191 blocks imported, the head is the archive\'s');
});
