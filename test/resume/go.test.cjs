// go-ethereum's client (test/go) against the real binary: it sends fromBlock by default and gets live logs only.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { RUNTIME, deploy } = require('../promises/world.cjs');

let node, contract;
before(async () => {
  node = await h.fanatico(['--silent']);
  contract = await deploy((m, p) => h.rpc(node.http, m, p), RUNTIME);
});
after(async () => assert.equal(await node?.stop(), 0));

test('ethclient.SubscribeFilterLogs and rpc.EthSubscribe', { timeout: 600000 }, (t) => {
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.error) { t.skip('no `go` in PATH: install Go 1.24 or newer'); return; }
  const ran = spawnSync('go', ['test', '-count=1', '-v', './...'], {
    cwd: path.join(h.source, 'test/go'), encoding: 'utf8',
    env: { ...process.env, FANATICO_WS: node.ws, FANATICO_FROM: h.ACCOUNTS[0], FANATICO_CONTRACT: contract },
  });
  assert.equal(ran.status, 0, `${ran.stdout}${ran.stderr}`);
  assert.equal((ran.stdout.match(/^--- PASS/gm) ?? []).length, 2, ran.stdout);
});
