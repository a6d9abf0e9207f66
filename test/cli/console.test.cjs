// console.log of contracts, printed as anvil prints it: every kind of argument and of format, from calls and from transactions.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const CONSOLE = '0x000000000000000000636f6e736f6c652e6c6f67', THROUGH = '0x' + 'cc'.repeat(20), TWICE = '0x' + 'cd'.repeat(20);
const [alice, bob] = h.ACCOUNTS;
const enc = (types, ...values) => ethers.id(`log(${types})`).slice(0, 10) + ethers.AbiCoder.defaultAbiCoder().encode(types ? types.split(',').map((t) => (/^u?int$/.test(t) ? `${t}256` : t)) : [], values).slice(2);
const forward = (call) => '0x365f5f37' + call; // copies its calldata to memory
const toConsole = `5f5f365f73${CONSOLE.slice(2)}5afa50`, revert = '5f5ffd';

/** What a program printed since, without the names of methods that anvil tells. */
const printed = (node, from) => node.output.slice(from).split('\n').filter((l) => !/^(eth|anvil|evm)_\w+$/.test(l)).join('\n');
let ours, theirs;
before(async () => {
  [ours, theirs] = await Promise.all([h.fanatico([]), h.anvil([])]);
  for (const node of [ours, theirs]) {
    await h.rpc(node.http, 'anvil_setCode', [THROUGH, forward(toConsole) + '00']);
    await h.rpc(node.http, 'anvil_setCode', [TWICE, forward(toConsole + toConsole) + revert]);
  }
}, { timeout: 60000 });
after(() => Promise.all([ours?.stop(), theirs?.stop()]));

const say = async (node, data, to = THROUGH) => {
  const from = node.output.length;
  const reply = await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ to, data }, 'latest'] });
  await h.rpc(node.http, 'eth_call', [{ to: THROUGH, data: enc('string', 'END') }, 'latest']);
  await h.until('the end of the line', () => node.output.slice(from).includes('END\n'));
  return { text: printed(node, from).replace(/END\n$/, ''), reply };
};

const LINES = [[''], ['string', 'hello'], ['string', ''], ['string', 'é☃ 日本'], ['string', 'one\ntwo\tthree'], ['string', '100% %s %d %%'], ['uint256', 0n], ['uint256', 2n ** 256n - 1n], ['int256', -5n], ['int256', -(2n ** 255n)], ['bool', true], ['bool', false], ['address', alice],
  ['bytes', '0x'], ['bytes', '0x1234'], ...[1, 2, 4, 20, 31, 32].map((n) => [`bytes${n}`, '0x' + 'ab'.repeat(n)]), ['uint256,uint256', 1n, 2n], ['address,bool,string,uint256', alice, false, '%s', 9n], ['string,string,string,string', 'a', 'b', 'c', 'd'], ['bool,bool,bool,bool', true, false, true, false],
  ['string,int256', 'minus %d', -7n], ['string,int256', '%x and %i', -255n], ['string,uint256,bool,address', 'a%sb%sc%sd', 3n, true, bob],
  ...['%s', '%d', '%i', '%x', '%o', '%e', '%18e', '%2e', '%0e', '%', '%%', '%%%s', '%q', '%5d', 'x%s%s', '%77e'].flatMap((form) => [['string,uint256', form, 1500000000000000000n], ['string,uint256', form, 7n], ['string,string', form, 'it'], ['string,bool', form, true], ['string,bool', form, false], ['string,address', form, bob]]),
  ...['%s|%d|%x', '%e %e', '%s', 'none'].flatMap((form) => [['string,uint256,uint256,uint256', form, 1n, 16n, 255n], ['string,address,string,bool', form, alice, 'mid', true]])];
test('every kind of argument and form, as anvil prints it', { timeout: 120000 }, async () => {
  for (const [types, ...values] of LINES) {
    const [mine, other] = await Promise.all([ours, theirs].map((node) => say(node, enc(types, ...values))));
    assert.equal(mine.text, other.text, `log(${types}) ${values}`);

  }
});
test("selectors of early versions of Hardhat's console.sol, hashed from `uint`, which contracts still hold", { timeout: 60000 }, async () => {
  for (const [types, values, text] of [['uint,string', [5n, 'x'], '5 x'], ['string,uint', ['old %s', 6n], 'old 6'], ['int', [-7n], '-7']]) assert.equal((await say(ours, enc(types, ...values))).text, `${text}\n`);
});
test('what is no log says nothing, and a call answers as ever', { timeout: 60000 }, async () => {
  const good = enc('string', 'x');
  for (const data of ['0x', '0x12', '0x12345678', good.slice(0, -64), good.slice(0, 10), good.slice(0, 10) + 'ff'.repeat(32), good.slice(0, 10) + '00'.repeat(31) + '20' + 'ff'.repeat(32), enc('uint256', 1n).slice(0, -2)]) {
    const { text, reply } = await say(ours, data);
    assert.deepEqual([text, reply.result], ['', '0x'], data);
  }
  const { text } = await say(ours, enc('string', 'a\u001b[31mb\u0007c')); // the terminal's to obey
  assert.equal(text, 'a?[31mb?c\n');
});
test('from a call that reverts: all it said, and the error', { timeout: 60000 }, async () => {
  const [mine, other] = await Promise.all([ours, theirs].map((node) => say(node, enc('string,uint256', 'before the end', 3n), TWICE)));
  assert.equal(mine.text, 'before the end 3\nbefore the end 3\n');
  assert.ok(other.text.startsWith(mine.text), other.text);
  assert.equal(mine.reply.error.code, 3);
});
test('from transactions: once, in front of its own line; nothing from estimates, pending blocks and traces', { timeout: 60000 }, async () => {
  const send = (to, data, more) => h.rpc(ours.http, 'eth_sendTransaction', [{ from: alice, to, data, gas: '0xf4240', ...more }]);
  let from = ours.output.length;
  const first = await send(THROUGH, enc('string', 'in a transaction'));
  await h.until('its line', () => ours.output.slice(from).includes(first));
  assert.match(ours.output.slice(from), new RegExp(`^in a transaction\\n.*tx.*${first}`));
  from = ours.output.length;
  await h.rpc(ours.http, 'evm_setAutomine', [false]);
  const sent = [];
  for (const [to, words] of [[THROUGH, 'one'], [bob, null], [TWICE, 'two'], [CONSOLE, 'three']]) sent.push(await send(to, words ? enc('string', words) : '0x'));
  for (let i = 0; i < 3; i++) await h.rpc(ours.http, 'eth_getBlockByNumber', ['pending', true]);
  await h.rpc(ours.http, 'eth_estimateGas', [{ from: alice, to: THROUGH, data: enc('string', 'estimated') }]);
  await h.rpc(ours.http, 'eth_createAccessList', [{ from: alice, to: THROUGH, data: enc('string', 'listed') }]);
  await h.rpc(ours.http, 'debug_traceCall', [{ to: THROUGH, data: enc('string', 'traced') }, 'latest']);
  await h.rpc(ours.http, 'evm_mine', []);
  await h.until('the last line', () => ours.output.slice(from).includes(sent[3]));
  assert.deepEqual(ours.output.slice(from).split('\n').slice(0, 4), ['one', 'two', 'two', 'three']);
  assert.doesNotMatch(ours.output.slice(from), /estimated|listed|traced/);
  await h.rpc(ours.http, 'evm_setAutomine', [true]);
  const receipts = await Promise.all(sent.map((hash) => h.rpc(ours.http, 'eth_getTransactionReceipt', [hash])));
  assert.deepEqual(receipts.map((r) => r.status), ['0x1', '0x1', '0x0', '0x1']);
});
test('a chain is the same whether somebody listens or not; --disable-console-log and --silent say nothing; JSON has a line of its own', { timeout: 60000 }, async () => {
  const heads = [];
  for (const [args, said] of [[[], /^said$/m], [['--no-console-log'], null], [['--silent'], null], [['--log-format', 'json', '--log-level', 'info'], /"message":"console","text":"said"/]]) {
    const node = await h.fanatico(['--timestamp', '1750000000', ...args]);
    await h.rpc(node.http, 'anvil_setCode', [TWICE, forward(toConsole + toConsole) + '00']);
    await h.rpc(node.http, 'evm_setNextBlockTimestamp', [1750000100]);
    await h.rpc(node.http, 'eth_sendTransaction', [{ from: alice, to: TWICE, data: enc('string', 'said'), gas: '0xf4240', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }]);
    heads.push((await h.rpc(node.http, 'eth_getBlockByNumber', ['latest', false])).hash);
    await node.stop();
    if (said) assert.match(node.output, said, args.join(' '));
    else assert.doesNotMatch(node.output, /said/, args.join(' '));
  }
  assert.equal(new Set(heads).size, 1);
});
