//! C's environment and transactions as revm's, and how revm runs them.

use crate::abi::{self, lent, Fork};
use crate::careful::Careful;
use crate::moved::Moved;
use crate::overlay::{Overlay, ReaderFailed};
use crate::sstore;
use crate::watch::{guard, guard_brief, Clock, Eye};
use crate::words;
use revm::bytecode::opcode::SSTORE;
use revm::context::either::Either;
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction, ResultAndState};
use revm::context::transaction::{AccessList, AccessListItem, Authorization, SignedAuthorization};
use revm::context::{BlockEnv, CfgEnv, Context, Journal, TxEnv};
use revm::context::{ContextSetters, Evm};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::local::FrameStack;
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, Handler};
use revm::inspector::InspectorHandler;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::Instruction;
use revm::primitives::{hardfork::SpecId, Address, Bytes, TxKind, B256, U256};
use revm::ExecuteEvm;

/// What every execution runs in.
pub type Ctx = Context<BlockEnv, TxEnv, CfgEnv, Overlay, Journal<Overlay>, Clock>;
/// revm, ready to run transactions.
pub type Machine = Evm<Ctx, Eye, EthInstructions<EthInterpreter, Ctx>, Moved, EthFrame<EthInterpreter>>;
/// Why a transaction did not run.
pub type Refusal = EVMError<ReaderFailed>;

/// revm's rules for each `enum fork`. It has no Constantinople; see [`sstore`].
const FORKS: [SpecId; 19] = [
    SpecId::FRONTIER,
    SpecId::HOMESTEAD,
    SpecId::HOMESTEAD, // DAO
    SpecId::TANGERINE,
    SpecId::SPURIOUS_DRAGON,
    SpecId::BYZANTIUM,
    SpecId::PETERSBURG, // Constantinople
    SpecId::PETERSBURG,
    SpecId::ISTANBUL,
    SpecId::ISTANBUL, // Muir Glacier
    SpecId::BERLIN,
    SpecId::LONDON,
    SpecId::LONDON, // Arrow Glacier
    SpecId::LONDON, // Gray Glacier
    SpecId::MERGE,
    SpecId::SHANGHAI,
    SpecId::CANCUN,
    SpecId::PRAGUE,
    SpecId::OSAKA,
];

/// EIP-2718's types that need a recipient.
const BLOB_TX: u8 = 3;
const SET_CODE_TX: u8 = 4;
/// EIP-7594: blobs of one transaction from Osaka on.
const OSAKA_BLOBS_PER_TX: u64 = 6;

pub fn spec(fork: u32) -> SpecId {
    FORKS.get(fork as usize).copied().unwrap_or(SpecId::OSAKA)
}

pub fn u256(v: &abi::U256) -> U256 {
    U256::from_limbs(v.0)
}

pub fn address(a: &abi::Address) -> Address {
    Address::from(a.0)
}

fn u128_of(v: &abi::U256) -> u128 {
    u256(v).try_into().unwrap_or(u128::MAX) // nobody can pay either
}

/// A machine over the overlay for this environment.
pub fn machine(env: &abi::Env, overlay: Overlay, clock: Clock) -> Machine {
    let mut ctx = context(env, overlay);
    if env.fork == Fork::Constantinople as u32 {
        sstore::lower_static_gas(&mut ctx.cfg.gas_params);
    }
    // SAFETY: whoever gave the environment answers for its pointers.
    let precompiles = unsafe { Moved::new(env, spec(env.fork)) };
    // Frames are made as they are entered: the eight that revm makes beforehand, 32 KiB of stack each, were four tenths of
    // what a call of a token costs.
    let mut machine = Machine {
        ctx,
        inspector: Eye::default(),
        instruction: EthInstructions::new_mainnet_with_spec(spec(env.fork)),
        precompiles,
        frame_stack: FrameStack::new(),
    };
    set_clock(&mut machine, env.fork, clock);
    machine
}

/// What runs from now on ends by this clock.
pub fn set_clock(machine: &mut Machine, fork: u32, clock: Clock) {
    if clock.ends() {
        guard(&mut machine.instruction);
    }
    if clock.is_brief() {
        guard_brief(&mut machine.instruction);
    }
    if fork == Fork::Constantinople as u32 {
        machine.instruction.instruction_table_mut()[SSTORE as usize] = Instruction::new(sstore::eip1283);
    }
    machine.ctx.chain = clock;
}

/// Makes a machine ready for a call of the same fork. Its frames, memory and tables stay: revm clears them between
/// transactions.
pub fn renew(machine: &mut Machine, env: &abi::Env, overlay: Overlay, clock: Clock) {
    machine.ctx.cfg = config(env);
    machine.ctx.block = block(env);
    machine.ctx.chain = clock;
    machine.ctx.journaled_state.database = overlay;
}

/// Who names no price in a call pays none, and BASEFEE and BLOBBASEFEE must not exceed it: geth shows 0 too.
pub fn for_a_call(machine: &mut Machine, env: &abi::Env, tx: &TxEnv) {
    if env.no_base_fee != 0 {
        if tx.gas_price == 0 {
            machine.ctx.block.basefee = 0;
        }
        if let (0, Some(blob)) = (tx.max_fee_per_blob_gas, &mut machine.ctx.block.blob_excess_gas_and_price) {
            if !tx.blob_hashes.is_empty() {
                blob.blob_gasprice = 0;
            }
        }
    }
}

/// What revm leaves to whoever builds a transaction.
fn check(tx: &TxEnv, spec: SpecId) -> Result<(), InvalidTransaction> {
    if tx.tx_type > SET_CODE_TX {
        return Err(InvalidTransaction::Eip7702NotSupported);
    }
    if tx.kind.is_create() {
        if tx.tx_type == BLOB_TX && spec.is_enabled_in(SpecId::CANCUN) {
            return Err(InvalidTransaction::BlobCreateTransaction);
        }
        if tx.tx_type == SET_CODE_TX && spec.is_enabled_in(SpecId::PRAGUE) {
            return Err(InvalidTransaction::AuthorizationListInvalidFields);
        }
    }
    Ok(())
}

fn execute(machine: &mut Machine, tx: TxEnv, look: bool) -> Result<ResultAndState, Refusal> {
    machine.ctx.set_tx(tx);
    let done = if look { Careful.inspect_run(machine) } else { Careful.run(machine) };
    let state = machine.finalize(); // clears the journal, whatever came of it
    Ok(ResultAndState::new(done?, state))
}

/// Runs a transaction; the overlay stays as it was. With it comes why it halted, in geth's words.
pub fn run(machine: &mut Machine, tx: TxEnv, look: bool) -> Result<(ResultAndState, String), Refusal> {
    check(&tx, machine.ctx.cfg.spec)?;
    let is_create = tx.kind.is_create();
    machine.inspector.last = None; // an earlier transaction's
    let done = execute(machine, tx, look)?;
    let text = match &done.result {
        ExecutionResult::Halt { reason, .. } => {
            if !look && words::wants_last(reason, is_create) {
                let again = machine.ctx.tx.clone();
                execute(machine, again, true)?;
            }
            words::halt(reason, machine.inspector.last)
        }
        _ => String::new(),
    };
    Ok((done, text))
}

/// A context over the overlay for this environment.
fn context(env: &abi::Env, overlay: Overlay) -> Ctx {
    Ctx::new(overlay, spec(env.fork)).with_cfg(config(env)).with_block(block(env))
}

fn config(env: &abi::Env) -> CfgEnv {
    let spec = spec(env.fork);
    let mut cfg = CfgEnv::new_with_spec(spec);
    cfg.chain_id = env.chain_id;
    cfg.disable_base_fee = env.no_base_fee != 0;
    cfg.disable_balance_check = env.no_balance_check != 0;
    cfg.disable_nonce_check = env.no_nonce_check != 0;
    cfg.disable_eip3607 = env.no_eoa_check != 0;
    cfg.disable_block_gas_limit = env.no_block_gas_limit != 0;
    if env.no_block_gas_limit != 0 {
        cfg.tx_gas_limit_cap = Some(u64::MAX);
    }
    if env.code_size_max != 0 {
        cfg.limit_contract_code_size = Some(env.code_size_max as usize);
        cfg.limit_contract_initcode_size = Some(env.code_size_max as usize * 2);
    }
    if env.blob.max != 0 {
        let most = if spec.is_enabled_in(SpecId::OSAKA) { env.blob.max.min(OSAKA_BLOBS_PER_TX) } else { env.blob.max };
        cfg.max_blobs_per_tx = Some(most);
    }
    if env.blob.update_fraction != 0 {
        cfg.blob_base_fee_update_fraction = Some(env.blob.update_fraction);
    }
    cfg
}

fn block(env: &abi::Env) -> BlockEnv {
    let spec = spec(env.fork);
    let merged = spec.is_enabled_in(SpecId::MERGE);
    let fraction = if env.blob.update_fraction != 0 { env.blob.update_fraction } else { 3_338_477 };
    let mut block = BlockEnv {
        number: U256::from(env.number),
        beneficiary: address(&env.beneficiary),
        timestamp: U256::from(env.timestamp),
        gas_limit: env.gas_limit,
        basefee: env.base_fee_wei,
        difficulty: if merged { U256::ZERO } else { u256(&env.difficulty) },
        prevrandao: merged.then(|| B256::from(env.prev_randao.0)),
        blob_excess_gas_and_price: spec
            .is_enabled_in(SpecId::CANCUN)
            .then(|| BlobExcessGasAndPrice::new(env.excess_blob_gas, fraction)),
        ..Default::default()
    };
    if env.has_blob_base_fee != 0 {
        if let Some(blob) = &mut block.blob_excess_gas_and_price {
            blob.blob_gasprice = u128_of(&env.blob_base_fee_wei);
        }
    }
    block
}

/// A transaction as revm takes it.
///
/// # Safety
/// The pointers of `tx` must lead to what their counts say.
pub unsafe fn tx_env(tx: &abi::Tx) -> TxEnv {
    let access = unsafe { lent(tx.access, tx.access_count) };
    let authorizations = unsafe { lent(tx.authorizations, tx.authorization_count) };
    TxEnv {
        tx_type: tx.kind,
        caller: address(&tx.sender),
        gas_limit: tx.gas_limit,
        gas_price: u128_of(&tx.gas_price_wei),
        kind: if tx.is_create != 0 { TxKind::Create } else { TxKind::Call(address(&tx.to)) },
        value: u256(&tx.value_wei),
        data: Bytes::copy_from_slice(unsafe { lent(tx.data, tx.data_len) }),
        nonce: tx.nonce,
        chain_id: (tx.has_chain_id != 0).then_some(tx.chain_id),
        access_list: AccessList(
            access
                .iter()
                .map(|a| AccessListItem {
                    address: address(&a.address),
                    storage_keys: unsafe { lent(a.slots, a.slot_count) }.iter().map(|s| B256::from(s.0)).collect(),
                })
                .collect(),
        ),
        gas_priority_fee: (tx.kind >= 2).then(|| u128_of(&tx.priority_fee_wei)),
        blob_hashes: unsafe { lent(tx.blob_hashes, tx.blob_count) }.iter().map(|h| B256::from(h.0)).collect(),
        max_fee_per_blob_gas: u128_of(&tx.blob_fee_max_wei),
        authorization_list: authorizations
            .iter()
            .map(|a| {
                let inner = Authorization { chain_id: u256(&a.chain_id), address: address(&a.address), nonce: a.nonce };
                Either::Left(SignedAuthorization::new_unchecked(inner, a.y_parity, u256(&a.r), u256(&a.s)))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_are_in_order_and_complete() {
        assert_eq!(FORKS.len(), Fork::Osaka as usize + 1);
        assert!(FORKS.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(spec(Fork::Shanghai as u32), SpecId::SHANGHAI);
        assert_eq!(spec(Fork::Osaka as u32), SpecId::OSAKA);
    }

    #[test]
    fn a_price_beyond_128_bits_is_beyond_all_means() {
        assert_eq!(u128_of(&abi::U256([1, 2, 0, 0])), (2 << 64) + 1);
        assert_eq!(u128_of(&abi::U256([0, 0, 1, 0])), u128::MAX);
    }
}
