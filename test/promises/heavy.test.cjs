// A call that takes long delays no subscription: with a single worker, blocks are announced while a call runs that only its time
// limit ends. Nothing is timed here: all announcements must come before the call's answer does.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { Raw } = require('./raw.cjs');

const BLOCKS = 20;
const AT = '0x00000000000000000000000000000000000e0d1e';
/** The worker begins each call itself, and each of these shows in another way that it is not a short one. */
const ENDLESS = {
  'jumps back': '5b5f56',
  'calls itself': '5b5f5f5f5f5f305af1505f56',
  'hashes 16 KiB at a time': '5b6140005f20505f56',
  'copies 16 KiB at a time': '5b61400060015f5e5f56',
  'exponentiates numbers of 256 bytes': '5b6101005f52610100602052610100604052' + '60ff60605360ff6101605360ff61026053' + '5f5f6103605f60055afa505f56',
  'jumps seldom': '5b' + '600180800950'.repeat(3000) + '5f56',
};

test('a call that takes long delays no announcement', async (t) => {
  const node = await h.fanatico(['--silent', '--workers', '1', '--rpc-gascap', '1000000000000000', '--rpc-evmtimeout', '3']);
  try {
    const subscriber = await Raw.open(node.wsPort), caller = await Raw.open(node.wsPort), miner = await Raw.open(node.wsPort);
    const id = await subscriber.call('eth_subscribe', ['newHeads']);
    for (const [what, code] of Object.entries(ENDLESS)) {
      await t.test(what, async () => {
        const before = subscriber.of(id).length;
        let answer;
        await miner.call('anvil_setCode', [AT, '0x' + code]);
        const answered = caller.ask('eth_call', [{ to: AT }, 'latest']).then((reply) => { answer = reply; });
        for (let i = 0; i < BLOCKS; i++) await miner.call('evm_mine');
        await h.until('every block to be announced', () => subscriber.of(id).length === before + BLOCKS);
        assert.equal(answer, undefined, 'the call has ended already');
        await answered;
        assert.equal(answer.error.code, -32002, JSON.stringify(answer));
      });
    }
    await Promise.all([subscriber.close(), caller.close(), miner.close()]);
  } finally {
    assert.equal(await node.stop(), 0);
  }
});
