//! Executing a block: its transactions one after the other, and the way back to a mark.

use crate::abi::{self, pointer, Diff, Env, Invalid, Outcome, StateReader, Tx};
use crate::arena::{Kept, KeptDiff};
use crate::contain;
use crate::convert::{address, machine, run, set_clock, spec, tx_env, u256, Machine};
use crate::overlay::Overlay;
use crate::system::{self, Failure, DEPOSIT_LEN};
use crate::watch::Clock;
use revm::context::result::ResultAndState;
use revm::primitives::{hardfork::SpecId, B256};
use std::ffi::CString;
use std::os::raw::{c_char, c_int};
use std::sync::atomic::AtomicBool;

/// How far the block had come.
#[derive(Clone, Copy, Default)]
struct Mark {
    changes: usize,
    deposits: usize,
    gas_used: u64,
    blobs_used: u64,
    logs: u64,
}

/// A block under way.
pub struct Block {
    /// revm over the block's overlay.
    pub machine: Machine,
    /// What the block was opened with.
    pub env: Env,
    /// What the last outcome points to.
    pub kept: Kept,
    diff: KeptDiff,
    marks: Vec<Mark>,
    deposits: Vec<[u8; DEPOSIT_LEN]>,
    gas_used: u64,
    blobs_used: u64,
    /// Logs of all its transactions so far.
    pub logs: u64,
    requests: Vec<Vec<u8>>,
    lent: Vec<abi::Bytes>,
    text: CString,
    /// The leaf failed in the middle of something: what the block holds can no longer be trusted.
    broken: bool,
}

impl Block {
    fn new(env: Env, reader: StateReader) -> Self {
        Block {
            machine: machine(&env, Overlay::new(reader, spec(env.fork)), Clock::default()),
            env,
            kept: Kept::default(),
            diff: KeptDiff::default(),
            marks: Vec::new(),
            deposits: Vec::new(),
            gas_used: 0,
            blobs_used: 0,
            logs: 0,
            requests: Vec::new(),
            lent: Vec::new(),
            text: CString::default(),
            broken: false,
        }
    }

    /// What the block has changed so far.
    pub fn overlay(&mut self) -> &mut Overlay {
        &mut self.machine.ctx.journaled_state.database
    }

    fn spec(&self) -> SpecId {
        spec(self.env.fork)
    }

    fn here(&mut self) -> Mark {
        Mark {
            changes: self.overlay().mark(),
            deposits: self.deposits.len(),
            gas_used: self.gas_used,
            blobs_used: self.blobs_used,
            logs: self.logs,
        }
    }

    fn back_to(&mut self, mark: Mark) {
        self.overlay().rewind(mark.changes);
        self.deposits.truncate(mark.deposits);
        self.gas_used = mark.gas_used;
        self.blobs_used = mark.blobs_used;
        self.logs = mark.logs;
    }

    /// What the block has no room for any more.
    pub fn has_no_room(&self, tx: &Tx) -> Option<(Invalid, String)> {
        let gas_left = self.env.gas_limit.saturating_sub(self.gas_used);
        if self.env.no_block_gas_limit == 0 && tx.gas_limit > gas_left {
            return Some((Invalid::GasLimitBlock, format!("{gas_left} gas left in the block")));
        }
        let blobs_left = self.env.blob.max.saturating_sub(self.blobs_used);
        if self.blobs_used != 0 && tx.blob_count as u64 > blobs_left {
            return Some((Invalid::BlobCount, format!("room for {blobs_left} blobs left in the block")));
        }
        None
    }

    fn execute(&mut self, tx: &Tx, want_diff: bool) -> Outcome {
        if let Some((why, text)) = self.has_no_room(tx) {
            return self.kept.invalid(why, &text);
        }
        // SAFETY: evm_block_execute()'s caller answers for the pointers in tx.
        let done = run(&mut self.machine, unsafe { tx_env(tx) }, false);
        if self.machine.ctx.chain.expired {
            return self.kept.status(abi::TIMEOUT, "execution aborted (timeout)");
        }
        match done {
            Err(refusal) => self.kept.refused(refusal),
            Ok((done, text)) => self.take(tx, done, &text, want_diff),
        }
    }

    /// Makes what a transaction did part of the block.
    pub fn take(&mut self, tx: &Tx, done: ResultAndState, text: &str, want_diff: bool) -> Outcome {
        let before = self.here();
        if self.spec().is_enabled_in(SpecId::PRAGUE) && done.result.is_success() {
            match system::deposits(done.result.logs(), address(&self.env.deposit_contract)) {
                Ok(more) => self.deposits.extend(more),
                // No block can hold this transaction: better to refuse it than to find the whole block invalid at its end.
                Err(text) => return self.kept.invalid(Invalid::Other, &text),
            }
        }
        let changes = match self.overlay().apply(done.state, want_diff) {
            Ok(changes) => changes,
            Err(_) => {
                self.back_to(before);
                return self.kept.status(abi::STATE_ERROR, "the state could not be read");
            }
        };
        let mut outcome = self.kept.executed(done.result, text);
        outcome.diff = self.kept.changed(changes, &self.machine.ctx.journaled_state.database);
        self.logs += outcome.log_count as u64;
        self.gas_used += outcome.gas_used;
        self.blobs_used += tx.blob_count as u64;
        outcome
    }

    /// Runs a transaction unless the block is broken, and breaks it when the leaf failed.
    pub fn guarded(&mut self, body: impl FnOnce(&mut Self) -> Result<Outcome, String>) -> Outcome {
        let outcome = if self.broken {
            self.kept.status(abi::FAULT, "the block failed before and must be closed")
        } else {
            body(self).unwrap_or_else(|panic| self.kept.status(abi::FAULT, &panic))
        };
        self.broken = outcome.status == abi::FAULT;
        outcome
    }

    fn begin(&mut self, parent_hash: B256, beacon_root: B256) -> Result<(), Failure> {
        if self.env.dao_move != 0 {
            system::move_dao(&mut self.machine)?;
        }
        if self.env.number == 0 {
            return Ok(()); // genesis has no parent
        }
        if self.spec().is_enabled_in(SpecId::CANCUN) {
            system::store_beacon_root(&mut self.machine, beacon_root)?;
        }
        if self.spec().is_enabled_in(SpecId::PRAGUE) {
            system::store_parent_hash(&mut self.machine, parent_hash)?;
        }
        Ok(())
    }

    fn collect_requests(&mut self) -> Result<(), Failure> {
        self.lent.clear();
        self.requests.clear();
        if self.spec().is_enabled_in(SpecId::PRAGUE) {
            self.requests = system::requests(&mut self.machine, &self.deposits)?;
            self.lent = self.requests.iter().map(|r| abi::Bytes { at: r.as_ptr(), len: r.len() }).collect();
        }
        Ok(())
    }

    /// Runs a step of the protocol wholly or not at all, and makes a status of how it ended. `text` is kept for C.
    fn step(&mut self, body: impl FnOnce(&mut Self) -> Result<(), Failure>) -> u32 {
        self.text = CString::default();
        if self.broken {
            return abi::FAULT;
        }
        let before = self.here();
        let done = contain(|| body(self), |panic| Err(Failure::Block(panic)));
        let (status, text) = match done {
            Ok(()) => return abi::SUCCESS,
            Err(Failure::Reader) => (abi::STATE_ERROR, "the state could not be read".to_owned()),
            Err(Failure::Block(text)) => {
                self.broken = true;
                (abi::FAULT, text)
            }
        };
        self.back_to(before);
        self.text = CString::new(text.replace('\0', " ")).unwrap_or_default();
        status
    }
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_open(env: *const Env, reader: *const StateReader) -> *mut Block {
    let (env, reader) = unsafe { (*env, *reader) };
    contain(|| Box::into_raw(Box::new(Block::new(env, reader))), |_| std::ptr::null_mut())
}

/// See evm.h.
///
/// # Safety
/// `b` is NULL or comes from evm_block_open() and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn evm_block_close(b: *mut Block) {
    if !b.is_null() {
        contain(|| drop(unsafe { Box::from_raw(b) }), |_| ());
    }
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says; each hash may be NULL for zero.
#[no_mangle]
pub unsafe extern "C" fn evm_block_begin(
    b: *mut Block,
    parent_hash: *const abi::Hash,
    parent_beacon_root: *const abi::Hash,
) -> u32 {
    let b = unsafe { &mut *b };
    let hash = |p: *const abi::Hash| if p.is_null() { B256::ZERO } else { B256::from(unsafe { *p }.0) };
    b.step(|b| b.begin(hash(parent_hash), hash(parent_beacon_root)))
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_execute(b: *mut Block, tx: *const Tx, want_diff: c_int, out: *mut Outcome) {
    let (b, tx) = unsafe { (&mut *b, &*tx) };
    let outcome = b.guarded(|b| contain(|| Ok(b.execute(tx, want_diff != 0)), Err));
    unsafe { out.write(outcome) };
}

/// See evm.h.
///
/// # Safety
/// `stop` is NULL, or there until the block closes.
#[no_mangle]
pub unsafe extern "C" fn evm_block_until(b: *mut Block, deadline_ms: u64, stop: *const AtomicBool) {
    let b = unsafe { &mut *b };
    set_clock(&mut b.machine, b.env.fork, Clock::until(deadline_ms, unsafe { abi::stop_flag(stop) }));
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_credit(b: *mut Block, to: *const abi::Address, amount_wei: *const abi::U256) -> u32 {
    let (b, to, amount) = unsafe { (&mut *b, address(&*to), u256(&*amount_wei)) };
    b.step(|b| Ok(b.overlay().credit(to, amount)?))
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_requests(
    b: *mut Block,
    out: *mut *const abi::Bytes,
    out_count: *mut usize,
    out_text: *mut *const c_char,
) -> u32 {
    let b = unsafe { &mut *b };
    let status = b.step(Block::collect_requests);
    let lent: &[abi::Bytes] = if status == abi::SUCCESS { &b.lent } else { &[] };
    unsafe {
        *out = pointer(lent);
        *out_count = lent.len();
        if !out_text.is_null() {
            *out_text = b.text.as_ptr();
        }
    }
    status
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_diff(b: *mut Block, out: *mut Diff) -> u32 {
    let b = unsafe { &mut *b };
    b.step(|b| {
        let overlay = &b.machine.ctx.journaled_state.database;
        let diff = b.diff.keep(overlay.block_changes(), overlay);
        unsafe { out.write(diff) };
        Ok(())
    })
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_mark(b: *mut Block, out_mark: *mut usize) -> u32 {
    let b = unsafe { &mut *b };
    b.step(|b| {
        let mark = b.here();
        b.marks.push(mark);
        unsafe { *out_mark = b.marks.len() - 1 };
        Ok(())
    })
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_rewind(b: *mut Block, mark: usize) -> u32 {
    let b = unsafe { &mut *b };
    b.step(|b| {
        let to = *b.marks.get(mark).ok_or_else(|| Failure::Block("no such mark".into()))?;
        b.marks.truncate(mark + 1);
        b.back_to(to);
        Ok(())
    })
}
