// A random state test from a seed: a small world of contracts that call, create and destroy one another, and one transaction in several
// variants, on every fork of an era that knows its type. Roots are not known here; whoever runs it fills them in.
'use strict';
const { Dice, Program, FORKS, since, hex } = require('./program.cjs');

const SECRET = '0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8', SENDER = 'a94f5374fce5edbc8e2a8697c15331677e6ebf0b';
const EMPTY = '00000000000000000000000000000000000e3917', NOBODY = '00000000000000000000000000000000000abcde', RICH = '1000000000000000000000000000000000000000';
const contract = (i) => '0'.repeat(37) + 'c0' + i;
const address = (n) => n.toString(16).padStart(40, '0');
const PRECOMPILES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 17, 256].map(address);
const quantity = (n) => `0x${BigInt(n).toString(16)}`;

/** Signed authorizations (EIP-7702) are costly to make, so every test picks from one small set made once; half of them do not fit. */
let authorizations;
function authorizationPool() {
  if (authorizations) return authorizations;
  const { ethers } = require('ethers');
  authorizations = [];
  for (let key = 1; key <= 3; key++)
    for (const [chainId, to, nonce] of [[1, contract(1), 0], [0, contract(2), 0], [1, address(0), 0], [0, address(2), 0], [5, contract(1), 0], [1, contract(3), 1], [0, SENDER, 2n ** 64n - 1n]]) {
      const secret = hex(key, 32), hash = ethers.keccak256(`0x05${ethers.encodeRlp([chainId ? ethers.toBeHex(chainId) : '0x', `0x${to}`, nonce ? ethers.toBeHex(nonce) : '0x']).slice(2)}`);
      const signature = new ethers.SigningKey(`0x${secret}`).sign(hash);
      authorizations.push({ chainId: quantity(chainId), address: `0x${to}`, nonce: quantity(nonce), v: quantity(signature.yParity), r: quantity(signature.r), s: quantity(signature.s),
        signer: ethers.computeAddress(`0x${secret}`).toLowerCase() });
    }
  return authorizations;
}

/** The variant as a signed transaction, for `txbytes`; undefined where the library will not make one. */
function signed(tx, type, [data, gas, value], protectedFrom155) {
  const { ethers } = require('ethers');
  try {
    const fields = { type, nonce: BigInt(tx.nonce), to: tx.to || null, data: tx.data[data], gasLimit: BigInt(tx.gasLimit[gas]), value: BigInt(tx.value[value]) };
    if (type || protectedFrom155) fields.chainId = 1n;
    if (type < 2) fields.gasPrice = BigInt(tx.gasPrice);
    else Object.assign(fields, { maxFeePerGas: BigInt(tx.maxFeePerGas), maxPriorityFeePerGas: BigInt(tx.maxPriorityFeePerGas) });
    if (type) fields.accessList = tx.accessLists[data] ?? [];
    if (type === 3) Object.assign(fields, { maxFeePerBlobGas: BigInt(tx.maxFeePerBlobGas), blobVersionedHashes: tx.blobVersionedHashes });
    if (type === 4)
      fields.authorizationList = tx.authorizationList.map((a) => ({ chainId: BigInt(a.chainId), address: a.address, nonce: BigInt(a.nonce), signature: ethers.Signature.from({ r: ethers.toBeHex(a.r, 32), s: ethers.toBeHex(a.s, 32), yParity: Number(a.v) }) }));
    const t = ethers.Transaction.from(fields);
    t.signature = new ethers.SigningKey(SECRET).sign(t.unsignedHash);
    return t.serialized;
  } catch {
    return undefined;
  }
}

class Generator {
  constructor(seed) {
    this.seed = seed;
    this.dice = new Dice(seed);
  }

  storage() {
    const d = this.dice, slots = {};
    for (let i = d.below(5); i > 0; i--) slots[quantity(d.below(6)).replace(/^0x(.)$/, '0x0$1')] = `0x0${1 + d.below(4)}`;
    return slots;
  }

  world(level, count, late) {
    const d = this.dice, pre = {};
    const targets = [...Array.from({ length: count }, (_, i) => contract(i)), ...Array.from({ length: count }, (_, i) => contract(i)), EMPTY, NOBODY, SENDER, this.coinbase, address(3),
      d.pick(PRECOMPILES), d.pick(PRECOMPILES)];
    for (let i = 0; i < count; i++) {
      const program = new Program(d, level, targets);
      program.snippets(2 + d.below(14)).end();
      pre[`0x${contract(i)}`] = { balance: quantity(d.pick([0, 1, 1000, 10n ** 18n])), nonce: quantity(d.pick([0, 0, 1, 2n ** 64n - 2n, 2n ** 64n - 1n])), code: `0x${program.code}`, storage: this.storage() };
      if (d.chance(85)) pre[`0x${contract(i)}`].nonce = '0x1';
    }
    if (late && d.chance(40)) // code that is a delegation (EIP-7702)
      pre[`0x${contract(count - 1)}`].code = `0xef0100${d.pick([contract(0), contract(count - 1), NOBODY, address(1)])}`;
    if (d.chance(60)) pre[`0x${EMPTY}`] = { balance: '0x0', nonce: '0x0', code: '0x', storage: {} }; // exists and is empty: EIP-158 is about such
    if (d.chance(30)) pre[`0x${address(3)}`] = { balance: quantity(d.pick([0, 1])), nonce: '0x0', code: '0x', storage: {} }; // see Program.value()
    if (d.chance(30)) pre[`0x${this.coinbase}`] ??= { balance: quantity(d.pick([0, 7])), nonce: '0x0', code: '0x', storage: {} };
    return pre;
  }

  fees(tx, type) {
    const d = this.dice;
    if (type < 2) tx.gasPrice = quantity(d.pick([0, 10, 16, 17, 100, 1000]));
    else {
      tx.maxFeePerGas = quantity(d.pick([9, 16, 100, 100, 1000, 1000]));
      tx.maxPriorityFeePerGas = quantity(d.pick([0, 0, 1, 1, 9, 16, 100]));
    }
    if (type === 3) {
      tx.maxFeePerBlobGas = quantity(d.pick([0, 1, 10, 10, 1000]));
      tx.blobVersionedHashes = Array.from({ length: d.pick([0, 1, 1, 2, 6, 6, 7, 9, 10]) }, () => `0x${d.chance(95) ? '01' : '02'}${d.bytes(31)}`);
    }
  }

  accessList() {
    const d = this.dice;
    return Array.from({ length: d.below(4) }, () => ({ address: `0x${d.pick([contract(0), contract(1), NOBODY, this.coinbase, address(1)])}`,
      storageKeys: Array.from({ length: d.below(4) }, () => `0x${hex(d.below(6), 32)}`) }));
  }

  transaction(type, count, pre) {
    const d = this.dice, creates = type < 3 && d.chance(15);
    const tx = { secretKey: SECRET, nonce: pre[`0x${SENDER}`].nonce, to: creates ? '' : `0x${d.pick([contract(0), contract(0), contract(0), contract(count - 1), EMPTY, NOBODY, SENDER, d.pick(PRECOMPILES.filter((p) => p !== address(3)))])}` };
    if (d.chance(4)) tx.nonce = quantity(BigInt(tx.nonce) + 1n);
    const data = () => {
      if (!creates) return `0x${d.bytes(d.pick([0, 0, 1, 4, 32, 36, 68, 213]))}`;
      const program = new Program(d, this.level, [contract(0), contract(1), EMPTY, NOBODY]);
      return `0x${program.snippets(1 + d.below(6)).end().code}`;
    };
    tx.data = [data(), data()];
    tx.gasLimit = [quantity(d.pick([400000, 1000000, 3000000])), quantity(d.pick([20999, 21000, 23000, 30000, 53000, 60000, 90000, 90000, 150000, 150000])), quantity(d.pick([16777216, 16777217, 5000000, 500000]))];
    tx.value = ['0x0', quantity(d.pick([1, 1000, 10n ** 18n, 1, 1, 1, 1, 1, 1, 2n ** 255n]))];
    if (type >= 1) tx.accessLists = [this.accessList(), this.accessList()];
    if (type === 1 && d.chance(20)) tx.accessLists[1] = null;
    if (type === 4) tx.authorizationList = Array.from({ length: d.below(4) }, () => { const { signer, ...rest } = d.pick(authorizationPool()); return rest; });
    this.fees(tx, type);
    return tx;
  }

  /** {name, test, forks}: `post` holds the cases without what they should end in. */
  make() {
    const d = this.dice, late = d.chance(45); // after the Merge, or before
    const era = late ? FORKS.slice(since('Paris')) : FORKS.slice(0, since('London') + 1);
    const type = late ? d.pick([0, 1, 2, 2, 3, 4, 4]) : d.pick([0, 0, 0, 0, 1, 2]);
    const first = [0, since('Berlin'), since('London'), since('Cancun'), since('Prague')][type];
    const forks = era.filter((f) => since(f) >= first);
    this.level = since(d.pick(forks));
    const count = 3 + d.below(3);
    this.coinbase = d.pick(['2adc25665018aa1fe0e6bc666dac8fc2697ff9ba', '2adc25665018aa1fe0e6bc666dac8fc2697ff9ba', contract(1), SENDER, address(3), EMPTY]);
    const pre = this.world(this.level, count, since(forks.at(-1)) >= since('Prague'));
    pre[`0x${SENDER}`] = { balance: d.chance(95) ? `0x${RICH}`.replace(/0+$/, '0'.repeat(20)) : quantity(d.pick([0, 21000, 400000, 10n ** 9n])), nonce: quantity(d.pick([0, 0, 1, 5])), code: '0x', storage: {} };
    if (type === 4 && d.chance(50)) for (const a of authorizationPool().slice(0, 14)) if (d.chance(30)) pre[a.signer] = { balance: '0x1', nonce: quantity(d.pick([0, 0, 1])), code: d.chance(30) ? `0xef0100${contract(1)}` : '0x', storage: {} };
    const env = { currentCoinbase: `0x${this.coinbase}`, currentDifficulty: '0x20000', currentGasLimit: quantity(d.pick([30000000, 100000000])), currentNumber: quantity(d.pick([1, 5, 300])),
      currentTimestamp: quantity(1000), previousHash: `0x${'5e'.repeat(32)}`, currentBaseFee: quantity(d.pick([7, 10, 16])) };
    if (late) Object.assign(env, { currentRandom: `0x${d.bytes(32)}`, currentDifficulty: '0x0', currentExcessBlobGas: quantity(d.pick([0, 0, 393216, 10000000])) });
    const variants = [[0, 0, 0], [1, 1, 1], [d.below(2), d.below(3), d.below(2)]];
    const post = Object.fromEntries(forks.map((f) => [f, variants.map(([data, gas, value]) => ({ indexes: { data, gas, value } }))]));
    const transaction = this.transaction(type, count, pre);
    if (d.chance(12) && !(type === 1 && transaction.accessLists.includes(null))) // as blocks hold it; a chain id in the signature is a refusal before EIP-155
      for (const [i, variant] of variants.entries()) {
        const txbytes = signed(transaction, type, variant, d.chance(60));
        if (txbytes) for (const f of forks) post[f][i].txbytes = txbytes;
      }
    return { name: `seed${this.seed}`, test: { env, pre, transaction, post } };
  }
}

const generate = (seed) => new Generator(seed).make();
module.exports = { generate };
