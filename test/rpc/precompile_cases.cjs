// Input for every precompile, good and bad in each way that one can be bad: what each element, point and length may be, and each
// combination of two where the order tells which fault is named.
'use strict';
const { ethers } = require('ethers');

/** F(p) for p = 3 mod 4, and F(p²) over i² = -1 with a pair for a + b·i. */
class Field {
  constructor(p) { this.p = p; }
  mod(a) { return ((a % this.p) + this.p) % this.p; }
  pow(a, e) { let r = 1n; for (a = this.mod(a); e; e >>= 1n, a = this.mod(a * a)) if (e & 1n) r = this.mod(r * a); return r; }
  inverse(a) { return this.pow(a, this.p - 2n); }
  root(a) { const r = this.pow(a, (this.p + 1n) / 4n); return this.mod(r * r) === this.mod(a) ? r : null; }
  times([a, b], [c, d]) { return [this.mod(a * c - b * d), this.mod(a * d + b * c)]; }
  root2([a, b]) {
    const norm = this.root(a * a + b * b), half = this.inverse(2n);
    if (norm === null) return null;
    for (const s of [norm, -norm]) {
      const x = this.root((a + s) * half);
      if (x) return [x, this.mod(b * half * this.inverse(x))];
    }
    return null;
  }
}

const BN = new Field(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n);
const BLS = new Field(0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn);
const BLS_R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

const be = (n, size) => ethers.toBeHex(n, size);
const cat = (...parts) => ethers.concat(parts);
const cut = (hex, size) => (size <= ethers.dataLength(hex) ? ethers.dataSlice(hex, 0, size) : cat(hex, '0x' + '00'.repeat(size - ethers.dataLength(hex))));

// Points as lists of elements. Those found by counting x up lie on the curve and, but for one chance in the cofactor, not in the group.
const BLS_G1 = [0x17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bbn, 0x08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1n];
const BLS_G2 = [0x024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8n, 0x13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7en,
  0x0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801n, 0x0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79ben];
const BN_G2 = [0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2n, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6edn,
  0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975bn, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daan];
const blsOutside = (() => { for (let x = 1n; ; x++) { const y = BLS.root(x ** 3n + 4n); if (y !== null) return [x, y]; } })();
const blsNoRoot = (() => { for (let x = 1n; ; x++) if (BLS.root(x ** 3n + 4n) === null) return x; })();
const outside2 = (field, b) => {
  for (let i = 1n; ; i++) {
    const x = [i, 1n], cube = field.times(field.times(x, x), x), y = field.root2([field.mod(cube[0] + b[0]), field.mod(cube[1] + b[1])]);
    if (y) return [x, y];
  }
};
const bls2 = outside2(BLS, [4n, 4n]);
const bn2 = outside2(BN, BN.times([3n, 0n], [BN.mod(9n * BN.inverse(82n)), BN.mod(-BN.inverse(82n))])); // 3 / (9 + i)

const top = (e) => cat('0x01', ethers.dataSlice(e, 1)); // a bit among the 16 bytes that must be zero
const bls = (list) => list.map((n) => be(n, 64)), bn = (list) => list.map((n) => be(n, 32));
/** The ways a point of these elements can be wrong in its last or its first element. */
const broken = (good, p, size) => ({
  'y off the curve': [...good.slice(0, -1), be(BigInt(good.at(-1)) ^ 1n, size)],
  'x is the modulus': [be(p, size), ...good.slice(1)],
  'y beyond the modulus': [...good.slice(0, -1), be(p + 5n, size)],
  'all ones': good.map(() => '0x' + (size === 64 ? '00'.repeat(16) + 'ff'.repeat(48) : 'ff'.repeat(32))),
});
const padding = (good) => ({ 'x with a top byte': [top(good[0]), ...good.slice(1)], 'y with a top byte': [...good.slice(0, -1), top(good.at(-1))], 'x is the modulus, y with a top byte': [be(BLS.p, 64), ...good.slice(1, -1), top(good.at(-1))] });
const joined = (all) => Object.fromEntries(Object.entries(all).map(([name, list]) => [name, cat(...list)]));

const G1 = joined({ good: bls(BLS_G1), infinity: bls([0n, 0n]), 'outside the group': bls(blsOutside), ...broken(bls(BLS_G1), BLS.p, 64), ...padding(bls(BLS_G1)) });
const G2 = joined({ good: bls(BLS_G2), infinity: bls([0n, 0n, 0n, 0n]), 'outside the group': bls([...bls2[0], ...bls2[1]]), ...broken(bls(BLS_G2), BLS.p, 64), ...padding(bls(BLS_G2)) });
const P1 = joined({ good: bn([1n, 2n]), infinity: bn([0n, 0n]), ...broken(bn([1n, 2n]), BN.p, 32) });
const P2 = joined({ good: bn(BN_G2), infinity: bn([0n, 0n, 0n, 0n]), 'outside the group': bn([bn2[0][1], bn2[0][0], bn2[1][1], bn2[1][0]]), ...broken(bn(BN_G2), BN.p, 32) });

function* pairs(a, b) { for (const [i, x] of Object.entries(a)) for (const [j, y] of Object.entries(b)) yield [`${i}, ${j}`, cat(x, y)]; }
function* lengths(good, list) { for (const n of list) yield [`${n} bytes`, cut(good, n)]; }
const SCALAR = be(7n, 32);

/** G1 as KZG writes it: 48 bytes, three flags on top. */
const flagged = (x, flags) => be(x | (BigInt(flags) << 381n), 48);
const KZG = {
  good: flagged(BLS_G1[0], 0b100), infinity: flagged(0n, 0b110), 'the other root': flagged(BLS_G1[0], 0b101), 'outside the group': flagged(blsOutside[0], 0b100), 'no root': flagged(blsNoRoot, 0b100),
  'x is the modulus': flagged(BLS.p, 0b100), 'x is zero': flagged(0n, 0b100), 'infinity with bits': flagged(1n, 0b110), 'infinity with the sign': flagged(0n, 0b111), uncompressed: flagged(BLS_G1[0], 0b000), 'sign alone': flagged(BLS_G1[0], 0b001),
  'infinity uncompressed': flagged(0n, 0b010), 'flag 3': flagged(0n, 0b011),
};
const versioned = (commitment) => '0x01' + ethers.sha256(commitment).slice(4);
const opening = (z, y, commitment, proof) => cat(versioned(commitment), be(z, 32), be(y, 32), commitment, proof);

function* kzg() {
  yield* lengths(opening(0n, 0n, KZG.infinity, KZG.infinity), [0, 1, 191, 192, 193]);
  yield ['another hash', cat('0x' + '01'.repeat(32), ethers.dataSlice(opening(0n, 0n, KZG.infinity, KZG.infinity), 32))];
  for (const z of [0n, BLS_R - 1n, BLS_R]) for (const y of [0n, BLS_R, 2n ** 256n - 1n]) yield [`z ${z}, y ${y}`, opening(z, y, KZG.infinity, KZG['flag 3'])];
  for (const [c, commitment] of Object.entries(KZG)) for (const [p, proof] of Object.entries(KZG)) yield [`commitment ${c}, proof ${p}`, opening(5n, 0n, commitment, proof)];
}

function* modexp() {
  const sizes = [0n, 1n, 32n, 33n, 1024n, 1025n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 255n];
  for (const b of sizes) for (const e of sizes) for (const m of sizes) yield [`${b}, ${e}, ${m}`, cat(be(b, 32), be(e, 32), be(m, 32), '0x' + '03'.repeat(70))];
  yield* lengths(cat(be(1n, 32), be(2n, 32), be(3n, 32)), [0, 1, 31, 33, 95, 96, 97]);
}

function* blake() {
  const input = (rounds, flag) => cat(be(rounds, 4), '0x' + '5a'.repeat(208), be(flag, 1));
  yield* lengths(input(1n, 1n), [0, 1, 212, 214]);
  for (const rounds of [0n, 12n, 10000n, 2n ** 32n - 1n]) for (const flag of [0n, 1n, 2n, 255n]) yield [`${rounds} rounds, flag ${flag}`, input(rounds, flag)];
}

/** address → [rows of [name, input], prices at which a call inside is tried besides plenty and none] */
const CASES = {
  1: [() => [...lengths('0x' + '1b'.repeat(128), [0, 64, 128, 200]), ['v', cat('0x' + '22'.repeat(32), be(28n, 32), '0x' + '33'.repeat(64))], ['r is zero', cat('0x' + '22'.repeat(32), be(28n, 32), be(0n, 32), '0x' + '33'.repeat(32))]], [2999, 3000]],
  2: [() => lengths('0x' + '61'.repeat(65), [0, 32, 33, 65]), [59, 60, 72, 84, 96]],
  3: [() => lengths('0x' + '61'.repeat(65), [0, 32, 33, 65]), [599, 600, 720, 840, 960]],
  4: [() => lengths('0x' + '61'.repeat(65), [0, 32, 33, 65]), [14, 15, 18, 21, 24]],
  5: [modexp, [199, 200, 499, 500, 503808]],
  6: [() => [...pairs(P1, P1), ...lengths(cat(P1.good, P1.good), [0, 31, 63, 64, 96, 127, 129])], [149, 150]],
  7: [() => [...pairs(P1, { 7: SCALAR, ones: '0x' + 'ff'.repeat(32) }), ...lengths(P1.good, [0, 31, 63, 64, 97])], [5999, 6000]],
  8: [() => [...pairs(P1, P2), ...pairs({ good: cat(P1.infinity, P2.good), bad: cat(P1.good, P2['y off the curve']) }, Object.fromEntries([...pairs(P1, P2)].slice(0, 12))), ...lengths(cat(P1.good, P2.good), [0, 1, 191, 193, 384])], [44999, 45000, 79000, 112999, 113000]],
  9: [blake, [0, 11, 12]],
  10: [kzg, [49999, 50000]],
  11: [() => [...pairs(G1, G1), ...lengths(cat(G1.good, G1.good), [0, 128, 255, 257])], [374, 375]],
  12: [() => [...pairs(G1, { scalar: SCALAR }), ...pairs(joined(Object.fromEntries(Object.entries(G1).map(([k, v]) => [k, [v, SCALAR]]))), { good: cat(G1.good, SCALAR), 'outside the group': cat(G1['outside the group'], SCALAR), 'top byte': cat(G1['x with a top byte'], SCALAR) }),
    ...lengths(cat(G1.good, SCALAR), [0, 159, 161, 319])], [0, 11999, 12000, 22776]],
  13: [() => [...pairs(G2, G2), ...lengths(cat(G2.good, G2.good), [0, 256, 511, 513])], [599, 600]],
  14: [() => [...pairs(G2, { scalar: SCALAR }), ...pairs(joined(Object.fromEntries(Object.entries(G2).map(([k, v]) => [k, [v, SCALAR]]))), { good: cat(G2.good, SCALAR), 'outside the group': cat(G2['outside the group'], SCALAR), 'top byte': cat(G2['x with a top byte'], SCALAR) }),
    ...lengths(cat(G2.good, SCALAR), [0, 287, 289, 575])], [0, 22499, 22500, 45000]],
  15: [() => [...pairs(G1, G2), ...pairs({ good: cat(G1.infinity, G2.good), bad: cat(G1.good, G2['y off the curve']) }, Object.fromEntries([...pairs(G1, G2)].slice(0, 30))), ...lengths(cat(G1.good, G2.good), [0, 383, 385, 767])], [37699, 37700, 70299, 70300]],
  16: [() => [...Object.entries({ good: be(5n, 64), modulus: be(BLS.p, 64), 'a top byte': top(be(5n, 64)), both: top(be(BLS.p, 64)) }), ...lengths(be(5n, 64), [0, 63, 65])], [5499, 5500]],
  17: [() => [...pairs({ good: be(5n, 64), modulus: be(BLS.p, 64), 'a top byte': top(be(5n, 64)) }, { good: be(5n, 64), modulus: be(BLS.p, 64), 'a top byte': top(be(5n, 64)) }), ...lengths(cat(be(5n, 64), be(5n, 64)), [0, 127, 129])], [23799, 23800]],
  256: [() => [...lengths('0x' + '1b'.repeat(160), [0, 159, 160, 161]), ['zeros', '0x' + '00'.repeat(160)], ['ones', '0x' + 'ff'.repeat(160)]], [6899, 6900]],
};

/** Every case: { at, name, input }, with the prices to try. */
function* cases(last) {
  for (const [at, [rows, prices]] of Object.entries(CASES)) if (Number(at) <= last) for (const [name, input] of rows()) yield { at: Number(at), name, input, prices };
}

module.exports = { cases };
