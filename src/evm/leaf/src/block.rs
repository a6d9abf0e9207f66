//! Executing a block: what happens before, in, between and after its transactions.
//!
//! Spec: EIP-4788, 2935, 7002, 7251, 6110, 7685, 4895, 779 (the DAO).

use crate::abi::{self, Diff, Env, Outcome, StateReader, Tx};
use crate::arena::{Kept, KeptDiff};
use crate::contain;
use crate::convert::{address, context, spec, tx_env, u256, Ctx};
use crate::overlay::Overlay;
use alloy_evm::eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY};
use revm::context::result::ExecutionResult;
use revm::primitives::{address as literal, b256, hardfork::SpecId, Address, Bytes, Log, B256};
use revm::{ExecuteEvm, MainBuilder, MainnetEvm, SystemCallEvm};
use std::ffi::CString;
use std::os::raw::{c_char, c_int};

const BEACON_ROOTS: Address = literal!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const HISTORY_STORAGE: Address = literal!("0000F90827F1C53a10cb7A02335B175320002935");
const WITHDRAWAL_REQUESTS: Address = literal!("00000961Ef480Eb55e80D19ad83579A64c007002");
const CONSOLIDATION_REQUESTS: Address = literal!("0000BBdDc7CE488642fb579F8B00f3a590007251");
/// keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)")
const DEPOSIT_EVENT: B256 = b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");

/// A block under way.
pub struct Block {
    evm: MainnetEvm<Ctx>,
    env: Env,
    kept: Kept,
    diff: KeptDiff,
    deposits: Vec<(usize, Vec<u8>)>, // at which mark they came, so that a rewind forgets them
    requests: Vec<Vec<u8>>,
    lent: Vec<abi::Bytes>,
    text: CString,
}

impl Block {
    fn overlay(&mut self) -> &mut Overlay {
        &mut self.evm.ctx.journaled_state.database
    }

    /// One of EIP-7685's system calls; nothing happens where the contract has no code, and None says so.
    fn system_call(&mut self, to: Address, input: Bytes) -> Result<Option<ExecutionResult>, String> {
        if !self.overlay().has_code(&to).map_err(|e| e.to_string())? {
            return Ok(None);
        }
        let done = self.evm.system_call(to, input).map_err(|e| e.to_string())?;
        self.overlay().apply(done.state, false).map_err(|e| e.to_string())?;
        Ok(Some(done.result))
    }

    fn begin(&mut self, parent_hash: B256, beacon_root: B256) -> Result<(), String> {
        if self.env.dao_move != 0 {
            for account in DAO_HARDFORK_ACCOUNTS {
                let all = self.overlay().drain(account).map_err(|e| e.to_string())?;
                self.overlay().credit(DAO_HARDFORK_BENEFICIARY, all).map_err(|e| e.to_string())?;
            }
        }
        let spec = spec(self.env.fork);
        if spec.is_enabled_in(SpecId::CANCUN) && self.env.number > 0 {
            self.system_call(BEACON_ROOTS, Bytes::copy_from_slice(beacon_root.as_slice()))?;
        }
        if spec.is_enabled_in(SpecId::PRAGUE) && self.env.number > 0 {
            self.system_call(HISTORY_STORAGE, Bytes::copy_from_slice(parent_hash.as_slice()))?;
        }
        Ok(())
    }

    fn collect_deposits(&mut self, mark: usize) -> Result<(), String> {
        let contract = address(&self.env.deposit_contract);
        let mut found = Vec::new();
        for log in self.kept.sources() {
            if log.address == contract && log.data.topics().first() == Some(&DEPOSIT_EVENT) {
                found.push((mark, deposit(log)?));
            }
        }
        self.deposits.extend(found);
        Ok(())
    }

    fn collect_requests(&mut self) -> Result<(), String> {
        self.requests.clear();
        if spec(self.env.fork).is_enabled_in(SpecId::PRAGUE) {
            let deposits: Vec<u8> = self.deposits.iter().flat_map(|(_, d)| d.iter().copied()).collect();
            self.add_request(0, &deposits);
            for (kind, contract, name) in [(1, WITHDRAWAL_REQUESTS, "withdrawal"), (2, CONSOLIDATION_REQUESTS, "consolidation")] {
                match self.system_call(contract, Bytes::new())? {
                    Some(ExecutionResult::Success { output, .. }) => {
                        let data = output.into_data();
                        self.add_request(kind, &data);
                    }
                    Some(_) => return Err(format!("the system call to the {name} request contract failed")),
                    None => return Err(format!("there is no code at the {name} request contract")),
                }
            }
        }
        self.lent = self.requests.iter().map(|r| abi::Bytes { at: r.as_ptr(), len: r.len() }).collect();
        Ok(())
    }

    fn add_request(&mut self, kind: u8, data: &[u8]) {
        if !data.is_empty() {
            let mut request = Vec::with_capacity(1 + data.len());
            request.push(kind);
            request.extend_from_slice(data);
            self.requests.push(request);
        }
    }
}

/// EIP-6110: the 192 bytes of a deposit request from its event, whose layout must be the deposit contract's.
fn deposit(log: &Log) -> Result<Vec<u8>, String> {
    const FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)]; // offset, length
    let data = log.data.data.as_ref();
    let word = |at: usize| -> Option<usize> {
        let bytes = data.get(at..at + 32)?;
        bytes[..24].iter().all(|b| *b == 0).then(|| u64::from_be_bytes(bytes[24..].try_into().expect("eight bytes")) as usize)
    };
    let mut out = Vec::with_capacity(192);
    if data.len() != 576 {
        return Err(format!("a deposit event holds {} bytes instead of 576", data.len()));
    }
    for (i, (offset, len)) in FIELDS.into_iter().enumerate() {
        if word(i * 32) != Some(offset) || word(offset) != Some(len) {
            return Err("a deposit event is not laid out as the deposit contract lays it out".into());
        }
        out.extend_from_slice(&data[offset + 32..offset + 32 + len]);
    }
    Ok(out)
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_open(env: *const Env, reader: *const StateReader) -> *mut Block {
    let (env, reader) = unsafe { (*env, *reader) };
    contain(
        || {
            let overlay = Overlay::new(reader, spec(env.fork));
            Box::into_raw(Box::new(Block {
                evm: context(&env, overlay).build_mainnet(),
                env,
                kept: Kept::default(),
                diff: KeptDiff::default(),
                deposits: Vec::new(),
                requests: Vec::new(),
                lent: Vec::new(),
                text: CString::default(),
            }))
        },
        |_| std::ptr::null_mut(),
    )
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

/// Turns an inner result into a status: a failed read is told from other faults.
fn told(b: &mut Block, result: Result<(), String>) -> u32 {
    let failed = std::mem::take(&mut b.overlay().failed);
    match result {
        Ok(()) => abi::SUCCESS,
        Err(_) if failed => abi::STATE_ERROR,
        Err(text) => {
            b.text = CString::new(text).unwrap_or_default();
            abi::FAULT
        }
    }
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says; `parent_beacon_root` may be NULL before Cancun.
#[no_mangle]
pub unsafe extern "C" fn evm_block_begin(b: *mut Block, parent_hash: *const abi::Hash, parent_beacon_root: *const abi::Hash) -> u32 {
    let b = unsafe { &mut *b };
    let hash = |p: *const abi::Hash| if p.is_null() { B256::ZERO } else { B256::from(unsafe { *p }.0) };
    contain(
        || {
            let result = b.begin(hash(parent_hash), hash(parent_beacon_root));
            told(b, result)
        },
        |_| abi::FAULT,
    )
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_execute(b: *mut Block, tx: *const Tx, want_diff: c_int, out: *mut Outcome) {
    let b = unsafe { &mut *b };
    let tx = unsafe { &*tx };
    let mut fault = None;
    let done = contain(
        || {
            let mark = b.overlay().mark();
            let outcome = match b.evm.transact(unsafe { tx_env(tx) }) {
                Err(error) => b.kept.refused(error),
                Ok(done) => match b.overlay().apply(done.state, want_diff != 0) {
                    Err(_) => b.kept.status(abi::STATE_ERROR, "the state could not be read"),
                    Ok(changes) => {
                        let overlay = &b.evm.ctx.journaled_state.database;
                        b.kept.executed(done.result, changes, overlay)
                    }
                },
            };
            b.overlay().failed = false;
            if outcome.status == abi::STATE_ERROR {
                b.overlay().rewind(mark);
            }
            if outcome.status == abi::SUCCESS {
                if let Err(text) = b.collect_deposits(mark) {
                    b.overlay().rewind(mark);
                    return Some(b.kept.status(abi::FAULT, &text));
                }
            }
            Some(outcome)
        },
        |text| {
            fault = Some(text);
            None
        },
    );
    let outcome = done.unwrap_or_else(|| b.kept.status(abi::FAULT, fault.as_deref().unwrap_or("panic")));
    unsafe { out.write(outcome) };
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_credit(b: *mut Block, to: *const abi::Address, amount_wei: *const abi::U256) -> u32 {
    let (b, to, amount) = unsafe { (&mut *b, address(&*to), u256(&*amount_wei)) };
    contain(
        || {
            let result = b.overlay().credit(to, amount).map_err(|e| e.to_string());
            told(b, result)
        },
        |_| abi::FAULT,
    )
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_requests(b: *mut Block, out: *mut *const abi::Bytes, out_count: *mut usize, out_text: *mut *const c_char) -> u32 {
    let b = unsafe { &mut *b };
    b.text = CString::default();
    let status = contain(
        || {
            let result = b.collect_requests();
            told(b, result)
        },
        |_| abi::FAULT,
    );
    unsafe {
        *out = b.lent.as_ptr();
        *out_count = if status == abi::SUCCESS { b.lent.len() } else { 0 };
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
    contain(
        || {
            let overlay = &b.evm.ctx.journaled_state.database;
            let diff = b.diff.keep(overlay.block_changes(), overlay);
            unsafe { out.write(diff) };
            abi::SUCCESS
        },
        |_| abi::FAULT,
    )
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_mark(b: *mut Block, out_mark: *mut usize) -> u32 {
    unsafe { *out_mark = (*b).evm.ctx.journaled_state.database.mark() };
    abi::SUCCESS
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_rewind(b: *mut Block, mark: usize) -> u32 {
    let b = unsafe { &mut *b };
    contain(
        || {
            if !b.overlay().rewind(mark) {
                return abi::FAULT;
            }
            b.deposits.retain(|(at, _)| *at < mark);
            abi::SUCCESS
        },
        |_| abi::FAULT,
    )
}
