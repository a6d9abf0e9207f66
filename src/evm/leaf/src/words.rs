//! Halts in geth's words (its core/vm/errors.go), and refusals as `enum evm_invalid`.

use crate::abi::Invalid;
use crate::watch::Last;
use revm::bytecode::opcode::OpCode;
use revm::context::result::{HaltReason, InvalidTransaction, OutOfGasError};

/// geth's stack limit.
const STACK_MAX: usize = 1024;

/// Opcodes that only geth has a name for: its EOF experiment.
const GETH_ONLY: [(u8, &str); 16] = [
    (0xd0, "DATALOAD"),
    (0xd1, "DATALOADN"),
    (0xd2, "DATASIZE"),
    (0xd3, "DATACOPY"),
    (0xe0, "RJUMP"),
    (0xe1, "RJUMPI"),
    (0xe2, "RJUMPV"),
    (0xe3, "CALLF"),
    (0xe4, "RETF"),
    (0xe5, "JUMPF"),
    (0xec, "EOFCREATE"),
    (0xee, "RETURNCONTRACT"),
    (0xf7, "RETURNDATALOAD"),
    (0xf8, "EXTCALL"),
    (0xf9, "EXTDELEGATECALL"),
    (0xfb, "EXTSTATICCALL"),
];

/// An opcode's name in geth.
pub fn opcode(op: u8) -> String {
    GETH_ONLY
        .iter()
        .find(|(code, _)| *code == op)
        .map(|(_, name)| *name)
        .or_else(|| OpCode::new(op).map(OpCode::as_str))
        .map_or_else(|| format!("opcode {op:#x} not defined"), str::to_owned)
}

/// Does the wording need the last instruction?
pub fn wants_last(reason: &HaltReason, is_create: bool) -> bool {
    match reason {
        HaltReason::OpcodeNotFound
        | HaltReason::NotActivated
        | HaltReason::StackUnderflow
        | HaltReason::StackOverflow => true,
        HaltReason::OutOfGas(_) => is_create,
        _ => false,
    }
}

/// Why execution stopped with all gas gone. `last` is the instruction that did it, where wants_last() asked for it.
pub fn halt(reason: &HaltReason, last: Option<Last>) -> String {
    match reason {
        HaltReason::OutOfGas(_) if last.is_some_and(|l| l.ended_well) => {
            "contract creation code storage out of gas".into()
        }
        HaltReason::OutOfGas(OutOfGasError::InvalidOperand) => "gas uint64 overflow".into(),
        HaltReason::OutOfGas(OutOfGasError::ReentrancySentry) => {
            "out of gas: not enough gas for reentrancy sentry".into()
        }
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => match last {
            Some(l) => format!("invalid opcode: {}", opcode(l.opcode)),
            None => "invalid opcode".into(),
        },
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => match last {
            Some(l) => {
                format!("stack underflow ({} <=> {})", l.stack_len, OpCode::new(l.opcode).map_or(0, |op| op.inputs()))
            }
            None => "stack underflow".into(),
        },
        // Whatever overflows the stack adds one value to a full one.
        HaltReason::StackOverflow => {
            format!("stack limit reached {} ({})", last.map_or(STACK_MAX, |l| l.stack_len), STACK_MAX - 1)
        }
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

/// The reason in C's terms, and the detail that only the leaf knows.
pub fn invalid(why: &InvalidTransaction) -> (Invalid, String) {
    use InvalidTransaction as I;
    let reason = match why {
        I::NonceTooLow { .. } => Invalid::NonceTooLow,
        I::NonceTooHigh { .. } => Invalid::NonceTooHigh,
        I::NonceOverflowInTransaction => Invalid::NonceMax,
        I::LackOfFundForMaxFee { .. } | I::OverflowPaymentInTransaction => Invalid::Funds,
        I::GasPriceLessThanBasefee => Invalid::FeeBelowBase,
        I::PriorityFeeGreaterThanMaxFee => Invalid::TipAboveFee,
        I::CallerGasLimitMoreThanBlock => Invalid::GasLimitBlock,
        I::TxGasLimitGreaterThanCap { .. } => Invalid::GasLimitCap,
        I::CallGasCostMoreThanGasLimit { initial_gas, .. } => {
            return (Invalid::IntrinsicGas, format!("minimum needed {initial_gas}"));
        }
        I::GasFloorMoreThanGasLimit { gas_floor, .. } => {
            return (Invalid::FloorGas, format!("minimum needed {gas_floor}"))
        }
        I::RejectCallerWithCode => Invalid::SenderHasCode,
        I::CreateInitCodeSizeLimit => Invalid::InitcodeSize,
        I::InvalidChainId | I::MissingChainId => Invalid::ChainId,
        I::AccessListNotSupported
        | I::MaxFeePerBlobGasNotSupported
        | I::BlobVersionedHashesNotSupported
        | I::AuthorizationListNotSupported
        | I::Eip2930NotSupported
        | I::Eip1559NotSupported
        | I::Eip4844NotSupported
        | I::Eip7702NotSupported
        | I::Eip7873NotSupported => Invalid::Type,
        I::BlobGasPriceGreaterThanMax { .. } => Invalid::BlobFee,
        I::TooManyBlobs { .. } => Invalid::BlobCount,
        I::EmptyBlobs => Invalid::BlobEmpty,
        I::BlobCreateTransaction => Invalid::BlobCreate,
        I::BlobVersionNotSupported => Invalid::BlobVersion,
        I::EmptyAuthorizationList => Invalid::AuthEmpty,
        I::AuthorizationListInvalidFields => Invalid::AuthCreate,
        _ => Invalid::Other,
    };
    (reason, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(opcode: u8, stack_len: usize) -> Option<Last> {
        Some(Last { opcode, stack_len, ended_well: false })
    }

    #[test]
    fn opcodes_are_named_as_geth_names_them() {
        assert_eq!(halt(&HaltReason::OpcodeNotFound, last(0x0c, 0)), "invalid opcode: opcode 0xc not defined");
        assert_eq!(halt(&HaltReason::OpcodeNotFound, last(0xef, 0)), "invalid opcode: opcode 0xef not defined");
        assert_eq!(halt(&HaltReason::OpcodeNotFound, last(0xe0, 0)), "invalid opcode: RJUMP");
        assert_eq!(halt(&HaltReason::NotActivated, last(0x5f, 0)), "invalid opcode: PUSH0");
        assert_eq!(halt(&HaltReason::InvalidFEOpcode, None), "invalid opcode: INVALID");
    }

    #[test]
    fn the_stack_is_told_by_height_and_need() {
        assert_eq!(halt(&HaltReason::StackUnderflow, last(0x01, 1)), "stack underflow (1 <=> 2)");
        assert_eq!(halt(&HaltReason::StackUnderflow, last(0x91, 2)), "stack underflow (2 <=> 3)"); // SWAP2
        assert_eq!(halt(&HaltReason::StackOverflow, last(0x60, 1024)), "stack limit reached 1024 (1023)");
    }

    #[test]
    fn gas_that_is_gone_after_a_return_was_meant_for_the_code() {
        let returned = Some(Last { opcode: 0xf3, stack_len: 2, ended_well: true });
        let reason = HaltReason::OutOfGas(OutOfGasError::Basic);
        assert_eq!(halt(&reason, returned), "contract creation code storage out of gas");
        assert_eq!(halt(&reason, last(0xf3, 2)), "out of gas");
        assert!(wants_last(&reason, true) && !wants_last(&reason, false));
    }
}
