// Where options come from (flag over variable over file over default), and what shells and man read of their table.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const binary = path.join(h.bin, 'fanatico');
const folder = h.scratch();
test.after(() => fs.rmSync(folder, { recursive: true }));

const ran = (args, env = {}) => spawnSync(binary, args, { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8', timeout: 20000 });
function file(text, name = 'fanatico.toml') {
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}
/** What --print-config says: key → [value, where from], defaults included. */
function printed(args, env) {
  const { status, stdout, stderr } = ran([...args, '--print-config'], env);
  assert.equal(status, 0, stderr);
  return new Map([...stdout.matchAll(/^(?:# )?([a-z-]+) = (.*) # (.*)$/gm)].map(([, key, value, from]) => [key, [value, from]]));
}
/** The rows of the table itself, read where everybody reads them. */
const rows = [...fs.readFileSync(path.join(h.source, 'cmd/options.def'), 'utf8').matchAll(/^OPTION\((\w+), +(\w+), +"([\w-]+)", +(NULL|"\w+"), (NULL|"[^"]*"), (NULL|"[^"]*"), "([A-Z*]+)", "(\w+)"/gm)]
  .map(([, , kind, flag, env, , , commands, group]) => ({ kind, flag, env: env === 'NULL' ? 'FANATICO_' + flag.toUpperCase().replaceAll('-', '_') : env.slice(1, -1), commands, group }));

test('a flag wins over a variable, that over the file, and that over the default', () => {
  const config = file('[ws]\nport = 1111\n[http]\nport = 1112\n[max]\nconnections = 7\n');
  const at = printed(['--config', config, '--ws.port', '3333'], { WS_PORT: '2222', HTTP_PORT: '2223' });
  assert.deepEqual(at.get('ws-port'), ['3333', '--ws-port']);
  assert.deepEqual(at.get('http-port'), ['2223', 'HTTP_PORT']);
  assert.deepEqual(at.get('max-connections'), ['7', `${config}: line 6: max.connections`]);
  assert.deepEqual(at.get('ping-interval'), ['"30"', 'default']);
  assert.equal(printed([], { FANATICO_CONFIG: config }).get('ws-port')[0], '1111', 'the file may be named by its variable');
});

test('the seed\'s six parameters have their names and defaults', () => {
  const at = printed([]);
  const six = { 'ws-host': '"0.0.0.0"', 'ws-port': '8546', 'max-connections': '1000', 'ping-interval': '"30"', 'ping-timeout': '"10"', 'max-subscriptions-per-connection': '100' };
  for (const [flag, value] of Object.entries(six)) assert.deepEqual(at.get(flag), [value, 'default']);
  const env = { WS_HOST: '127.0.0.1', WS_PORT: '9', MAX_CONNECTIONS: '3', PING_INTERVAL: '30s', PING_TIMEOUT: '500ms', MAX_SUBSCRIPTIONS_PER_CONNECTION: '5' };
  const set = printed([], env);
  for (const [name, value] of Object.entries(env)) assert.deepEqual(set.get(name.toLowerCase().replaceAll('_', '-'))[0].replaceAll('"', ''), value);
});

test('every option is a key of the file, and what --print-config prints is such a file', () => {
  assert.ok(rows.length > 40, `${rows.length} rows could be read`);
  const values = { PORT: '1', COUNT: '12', DURATION: '"500ms"', BYTES: '"64K"', TEXT: '"a \\"quoted\\" word"', LIST: '["one", "two"]', SWITCH: 'true', ETHER: '1.5', ADDRESS: `"0x${'ab'.repeat(20)}"` };
  const mine = rows.filter((r) => r.group !== 'Configuration');
  const first = file(mine.map((r) => `${r.flag} = ${values[r.kind]}\n`).join(''));
  const { status, stdout, stderr } = ran(['--config', first, '--print-config']);
  assert.equal(status, 0, stderr);
  const second = file(stdout, 'second.toml');
  const strip = (text) => text.replace(/ # .*$/gm, '');
  assert.equal(strip(ran(['--config', second, '--print-config']).stdout), strip(stdout));
  for (const r of mine.filter((one) => one.commands.includes('D'))) assert.match(stdout, new RegExp(`^${r.flag} = `, 'm'));
});

for (const [name, text, words] of [
  ['an unknown key', 'ws-port = 1\n[ws]\nprot = 8546\n', /fanatico\.toml: line 3: ws\.prot: unknown key/],
  ['a value that does not fit', '\n[ws]\nport = "many"\n', /line 3: ws\.port: "many" is not a port/],
  ['one option under two names', 'ws-port = 1\n[ws]\nport = 2\n', /line 3: ws\.port: stands on line 1 already/],
  ['an array where one value belongs', 'chain-id = [1, 2]\n', /line 1: chain-id: one value, not an array/],
  ['no TOML', 'ws-port 1\n', /fanatico\.toml: line 1: a key wants =/],
  ['a file in a file', 'config = "other.toml"\n', /line 1: config: unknown key/],
]) {
  test(`${name} is told with its line`, () => {
    const { status, stderr, stdout } = ran(['--config', file(text)]);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1);
  });
}
test('a file that is not there is named', () => {
  const { status, stderr } = ran(['--config', '/nowhere/fanatico.toml']);
  assert.equal(status, 2);
  assert.match(stderr, /\/nowhere\/fanatico\.toml: No such file or directory/);
});

test('--check-config looks at values and files, and starts nothing', () => {
  assert.match(ran(['--check-config', '--config', file('[http]\nvhosts = ["a.example", "b.example"]\n')]).stdout, /^the configuration is good$/m);
  for (const [text, words] of [['hardfork = "atlantis"\n', /atlantis/], ['dev-methods = "some"\n', /some/], ['genesis = "/nowhere.json"\n', /nowhere\.json/]]) {
    const { status, stderr } = ran(['--check-config', '--config', file(text)]);
    assert.equal(status, 2);
    assert.match(stderr, words);
  }
});

test('a node runs from a file', async () => {
  const node = await h.fanatico(['--config', file('chain-id = 4242\nsilent = true\n')]);
  try {
    const reply = await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}' });
    assert.equal((await reply.json()).result, '0x1092');
  } finally {
    await node.stop();
  }
});

test('the manual page is clean roff and has every option and command', () => {
  const { status, stdout } = ran(['manual']);
  assert.equal(status, 0);
  const page = path.join(folder, 'fanatico.1');
  fs.writeFileSync(page, stdout);
  const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'error', page], { encoding: 'utf8' });
  assert.equal(lint.status, 0, lint.stdout + lint.stderr);
  const text = spawnSync('mandoc', ['-T', 'utf8', page], { encoding: 'utf8' }).stdout.replace(/.\x08/g, '');
  for (const r of rows) assert.ok(text.includes(`--${r.flag}`), r.flag);
});

test('completion for another shell is told what there is', () => {
  const { status, stderr } = ran(['completion', 'tcsh']);
  assert.equal(status, 2);
  assert.match(stderr, /bash, zsh or fish/);
});
