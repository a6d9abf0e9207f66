//! What a step that was refused would have cost: geth shows it, revm no longer knows it.
//!
//! geth checks in three strides: the stack, the constant part, the dynamic part; the cost shown is what had been asked for until
//! then.

use super::tap::{error_of, Before};
use crate::convert::Ctx;
use crate::watch::Last;
use revm::bytecode::opcode::*;
use revm::context::transaction::AuthorizationTr;
use revm::context_interface::cfg::GasParams;
use revm::context_interface::{Cfg, ContextTr};
use revm::database_interface::Database;
use revm::interpreter::instructions::gas_table_spec;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::InputsTr;
use revm::interpreter::{InstructionResult, Interpreter, SStoreResult};
use revm::primitives::{hardfork::SpecId, Address, U256};
use std::collections::HashMap;

/// The constant part. What geth makes part of the dynamic one has none.
fn constant(opcode: u8, spec: SpecId, params: &GasParams) -> u64 {
    match opcode {
        SLOAD if spec.is_enabled_in(SpecId::BERLIN) => 0,
        SSTORE | LOG0..=LOG4 | EXP => 0,
        CREATE | CREATE2 => params.create_cost(),
        _ => gas_table_spec(spec)[opcode as usize].into(),
    }
}

/// Memory grown so that `len` bytes at `offset` are in it; none where the numbers are out of all bounds.
fn memory(params: &GasParams, now: usize, ranges: &[(U256, U256)]) -> Option<u64> {
    let mut words = now / 32;
    for (offset, len) in ranges {
        if !len.is_zero() {
            let end = usize::try_from(offset.checked_add(*len)?).ok()?;
            words = words.max(end.checked_add(31)? / 32);
        }
    }
    if words > 0x1f_ffff_ffff / 32 {
        return None; // geth's bound, where the square no longer fits
    }
    Some(params.memory_cost(words).saturating_sub(params.memory_cost(now / 32)))
}

fn address_of(v: &U256) -> Address {
    Address::from_word((*v).into())
}

fn is_cold(ctx: &Ctx, address: &Address) -> bool {
    match ctx.journaled_state.state.get(address) {
        Some(a) => {
            a.is_cold_transaction_id(ctx.journaled_state.transaction_id)
                && ctx.journaled_state.warm_addresses.is_cold(address)
        }
        None => ctx.journaled_state.warm_addresses.is_cold(address),
    }
}

fn is_slot_cold(ctx: &Ctx, address: &Address, slot: &U256) -> bool {
    if ctx.journaled_state.warm_addresses.is_storage_warm(address, slot) {
        return false;
    }
    let found = ctx.journaled_state.state.get(address).and_then(|a| a.storage.get(slot));
    found.is_none_or(|s| s.is_cold_transaction_id(ctx.journaled_state.transaction_id))
}

fn dynamic(before: &Before, interp: &Interpreter<EthInterpreter>, ctx: &Ctx) -> Option<u64> {
    let params = &ctx.cfg.gas_params;
    let spec = ctx.cfg.spec;
    let berlin = spec.is_enabled_in(SpecId::BERLIN);
    let top = &before.top;
    let word = U256::from(32);
    let grown = |ranges: &[(U256, U256)]| memory(params, before.memory, ranges);
    let len = |v: &U256| usize::try_from(*v).ok();
    let cold = |a: &Address| if berlin && is_cold(ctx, a) { params.cold_account_additional_cost() } else { 0 };
    Some(match before.opcode {
        MLOAD | MSTORE => grown(&[(top[0], word)])?,
        MSTORE8 => grown(&[(top[0], U256::from(1))])?,
        KECCAK256 => grown(&[(top[0], top[1])])? + params.keccak256_cost(len(&top[1])?),
        CALLDATACOPY | CODECOPY | RETURNDATACOPY => grown(&[(top[0], top[2])])? + params.copy_cost(len(&top[2])?),
        MCOPY => grown(&[(top[0].max(top[1]), top[2])])? + params.copy_cost(len(&top[2])?),
        EXTCODECOPY => grown(&[(top[1], top[3])])? + params.extcodecopy(len(&top[3])?) + cold(&address_of(&top[0])),
        EXP => 10 + params.exp_cost(top[1]),
        BALANCE | EXTCODESIZE | EXTCODEHASH => cold(&address_of(&top[0])),
        LOG0..=LOG4 => {
            375 + grown(&[(top[0], top[1])])? + params.log_cost(before.opcode - LOG0, u64::try_from(top[1]).ok()?)
        }
        RETURN | REVERT => grown(&[(top[0], top[1])])?,
        SLOAD if berlin => {
            let own = interp.input.target_address();
            params.warm_storage_read_cost()
                + if is_slot_cold(ctx, &own, &top[0]) { params.cold_storage_additional_cost() } else { 0 }
        }
        CREATE => grown(&[(top[1], top[2])])? + initcode(params, spec, len(&top[2])?),
        CREATE2 => {
            grown(&[(top[1], top[2])])? + initcode(params, spec, len(&top[2])?) + params.keccak256_cost(len(&top[2])?)
        }
        CALL | CALLCODE => {
            let value = !top[2].is_zero();
            grown(&[(top[3], top[4]), (top[5], top[6])])?
                + cold(&address_of(&top[1]))
                + if value { params.transfer_value_cost() } else { 0 }
        }
        DELEGATECALL | STATICCALL => grown(&[(top[2], top[3]), (top[4], top[5])])? + cold(&address_of(&top[1])),
        SELFDESTRUCT => {
            if berlin && is_cold(ctx, &address_of(&top[0])) {
                params.selfdestruct_cold_cost()
            } else {
                0
            }
        }
        _ => 0,
    })
}

fn initcode(params: &GasParams, spec: SpecId, len: usize) -> u64 {
    if spec.is_enabled_in(SpecId::SHANGHAI) {
        params.initcode_cost(len)
    } else {
        0
    }
}

/// What EIP-2929 and EIP-3529 ask for a write.
pub fn sstore(before: &Before, interp: &Interpreter<EthInterpreter>, ctx: &mut Ctx) -> u64 {
    let own = interp.input.target_address();
    let cold = is_slot_cold(ctx, &own, &before.top[0]);
    let known = ctx.journaled_state.state.get(&own).and_then(|a| a.storage.get(&before.top[0]));
    let (original, present) = match known {
        Some(slot) => (slot.original_value, slot.present_value),
        None => {
            let value = ctx.db_mut().storage(own, before.top[0]).unwrap_or_default();
            (value, value)
        }
    };
    let values = SStoreResult { original_value: original, present_value: present, new_value: before.top[1] };
    let params = &ctx.cfg.gas_params;
    params.sstore_static_gas() + params.sstore_dynamic_gas(true, &values, cold)
}

/// What EIP-7702 gives back for authorities that exist already: geth counts it before the first step.
pub fn authorizations(ctx: &mut Ctx) -> u64 {
    if ctx.tx.authorization_list.is_empty() {
        return 0;
    }
    let list: Vec<_> = ctx.tx.authorization_list.iter().map(|a| (a.authority(), a.chain_id(), a.nonce())).collect();
    let (sender, own, each) = (ctx.tx.caller, ctx.cfg.chain_id, ctx.cfg.gas_params.tx_eip7702_auth_refund_regular());
    let mut nonces: HashMap<Address, u64> = HashMap::new();
    let mut refund = 0;
    for (authority, chain_id, nonce) in list {
        let Some(authority) = authority else { continue };
        if (!chain_id.is_zero() && chain_id != U256::from(own)) || nonce == u64::MAX {
            continue;
        }
        let db = ctx.db_mut();
        let Ok(account) = db.account(&authority) else { continue };
        let code = db.code_by_hash(account.code_hash).map(|c| c.original_bytes()).unwrap_or_default();
        let seen = nonces.get(&authority).copied();
        let now = seen.unwrap_or(account.nonce + u64::from(authority == sender));
        if nonce != now || !(code.is_empty() || (code.len() == 23 && code.starts_with(&[0xef, 0x01, 0x00]))) {
            continue;
        }
        if account.exists || seen.is_some() {
            refund += each;
        }
        nonces.insert(authority, now + 1);
    }
    refund
}

/// A step that ended its frame.
pub struct Fault {
    /// Why, in geth's words.
    pub text: String,
    /// What geth shows as its cost; none: what was paid.
    pub cost: Option<u64>,
    /// It was never executed.
    pub refused: bool,
}

/// How geth tells of a step that failed for `why`.
pub fn fault(
    before: &Before,
    why: InstructionResult,
    last: Option<Last>,
    interp: &Interpreter<EthInterpreter>,
    ctx: &mut Ctx,
) -> Fault {
    use InstructionResult as R;
    let op = before.opcode;
    let first = constant(op, ctx.cfg.spec, &ctx.cfg.gas_params);
    let text = error_of(why, last).unwrap_or_default();
    let out_of_gas =
        matches!(why, R::OutOfGas | R::MemoryOOG | R::MemoryLimitOOG | R::InvalidOperandOOG | R::ReentrancySentryOOG);
    let asked = |ctx: &mut Ctx| {
        let more = if op == SSTORE && ctx.cfg.spec.is_enabled_in(SpecId::ISTANBUL) {
            before.write
        } else {
            dynamic(before, interp, ctx)
        };
        first + more.unwrap_or(0)
    };
    match why {
        R::StackUnderflow | R::StackOverflow => Fault { text, cost: Some(first), refused: true },
        _ if out_of_gas && first > before.gas => Fault { text, cost: Some(first), refused: true },
        // What these cost is found in steps of their own, which fail within the dynamic part.
        R::OutOfGas | R::MemoryOOG if matches!(op, CALL | CALLCODE | DELEGATECALL | STATICCALL) => {
            Fault { text: format!("out of gas: {text}"), cost: Some(first), refused: true }
        }
        R::ReentrancySentryOOG => Fault { text, cost: Some(first), refused: true },
        _ if out_of_gas => Fault { text, cost: Some(asked(ctx)), refused: true },
        R::CreateInitCodeSizeLimit => Fault {
            text: format!(
                "out of gas: max initcode size exceeded: code size {} limit {}",
                before.top[2],
                ctx.cfg.max_initcode_size()
            ),
            cost: Some(first),
            refused: true,
        },
        R::StateChangeDuringStaticCall | R::CallNotAllowedInsideStatic if !matches!(op, LOG0..=LOG4 | TSTORE) => {
            Fault { text: format!("out of gas: {text}"), cost: Some(first), refused: true }
        }
        R::StateChangeDuringStaticCall | R::OutOfOffset => Fault { text, cost: Some(asked(ctx)), refused: false },
        _ => Fault { text, cost: None, refused: false },
    }
}
