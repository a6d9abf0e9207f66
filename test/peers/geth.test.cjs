// Blocks that geth made import into ours: geth seals on our genesis, with transfers, creations, access lists, blobs and
// authorizations, exported and imported with every root recomputed.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { seedOf } = require('../lib/seed.cjs');
const { ethers } = require('ethers');
const { Run } = require('./chaos.cjs');

const seed = seedOf();
const count = Number(process.env.TXS || 150);

test('geth seals, we import: the same head hash', { timeout: 600000 }, async () => {
  console.log(`TXS=${count}`);
  const dir = h.scratch(), data = path.join(dir, 'geth'), genesis = path.join(dir, 'genesis.json');
  // Our genesis, since geth's own development chain runs forks that are not final yet.
  fs.writeFileSync(genesis, execFileSync(path.join(h.bin, 'fanatico'), ['genesis', '--timestamp', '1750000000', '--hardfork', 'osaka', '--accounts', '6']));
  const init = new h.Program(h.gethFile(), ['--datadir', data, 'init', genesis]);
  assert.equal(await init.ended, 0, init.output);
  const port = await h.freePort();
  const url = `http://127.0.0.1:${port}`;
  const geth = new h.Program(h.gethFile(), ['--dev', '--datadir', data, '--http', '--http.port', String(port), '--http.api', 'eth,web3,net,debug,txpool', '--nodiscover', '--maxpeers', '0',
    '--authrpc.port', '0', '--port', '0', '--ipcdisable', '--verbosity', '3']);
  await h.until('geth to answer', async () => {
    if (!geth.running) throw new Error(geth.output.slice(-3000));
    try { return await h.rpc(url, 'eth_blockNumber'); } catch { return null; }
  });
  const run = new Run(seed, BigInt(await h.rpc(url, 'eth_chainId')));
  for (let i = 0; i < count; i++) {
    const block = await h.rpc(url, 'eth_getBlockByNumber', ['latest', false]);
    const { raw, hash } = await run.next(BigInt(block.baseFeePerGas));
    assert.equal(await h.rpc(url, 'eth_sendRawTransaction', [raw]).catch((e) => { throw new Error(`SEED=${seed} transaction ${i}: ${e.message}`); }), hash);
    await h.until(`SEED=${seed} transaction ${i} to be mined`, () => h.rpc(url, 'eth_getTransactionReceipt', [hash]).catch(() => null));
    await run.settle(url);
  }
  const head = await h.rpc(url, 'eth_getBlockByNumber', ['latest', false]);
  const raw = [];
  for (let n = 1; n <= Number(head.number); n++) raw.push(Buffer.from((await h.rpc(url, 'debug_getRawBlock', [`0x${n.toString(16)}`])).slice(2), 'hex'));
  await geth.stop('SIGINT');
  const chain = path.join(dir, 'chain.rlp');
  fs.writeFileSync(chain, Buffer.concat(raw));
  const ours = await h.fanatico(['--genesis', genesis, '--import', chain, '--silent']);
  const told = await h.rpc(ours.http, 'eth_getBlockByNumber', ['latest', false]);
  assert.deepEqual([told.number, told.hash, told.stateRoot], [head.number, head.hash, head.stateRoot]);
  assert.equal(await h.rpc(ours.http, 'eth_blockNumber'), head.number);
  assert.equal(await ours.stop(), 0);
  console.log(`head ${Number(head.number)} ${head.hash}`);

  // One flipped byte in the state root of the middle block: refused with its number; what came before stays out of a served chain.
  const middle = Math.floor(raw.length / 2), bad = raw.map((b) => Buffer.from(b));
  const at = bad[middle].indexOf(Buffer.from((await rootOf(raw[middle])).slice(2), 'hex'));
  bad[middle][at] ^= 1;
  fs.writeFileSync(chain, Buffer.concat(bad));
  const refused = new h.Program(path.join(h.bin, 'fanatico'), ['dev', '--http-port', '0', '--ws-port', '0', '--genesis', genesis, '--import', chain]);
  assert.equal(await refused.ended, 2);
  assert.match(refused.output, new RegExp(`block ${middle + 1}\\b.*`));
  fs.rmSync(dir, { recursive: true });
});

/** The state root of a raw block: the fourth field of its header. */
async function rootOf(raw) {
  return ethers.decodeRlp(raw)[0][3];
}
