// A random run over everything that leaves a trace: the same seed gives the same signed transactions, so that two nodes can be
// compared receipt by receipt. Each transaction is mined before the next is made.
'use strict';
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const Chaos = h.compile('Chaos.sol').Chaos;
const TIMESTAMP = 1750000000;
const face = new ethers.Interface(Chaos.abi);

/** xorshift128+ over a 64-bit seed: small, and the same everywhere. */
class Dice {
  constructor(seed) {
    this.a = BigInt.asUintN(64, BigInt(seed) * 0x9e3779b97f4a7c15n + 1n);
    this.b = BigInt.asUintN(64, BigInt(seed) ^ 0xd1b54a32d192ed03n) || 1n;
    for (let i = 0; i < 8; i++) this.next();
  }
  next() {
    let x = this.a;
    const y = this.b;
    this.a = y;
    x ^= BigInt.asUintN(64, x << 23n);
    this.b = BigInt.asUintN(64, x ^ y ^ (x >> 17n) ^ (y >> 26n));
    return BigInt.asUintN(64, this.b + y);
  }
  below(n) { return Number(this.next() % BigInt(n)); }
  pick(list) { return list[this.below(list.length)]; }
  bytes(n) { return ethers.hexlify(Uint8Array.from({ length: n }, () => this.below(256))); }
  chance(percent) { return this.below(100) < percent; }
}

// The zero blob: its commitment and all its proofs are the point at infinity, so no KZG library is needed to make one.
const INFINITY = '0xc0' + '00'.repeat(47);
const ZERO_BLOB = '0x' + '00'.repeat(131072);
const ZERO_HASH = '0x01' + ethers.sha256(INFINITY).slice(4);

/** The network form of a signed blob transaction, with EIP-7594's sidecar. */
function withSidecar(serialized, count) {
  const body = ethers.decodeRlp(ethers.dataSlice(serialized, 1));
  return ethers.concat(['0x03', ethers.encodeRlp([body, '0x01', Array(count).fill(ZERO_BLOB), Array(count).fill(INFINITY), Array(count * 128).fill(INFINITY)])]);
}

class Run {
  constructor(seed, chainId = 31337n) {
    this.dice = new Dice(seed);
    this.chainId = chainId;
    this.wallets = Array.from({ length: 6 }, (_, i) => ethers.HDNodeWallet.fromPhrase(h.MNEMONIC, '', `m/44'/60'/0'/0/${i}`));
    this.nonces = this.wallets.map(() => 0);
    this.contracts = [];
    this.touched = new Set(this.wallets.map((w) => w.address));
    this.precompiles = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 256];
  }

  call() {
    const d = this.dice;
    const someone = () => d.chance(50) ? d.pick(this.wallets).address : ethers.getAddress(d.bytes(20));
    const heir = () => { const a = someone(); this.touched.add(a); return a; };
    return d.pick([
      () => ['store', [d.below(40), 1 + d.below(12), d.chance(40) ? 0 : d.below(1000)]],
      () => ['note', [d.below(6), d.bytes(d.below(100))]],
      () => ['refuse', [d.below(9)]],
      () => ['attempt', [d.pick([0, 1, 2, 3, 4, 6, 7])]],
      () => ['spawn', [d.below(1000), ethers.zeroPadValue(ethers.toBeHex(d.below(1 << 20)), 32), d.chance(50)], d.below(1000)],
      () => ['spawnAndEnd', [d.below(1000), heir()], d.below(1000)],
      () => ['poke', [d.below(100)]],
      () => ['endOne', [d.below(100), heir()]],
      () => ['transientSum', [d.below(50)]],
      () => ['precompile', [d.pick(this.precompiles), d.bytes(d.pick([0, 32, 64, 96, 128, 160, 192, 213, 256]))]],
      () => ['surroundings', [someone()]],
      () => ['send', [heir(), d.below(100)]],
      () => ['memoryHeavy', [1 + d.below(3000)]],
    ])();
  }

  /** One signed transaction, ready for eth_sendRawTransaction. */
  async next(baseFee) {
    const d = this.dice;
    const who = d.below(this.wallets.length), wallet = this.wallets[who];
    const type = d.pick([0, 1, 2, 2, 2, 3, 4]);
    const tx = { type, chainId: this.chainId, nonce: this.nonces[who], gasLimit: 900000, value: 0n };
    const tip = BigInt(1 + d.below(1000)) * 1000000n;
    if (type < 2) tx.gasPrice = baseFee * 2n + tip;
    else Object.assign(tx, { maxFeePerGas: baseFee * 2n + tip, maxPriorityFeePerGas: tip });
    const deploy = this.contracts.length < 3 || (d.chance(3) && type < 3);
    if (deploy) {
      Object.assign(tx, { type: type > 2 ? 2 : type, data: Chaos.bytecode, gasLimit: 3000000 });
      if (type > 2) Object.assign(tx, { maxFeePerGas: baseFee * 2n + tip, maxPriorityFeePerGas: tip });
      const address = ethers.getCreateAddress({ from: wallet.address, nonce: tx.nonce });
      this.contracts.push(address);
      this.touched.add(address);
    } else if (d.chance(15)) {
      Object.assign(tx, { to: d.chance(60) ? d.pick(this.wallets).address : ethers.getAddress(d.bytes(20)), value: BigInt(d.below(1e9)), gasLimit: 100000 });
      this.touched.add(tx.to);
    } else {
      const [name, args, value] = this.call();
      Object.assign(tx, { to: d.chance(10) ? d.pick(this.wallets).address : d.pick(this.contracts), data: face.encodeFunctionData(name, args), value: BigInt(value ?? 0) });
      if (d.chance(5)) tx.gasLimit = 60000 + d.below(40000);
    }
    if (tx.type >= 1 && d.chance(50)) {
      tx.accessList = [{ address: tx.to ?? d.pick(this.contracts) ?? wallet.address, storageKeys: Array.from({ length: d.below(4) }, (_, i) => ethers.zeroPadValue(ethers.toBeHex(i), 32)) }];
      tx.gasLimit += 50000;
    }
    let blobs = 0;
    if (tx.type === 3) {
      blobs = 1 + d.below(3);
      Object.assign(tx, { maxFeePerBlobGas: 10n ** 10n, blobVersionedHashes: Array(blobs).fill(ZERO_HASH) });
    }
    if (tx.type === 4) {
      const signer = d.below(this.wallets.length);
      const nonce = this.nonces[signer] + (signer === who ? 1 : 0) + (d.chance(10) ? 5 : 0); // some do not fit
      const target = d.chance(20) ? ethers.ZeroAddress : d.pick(this.contracts);
      tx.authorizationList = [await this.wallets[signer].authorize({ address: target, nonce, chainId: d.chance(30) ? 0n : this.chainId })];
      tx.gasLimit += 100000;
    }
    const signed = await wallet.signTransaction(tx);
    this.nonces[who]++;
    return { raw: blobs ? withSidecar(signed, blobs) : signed, hash: ethers.keccak256(signed), type: tx.type };
  }

  /** An authorization raises its signer's nonce where it fits, and a delegated wallet's by what it creates; only the node knows. */
  async settle(url) {
    const counts = await h.post(url, this.wallets.map((w, id) => ({ jsonrpc: '2.0', id, method: 'eth_getTransactionCount', params: [w.address, 'latest'] })));
    for (const { id, result } of counts) this.nonces[id] = Number(result);
  }
}

module.exports = { Chaos, Run, TIMESTAMP, ZERO_HASH, withSidecar };
