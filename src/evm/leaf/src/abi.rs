//! The structs of evm.h, field by field. `evm/abi_test.c` compares every size and offset with C's.
#![allow(missing_docs)] // evm.h documents each field

use std::ffi::c_void;
use std::os::raw::{c_char, c_int};
use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;

#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Hash(pub [u8; 32]);

#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Address(pub [u8; 20]);

/// Four limbs, least significant first, as revm's U256 has them.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct U256(pub [u64; 4]);

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Account {
    pub exists: u8,
    pub nonce: u64,
    pub balance_wei: U256,
    pub code_hash: Hash,
    pub has_storage: u8,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct StateReader {
    pub ctx: *mut c_void,
    pub account: extern "C" fn(*mut c_void, *const Address, *mut Account) -> c_int,
    pub storage: extern "C" fn(*mut c_void, *const Address, *const U256, *mut U256) -> c_int,
    pub code: extern "C" fn(*mut c_void, *const Hash, *mut *const u8, *mut usize) -> c_int,
    pub block_hash: extern "C" fn(*mut c_void, u64, *mut Hash) -> c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct BlobParams {
    pub target: u64,
    pub max: u64,
    pub update_fraction: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct PrecompileMove {
    pub from: Address,
    pub is_moved: u8,
    pub to: Address,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Env {
    pub fork: u32,
    pub chain_id: u64,
    pub number: u64,
    pub timestamp: u64,
    pub gas_limit: u64,
    pub base_fee_wei: u64,
    pub beneficiary: Address,
    pub difficulty: U256,
    pub prev_randao: Hash,
    pub excess_blob_gas: u64,
    pub blob: BlobParams,
    pub deposit_contract: Address,
    pub dao_move: u8,
    pub no_base_fee: u8,
    pub no_balance_check: u8,
    pub no_nonce_check: u8,
    pub no_eoa_check: u8,
    pub no_block_gas_limit: u8,
    pub code_size_max: u64,
    pub has_blob_base_fee: u8,
    pub blob_base_fee_wei: U256,
    pub moves: Option<NonNull<PrecompileMove>>,
    pub move_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Access {
    pub address: Address,
    pub slots: *const Hash,
    pub slot_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Authorization {
    pub chain_id: U256,
    pub address: Address,
    pub nonce: u64,
    pub y_parity: u8,
    pub r: U256,
    pub s: U256,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tx {
    pub kind: u8,
    pub is_create: u8,
    pub has_chain_id: u8,
    pub sender: Address,
    pub to: Address,
    pub nonce: u64,
    pub gas_limit: u64,
    pub value_wei: U256,
    pub gas_price_wei: U256,
    pub priority_fee_wei: U256,
    pub blob_fee_max_wei: U256,
    pub chain_id: u64,
    pub data: *const u8,
    pub data_len: usize,
    pub access: *const Access,
    pub access_count: usize,
    pub blob_hashes: *const Hash,
    pub blob_count: usize,
    pub authorizations: *const Authorization,
    pub authorization_count: usize,
}

pub const SUCCESS: u32 = 0;
pub const REVERT: u32 = 1;
pub const HALT: u32 = 2;
pub const INVALID: u32 = 3;
pub const STATE_ERROR: u32 = 4;
pub const TIMEOUT: u32 = 5;
pub const FAULT: u32 = 6;
pub const STOPPED: u32 = 7;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Log {
    pub address: Address,
    pub topics: *const Hash,
    pub topic_count: usize,
    pub data: *const u8,
    pub data_len: usize,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotChange {
    pub slot: U256,
    pub old_value: U256,
    pub new_value: U256,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct AccountChange {
    pub address: Address,
    pub existed: u8,
    pub exists: u8,
    pub storage_wiped: u8,
    pub old_nonce: u64,
    pub new_nonce: u64,
    pub old_balance_wei: U256,
    pub new_balance_wei: U256,
    pub old_code_hash: Hash,
    pub new_code_hash: Hash,
    pub new_code: *const u8,
    pub new_code_len: usize,
    pub slots: *const SlotChange,
    pub slot_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Diff {
    pub accounts: *const AccountChange,
    pub account_count: usize,
}

#[repr(C)]
pub struct Outcome {
    pub status: u32,
    pub invalid: u32,
    pub gas_used: u64,
    pub gas_refunded: u64,
    pub gas_spent_max: u64,
    pub output: *const u8,
    pub output_len: usize,
    pub created: u8,
    pub contract: Address,
    pub logs: *const Log,
    pub log_count: usize,
    pub diff: Diff,
    pub text: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub at: *const u8,
    pub len: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CallOptions {
    pub deadline_ms: u64,
    pub stop: *const AtomicBool,
    pub brief_gas: u64,
    pub want_access_list: u8,
}

impl Default for CallOptions {
    fn default() -> Self {
        CallOptions { deadline_ms: 0, stop: std::ptr::null(), brief_gas: 0, want_access_list: 0 }
    }
}

/// C's flag, or none.
///
/// # Safety
/// It must be there for as long as the result is used.
pub unsafe fn stop_flag(at: *const AtomicBool) -> Option<&'static AtomicBool> {
    unsafe { at.as_ref() }
}

/// `enum evm_tracer`, in its order.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tracer {
    Steps,
    Calls,
    FlatCalls,
    Prestate,
    FourByte,
    Noop,
    Mux,
    Transfers,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct TraceConfig {
    pub tracer: Tracer,
    pub with_memory: u8,
    pub no_stack: u8,
    pub no_storage: u8,
    pub with_return_data: u8,
    pub only_top_call: u8,
    pub with_log: u8,
    pub parity_errors: u8,
    pub parity: u8,
    pub with_precompiles: u8,
    pub diff: u8,
    pub no_code: u8,
    pub with_empty: u8,
    pub limit: u64,
    pub name: *const u8,
    pub name_len: usize,
    pub parts: *const TraceConfig,
    pub part_count: usize,
}

pub type TracePut = extern "C" fn(*mut c_void, *const u8, usize) -> c_int;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Trace {
    pub config: TraceConfig,
    pub deadline_ms: u64,
    pub stop: *const AtomicBool,
    pub size_max: usize,
    pub want_diff: u8,
    pub is_call: u8,
    pub block_hash: Hash,
    pub tx_hash: Hash,
    pub block_number: u64,
    pub tx_index: u64,
    pub ctx: *mut c_void,
    pub put: TracePut,
}

/// `enum evm_invalid`, in its order.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invalid {
    Other,
    NonceTooLow,
    NonceTooHigh,
    NonceMax,
    Funds,
    FeeBelowBase,
    TipAboveFee,
    GasLimitBlock,
    GasLimitCap,
    IntrinsicGas,
    FloorGas,
    SenderHasCode,
    InitcodeSize,
    ChainId,
    Type,
    BlobFee,
    BlobCount,
    BlobEmpty,
    BlobCreate,
    BlobVersion,
    AuthEmpty,
    AuthCreate,
}

/// `enum fork` of eth/fork.h, in its order.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fork {
    Frontier,
    Homestead,
    Dao,
    Tangerine,
    Spurious,
    Byzantium,
    Constantinople,
    Petersburg,
    Istanbul,
    MuirGlacier,
    Berlin,
    London,
    ArrowGlacier,
    GrayGlacier,
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
}

/// A slice over what C lent: NULL is fine when the count is 0.
///
/// # Safety
/// `at` must lead to `count` values that hold for `'a`.
pub(crate) unsafe fn lent<'a, T>(at: *const T, count: usize) -> &'a [T] {
    if count == 0 || at.is_null() {
        &[]
    } else {
        unsafe { std::slice::from_raw_parts(at, count) }
    }
}

/// A pointer for C: NULL where there is nothing, since Rust's empty slices lead to no memory.
pub(crate) fn pointer<T>(slice: &[T]) -> *const T {
    if slice.is_empty() {
        std::ptr::null()
    } else {
        slice.as_ptr()
    }
}

macro_rules! layout {
    ($($kind:ident { $($field:ident),* $(,)? })* [$($value:expr),* $(,)?]) => {
        [
            $(size_of::<$kind>(), $(std::mem::offset_of!($kind, $field),)*)*
            $($value as usize,)*
        ]
    };
}

/// Sizes, offsets and numbers in the order of evm/abi.def.
static LAYOUT: &[usize] = &layout! {
    Account { exists, nonce, balance_wei, code_hash, has_storage }
    StateReader { ctx, account, storage, code, block_hash }
    BlobParams { target, max, update_fraction }
    Env {
        fork, chain_id, number, timestamp, gas_limit, base_fee_wei, beneficiary, difficulty, prev_randao, excess_blob_gas, blob,
        deposit_contract, dao_move, no_base_fee, no_balance_check, no_nonce_check, no_eoa_check, no_block_gas_limit,
        code_size_max, has_blob_base_fee, blob_base_fee_wei, moves, move_count,
    }
    Access { address, slots, slot_count }
    Authorization { chain_id, address, nonce, y_parity, r, s }
    Tx {
        kind, is_create, has_chain_id, sender, to, nonce, gas_limit, value_wei, gas_price_wei, priority_fee_wei,
        blob_fee_max_wei, chain_id, data, data_len, access, access_count, blob_hashes, blob_count, authorizations,
        authorization_count,
    }
    Log { address, topics, topic_count, data, data_len }
    SlotChange { slot, old_value, new_value }
    AccountChange {
        address, existed, exists, storage_wiped, old_nonce, new_nonce, old_balance_wei, new_balance_wei, old_code_hash,
        new_code_hash, new_code, new_code_len, slots, slot_count,
    }
    Diff { accounts, account_count }
    Outcome {
        status, invalid, gas_used, gas_refunded, gas_spent_max, output, output_len, created, contract, logs, log_count, diff,
        text,
    }
    Bytes { at, len }
    CallOptions { deadline_ms, stop, brief_gas, want_access_list }
    PrecompileMove { from, is_moved, to }
    TraceConfig {
        tracer, with_memory, no_stack, no_storage, with_return_data, only_top_call, with_log, parity_errors,
        parity, with_precompiles, diff, no_code, with_empty, limit, name, name_len, parts, part_count,
    }
    Trace { config, deadline_ms, stop, size_max, want_diff, is_call, block_hash, tx_hash, block_number, tx_index, ctx, put }
    [
    SUCCESS, REVERT, HALT, INVALID, STATE_ERROR, TIMEOUT, FAULT, STOPPED,
    Invalid::Other, Invalid::NonceTooLow, Invalid::NonceTooHigh, Invalid::NonceMax, Invalid::Funds, Invalid::FeeBelowBase,
    Invalid::TipAboveFee, Invalid::GasLimitBlock, Invalid::GasLimitCap, Invalid::IntrinsicGas, Invalid::FloorGas,
    Invalid::SenderHasCode, Invalid::InitcodeSize, Invalid::ChainId, Invalid::Type, Invalid::BlobFee, Invalid::BlobCount,
    Invalid::BlobEmpty, Invalid::BlobCreate, Invalid::BlobVersion, Invalid::AuthEmpty, Invalid::AuthCreate,
    Fork::Frontier, Fork::Homestead, Fork::Dao, Fork::Tangerine, Fork::Spurious, Fork::Byzantium, Fork::Constantinople,
    Fork::Petersburg, Fork::Istanbul, Fork::MuirGlacier, Fork::Berlin, Fork::London, Fork::ArrowGlacier, Fork::GrayGlacier,
    Fork::Paris, Fork::Shanghai, Fork::Cancun, Fork::Prague, Fork::Osaka,
    Tracer::Steps, Tracer::Calls, Tracer::FlatCalls, Tracer::Prestate, Tracer::FourByte, Tracer::Noop, Tracer::Mux,
    Tracer::Transfers,
    ]
};

/// Tells C what this side believes.
///
/// # Safety
/// `out` must be writable.
#[no_mangle]
pub unsafe extern "C" fn evm_abi_layout(out: *mut *const usize) -> usize {
    unsafe { *out = LAYOUT.as_ptr() };
    LAYOUT.len()
}
