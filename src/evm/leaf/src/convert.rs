//! C's environment and transactions as revm's.

use crate::abi::{self, lent};
use crate::overlay::Overlay;
use revm::context::either::Either;
use revm::context::transaction::{AccessList, AccessListItem, Authorization, SignedAuthorization};
use revm::context::{BlockEnv, CfgEnv, Context, Journal, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::{hardfork::SpecId, Address, Bytes, TxKind, B256, U256};

/// What every execution runs in.
pub type Ctx = Context<BlockEnv, TxEnv, CfgEnv, Overlay, Journal<Overlay>, ()>;

/// `enum fork` of eth/fork.h, in its order. revm has no Constantinople without Petersburg's repeal of EIP-1283.
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
    if v.0[2] != 0 || v.0[3] != 0 {
        u128::MAX
    } else {
        v.0[0] as u128 | (v.0[1] as u128) << 64
    }
}

/// A context over the overlay for this environment.
pub fn context(env: &abi::Env, overlay: Overlay) -> Ctx {
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
    let merged = spec.is_enabled_in(SpecId::MERGE);
    let fraction = if env.blob.update_fraction != 0 { env.blob.update_fraction } else { 3_338_477 };
    let block = BlockEnv {
        number: U256::from(env.number),
        beneficiary: address(&env.beneficiary),
        timestamp: U256::from(env.timestamp),
        gas_limit: env.gas_limit,
        basefee: env.base_fee_wei,
        difficulty: if merged { U256::ZERO } else { u256(&env.difficulty) },
        prevrandao: merged.then(|| B256::from(env.prev_randao.0)),
        blob_excess_gas_and_price: spec.is_enabled_in(SpecId::CANCUN).then(|| BlobExcessGasAndPrice::new(env.excess_blob_gas, fraction)),
        ..Default::default()
    };
    Ctx::new(overlay, spec).with_cfg(cfg).with_block(block)
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
