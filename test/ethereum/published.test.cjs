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

// Nonces and gas limits of 256 bits were transactions then; 64 bits is all they have now (EIP-2681, and every client's gas). And s was held
// below the curve's field, where Frontier holds it below its order.
const EARLIER = new Set(['TransactionWithGasLimitxPriceOverflow', 'TransactionWithHihghGas', 'TransactionWithHihghNonce', 'TransactionWithSvalueHigh']);

test('ethereum-tests 0.0.6: every transaction test is decoded or refused as published, and as by geth', () => {
  const dir = h.scratch(), sender = '0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b', tests = {}, zero = `0x${'00'.repeat(32)}`;
  let noHex = 0;
  for (const [, list] of legacy.files('TransactionTests'))
    for (const [name, t] of Object.entries(list)) {
      if (/^0x.*[^0-9a-f]/i.test(t.rlp)) { noHex++; continue; } // one is about a text that is no hex
      tests[name] = {
        valid: Boolean(t.sender) && !EARLIER.has(name),
        test: {
          env: { currentCoinbase: sender, currentDifficulty: '0x20000', currentGasLimit: '0xffffffff', currentNumber: '0x1', currentTimestamp: '0x3e8' },
          pre: { [sender]: { balance: '0xffffffffffffffff', nonce: '0x0', code: '0x', storage: {} } },
          transaction: { sender, nonce: '0x0', to: sender, gasPrice: '0x0', data: ['0x'], gasLimit: ['0x5208'], value: ['0x0'] },
          post: { Frontier: [{ hash: zero, logs: zero, txbytes: t.rlp, indexes: { data: 0, gas: 0, value: 0 } }] },
        },
      };
    }
  fs.writeFileSync(path.join(dir, 'tx.json'), JSON.stringify(Object.fromEntries(Object.entries(tests).map(([name, t]) => [name, t.test]))));
  const geth = new Map(peers.geth(path.join(dir, 'tx.json')).map((r) => [r.name, r]));
  let valid = 0, refused = 0, homestead = 0;
  for (const row of peers.ours([dir])) {
    const decoded = !/refused: (not a transaction|invalid signature|a signature with)/.test(row.error ?? ''), theirs = !/^unexpected error/.test(geth.get(row.name).error ?? '');
    assert.equal(decoded, tests[row.name].valid, `${row.name}: ${row.error}`);
    // geth looks at signatures by Homestead's rule also where Frontier's holds, which allowed a high s.
    const highS = decoded && /invalid transaction v, r, s values/.test(geth.get(row.name).error ?? '');
    assert.ok(decoded === theirs || highS, `${row.name}: ours ${row.error}, geth ${geth.get(row.name).error}`);
    decoded ? valid++ : refused++;
    homestead += highS;
  }
  fs.rmSync(dir, { recursive: true });
  console.log(`transaction tests of March 2015: ${valid} decoded, ${refused} refused, as published (but for ${EARLIER.size} by rules before Frontier) and as geth (but for ${homestead} with a high s); ${noHex} are no hex`);
});
