// The seed's own command, in the project's folder hardhat/, on free ports; the project starts the node since none answers there.
'use strict';
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

(async () => {
  const [http, ws] = [await h.freePort(), await h.freePort()];
  const done = spawnSync('npx', ['--no-install', 'hardhat', 'test', 'test/14-websocket-subscriptions.test.js', '--network', 'fanatico'], {
    cwd: path.join(h.source, 'hardhat'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FANATICO_HTTP: `http://127.0.0.1:${http}`, FANATICO_WS: `ws://127.0.0.1:${ws}`, FANATICO_FILE: path.join(h.bin, 'fanatico'), HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', NODE_PATH: '' },
  });
  process.stdout.write(done.stdout + done.stderr);
  const passing = Number(/(\d+) passing/.exec(done.stdout)?.[1] ?? 0);
  if (done.status !== 0 || passing < 20 || /\d+ pending/.test(done.stdout)) {
    console.error(`hardhat ended with ${done.status}, ${passing} passing`);
    process.exit(1);
  }
})();
