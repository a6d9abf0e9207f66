// /metrics as somebody who collects it sees it: parsed by prometheus_client.
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');

function parse(text) {
  const run = spawnSync(path.join(h.build, 'venv/bin/python'), [path.join(__dirname, 'parse_metrics.py')], { input: text, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout);
}

/** Families by name, and value(name, labels): the sum of the samples that have these labels. */
async function scrape(url) {
  const reply = await fetch(url + '/metrics');
  assert.equal(reply.status, 200);
  const text = await reply.text();
  const families = parse(text);
  const value = (name, labels = {}) => {
    const found = families.flatMap((f) => f.samples).filter(([n, l]) => n === name && Object.entries(labels).every(([k, v]) => l[k] === v));
    assert.ok(found.length, `no ${name} ${JSON.stringify(labels)}`);
    return found.reduce((sum, s) => sum + s[2], 0);
  };
  return { text, reply, families, value };
}

/** Prometheus' own tool, which setup.sh unpacks. */
const promtool = () => {
  const file = path.join(h.build, 'prometheus/usr/bin/promtool');
  assert.ok(fs.existsSync(file), `${file} is missing. Cure: tools/setup.sh test`);
  return file;
};

module.exports = { parse, promtool, scrape };
