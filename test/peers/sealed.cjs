// A chain that geth seals on our genesis, with all its history, and how its answers are held against ours.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

async function gethChain(dir, fork = 'osaka') {
  const data = path.join(dir, 'geth'), genesis = path.join(dir, 'genesis.json');
  fs.writeFileSync(genesis, execFileSync(path.join(h.bin, 'fanatico'), ['genesis', '--timestamp', '1750000000', '--hardfork', fork, '--accounts', '6']));
  const init = new h.Program(h.gethFile(), ['--datadir', data, '--state.scheme', 'hash', 'init', genesis]);
  assert.equal(await init.ended, 0, init.output);
  const port = await h.freePort(), url = `http://127.0.0.1:${port}`;
  const geth = new h.Program(h.gethFile(), ['--dev', '--datadir', data, '--http', '--http.port', String(port), '--http.api', 'eth,web3,net,debug,txpool', '--nodiscover', '--maxpeers', '0',
    '--authrpc.port', '0', '--port', '0', '--ipcdisable', '--verbosity', '3', '--state.scheme', 'hash', '--gcmode', 'archive', '--rpc.gascap', '50000000']);
  await h.until('geth to answer', async () => {
    if (!geth.running) throw new Error(geth.output.slice(-3000));
    try { return await h.rpc(url, 'eth_blockNumber'); } catch { return null; }
  });
  return { geth, url, genesis };
}

/** One answer, an error as its code and words. */
async function ask(url, method, params) {
  const reply = await h.post(url, { jsonrpc: '2.0', id: 1, method, params });
  return reply.error ? { error: { code: reply.error.code, message: reply.error.message, data: reply.error.data } } : reply.result;
}

/** Where two values differ first. */
function difference(ours, theirs, at = '') {
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return null;
  if (ours && theirs && typeof ours === 'object' && typeof theirs === 'object') {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const d = difference(ours[key], theirs[key], `${at}.${key}`);
      if (d) return d;
    }
    return null;
  }
  return `${at}: ours ${JSON.stringify(ours)?.slice(0, 900)}, geth's ${JSON.stringify(theirs)?.slice(0, 900)}`;
}

module.exports = { ask, difference, gethChain };
