//! The EVM leaf: executes transactions for a node written in C.
//!
//! `src/evm/evm.h` is the contract; `abi.rs` is its mirror. The leaf knows no store, no socket and no RPC: state comes
//! in through callbacks, results and diffs go out as flat structs that the leaf owns. No panic crosses the border.
//!
//! | file | what |
//! |---|---|
//! | `abi.rs` | the structs of evm.h and the layout that C compares |
//! | `overlay.rs` | what a block has changed so far, over the reader; diffs; undo |
//! | `codes.rs` | code that was executed lately, with its jump table |
//! | `convert.rs` | C's environment and transactions as revm's, and how revm runs them |
//! | `careful.rs` | EIP-7610: no creation over storage |
//! | `watch.rs` | the clock that ends a call, and who sees its last step |
//! | `moved.rs` | precompiles that a call has put elsewhere |
//! | `sstore.rs` | EIP-1283, for chains that stopped at Constantinople |
//! | `words.rs` | halts as geth words them, refusals as evm.h numbers them |
//! | `refusal.rs` | what geth says of input that a precompile refuses |
//! | `arena.rs` | the flat results that C borrows |
//! | `block.rs`, `call.rs`, `blob.rs` | the entry points |
//! | `trace/` | traces: what an execution did, told step by step or call by call |
//! | `system.rs` | what the protocol itself does before and after a block's transactions |
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

pub mod abi;
mod arena;
mod blob;
mod block;
mod call;
mod careful;
mod codes;
mod convert;
mod moved;
mod overlay;
mod refusal;
mod sstore;
mod system;
mod trace;
mod watch;
mod words;

pub use blob::{evm_blob_verify, evm_blob_warm};
pub use block::*;
pub use call::{evm_call, evm_outcome_free};
pub use moved::evm_is_precompile;
pub use trace::evm_block_trace;

/// Runs one entry of the border; a panic becomes what `fault` makes of its message.
fn contain<T>(body: impl FnOnce() -> T, fault: impl FnOnce(String) -> T) -> T {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(|s| s.to_string())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "panic".into());
            fault(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_at_the_border() {
        assert_eq!(contain(|| 1, |_| 2), 1);
        assert_eq!(contain(|| panic!("why"), |text| text), "why");
        assert_eq!(contain(|| panic!("{} times", 3), |text| text), "3 times");
        assert_eq!(contain(|| std::panic::panic_any(7u8), |text| text), "panic");
    }
}
