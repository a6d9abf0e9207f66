// eth_config on our genesis and on ones with forks to come: word for word what geth answers.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const T = 1750000000;
/** What is changed in the genesis' config; its own timestamp is T. */
const SCHEDULES = {
  'everything from the start': {},
  'Prague and Osaka still to come': { pragueTime: 4000000000, osakaTime: 4000000100 },
  'Osaka passed after the genesis, blobs raised later': {
    osakaTime: T + 1, bpo1Time: 4000000000, bpo2Time: 4000000500,
    blobSchedule: {
      cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3338477 }, prague: { target: 6, max: 9, baseFeeUpdateFraction: 5007716 },
      bpo1: { target: 10, max: 15, baseFeeUpdateFraction: 8346193 }, bpo2: { target: 14, max: 21, baseFeeUpdateFraction: 11684671 },
    },
  },
};

for (const [name, schedule] of Object.entries(SCHEDULES)) {
  test(`eth_config: ${name}`, { timeout: 120000 }, async () => {
    const dir = h.scratch(), data = path.join(dir, 'geth'), file = path.join(dir, 'genesis.json');
    const genesis = JSON.parse(execFileSync(path.join(h.bin, 'fanatico'), ['genesis', '--timestamp', String(T), '--hardfork', 'osaka', '--accounts', '2']));
    Object.assign(genesis.config, schedule);
    fs.writeFileSync(file, JSON.stringify(genesis));
    const init = new h.Program(h.gethFile(), ['--datadir', data, 'init', file]);
    assert.equal(await init.ended, 0, init.output);
    const port = await h.freePort(), url = `http://127.0.0.1:${port}`;
    const geth = new h.Program(h.gethFile(), ['--dev', '--datadir', data, '--http', '--http.port', String(port), '--http.api', 'eth,debug', '--nodiscover', '--maxpeers', '0',
      '--authrpc.port', '0', '--port', '0', '--ipcdisable']);
    const ours = await h.fanatico(['--genesis', file, '--silent']);
    try {
      await h.until('geth to answer', async () => {
        if (!geth.running) throw new Error(geth.output.slice(-3000));
        try { return await h.rpc(url, 'eth_blockNumber'); } catch { return null; }
      });
      for (const when of ['at the genesis', 'a block later']) {
        const [a, b] = await Promise.all([h.rpc(ours.http, 'eth_config'), h.rpc(url, 'eth_config')]);
        assert.deepEqual(a, b, when);
        if (when !== 'at the genesis') break;
        await h.rpc(ours.http, 'evm_mine');
        const { ethers } = require('ethers');
        const raw = await new ethers.Wallet(h.KEYS[0]).signTransaction({ type: 2, chainId: 31337, nonce: 0, to: h.ACCOUNTS[1], value: 1, gasLimit: 21000, maxFeePerGas: 5e9, maxPriorityFeePerGas: 1e9 });
        await h.rpc(url, 'eth_sendRawTransactionSync', [raw]);
      }
    } finally {
      await Promise.all([ours.stop(), geth.stop('SIGINT')]);
      fs.rmSync(dir, { recursive: true });
    }
  });
}
