// The seed of a test that draws at random. `make test` draws the same each time, so that what fails, fails again; SEED=random explores,
// and SEED=n repeats what a run printed.
'use strict';
const crypto = require('node:crypto');
const path = require('node:path');

/** The seed, told at once and, when the test fails, once more with the command that repeats it. */
function seedOf(fixed = 1) {
  const said = process.env.SEED || String(fixed);
  const seed = said === 'random' ? crypto.randomInt(2 ** 31) : Number(said);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`SEED=${said}: not "random" and not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  console.log(`SEED=${seed}`);
  const others = ['TXS', 'CASES', 'CHAINS', 'FANATICO_KILLS', 'RESUME_SECONDS'].filter((name) => process.env[name]).map((name) => `${name}=${process.env[name]} `).join('');
  process.on('exit', (code) => { if (code) console.log(`Again: SEED=${seed} ${others}node --test ${path.relative('.', process.argv[1])}`); });
  return seed;
}

/** len bytes that follow from a seed and a name. */
const bytesOf = (seed, name, len) => crypto.createHash('shake256', { outputLength: len }).update(`${seed} ${name}`).digest();

module.exports = { bytesOf, seedOf };
