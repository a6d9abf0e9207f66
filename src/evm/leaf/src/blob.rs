//! Blob sidecars: EIP-4844's proofs (version 0) and EIP-7594's cell proofs (version 1).

use crate::abi::{lent, Hash};
use crate::contain;
use c_kzg::{ethereum_kzg_settings, Blob, Bytes48, BYTES_PER_BLOB, CELLS_PER_EXT_BLOB};
use sha2::{Digest, Sha256};
use std::os::raw::{c_char, c_int};

/// No table for making proofs: checking needs none, and the largest costs a core six seconds and a hundred megabytes.
const PRECOMPUTE: u64 = 0;

/// See evm.h.
#[no_mangle]
pub extern "C" fn evm_blob_warm() {
    contain(
        || {
            ethereum_kzg_settings(PRECOMPUTE);
        },
        |_| (),
    );
}

fn points(bytes: &[u8]) -> Vec<Bytes48> {
    bytes.chunks_exact(48).map(|p| Bytes48::from(<[u8; 48]>::try_from(p).expect("48 bytes"))).collect()
}

fn verify(
    version: u8,
    blobs: &[u8],
    commitments: &[u8],
    proofs: &[u8],
    hashes: &[Hash],
) -> Result<(), &'static std::ffi::CStr> {
    let count = hashes.len();
    let per_blob = if version == 0 { 1 } else { CELLS_PER_EXT_BLOB };
    if version > 1 {
        return Err(c"unknown sidecar version");
    }
    if proofs.len() != count * per_blob * 48 {
        return Err(c"the number of proofs does not fit the number of blobs");
    }
    for (commitment, hash) in commitments.chunks_exact(48).zip(hashes) {
        let mut digest: [u8; 32] = Sha256::digest(commitment).into();
        digest[0] = 1; // VERSIONED_HASH_VERSION_KZG
        if digest != hash.0 {
            return Err(c"a blob hash does not match its commitment");
        }
    }
    let settings = ethereum_kzg_settings(PRECOMPUTE);
    let blobs: Vec<Blob> = blobs
        .chunks_exact(BYTES_PER_BLOB)
        .map(Blob::from_bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| c"a blob, a commitment or a proof is malformed")?;
    let (commitments, proofs) = (points(commitments), points(proofs));
    let fits = if version == 0 {
        settings.verify_blob_kzg_proof_batch(&blobs, &commitments, &proofs)
    } else {
        let mut cells = Vec::with_capacity(count * CELLS_PER_EXT_BLOB);
        for blob in &blobs {
            cells.extend_from_slice(
                settings.compute_cells(blob).map_err(|_| c"a blob, a commitment or a proof is malformed")?.as_slice(),
            );
        }
        let owners: Vec<Bytes48> =
            commitments.iter().flat_map(|c| std::iter::repeat_n(*c, CELLS_PER_EXT_BLOB)).collect();
        let indices: Vec<u64> = (0..count).flat_map(|_| 0..CELLS_PER_EXT_BLOB as u64).collect();
        settings.verify_cell_kzg_proof_batch(&owners, &indices, &cells, &proofs)
    };
    match fits {
        Ok(true) => Ok(()),
        Ok(false) => Err(c"a proof does not fit its blob"),
        Err(_) => Err(c"a blob, a commitment or a proof is malformed"),
    }
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_blob_verify(
    version: u8,
    blobs: *const u8,
    blob_count: usize,
    commitments: *const u8,
    proofs: *const u8,
    proof_count: usize,
    versioned_hashes: *const Hash,
    out_text: *mut *const c_char,
) -> c_int {
    let result = contain(
        || unsafe {
            verify(
                version,
                lent(blobs, blob_count * BYTES_PER_BLOB),
                lent(commitments, blob_count * 48),
                lent(proofs, proof_count * 48),
                lent(versioned_hashes, blob_count),
            )
        },
        |_| Err(c"the check itself failed"),
    );
    match result {
        Ok(()) => 0,
        Err(text) => {
            if !out_text.is_null() {
                unsafe { *out_text = text.as_ptr() };
            }
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    /// A polynomial that is not constant, with its commitment and the proofs of both versions.
    struct Sidecar {
        blob: Vec<u8>,
        commitment: Vec<u8>,
        proof: Vec<u8>,
        cell_proofs: Vec<u8>,
        hash: Hash,
    }

    fn sidecar(seed: u8) -> Sidecar {
        let settings = ethereum_kzg_settings(PRECOMPUTE);
        let mut bytes = vec![0u8; BYTES_PER_BLOB];
        for (i, element) in bytes.chunks_exact_mut(32).enumerate() {
            element[31] = seed;
            element[30] = i as u8;
            element[1] = (i >> 8) as u8 ^ seed;
        }
        let blob = Blob::from_bytes(&bytes).expect("a blob's length");
        let commitment = settings.blob_to_kzg_commitment(&blob).expect("elements of the field").to_bytes();
        let proof = settings.compute_blob_kzg_proof(&blob, &commitment).expect("a proof").to_bytes();
        let (_, cell_proofs) = settings.compute_cells_and_kzg_proofs(&blob).expect("cell proofs");
        let mut hash: [u8; 32] = Sha256::digest(commitment.as_slice()).into();
        hash[0] = 1;
        Sidecar {
            blob: bytes,
            commitment: commitment.as_slice().to_vec(),
            proof: proof.as_slice().to_vec(),
            cell_proofs: cell_proofs.iter().flat_map(|p| p.to_bytes().as_slice().to_vec()).collect(),
            hash: Hash(hash),
        }
    }

    fn check(version: u8, parts: &[&Sidecar]) -> c_int {
        let join = |part: fn(&Sidecar) -> &[u8]| parts.iter().flat_map(|s| part(s).to_vec()).collect::<Vec<u8>>();
        let (blobs, commitments) = (join(|s| &s.blob), join(|s| &s.commitment));
        let proofs = if version == 0 { join(|s| &s.proof) } else { join(|s| &s.cell_proofs) };
        let hashes: Vec<Hash> = parts.iter().map(|s| s.hash).collect();
        unsafe {
            evm_blob_verify(
                version,
                blobs.as_ptr(),
                parts.len(),
                commitments.as_ptr(),
                proofs.as_ptr(),
                proofs.len() / 48,
                hashes.as_ptr(),
                null_mut(),
            )
        }
    }

    #[test]
    fn proofs_of_real_polynomials_pass_and_do_not_fit_others() {
        let (a, b) = (sidecar(1), sidecar(2));
        for version in [0, 1] {
            assert_eq!(check(version, &[&a]), 0);
            assert_eq!(check(version, &[&a, &b]), 0);
            let swapped = Sidecar { proof: b.proof.clone(), cell_proofs: b.cell_proofs.clone(), ..sidecar(1) };
            assert_eq!(check(version, &[&swapped]), 1);
            let mut flipped = sidecar(1);
            flipped.blob[4095 * 32 + 31] ^= 1;
            assert_eq!(check(version, &[&flipped, &b]), 1);
        }
    }

    #[test]
    fn one_wrong_cell_proof_among_128_is_found() {
        let mut a = sidecar(3);
        let (first, rest) = a.cell_proofs.split_at_mut(48);
        first.swap_with_slice(&mut rest[126 * 48..]);
        assert_eq!(check(1, &[&a]), 1);
    }
}
