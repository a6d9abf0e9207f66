//! What geth says of input that a precompile refuses: core/vm/contracts.go and the libraries below it.
//!
//! geth takes the price, then reads the input from its front and names the first fault. revm looks for one kind of fault
//! after the other in all of the input, and its halts tell less. So input that was refused, which is rare, is read here
//! once more, in geth's order; whether a point lies on its curve is still revm's answer.

use revm::precompile::bls12_381_const::{
    DISCOUNT_TABLE_G1_MSM, DISCOUNT_TABLE_G2_MSM, G1_MSM_BASE_GAS_FEE, G2_MSM_BASE_GAS_FEE, PAIRING_MULTIPLIER_BASE,
    PAIRING_OFFSET_BASE,
};
use revm::precompile::bls12_381_utils::msm_required_gas;
use revm::precompile::{crypto, kzg_point_evaluation, modexp, PrecompileHalt, PrecompileId};
use revm::primitives::{hardfork::SpecId, hex, uint, U256};
use std::iter::once;

type Verdict = Result<(), &'static str>;

const LENGTH: &str = "invalid input length";
const NO_GAS: &str = "out of gas";
const OFF_CURVE: &str = "invalid point: not on curve";
const ENCODING: &str = "invalid fp.Element encoding";

/// Field moduli and the order of the scalars, as they are written in input.
const BN254_P: [u8; 32] = hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47");
const BLS_R: [u8; 32] = hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
const BLS_P: [u8; 48] =
    hex!("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab");

/// Why `id` refuses `input` when it is given so much gas.
pub fn why(id: &PrecompileId, spec: SpecId, input: &[u8], gas: u64) -> String {
    use PrecompileId as P;
    let verdict = match id {
        P::ModExp => modexp(spec, input, gas),
        P::Bn254Add => padded(input, 128).chunks(64).try_for_each(bn254_g1),
        P::Bn254Mul => bn254_g1(&padded(input, 64)),
        P::Bn254Pairing => bn254_pairs(input),
        P::Blake2F if input.len() != 213 => Err(LENGTH),
        P::Blake2F => Err("invalid final flag"),
        P::KzgPointEvaluation => match kzg(input) {
            Err(text @ (LENGTH | "mismatched versioned hash")) => Err(text),
            Err(text) => return format!("error verifying kzg proof: {text}"),
            Ok(()) => Ok(()),
        },
        P::Bls12G1Add => exactly(input, 256).and_then(|()| input.chunks(128).try_for_each(|p| bls_g1(p).map(drop))),
        P::Bls12G2Add => exactly(input, 512).and_then(|()| input.chunks(256).try_for_each(|p| bls_g2(p).map(drop))),
        P::Bls12G1Msm => msm(input, 160, gas, (&DISCOUNT_TABLE_G1_MSM, G1_MSM_BASE_GAS_FEE), |p| bls_g1(p)?.in_group()),
        P::Bls12G2Msm => msm(input, 288, gas, (&DISCOUNT_TABLE_G2_MSM, G2_MSM_BASE_GAS_FEE), |p| bls_g2(p)?.in_group()),
        P::Bls12Pairing => bls_pairs(input, gas),
        P::Bls12MapFpToGp1 => exactly(input, 64).and_then(|()| bls_elements::<1>(input).map(drop)),
        P::Bls12MapFp2ToGp2 => exactly(input, 128).and_then(|()| bls_elements::<2>(input).map(drop)),
        _ => Ok(()), // these refuse nothing: what they do not like has no output
    };
    verdict.err().unwrap_or("precompiled contract failed").into()
}

fn exactly(input: &[u8], len: usize) -> Verdict {
    if input.len() == len {
        Ok(())
    } else {
        Err(LENGTH)
    }
}

/// The first `len` bytes, with zeros for those that are missing.
fn padded(input: &[u8], len: usize) -> Vec<u8> {
    let mut all = input[..input.len().min(len)].to_vec();
    all.resize(len, 0);
    all
}

/// EIP-7823 limits the lengths; before it only their price did, and geth has no other refusal.
fn modexp(spec: SpecId, input: &[u8], gas: u64) -> Verdict {
    if !spec.is_enabled_in(SpecId::OSAKA) {
        return Err(NO_GAS);
    }
    let header = padded(input, 96);
    let len = |i: usize| U256::from_be_slice(&header[32 * i..32 * (i + 1)]).saturating_to::<u64>();
    let (base, exponent, modulus) = (len(0), len(1), len(2));
    let body = input.get(96..).unwrap_or_default();
    let head = match usize::try_from(base).ok().and_then(|at| body.get(at..)) {
        Some(rest) => U256::from_be_slice(&padded(rest, exponent.min(32) as usize)),
        None => U256::ZERO,
    };
    if modexp::osaka_gas_calc(base, exponent, modulus, &head) > gas {
        return Err(NO_GAS);
    }
    Err("one or more of base/exponent/modulus length exceeded 1024 bytes")
}

fn bn254_elements<const N: usize>(input: &[u8]) -> Result<[U256; N], &'static str> {
    let mut all = [U256::ZERO; N];
    for (to, from) in all.iter_mut().zip(input.chunks(32)) {
        if from >= &BN254_P[..] {
            return Err(ENCODING);
        }
        *to = U256::from_be_slice(from);
    }
    Ok(all)
}

fn bn254_g1(point: &[u8]) -> Verdict {
    bn254_elements::<2>(point)?;
    crypto().bn254_g1_add(point, &[0; 64]).map(drop).map_err(|_| "point is not on curve")
}

/// y² = x³ + 3/(9 + i) in the field with i² = -1. The imaginary part of a coordinate comes first.
fn bn254_g2_on_curve([x1, x0, y1, y0]: [U256; 4]) -> bool {
    let p = U256::from_be_bytes(BN254_P);
    let times = |(a0, a1): (U256, U256), (b0, b1): (U256, U256)| {
        let real = a0.mul_mod(b0, p).add_mod(p - a1.mul_mod(b1, p), p);
        (real, a0.mul_mod(b1, p).add_mod(a1.mul_mod(b0, p), p))
    };
    let (x, y) = ((x0, x1), (y0, y1));
    let (b0, b1) = uint!((
        0x2b149d40ceb8aaae81be18991be06ac3b5b4c5e559dbefa33267e6dc24a138e5_U256,
        0x009713b03af0fed4cd2cafadeed8fdf4a74fa084e52d1852e4a2bd0685c315d2_U256
    ));
    let (r0, r1) = times(times(x, x), x);
    times(y, y) == (r0.add_mod(b0, p), r1.add_mod(b1, p))
}

fn bn254_pairs(input: &[u8]) -> Verdict {
    if !input.len().is_multiple_of(192) {
        return Err("bad elliptic curve pairing size");
    }
    for pair in input.chunks(192) {
        bn254_g1(&pair[..64])?;
        let twist = bn254_elements::<4>(&pair[64..])?;
        if crypto().bn254_pairing_check(&[(&[0; 64], &pair[64..])]).is_err() {
            return Err(if bn254_g2_on_curve(twist) {
                "point is not in correct subgroup"
            } else {
                "point is not on curve"
            });
        }
    }
    Ok(())
}

fn bls_elements<const N: usize>(input: &[u8]) -> Result<[[u8; 48]; N], &'static str> {
    let mut all = [[0; 48]; N];
    for (to, from) in all.iter_mut().zip(input.chunks(64)) {
        if from[..16] != [0; 16] {
            return Err("invalid field element top bytes");
        }
        to.copy_from_slice(&from[16..]);
        if *to >= BLS_P {
            return Err(ENCODING);
        }
    }
    Ok(all)
}

/// A point on its curve: in the group, or what geth says when it is not.
struct Point(Verdict);

impl Point {
    fn in_group(self) -> Verdict {
        self.0
    }
}

fn bls_g1(input: &[u8]) -> Result<Point, &'static str> {
    let [x, y] = bls_elements(input)?;
    match crypto().bls12_381_g1_msm(&mut once(Ok(((x, y), [0; 32])))) {
        Ok(_) => Ok(Point(Ok(()))),
        Err(PrecompileHalt::Bls12381G1NotInSubgroup) => Ok(Point(Err("g1 point is not on correct subgroup"))),
        Err(_) => Err(OFF_CURVE),
    }
}

fn bls_g2(input: &[u8]) -> Result<Point, &'static str> {
    let [x0, x1, y0, y1] = bls_elements(input)?;
    match crypto().bls12_381_g2_msm(&mut once(Ok(((x0, x1, y0, y1), [0; 32])))) {
        Ok(_) => Ok(Point(Ok(()))),
        Err(PrecompileHalt::Bls12381G2NotInSubgroup) => Ok(Point(Err("g2 point is not on correct subgroup"))),
        Err(_) => Err(OFF_CURVE),
    }
}

/// Points with a scalar each; the price counts the whole ones, also when the length is wrong.
fn msm(input: &[u8], each: usize, gas: u64, price: (&[u16], u64), look: impl Fn(&[u8]) -> Verdict) -> Verdict {
    if msm_required_gas(input.len() / each, price.0, price.1) > gas {
        return Err(NO_GAS);
    }
    if input.is_empty() || !input.len().is_multiple_of(each) {
        return Err(LENGTH);
    }
    input.chunks(each).try_for_each(|pair| look(&pair[..each - 32]))
}

fn bls_pairs(input: &[u8], gas: u64) -> Verdict {
    if PAIRING_OFFSET_BASE + PAIRING_MULTIPLIER_BASE * (input.len() / 384) as u64 > gas {
        return Err(NO_GAS);
    }
    if input.is_empty() || !input.len().is_multiple_of(384) {
        return Err(LENGTH);
    }
    input.chunks(384).try_for_each(|pair| {
        let (g1, g2) = (bls_g1(&pair[..128])?, bls_g2(&pair[128..])?);
        g1.in_group()?;
        g2.in_group()
    })
}

/// go-eth-kzg looks at the claim, the point, the commitment and the proof; what is left is a proof that does not hold.
fn kzg(input: &[u8]) -> Verdict {
    exactly(input, 192)?;
    let commitment = &input[96..144];
    if kzg_point_evaluation::kzg_to_versioned_hash(commitment) != input[..32] {
        return Err("mismatched versioned hash");
    }
    if input[64..96] >= BLS_R[..] || input[32..64] >= BLS_R[..] {
        return Err("scalar is not canonical when interpreted as a big integer in big-endian");
    }
    compressed_g1(commitment)?;
    compressed_g1(&input[144..])?;
    Err("can't verify opening proof")
}

/// gnark's reading of 48 bytes: its three flags first.
fn compressed_g1(input: &[u8]) -> Verdict {
    let mut x = padded(input, 48);
    let flags = x[0] >> 5;
    x[0] &= 0x1f;
    match flags {
        0b000 | 0b010 => return Err("short buffer"), // uncompressed, which takes 96
        0b110 if x.iter().all(|b| *b == 0) => return Ok(()),
        0b110 => return Err("invalid infinity point encoding"),
        0b100 | 0b101 if x[..] >= BLS_P[..] => return Err(ENCODING),
        0b100 | 0b101 => (),
        _ => return Err("invalid point encoding"),
    }
    // blst finds the one point with x = 0 outside the group already while it reads. Infinity has been dealt with above.
    match blst::min_pk::PublicKey::uncompress(input).and_then(|point| point.validate()) {
        Ok(()) => Ok(()),
        Err(blst::BLST_ERROR::BLST_POINT_NOT_IN_GROUP) => Err("invalid point: subgroup check failed"),
        Err(_) => Err("invalid compressed coordinate: square root doesn't exist"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of every kind are compared with geth itself (test/rpc/precompiles.test.cjs); here, that the first fault is told.
    #[test]
    fn the_first_fault_is_told() {
        let say = |id: &PrecompileId, input: &[u8]| why(id, SpecId::OSAKA, input, u64::MAX);
        let mut input = [0u8; 512];
        input[64..80].fill(0xff); // second element: beyond the modulus in its top bytes
        input[16..64].fill(0xff); // first element: beyond the modulus
        assert_eq!(say(&PrecompileId::Bls12G2Add, &input), "invalid fp.Element encoding");
        input[0] = 1;
        assert_eq!(say(&PrecompileId::Bls12G2Add, &input), "invalid field element top bytes");
        assert_eq!(say(&PrecompileId::Bls12G2Add, &input[1..]), "invalid input length");
    }

    #[test]
    fn the_price_is_taken_before_the_length_is_looked_at() {
        let input = [0u8; 161];
        assert_eq!(why(&PrecompileId::Bls12G1Msm, SpecId::PRAGUE, &input, 11_999), "out of gas");
        assert_eq!(why(&PrecompileId::Bls12G1Msm, SpecId::PRAGUE, &input, 12_000), "invalid input length");
        assert_eq!(why(&PrecompileId::Bls12G1Msm, SpecId::PRAGUE, &input[..159], 0), "invalid input length");
    }

    #[test]
    fn the_twist_of_bn254_holds_its_generator() {
        let generator = hex!(
            "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
        );
        let mut point = bn254_elements::<4>(&generator).unwrap();
        assert!(bn254_g2_on_curve(point));
        point[3] += U256::ONE;
        assert!(!bn254_g2_on_curve(point));
    }
}
