// The two runners of state tests side by side: ours, and geth's `evm statetest` as the oracle.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const evmFile = () => path.join(h.cache, 'go/evm-v1.17.10');

function run(file, args, input) {
  const out = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 30, input });
  if (out.error) throw out.error;
  return { code: out.status, stdout: out.stdout, stderr: out.stderr };
}

const fanatico = (args, input) => run(path.join(h.bin, 'fanatico'), ['statetest', ...args], input);

/** What ours says of every case below the paths, as a list of objects. */
function ours(paths) {
  const { code, stdout, stderr } = fanatico(['--json', ...paths]);
  if (code !== 0 && code !== 1) throw new Error(`fanatico statetest ended with ${code}: ${stderr.slice(0, 2000)}`);
  return stdout.split('\n').filter(Boolean).map(JSON.parse);
}

/** What geth says of every case of one file: {name, fork, pass, stateRoot, error}; cases of a name and fork come in order. */
function geth(file) {
  const { code, stdout, stderr } = run(evmFile(), ['statetest', file]);
  if (code !== 0) throw new Error(`evm statetest ended with ${code}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout);
}

/** The same for many files in one process: a map from file to its results. */
function gethAll(files) {
  const { code, stdout, stderr } = run(evmFile(), ['statetest'], `${files.join('\n')}\n`);
  if (code !== 0) throw new Error(`evm statetest ended with ${code}: ${stderr.slice(-2000)}`);
  const answers = stdout.split(/^(?=\[)/m).filter((s) => s.trim()).map(JSON.parse);
  if (answers.length !== files.length) throw new Error(`geth answered for ${answers.length} of ${files.length} files: ${stderr.slice(-2000)}`);
  return new Map(files.map((file, i) => [file, answers[i]]));
}

/** Where the go-ethereum module lies, with the data of its own tests: what geth was compiled from, or fetched again. */
function gethModule() {
  const dir = path.join(execFileSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim(), 'github.com/ethereum/go-ethereum@v1.17.10');
  if (!fs.existsSync(dir)) execFileSync('go', ['mod', 'download', 'github.com/ethereum/go-ethereum'], { cwd: path.join(__dirname, 'chains'), stdio: 'inherit' });
  return dir;
}

/** Every .json below a folder. */
const below = (dir) => fs.readdirSync(dir, { recursive: true }).filter((f) => f.endsWith('.json')).sort().map((f) => path.join(dir, f));

module.exports = { gethModule, evmFile, fanatico, ours, geth, gethAll, below };
