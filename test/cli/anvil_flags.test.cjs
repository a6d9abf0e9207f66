// What users of anvil type: its flags and letters, words and paths for keys, a clock that begins elsewhere, state files; beside anvil where
// both can show it.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const h = require('../lib/harness.cjs');

const A = '0x' + 'ab'.repeat(20), B = '0x' + 'cd'.repeat(20);
const hex = (n) => `0x${BigInt(n).toString(16)}`;
const ZOO = 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong';
async function running(start, args, f) {
  const node = await start(args);
  try { return await f((method, ...params) => h.rpc(node.http, method, params), node); } finally { await node.stop('SIGINT'); }
}
const ours = (args) => h.fanatico(['--silent', ...args]);

test('wrong words and paths are told in one line', () => {
  for (const [args, words] of [
    [['-m', 'test test tset test test test test test test test test junk'], /--mnemonic: word 3, "tset", is not in BIP-39's English list/],
    [['-m', 'test test test test test test test test test test test test'], /--mnemonic: .*checksum/], [['--mnemonic', 'zoo zoo'], /--mnemonic: 12, 15, 18, 21 or 24 words, not 2/],
    [['--mnemonic-random', '13'], /--mnemonic-random: .* not 13/], [['--mnemonic-random', '12', '-m', ZOO], /exclude each other/], [['--derivation-path', "m/44'/x"], /--derivation-path: .*character 7/],
    [['--slots-in-an-epoch', '0'], /--slots-in-an-epoch: 1 to/], [['--mixed-mining'], /--mixed-mining wants --block-time/], [['--state', 'a', '--dump-state', 'b'], /--state is/],
    [['--load-state', '/nonexistent/x.json'], /\/nonexistent\/x\.json: No such file/], [['--order', 'tips'], /--order: "tips" is not fees or fifo/], [['--max-transactions', '0'], /--max-transactions: at least 1/],
    [['--mnemonic-seed-unsafe', '1', '--mnemonic-random'], /exclude each other/], [['--config-out', '/nonexistent/x.json'], /--config-out: \/nonexistent\/x\.json: No such file/], [['--timeout', '1', '--fork-timeout', '1'], /exclude each other/], [['--prune-history', '0'], /at least 1/],
    [['--celo'], /--celo is not here: /], [['--network=optimism'], /--network is not here: /], [['-n', 'tempo'], /-n is not here: /], [['--print-traces'], /not here: debug_traceTransaction/], [['-z', '3'], /unexpected argument "-z"/], [['-a', 'many'], /--accounts: "many" is not a whole number/],
  ]) {
    const { status, stderr } = spawnSync(path.join(h.bin, 'fanatico'), [...args, '--port', '0'], { encoding: 'utf8', timeout: 10000 });
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});

test("keys from other words and along other paths are anvil's", { timeout: 60000 }, async () => {
  for (const args of [['-m', ZOO, '-a', '3'], ['--derivation-path', "m/44'/60'/7'/1/", '-a', '4'], ['--mnemonic', ZOO, '--derivation-path', "m/44'/60'/0'"]]) {
    const [mine, theirs] = await Promise.all([ours, h.anvil].map((start) => running(start, args, (ask) => ask('eth_accounts'))));
    assert.deepEqual(mine, theirs, args.join(' '));
  }
  const [one, other] = await Promise.all([1, 2].map(() => running(ours, ['--mnemonic-random', '24'], (ask) => ask('eth_accounts'))));
  assert.equal(one.length, 10);
  assert.notDeepEqual(one, other);
});

test("words of a number are anvil's; words at random may be left uncounted", { timeout: 60000 }, async () => {
  for (const seed of ['0', '42', '18446744073709551615']) {
    const [mine, theirs] = await Promise.all([ours, h.anvil].map((start) => running(start, ['--mnemonic-seed-unsafe', seed, '-a', '2'], (ask) => ask('eth_accounts'))));
    assert.deepEqual(mine, theirs, seed);
  }
  await running(h.fanatico, ['--mnemonic-random', '--accounts', '1'], async (ask, node) => {
    assert.equal((await ask('eth_accounts')).length, 1);
    assert.equal(/Mnemonic +(.*)/.exec(node.output)[1].split(' ').length, 12);
  });
});

test("every flag of anvil's is an option here, is passed over for a reason, or is refused with one", { timeout: 60000 }, async () => {
  const help = spawnSync(require.resolve('@foundry-rs/anvil-linux-amd64/bin/anvil'), ['--help'], { encoding: 'utf8' }).stdout;
  const flags = [...help.matchAll(/^ +(?:(-\w), )?(--[\w-]+)/gm)].flatMap(([, letter, long]) => [letter, long].filter(Boolean));
  const others = [...help.matchAll(/\[aliases: ([^\]]*)\]/g)].flatMap(([, names]) => names.split(', ').filter((n) => n.startsWith('--')));
  assert.ok(flags.length > 75 && others.length > 10, `${flags.length} flags, ${others.length} other spellings`);
  const unknown = [];
  let refused = 0;
  for (const flag of [...flags, ...others]) {
    if (['-h', '--help', '-V', '--version'].includes(flag)) continue;
    const { stderr } = spawnSync(path.join(h.bin, 'fanatico'), ['dev', '--check-config', flag, '1'], { encoding: 'utf8', timeout: 10000 }); // a switch leaves the 1, and is known
    if (stderr.includes(`unknown option ${flag} `) || stderr.includes(`unexpected argument "${flag}"`)) unknown.push(flag);
    if (/ is not here: \w/.test(stderr)) refused++;
  }
  assert.deepEqual(unknown, []);
  assert.ok(refused > 5 && refused < 20, `${refused} are refused`);
  const { status, stdout, stderr } = spawnSync(path.join(h.bin, 'fanatico'), ['-vvv', '--no-rate-limit', '--compute-units-per-second', '330', '--max-persisted-states=7', '--no-cors', '--color', 'never', '--transaction-block-keeper', '9', '--check-config'], { encoding: 'utf8' });
  assert.deepEqual([status, stdout.trim(), stderr], [0, 'the configuration is good', '']);
});

test('--order: what a block takes first, as anvil; --max-transactions: how many at most', { timeout: 60000 }, async () => {
  const offer = async (ask) => { // each pays more than the one before
    const sent = [];
    for (let i = 0; i < 3; i++) sent.push(await ask('eth_sendTransaction', { from: h.ACCOUNTS[i], to: B, value: '0x1', gas: '0x5208', maxFeePerGas: hex(10 ** 9 * (i + 5)), maxPriorityFeePerGas: hex(10 ** 9 * (i + 1)) }));
    return async () => { await ask('evm_mine'); return (await ask('eth_getBlockByNumber', 'latest', false)).transactions.map((hash) => sent.indexOf(hash)); };
  };
  for (const [order, wanted] of [['fees', [2, 1, 0]], ['fifo', [0, 1, 2]]]) {
    for (const start of [ours, h.anvil]) await running(start, ['--no-mining', '--order', order], async (ask) => assert.deepEqual(await (await offer(ask))(), wanted));
    await running(ours, ['--no-mining', '--order', order, '--max-transactions', '2'], async (ask) => {
      const next = await offer(ask);
      assert.deepEqual([await next(), await next(), await next()], [wanted.slice(0, 2), wanted.slice(2), []]);
    });
  }
});

test("--config-out: anvil's members, and for the owner alone; --disable-default-create2-deployer, --prune-history", { timeout: 60000 }, async () => {
  const dir = h.scratch(), files = ['ours.json', 'theirs.json'].map((name) => path.join(dir, name)), args = ['--timestamp', '1000000', '-a', '3', '--gas-limit', '30000000'];
  for (const [i, start] of [ours, h.anvil].entries()) await running(start, [...args, '--config-out', files[i]], async (ask) => ask('eth_chainId'));
  const [mine, theirs] = files.map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
  for (const one of [mine, theirs]) delete one.gas_price; // each suggests in its way
  assert.deepEqual(mine, theirs);
  assert.equal(fs.statSync(files[0]).mode & 0o777, 0o600);
  const deployer = '0x4e59b44847b379578588920ca78fbf26c0b4956c';
  await running(ours, [], async (ask) => assert.notEqual(await ask('eth_getCode', deployer, 'latest'), '0x'));
  await running(ours, ['--no-create2', '--prune-history', '2'], async (ask, node) => {
    assert.equal(await ask('eth_getCode', deployer, 'latest'), '0x');
    for (let i = 0; i < 5; i++) await ask('eth_sendTransaction', { from: h.ACCOUNTS[0], to: B, value: '0x1' });
    for (const n of [3, 4, 5]) assert.equal(await ask('eth_getBalance', B, hex(n)), hex(n));
    for (const n of [0, 1, 2]) assert.match((await h.post(node.http, { jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [B, hex(n)] })).error?.message ?? `block ${n} answers`, /state .*not available|missing trie node|pruned/);
    assert.equal((await ask('eth_getBlockByNumber', '0x1', true)).transactions.length, 1);
  });
});

test("time goes on from --timestamp, as anvil's does, and again after a reset", { timeout: 60000 }, async () => {
  for (const start of [ours, h.anvil]) {
    await running(start, ['--timestamp', '1000000'], async (ask) => {
      const time = async () => Number((await ask('eth_getBlockByNumber', 'latest', false)).timestamp);
      assert.equal(await time(), 1000000);
      await h.sleep(2100);
      await ask('evm_mine');
      const later = await time();
      assert.ok(later >= 1000002 && later < 1000060, `${later}`);
      if (start !== ours) return;
      await ask('anvil_reset');
      await ask('evm_mine');
      const again = await time();
      assert.ok(again >= 1000001 && again < 1000060, `${again}`);
    });
  }
});

test('base fee, impersonation, epochs and code beyond EIP-170 from the start', { timeout: 60000 }, async () => {
  await running(ours, ['-q', '--host', '127.0.0.1', '--base-fee', '0', '--auto-unlock', '--slots-in-an-epoch', '1', '--code-size-limit', '65536', '--steps-tracing'], async (ask) => {
    assert.equal((await ask('eth_getBlockByNumber', 'latest', false)).baseFeePerGas, '0x0');
    await ask('anvil_setBalance', A, hex(10n ** 18n));
    await ask('eth_sendTransaction', { from: A, to: B, value: '0x5' });
    assert.equal(await ask('eth_getBalance', B), '0x5');
    const made = async (size) => (await ask('eth_getTransactionReceipt', await ask('eth_sendTransaction', { from: A, data: `0x62${size.toString(16).padStart(6, '0')}5ff3`, gas: hex(16000000) }))).status; // returns so many zeros as code
    assert.equal(await made(65536), '0x1');
    assert.equal(await made(65537), '0x0');
    assert.equal((await ask('eth_getBlockByNumber', 'latest', false)).baseFeePerGas, '0x0');
    const head = Number(await ask('eth_blockNumber'));
    assert.deepEqual(await Promise.all(['safe', 'finalized'].map(async (tag) => Number((await ask('eth_getBlockByNumber', tag, false)).number))), [head - 1, head - 2]);
  });
  await running(ours, ['--disable-code-size-limit'], async (ask) => {
    const sent = await ask('eth_sendTransaction', { from: h.ACCOUNTS[0], data: '0x620100015ff3', gas: hex(16000000) });
    assert.equal((await ask('eth_getTransactionReceipt', sent)).status, '0x1');
  });
});

test('--mixed-mining: a block for each transaction, and one every so often', { timeout: 60000 }, async () => {
  await running(ours, ['-b', '1', '--mixed-mining'], async (ask) => {
    const before = Number(await ask('eth_blockNumber')), sent = await ask('eth_sendTransaction', { from: h.ACCOUNTS[0], to: B, value: '0x1' });
    assert.ok(await ask('eth_getTransactionReceipt', sent), 'it is in a block when the send answers');
    await h.until('blocks by the clock', async () => Number(await ask('eth_blockNumber')) >= before + 3);
  });
});

test('a state kept in a file comes again, here and in anvil, and the other way round', { timeout: 120000 }, async () => {
  const dir = h.scratch(), file = path.join(dir, 'kept.json'), slot = '0x' + '00'.repeat(31) + '07', word = '0x' + '00'.repeat(30) + '1234';
  await running(ours, ['--state', file], async (ask) => {
    await ask('anvil_setBalance', B, hex(77));
    await ask('anvil_setCode', A, '0x6001');
    await ask('anvil_setStorageAt', A, slot, word);
  });
  const holds = async (ask) => {
    assert.equal(await ask('eth_getBalance', B, 'latest'), hex(77));
    assert.equal(await ask('eth_getCode', A, 'latest'), '0x6001');
    assert.equal(await ask('eth_getStorageAt', A, slot, 'latest'), word);
  };
  await running(ours, ['--state', file], async (ask) => {
    await holds(ask);
    await ask('anvil_setBalance', B, hex(78));
  });
  await running(ours, ['--load-state', file], async (ask) => assert.equal(await ask('eth_getBalance', B, 'latest'), hex(78)));
  await running(ours, ['--load-state', file, '--dump-state', dir], async (ask) => ask('anvil_setBalance', B, hex(77)));
  await running(h.anvil, ['--load-state', path.join(dir, 'state.json')], holds); // a folder means its state.json
  await running(h.anvil, ['--dump-state', path.join(dir, 'theirs.json')], async (ask) => {
    await ask('anvil_setBalance', B, hex(77));
    await ask('anvil_setCode', A, '0x6001');
    await ask('anvil_setStorageAt', A, slot, word);
  });
  await running(ours, ['--load-state', path.join(dir, 'theirs.json')], holds);
  fs.writeFileSync(file, '{"accounts": {"0x12": {}}}');
  const { status, stderr } = spawnSync(path.join(h.bin, 'fanatico'), ['--load-state', file, '--port', '0'], { encoding: 'utf8', timeout: 10000 });
  assert.equal(status, 2);
  assert.match(stderr, /kept\.json: .*accounts\.0x12/);
});
