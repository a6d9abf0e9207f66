// eth_getProof's proofs, verified by a library that is not ours (@ethereumjs/mpt): of accounts and slots that are there and that are not,
// at many blocks of a random run, against the state root of each block's header; and bent proofs, which it must refuse.
//
// TXS=n sets how many (SEED: test/lib/seed.cjs).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { Run, TIMESTAMP } = require('../peers/chaos.cjs');
const { verifyMerkleProof } = require('@ethereumjs/mpt');
const { ethers } = require('ethers');

const seed = seedOf(), count = Number(process.env.TXS || 120);
const bytes = (hex) => ethers.getBytes(hex), word = (n) => ethers.zeroPadValue(ethers.toBeHex(n), 32);
let node, run, last;

before(async () => {
  console.log(`TXS=${count}`);
  node = await h.fanatico(['--timestamp', String(TIMESTAMP), '--silent']);
  run = new Run(seed);
  for (let i = 0; i < count; i++) {
    const head = await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false]);
    const { raw } = await run.next(BigInt(head.baseFeePerGas));
    await h.rpc(node.http, 'eth_sendRawTransaction', [raw]);
    await run.settle(node.http);
  }
  last = Number(await h.rpc(node.http, 'eth_blockNumber'));
}, { timeout: 300000 });
after(() => node?.stop());

/** The value under a key, null where the proof shows that there is none; throws where the proof does not hold. */
async function value(root, key, proof) {
  if (!proof.length) { // nothing to show: only the empty trie has no node
    assert.equal(root, ethers.keccak256('0x80'));
    return null;
  }
  assert.equal(ethers.keccak256(proof[0]), root, 'the first node is not the root');
  const got = await verifyMerkleProof(bytes(key), proof.map(bytes), { useKeyHashing: true, root: bytes(root) });
  return got && ethers.hexlify(got);
}

const slots = [...Array.from({ length: 6 }, (_, i) => word(i)), ...Array.from({ length: 30 }, (_, i) => ethers.solidityPackedKeccak256(['uint256', 'uint256'], [i, 0])), word(2n ** 255n), '0x7', '0xabcdef'];

async function verify(address, number, root) {
  const p = await h.rpc(node.http, 'eth_getProof', [address, slots, number]);
  const where = `SEED=${seed} ${address} at ${number}`, account = await value(root, address, p.accountProof);
  const number_ = (v) => (BigInt(v) === 0n ? '0x' : ethers.toBeHex(BigInt(v)));
  if (account === null) assert.deepEqual([p.balance, p.nonce, p.storageHash, p.codeHash], ['0x0', '0x0', ethers.keccak256('0x80'), ethers.keccak256('0x')], where);
  else assert.deepEqual(ethers.decodeRlp(account), [number_(p.nonce), number_(p.balance), p.storageHash, p.codeHash], where);
  assert.equal(await h.rpc(node.http, 'eth_getBalance', [address, number]), p.balance, where);
  assert.equal(ethers.keccak256(await h.rpc(node.http, 'eth_getCode', [address, number])), p.codeHash, where);
  let there = 0;
  for (const [i, s] of p.storageProof.entries()) {
    const got = await value(p.storageHash, word(BigInt(slots[i])), s.proof);
    assert.equal(got === null ? 0n : BigInt(ethers.decodeRlp(got)), BigInt(s.value), `${where} slot ${slots[i]}`);
    if (got !== null) there++;
  }
  return { there, absent: slots.length - there, account: account !== null, proof: p };
}

test('accounts and slots, there or not, at blocks along the run', { timeout: 400000 }, async () => {
  const total = { accounts: 0, 'accounts that are not there': 0, slots: 0, 'slots that hold nothing': 0 };
  const addresses = [...run.wallets.slice(0, 3).map((w) => w.address), ...run.contracts, '0x0000F90827F1C53a10cb7A02335B175320002935', '0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02', '0x' + '98'.repeat(20), '0x' + '00'.repeat(20), ...[...run.touched].slice(-8)];
  for (const n of [0, 1, 2, Math.floor(last / 3), Math.floor(last / 2), last - 1, last]) {
    const number = `0x${n.toString(16)}`, { stateRoot } = await h.rpc(node.http, 'eth_getBlockByNumber', [number, false]);
    for (const address of addresses) {
      const seen = await verify(address, number, stateRoot);
      total[seen.account ? 'accounts' : 'accounts that are not there']++;
      total.slots += seen.there;
      total['slots that hold nothing'] += seen.absent;
    }
  }
  console.log(total);
  for (const [what, n] of Object.entries(total)) assert.ok(n > 10, `${n} ${what}`);
});

test('a bent proof is refused, so the library looks', { timeout: 60000 }, async () => {
  const number = `0x${last.toString(16)}`, { stateRoot } = await h.rpc(node.http, 'eth_getBlockByNumber', [number, false]);
  const p = await h.rpc(node.http, 'eth_getProof', [run.contracts[0], slots, number]);
  const some = p.storageProof.find((s) => s.proof.length && s.value !== '0x0') ?? p.storageProof[0];
  const bend = (node_, at) => { const b = bytes(node_); b[at % b.length] ^= 1; return ethers.hexlify(b); };
  for (const at of [3, 17, 40]) {
    for (let i = 0; i < p.accountProof.length; i++) {
      await assert.rejects(async () => {
        const got = await value(stateRoot, run.contracts[0], p.accountProof.map((n, k) => (k === i ? bend(n, at) : n)));
        assert.equal(got, await value(stateRoot, run.contracts[0], p.accountProof));
      });
    }
  }
  await assert.rejects(() => value(stateRoot, run.contracts[0], some.proof));
});
