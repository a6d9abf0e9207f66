//! Halts and refusals in geth's words (its core/vm/errors.go), and refusals as `enum evm_invalid`.

use revm::context::result::{HaltReason, InvalidTransaction};

/// Why execution stopped with all gas gone.
pub fn halt(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => "invalid opcode".into(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached 1024 (1023)".into(),
        HaltReason::OutOfOffset => "return data out of bounds".into(),
        HaltReason::CreateCollision => "contract address collision".into(),
        HaltReason::PrecompileError => "precompiled contract failed".into(),
        HaltReason::PrecompileErrorWithContext(text) => text.clone(),
        HaltReason::NonceOverflow => "nonce uint64 overflow".into(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => "write protection".into(),
        HaltReason::OutOfFunds | HaltReason::OverflowPayment => "insufficient balance for transfer".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
    }
}

/// The number in `enum evm_invalid`; its order is evm.h's.
pub fn invalid(why: &InvalidTransaction) -> u32 {
    use InvalidTransaction as I;
    match why {
        I::NonceTooLow { .. } => 1,
        I::NonceTooHigh { .. } => 2,
        I::NonceOverflowInTransaction => 3,
        I::LackOfFundForMaxFee { .. } | I::OverflowPaymentInTransaction => 4,
        I::GasPriceLessThanBasefee => 5,
        I::PriorityFeeGreaterThanMaxFee => 6,
        I::CallerGasLimitMoreThanBlock => 7,
        I::TxGasLimitGreaterThanCap { .. } => 8,
        I::CallGasCostMoreThanGasLimit { .. } => 9,
        I::GasFloorMoreThanGasLimit { .. } => 10,
        I::RejectCallerWithCode => 11,
        I::CreateInitCodeSizeLimit => 12,
        I::InvalidChainId | I::MissingChainId => 13,
        I::AccessListNotSupported
        | I::MaxFeePerBlobGasNotSupported
        | I::BlobVersionedHashesNotSupported
        | I::AuthorizationListNotSupported
        | I::Eip2930NotSupported
        | I::Eip1559NotSupported
        | I::Eip4844NotSupported
        | I::Eip7702NotSupported
        | I::Eip7873NotSupported => 14,
        I::BlobGasPriceGreaterThanMax { .. } => 15,
        I::TooManyBlobs { .. } => 16,
        I::EmptyBlobs => 17,
        I::BlobCreateTransaction => 18,
        I::BlobVersionNotSupported => 19,
        I::EmptyAuthorizationList => 20,
        I::AuthorizationListInvalidFields => 21,
        _ => 0,
    }
}
