// What a pool refuses, and what it takes, one raw transaction after the other: [name, what goes to eth_sendRawTransaction]. Made anew
// for each chain, on which the transactions of rich.cjs wait already; the order counts.
'use strict';
const { ethers } = require('ethers');
const { Signer, blobs } = require('./rich.cjs');
const { ZERO_HASH } = require('../peers/chaos.cjs');

const rlp = ethers.encodeRlp, data = (n) => '0x' + '11'.repeat(n);
const INFINITY = '0xc0' + '00'.repeat(47), BLOB = '0x' + '00'.repeat(131072);

async function sends(f) {
  const s = Object.assign(new Signer(), { nonces: [...f.nonces] });
  const [alice, bob, carol] = f.wallets.map((w) => w.address);
  const poor = new ethers.Wallet('0x' + '42'.repeat(32));
  const out = [];
  const add = async (name, who, tx, nonce, form = 'raw') => out.push([name, (await s.sign(who, tx, nonce ?? s.nonces[who]))[form]]);
  const first = (await s.sign(2, { to: alice, value: 5n, gasLimit: 21000 })).raw;
  out.push(['a transfer', first], ['the same again', first]);
  await add('a replacement that pays the same', 2, { to: alice, value: 6n, gasLimit: 21000 }, s.nonces[2] - 1);
  await add('a replacement that pays a little more', 2, { to: alice, value: 6n, gasLimit: 21000, maxFeePerGas: 4000000001n, maxPriorityFeePerGas: 1500000001n }, s.nonces[2] - 1);
  await add('a replacement of which only the fee rises', 2, { to: alice, value: 6n, gasLimit: 21000, maxFeePerGas: 8000000000n }, s.nonces[2] - 1);
  await add('a replacement that pays a tenth more', 2, { to: alice, value: 6n, gasLimit: 21000, maxFeePerGas: 4400000000n, maxPriorityFeePerGas: 1650000000n }, s.nonces[2] - 1);
  await add('a nonce that was used', 0, { to: bob, gasLimit: 21000 }, 0);
  await add('a nonce far ahead', 0, { to: bob, gasLimit: 21000 }, 1000);
  await add('the largest nonce', 0, { to: bob, gasLimit: 21000 }, Number.MAX_SAFE_INTEGER);
  out.push(['an account without money', await poor.signTransaction({ type: 2, chainId: 31337, nonce: 0, to: bob, value: 1n, gasLimit: 21000, maxFeePerGas: 4000000000n, maxPriorityFeePerGas: 1n })]);
  await add('more than the account has', 0, { to: bob, value: 10n ** 24n, gasLimit: 21000 });
  await add('more than what waits leaves over', 2, { to: bob, value: 9999n * 10n ** 18n, gasLimit: 9000000, maxFeePerGas: 100000000000n }, s.nonces[2]);
  await add('too little gas for any transaction', 0, { to: bob, gasLimit: 20999 });
  await add('too little gas for its data', 0, { to: bob, data: data(100), gasLimit: 21500 });
  await add('gas below the floor', 0, { to: bob, data: data(100), gasLimit: 22700 });
  await add('too little gas to create', 0, { data: data(10), gasLimit: 53000 });
  await add('too little gas for its access list', 0, { to: bob, accessList: [{ address: bob, storageKeys: [ethers.ZeroHash] }], gasLimit: 25000 });
  await add('gas beyond the transaction cap', 0, { to: bob, gasLimit: 16777217 });
  await add('gas beyond the block', 0, { to: bob, gasLimit: 30000001 });
  const tipped = ['0x7a69', ethers.toBeHex(s.nonces[0]), '0x0b', '0x0a', '0x5208', bob, '0x', '0x', []]; // by hand: ethers would not sign it
  const by = f.wallets[0].signingKey.sign(ethers.keccak256(ethers.concat(['0x02', rlp(tipped)])));
  out.push(['a tip above the fee', ethers.concat(['0x02', rlp([...tipped, by.yParity ? '0x01' : '0x', ethers.stripZerosLeft(by.r), ethers.stripZerosLeft(by.s)])])]);
  await add('a fee below the base fee', 1, { to: bob, gasLimit: 21000, maxFeePerGas: 100n, maxPriorityFeePerGas: 100n });
  await add('another chain', 0, { to: bob, gasLimit: 21000, chainId: 1 });
  await add('another chain, legacy', 0, { type: 0, to: bob, gasLimit: 21000, chainId: 5 });
  await add('131,073 bytes', 0, { to: bob, data: data(131073), gasLimit: 16000000 });
  await add('initcode too large', 0, { data: data(49153), gasLimit: 16000000 });
  await add('blobs without their sidecar', 1, { ...blobs(1), to: alice }, undefined, 'bare');
  const whole = ethers.decodeRlp(ethers.dataSlice((await s.sign(3, { ...blobs(1), to: alice }, s.nonces[3])).bare, 1));
  const sidecar = (...parts) => ethers.concat(['0x03', rlp([whole, ...parts])]);
  out.push(['a sidecar of version 2', sidecar('0x02', [BLOB], [INFINITY], Array(128).fill(INFINITY))]);
  out.push(['a proof too few', sidecar('0x01', [BLOB], [INFINITY], Array(127).fill(INFINITY))], ['a blob too many', sidecar('0x01', [BLOB, BLOB], [INFINITY, INFINITY], Array(256).fill(INFINITY))]);
  out.push(['a proof that is wrong', sidecar('0x01', [BLOB], [INFINITY], [...Array(127).fill(INFINITY), '0x97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb'])]);
  out.push(['a commitment of another blob', sidecar('0x01', [BLOB], ['0x97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb'], Array(128).fill(INFINITY))]);
  await add('a blob fee of nothing', 3, { ...blobs(1), to: alice, maxFeePerBlobGas: 0n }, s.nonces[3]);
  await add('seven blobs', 3, { type: 3, maxFeePerBlobGas: 10n ** 9n, blobVersionedHashes: Array(7).fill(ZERO_HASH), to: alice }, s.nonces[3]);
  await add('no authorization', 0, { type: 4, to: bob, authorizationList: [], gasLimit: 100000 });
  const signed = ethers.Transaction.from((await s.sign(0, { to: bob, gasLimit: 21000 }, f.nonces[0])).raw);
  const fields = ethers.decodeRlp(ethers.dataSlice(signed.serialized, 1));
  const again = (change) => ethers.concat(['0x02', rlp(change([...fields]))]);
  const set = (i, v) => again((x) => { x[i] = v; return x; });
  out.push(['a signature with r of zero', set(10, '0x')], ['a signature with s above half the order', set(11, '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140')], ['a parity of two', set(9, '0x02')]);
  out.push(['one field too few', again((x) => x.slice(1))], ['one field too many', again((x) => [...x, '0x'])], ['a leading zero in a number', set(2, '0x0001')], ['a recipient of 19 bytes', set(5, '0x' + '11'.repeat(19))], ['a list for a number', set(4, ['0x01'])]);
  out.push(['nothing', '0x'], ['one byte', '0x02'], ['zero', '0x00'], ['an empty list', '0xc0'], ['an empty list behind the type', '0x02c0'], ['type 5', '0x05' + signed.serialized.slice(4)], ['type 0x7f', '0x7fc0'], ['a byte behind it', signed.serialized + '00'], ['a byte missing', signed.serialized.slice(0, -2)], ['no RLP', '0xffffffffffffffffffff'], ['text', 'hello'], ['odd', '0x123']);
  // From here on the two pools part: what one takes and the other refuses.
  await add('a blob transaction in place of another', 2, { ...blobs(1), to: alice, maxFeePerGas: 40000000000n, maxPriorityFeePerGas: 16500000000n }, s.nonces[2] - 1);
  await add('a fee beyond the cap', 0, { to: bob, gasLimit: 1000000, maxFeePerGas: 10n ** 13n }, s.nonces[0] + 40);
  await add('no fee at all', 1, { to: bob, gasLimit: 21000, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }, s.nonces[1] + 21);
  await add('a legacy transaction for nothing', 1, { type: 0, to: bob, gasLimit: 21000, gasPrice: 0n }, s.nonces[1] + 20);
  out.push(['no replay protection', await f.wallets[0].signTransaction({ type: 0, chainId: 0, nonce: f.nonces[0] + 30, to: bob, gasLimit: 21000, gasPrice: 4000000000n })]);
  await add('a blob transaction where others wait', 1, { ...blobs(1), to: alice });
  out.push(['blobs with the older proofs', sidecar([BLOB], [INFINITY], [INFINITY])]);
  return out;
}

/** What eth_fillTransaction refuses and fills. */
const fills = (f) => {
  const [alice, bob] = f.wallets.map((w) => w.address), base = { from: alice, to: bob, gas: '0x5208', nonce: '0x9', value: '0x1' };
  return Object.entries({
    'gasPrice': { ...base, gasPrice: '0x77359400' }, 'both fees': { ...base, maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }, 'only a tip': { ...base, maxPriorityFeePerGas: '0x1' }, 'only a fee': { ...base, maxFeePerGas: '0x77359400' },
    'no fees': base, 'no nonce': { ...base, nonce: undefined, gasPrice: '0x77359400' }, 'no gas': { ...base, gas: undefined, gasPrice: '0x77359400' }, 'all kinds of price': { ...base, gasPrice: '0x1', maxFeePerGas: '0x1' }, 'a price of zero': { ...base, gasPrice: '0x0' }, 'a fee of zero': { ...base, maxFeePerGas: '0x0', maxPriorityFeePerGas: '0x0' },
    'a tip above the fee': { ...base, maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x2' }, 'data and input that differ': { ...base, data: '0x01', input: '0x02' }, 'a creation without data': { from: alice }, 'another chain': { ...base, gasPrice: '0x77359400', chainId: '0x1' }, 'an access list': { ...base, accessList: [] }, 'an access list and a price': { ...base, gasPrice: '0x77359400', accessList: [] },
    'an authorization list that creates': { from: alice, data: '0x00', authorizationList: [] }, 'a call that reverts': { from: alice, to: f.chaos, data: f.face.encodeFunctionData('refuse', [0]) },
  }).map(([name, tx]) => [name, 'eth_fillTransaction', [JSON.parse(JSON.stringify(tx))]]);
};

module.exports = { fills, sends };
