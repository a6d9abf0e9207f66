// Runs what the README prints: each script in a fenced block whose first line names it, against a fresh node. What a block in
// `text` behind it shows must be what came out, line for line, in whatever order the events arrived.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');

const readme = fs.readFileSync(path.join(h.source, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```(js|python|text)\n(.*?)^```$/gms)].map(([, kind, body]) => ({ kind, body }));
const scripts = blocks.flatMap((b, i) => {
  const name = /^(?:\/\/|#) (\w+\.(?:cjs|py))\n/.exec(b.body)?.[1];
  return name ? [{ name, body: b.body, shown: blocks[i + 1]?.kind === 'text' ? blocks[i + 1].body : null }] : [];
});

test('there are scripts for ethers, viem and web3.py', () => {
  assert.deepEqual(scripts.map((s) => s.name), ['first.cjs', 'second.cjs', 'third.py']);
  assert.ok(scripts[0].shown);
});

for (const script of scripts) {
  test(`${script.name} does what the README says`, { timeout: 60000 }, async () => {
    const node = await h.fanatico();
    try {
      const body = script.body.replaceAll('ws://127.0.0.1:8546', node.ws);
      assert.notEqual(body, script.body, 'the script does not speak to the node');
      const file = path.join(node.dir, script.name);
      fs.writeFileSync(file, body);
      const program = script.name.endsWith('.py') ? path.join(h.build, 'venv/bin/python') : process.execPath;
      const run = new h.Program(program, [file], { NODE_PATH: path.join(h.build, 'npm/node_modules') });
      assert.equal(await run.ended, 0, run.output);
      await h.until('its output', () => run.output.endsWith('\n'), 2000);
      if (script.shown) assert.deepEqual(run.output.trim().split('\n').sort(), script.shown.trim().split('\n').sort());
    } finally {
      await node.stop();
    }
  });
}
