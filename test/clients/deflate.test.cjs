// permessage-deflate with Node's `ws`, as ethers and viem have it: every window, both ways, beside a client that declined it.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { fanatico, Socket, compile, rpc, until, ACCOUNTS } = require('../lib/harness.cjs');

/** What was agreed on, as the client read it. */
const extensions = (s) => s.ws.extensions;
const bytesRead = (s) => s.ws._socket.bytesRead;
/** A notification without what differs. */
const plain = (m) => JSON.stringify({ ...m, params: { ...m.params, subscription: undefined } });
const notifications = (s) => s.received.filter((m) => m.method === 'eth_subscription');

let node, probe;
test.before(async () => {
  node = await fanatico(['--silent']);
  const { abi, bytecode } = compile('Probe.sol').Probe;
  const { AbiCoder } = require('ethers');
  const data = bytecode + AbiCoder.defaultAbiCoder().encode(abi.find((e) => e.type === 'constructor').inputs.map((i) => i.type), [7]).slice(2);
  probe = { abi, data };
});
test.after(async () => assert.strictEqual(await node.stop(), 0));

/** A block with a transaction that leaves logs. */
const deploy = () => rpc(node.http, 'eth_sendTransaction', [{ from: ACCOUNTS[0], data: probe.data }]);

test('ws offers it by itself, and what was agreed on is what it says', async () => {
  const rows = [
    [true, true],
    [{ serverMaxWindowBits: 9, clientMaxWindowBits: 10 }, true],
    [{ serverNoContextTakeover: true, clientNoContextTakeover: true }, true],
    [{ clientMaxWindowBits: false }, true],
    [false, false],
  ];
  for (const [perMessageDeflate, agreed] of rows) {
    const s = await Socket.open(node.ws, { perMessageDeflate });
    assert.strictEqual(extensions(s), agreed ? 'permessage-deflate' : '', JSON.stringify(perMessageDeflate));
    assert.strictEqual(await s.call('eth_chainId'), '0x7a69');
    s.close();
  }
});

test('clients of every window get what the one without gets, in fewer bytes', async () => {
  const kinds = [['newHeads'], ['logs', {}], ['newPendingTransactions', true], ['newPendingTransactions'], ['transactionReceipts']];
  const sockets = [await Socket.open(node.ws)];
  for (let bits = 8; bits <= 15; bits++) sockets.push(await Socket.open(node.ws, { perMessageDeflate: { serverMaxWindowBits: bits } }));
  for (const s of sockets) for (const kind of kinds) await s.call('eth_subscribe', kind);
  const before = sockets.map(bytesRead);
  for (let i = 0; i < 20; i++) await deploy();
  const head = Number(await rpc(node.http, 'eth_blockNumber'));
  const last = (s) => notifications(s).some((m) => Array.isArray(m.params.result) && Number(m.params.result[0].blockNumber) === head);
  for (const s of sockets) await until('the last receipts', () => last(s));
  const expected = notifications(sockets[0]).map(plain);
  assert.ok(expected.length >= 20 * 4, `${expected.length} notifications`);
  const bytes = sockets.map((s, i) => bytesRead(s) - before[i]);
  for (let i = 1; i < sockets.length; i++) {
    assert.deepStrictEqual(notifications(sockets[i]).map(plain), expected, `window ${7 + i}`);
    assert.ok(bytes[i] < bytes[0] * 0.75, `window ${7 + i}: ${bytes[i]} bytes beside ${bytes[0]}`);
  }
  console.log(`${expected.length} notifications: ${bytes[0]} bytes plain; with windows of 8 to 15 bits ${bytes.slice(1).join(', ')}`);
  for (const s of sockets) s.close();
});

test('requests come compressed and replies leave so, of any length', async () => {
  const s = await Socket.open(node.ws, { perMessageDeflate: { threshold: 0 } });
  const p = await Socket.open(node.ws);
  for (let i = 0; i < 3; i++) await deploy();
  const zeros = '0x00000000000000000000000000000000000f0000';
  await rpc(node.http, 'anvil_setCode', [zeros, '0x6207a1205ff3']); // returns 500,000 zeros: a reply of 1 MB
  const asks = [
    ['eth_getBlockByNumber', ['latest', true]],
    ['web3_sha3', ['0x' + 'ab'.repeat(200000)]],
    ['eth_getLogs', [{ fromBlock: '0x0' }]],
    ['eth_call', [{ data: '0x' + '5f5ff3' }, 'latest']],
    ['eth_call', [{ to: zeros }, 'latest']],
  ];
  for (const [method, params] of asks) assert.deepStrictEqual(await s.call(method, params), await p.call(method, params), method);
  const before = bytesRead(s);
  await s.call('eth_getBlockByNumber', ['latest', true]);
  const compressed = bytesRead(s) - before, start = bytesRead(p);
  await p.call('eth_getBlockByNumber', ['latest', true]);
  assert.ok(compressed < 0.7 * (bytesRead(p) - start), `${compressed} beside ${bytesRead(p) - start}`);
  s.close();
  p.close();
});

test('a bomb is refused with 1009 and garbage with 1007', async () => {
  const zlib = require('node:zlib');
  const bomb = await Socket.open(node.ws, { perMessageDeflate: true });
  const garbage = await Socket.open(node.ws, { perMessageDeflate: true });
  // Past the library: 64 MiB of zeros, and bytes that are no deflate data, as compressed messages.
  const flushed = zlib.deflateRawSync(Buffer.alloc(64 << 20), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const send = (s, payload) => s.ws._sender.sendFrame(
    require('ws').Sender.frame(payload, { fin: true, rsv1: true, opcode: 1, mask: true, readOnly: false, generateMask: undefined, maskBuffer: Buffer.alloc(4) }));
  assert.ok(flushed.length < 100000);
  send(bomb, flushed);
  send(garbage, Buffer.from('07ffffffff', 'hex'));
  assert.strictEqual((await bomb.closed).code, 1009);
  assert.strictEqual((await garbage.closed).code, 1007);
});

test('--no-ws-deflate declines', async () => {
  const off = await fanatico(['--silent', '--no-ws-deflate']);
  const s = await Socket.open(off.ws, { perMessageDeflate: true });
  assert.strictEqual(extensions(s), '');
  assert.strictEqual(await s.call('eth_chainId'), '0x7a69');
  s.close();
  assert.strictEqual(await off.stop(), 0);
});
