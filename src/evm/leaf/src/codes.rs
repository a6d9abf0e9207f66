//! Code that was executed lately, with its jump table, for all blocks and calls of the process.
//!
//! A call of a token runs a few hundred instructions; reading its code and looking for the jump destinations in it cost
//! more than that, each time. Code is named by its hash, so what is kept here can never be out of date.

use revm::bytecode::Bytecode;
use revm::primitives::{map::B256Map, B256};
use std::sync::{LazyLock, PoisonError, RwLock};

/// Room for 680 contracts of the largest size; once it is full, all are forgotten.
const BYTES_MAX: usize = 16 << 20;

/// Code by its hash, and whether a delegation of EIP-7702 is seen as one, which depends on the fork.
type Key = (B256, bool);

#[derive(Default)]
struct Kept {
    codes: [B256Map<Bytecode>; 2],
    bytes: usize,
}

impl Kept {
    fn put(&mut self, key: Key, code: &Bytecode, most: usize) {
        let len = code.original_byte_slice().len();
        if self.get(&key).is_some() {
            return;
        }
        if self.bytes + len > most {
            *self = Kept::default();
        }
        if len <= most {
            self.codes[key.1 as usize].insert(key.0, code.clone());
            self.bytes += len;
        }
    }

    fn get(&self, key: &Key) -> Option<&Bytecode> {
        self.codes[key.1 as usize].get(&key.0)
    }
}

static KEPT: LazyLock<RwLock<Kept>> = LazyLock::new(RwLock::default);

pub fn get(hash: &B256, delegates: bool) -> Option<Bytecode> {
    KEPT.read().unwrap_or_else(PoisonError::into_inner).get(&(*hash, delegates)).cloned()
}

pub fn put(hash: B256, delegates: bool, code: &Bytecode) {
    KEPT.write().unwrap_or_else(PoisonError::into_inner).put((hash, delegates), code, BYTES_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;
    use revm::primitives::Bytes;

    fn code(first: u8, len: usize) -> Bytecode {
        Bytecode::new_legacy(Bytes::from([vec![first], vec![0; len - 1]].concat()))
    }

    #[test]
    fn what_does_not_fit_any_more_empties_it() {
        let mut kept = Kept::default();
        let key = |i| (B256::with_last_byte(i), true);
        for i in 0..4 {
            kept.put(key(i), &code(i, 25), 100);
            kept.put(key(i), &code(i, 25), 100); // counts once
        }
        assert_eq!((kept.codes[1].len(), kept.bytes), (4, 100));
        kept.put(key(4), &code(4, 1), 100);
        assert_eq!((kept.codes[1].len(), kept.bytes), (1, 1));
        kept.put(key(5), &code(5, 101), 100);
        assert_eq!((kept.codes[1].len(), kept.bytes), (0, 0));
    }

    #[test]
    fn a_delegation_is_one_only_where_the_fork_knows_it() {
        let hash = B256::repeat_byte(0x77);
        put(hash, true, &code(1, 3));
        assert!(get(&hash, false).is_none());
        assert_eq!(get(&hash, true), Some(code(1, 3)));
    }
}
