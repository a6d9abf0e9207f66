//! Blob sidecars: EIP-4844's proofs (version 0) and EIP-7594's cell proofs (version 1).

use crate::abi::{lent, Hash};
use crate::contain;
use c_kzg::{ethereum_kzg_settings, Blob, Bytes48, BYTES_PER_BLOB, CELLS_PER_EXT_BLOB};
use sha2::{Digest, Sha256};
use std::os::raw::{c_char, c_int};

/// As revm's point evaluation asks for them, so that one copy serves both.
const PRECOMPUTE: u64 = 8;

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

fn verify(version: u8, blobs: &[u8], commitments: &[u8], proofs: &[u8], hashes: &[Hash]) -> Result<(), &'static std::ffi::CStr> {
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
    let blobs: Vec<Blob> = blobs.chunks_exact(BYTES_PER_BLOB).map(Blob::from_bytes).collect::<Result<_, _>>().map_err(|_| c"a blob is malformed")?;
    let (commitments, proofs) = (points(commitments), points(proofs));
    let fits = if version == 0 {
        settings.verify_blob_kzg_proof_batch(&blobs, &commitments, &proofs)
    } else {
        let mut cells = Vec::with_capacity(count * CELLS_PER_EXT_BLOB);
        for blob in &blobs {
            cells.extend_from_slice(settings.compute_cells(blob).map_err(|_| c"a blob is malformed")?.as_slice());
        }
        let owners: Vec<Bytes48> = commitments.iter().flat_map(|c| std::iter::repeat_n(*c, CELLS_PER_EXT_BLOB)).collect();
        let indices: Vec<u64> = (0..count).flat_map(|_| 0..CELLS_PER_EXT_BLOB as u64).collect();
        settings.verify_cell_kzg_proof_batch(&owners, &indices, &cells, &proofs)
    };
    match fits {
        Ok(true) => Ok(()),
        Ok(false) => Err(c"a proof does not fit its blob"),
        Err(_) => Err(c"a commitment or a proof is no point of the curve"),
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
