// geth on given blocks: a genesis.json, RLP blocks imported, then a server that seals nothing.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');

async function start(genesis, blocks) {
  const dir = h.scratch(), file = path.join(dir, 'chain.rlp'), first = path.join(dir, 'genesis.json');
  const run = (...args) => new h.Program(h.gethFile(), ['--datadir', path.join(dir, 'geth'), '--gcmode', 'archive', '--cache.preimages', '--verbosity', '3', ...args]);
  fs.writeFileSync(first, genesis);
  fs.writeFileSync(file, blocks);
  for (const args of [['init', first], ['import', file]]) {
    const step = run(...args);
    assert.equal(await step.ended, 0, step.output.slice(-3000));
  }
  const port = await h.freePort(), wsPort = await h.freePort();
  const program = run('--http', '--http.port', String(port), '--http.api', 'eth,net,web3,debug,txpool', '--ws', '--ws.port', String(wsPort), '--ws.api', 'eth,net,web3,debug,txpool',
    '--nodiscover', '--maxpeers', '0', '--authrpc.port', '0', '--port', '0', '--ipcdisable');
  const http = `http://127.0.0.1:${port}`;
  await h.until('geth to answer', async () => {
    if (!program.running) throw new Error(program.output.slice(-3000));
    try { return await h.rpc(http, 'eth_blockNumber'); } catch { return null; }
  }, 60000);
  return Object.assign(program, { http, ws: `ws://127.0.0.1:${wsPort}`, end: async () => { await program.stop('SIGINT'); fs.rmSync(dir, { recursive: true, force: true }); } });
}

module.exports = { start };
