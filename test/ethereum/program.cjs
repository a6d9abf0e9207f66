// Random programs for the EVM, each a function of its dice: mostly well-formed snippets that leave something to be seen (in storage, memory,
// logs, balances), sometimes plain noise. `level` is the newest fork whose instructions may occur.
'use strict';

const FORKS = ['Frontier', 'Homestead', 'EIP150', 'EIP158', 'Byzantium', 'Constantinople', 'ConstantinopleFix', 'Istanbul', 'Berlin', 'London', 'Paris', 'Shanghai',
  'Cancun', 'Prague', 'Osaka'];
const since = (name) => FORKS.indexOf(name);

/** sfc32 over a 32-bit seed: small, fast, and the same everywhere. */
class Dice {
  constructor(seed) {
    [this.a, this.b, this.c, this.n] = [seed >>> 0, (seed ^ 0x9e3779b9) >>> 0, (seed * 2654435761) >>> 0, 1];
    for (let i = 0; i < 12; i++) this.next();
  }
  next() {
    const t = (this.a + this.b + this.n) >>> 0;
    this.n = (this.n + 1) >>> 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) >>> 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) >>> 0;
    return t;
  }
  below(n) { return this.next() % n; }
  pick(list) { return list[this.below(list.length)]; }
  chance(percent) { return this.below(100) < percent; }
  bytes(n) { let out = ''; for (let i = 0; i < n; i++) out += this.below(256).toString(16).padStart(2, '0'); return out; }
}

const hex = (n, bytes) => BigInt(n).toString(16).padStart(2 * (bytes ?? Math.max(1, Math.ceil(BigInt(n).toString(16).length / 2))), '0');
const RIPEMD = '3'.padStart(40, '0');
const WORDS = [0n, 1n, 2n, 31n, 32n, 33n, 255n, 256n, 257n, 65535n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 128n, 2n ** 255n - 1n, 2n ** 255n, 2n ** 256n - 1n,
  2n ** 256n - 2n, 2n ** 160n - 1n];

class Program {
  constructor(dice, level, targets) {
    Object.assign(this, { dice, level, targets, code: '' });
  }
  op(...bytes) { for (const b of bytes) this.code += b.toString(16).padStart(2, '0'); return this; }
  /** Pushes a number in its shortest form, or a hex string in its own width. */
  push(v) {
    const digits = typeof v === 'string' ? v : hex(v);
    return this.op(0x5f + digits.length / 2), (this.code += digits), this;
  }
  has(fork) { return this.level >= since(fork); }

  word() {
    const d = this.dice;
    if (d.chance(45)) return this.push(d.pick(WORDS));
    if (d.chance(50)) return this.push(d.below(64));
    return this.push(d.bytes(1 + d.below(32)));
  }
  target() { return this.push(this.dice.pick(this.targets)); }
  /** Who inherits. Never 0x3, for the reason of value(). */
  heir() { return this.push(this.dice.pick(this.targets.filter((t) => t !== RIPEMD))); }
  /** What a call to this target may carry. An empty account at 0x3 that got value in a frame that failed is one thing to geth (nothing was
   *  touched) and another to the specification (0x3 stays touched: main net's block 2,675,119); it can exist on no chain any more. */
  value(target) { return this.push(target === RIPEMD ? 0 : this.dice.pick([0, 0, 0, 1, 1, 1000, 2n ** 200n])); }
  offset() {
    const d = this.dice;
    if (d.chance(3)) return this.push(d.pick([2n ** 32n, 2n ** 64n - 1n, 2n ** 256n - 1n, 100000n]));
    return this.push(d.pick([0, 1, 31, 32, 64, 96, 100, 160, 256]));
  }
  size() {
    const d = this.dice;
    if (d.chance(2)) return this.push(d.pick([2n ** 64n - 1n, 2n ** 31n, 20000n]));
    return this.push(d.pick([0, 0, 1, 4, 31, 32, 33, 64, 128, 192, 213]));
  }
  /** Takes the word on top to where it can be seen. */
  keep() {
    const d = this.dice;
    if (d.chance(60)) return this.push(32 * d.below(12)).op(0x52);
    if (d.chance(75)) return this.push(d.below(6)).op(0x55);
    return this.op(0x50);
  }

  arithmetic() {
    const d = this.dice;
    const two = [1, 2, 3, 4, 5, 6, 7, 0xa, 0xb, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a];
    if (this.has('Constantinople')) two.push(0x1b, 0x1c, 0x1d, 0x1b, 0x1c, 0x1d);
    if (this.has('Osaka') && d.chance(15)) return this.word().op(0x1e).keep();
    if (d.chance(15)) return this.word().word().word().op(d.pick([8, 9])).keep();
    if (d.chance(15)) return this.word().op(d.pick([0x15, 0x19])).keep();
    this.word();
    for (let i = d.below(4); i >= 0; i--) this.word().op(d.pick(two));
    return this.keep();
  }
  memory() {
    const d = this.dice;
    switch (d.below(this.has('Cancun') ? 6 : 5)) {
      case 0: return this.word().offset().op(0x52);
      case 1: return this.word().offset().op(0x53);
      case 2: return this.offset().op(0x51).keep();
      case 3: return this.size().offset().op(0x20).keep();
      case 4: return this.op(0x59).keep();
      default: return this.size().offset().offset().op(0x5e);
    }
  }
  storage() {
    const d = this.dice;
    const transient = this.has('Cancun') && d.chance(30);
    if (d.chance(35)) return this.push(d.below(6)).op(transient ? 0x5c : 0x54).keep();
    return this.push(d.below(4)).push(d.below(6)).op(transient ? 0x5d : 0x55);
  }
  surroundings() {
    const d = this.dice;
    const plain = [0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x41, 0x42, 0x43, 0x44, 0x45, 0x58, 0x5a];
    if (this.has('Byzantium')) plain.push(0x3d);
    if (this.has('Istanbul')) plain.push(0x46, 0x47);
    if (this.has('London')) plain.push(0x48);
    if (this.has('Cancun')) plain.push(0x4a);
    const asking = [0x31, 0x3b];
    if (this.has('Constantinople')) asking.push(0x3f);
    switch (d.below(8)) {
      case 0: case 1: return this.target().op(d.pick(asking)).keep();
      case 2: return this.word().op(d.pick(this.has('Cancun') ? [0x35, 0x40, 0x49] : [0x35, 0x40])).keep();
      case 3: return this.size().offset().offset().op(d.pick(this.has('Byzantium') ? [0x37, 0x39, 0x3e] : [0x37, 0x39]));
      case 4: return this.size().offset().offset().target().op(0x3c);
      default: return this.op(d.pick(plain)).keep();
    }
  }
  log() {
    const d = this.dice, topics = d.below(5);
    for (let i = 0; i < topics; i++) this.word();
    return this.size().offset().op(0xa0 + topics);
  }
  call() {
    const d = this.dice;
    const kinds = [0xf1, 0xf1, 0xf2];
    if (this.has('Homestead')) kinds.push(0xf4);
    if (this.has('Byzantium')) kinds.push(0xfa);
    const kind = d.pick(kinds);
    const target = d.pick(this.targets);
    this.size().offset().size().offset();
    if (kind === 0xf1 || kind === 0xf2) this.value(target);
    this.push(target);
    if (d.chance(25)) this.op(0x5a); // all that is left
    else this.push(d.pick([0, 1, 700, 2300, 5000, 20000, 60000, 100000, 300000, 2n ** 64n, 2n ** 256n - 1n]));
    this.op(kind).keep();
    if (this.has('Byzantium') && d.chance(30)) this.op(0x3d).op(0x60, 0).push(32 * d.below(4)).op(0x3e);
    return this;
  }
  /** Initialization code in memory, then a creation: small programs that return code of every kind, or end otherwise. */
  create(depth) {
    const d = this.dice;
    const inner = new Program(d, this.level, this.targets);
    if (d.chance(60)) inner.snippets(1 + d.below(3), depth + 1);
    switch (d.below(9)) {
      case 0: inner.push(0).push(0).op(this.has('Byzantium') ? 0xfd : 0xfe); break;
      case 1: inner.heir().op(0xff); break;
      case 2: inner.op(0); break;
      case 3: inner.push(d.pick([24576, 24577, 49153, 1000])).push(0).op(0xf3); break;
      case 4: inner.push('ef' + d.bytes(3)).push(0).op(0x52).push(4).push(28).op(0xf3); break;
      default: { // code of its own: stores, or ends itself, or calls on
        const body = new Program(d, this.level, this.targets);
        body.snippets(1 + d.below(2), 3);
        if (d.chance(30)) body.heir().op(0xff);
        const bytes = body.code.slice(0, 64).padEnd(64, '0');
        inner.op(0x7f), (inner.code += bytes), inner.push(0).op(0x52).push(d.pick([32, 32, 16])).push(0).op(0xf3);
      }
    }
    const code = inner.code.slice(0, 2 * 160);
    for (let i = 0; i < code.length; i += 64) {
      this.op(0x7f);
      this.code += code.slice(i, i + 64).padEnd(64, '0');
      this.push(i / 2).op(0x52);
    }
    const two = this.has('Constantinople') && d.chance(50);
    if (two) this.push(d.below(3));
    this.push(d.chance(2) ? d.pick([49152, 49153]) : code.length / 2).push(0).push(d.pick([0, 0, 1, 2n ** 200n])).op(two ? 0xf5 : 0xf0);
    if (d.chance(40)) { // call what came of it
      this.op(0x80); // DUP1
      for (let i = 0; i < 4; i++) this.push(0);
      this.push(d.pick([0, 0, 1])).op(0x85).push(60000).op(0xf1).op(0x50); // DUP6 is the address
    }
    return this.keep();
  }
  /** A counted loop around a snippet. */
  loop(depth) {
    const d = this.dice;
    this.push(1 + d.below(d.chance(5) ? 200 : 5));
    const at = this.code.length / 2;
    this.op(0x5b);
    const before = this.code.length;
    this.one(depth + 1, true);
    if (this.code.length - before > 2 * 200) this.code = this.code.slice(0, before);
    this.op(0x60, 1, 0x90, 0x03, 0x80).push(hex(at, 2)).op(0x57); // 1 SWAP1 SUB DUP1 at JUMPI
    return this.op(0x50);
  }
  noise() {
    const d = this.dice;
    for (let i = d.below(12); i >= 0; i--) d.chance(50) ? this.word() : this.op(d.pick([d.below(256), 0x80 + d.below(32), 0x5b]));
    return this;
  }
  one(depth, flat) {
    const d = this.dice, r = d.below(100);
    if (r < 20) return this.arithmetic();
    if (r < 30) return this.memory();
    if (r < 50) return this.storage();
    if (r < 64) return this.surroundings();
    if (r < 70) return this.log();
    if (r < 86) return this.call();
    if (r < 94) return depth < 2 && !flat ? this.create(depth) : this.storage();
    if (r < 98) return depth < 2 && !flat ? this.loop(depth) : this.arithmetic();
    return d.chance(50) ? this.noise() : this.arithmetic();
  }
  snippets(count, depth = 0) { while (count-- > 0) this.one(depth); return this; }
  end() {
    const d = this.dice;
    if (d.chance(50)) this.push(0x180).push(0).op(0x20).push(0x100 + d.below(3)).op(0x55);
    switch (d.below(8)) {
      case 0: return this.size().offset().op(0xf3);
      case 1: return this.size().offset().op(this.has('Byzantium') ? 0xfd : 0xf3);
      case 2: return this.heir().op(0xff);
      case 3: return this.op(0xfe);
      default: return this.op(0);
    }
  }
}

module.exports = { Dice, Program, FORKS, since, hex };
