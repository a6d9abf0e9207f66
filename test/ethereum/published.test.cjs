// Published Ethereum tests through `fanatico statetest`, with geth as the judge where a file is older than the protocol.
// HEAVY=1 runs those too that need eight GiB of memory.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const peers = require('./peers.cjs');
const legacy = require('./legacy.cjs');

test('ethereum-tests 0.0.6: every state test ends in the root that geth finds, and as published wherever geth agrees with the file', () => {
  const dir = h.scratch();
  const heavy = Boolean(process.env.HEAVY), written = legacy.writeStateTests(dir, heavy);
  const ours = peers.ours([dir]);
  const geth = peers.gethAll(peers.below(dir));
  assert.equal(ours.length, written);
  let published = 0, older = 0;
  for (const mine of ours) {
    const theirs = geth.get(mine.file).find((r) => r.name === mine.name);
    assert.equal(mine.stateRoot, theirs.stateRoot, `${mine.file} ${mine.name}: ours ${mine.error}, geth ${theirs.error}`);
    assert.equal(mine.pass, theirs.pass, `${mine.file} ${mine.name}: ours ${mine.error}, geth ${theirs.error}`);
    if (mine.pass) published++;
    else older++;
  }
  console.log(`ethereum-tests 0.0.6, March 2015: ${ours.length} state tests; ${published} end as published, ${older} are of a protocol before Frontier and end as in geth; 0 differ from geth${heavy ? '' : `; ${legacy.HEAVY.size} left out, since they need 8 GiB (HEAVY=1)`}`);
  assert.equal(published, heavy ? 246 : 243); // what geth 1.17.10 agrees with; the rest were filled by rules that changed before July 2015
  fs.rmSync(dir, { recursive: true });
});
