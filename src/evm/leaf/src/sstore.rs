//! SSTORE between Constantinople and Petersburg: EIP-1283, which revm does not have since main net skipped it.

use crate::convert::Ctx;
use revm::context_interface::cfg::gas_params::{GasId, GasParams};
use revm::interpreter::instructions::host::sstore_with_gas_accounting;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{InstructionContext, InstructionExecResult, InstructionResult};
use revm::primitives::U256;

const NOTHING_NEW: u64 = 200; // also: dirty already
const SET: u64 = 20_000;
const RESET: u64 = 5_000;
const CLEARS: i64 = 15_000;
const SET_UNDONE: i64 = (SET - NOTHING_NEW) as i64;
const RESET_UNDONE: i64 = (RESET - NOTHING_NEW) as i64;

/// What every SSTORE pays before it looks at the slot.
pub fn lower_static_gas(params: &mut GasParams) {
    params.override_gas([(GasId::sstore_static(), NOTHING_NEW)]);
}

/// Gas beyond the static part, and the refund, by the EIP's table.
fn price(original: U256, present: U256, new: U256) -> (u64, i64) {
    if present == new {
        return (0, 0);
    }
    if original == present {
        return match (original.is_zero(), new.is_zero()) {
            (true, _) => (SET - NOTHING_NEW, 0),
            (false, true) => (RESET - NOTHING_NEW, CLEARS),
            (false, false) => (RESET - NOTHING_NEW, 0),
        };
    }
    let mut refund = 0;
    if !original.is_zero() {
        if present.is_zero() {
            refund -= CLEARS;
        } else if new.is_zero() {
            refund += CLEARS;
        }
    }
    if original == new {
        refund += if original.is_zero() { SET_UNDONE } else { RESET_UNDONE };
    }
    (0, refund)
}

/// The instruction.
pub fn eip1283(step: InstructionContext<'_, Ctx, EthInterpreter>) -> InstructionExecResult {
    sstore_with_gas_accounting(step, |step, _, slot| {
        let (gas, refund) = price(slot.data.original_value, slot.data.present_value, slot.data.new_value);
        if !step.interpreter.gas.record_regular_cost(gas) {
            return Err(InstructionResult::OutOfGas);
        }
        step.interpreter.gas.record_refund(refund);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EIP-1283's own test cases: original value, the values stored one after the other, gas (without the pushes), refund.
    #[test]
    fn the_cases_of_the_eip() {
        const CASES: [(u64, &[u64], u64, i64); 17] = [
            (0, &[0, 0], 400, 0),
            (0, &[0, 1], 20_200, 0),
            (0, &[1, 0], 20_200, 19_800),
            (0, &[1, 2], 20_200, 0),
            (0, &[1, 1], 20_200, 0),
            (1, &[0, 0], 5_200, 15_000),
            (1, &[0, 1], 5_200, 4_800),
            (1, &[0, 2], 5_200, 0),
            (1, &[2, 0], 5_200, 15_000),
            (1, &[2, 3], 5_200, 0),
            (1, &[2, 1], 5_200, 4_800),
            (1, &[2, 2], 5_200, 0),
            (1, &[1, 0], 5_200, 15_000),
            (1, &[1, 2], 5_200, 0),
            (1, &[1, 1], 400, 0),
            (0, &[1, 0, 1], 40_200, 19_800),
            (1, &[0, 1, 0], 10_200, 19_800),
        ];
        for (original, values, gas, refund) in CASES {
            let mut present = original;
            let (mut gas_sum, mut refund_sum) = (0, 0);
            for &new in values {
                let (gas, refund) = price(U256::from(original), U256::from(present), U256::from(new));
                gas_sum += NOTHING_NEW + gas;
                refund_sum += refund;
                present = new;
            }
            assert_eq!((gas_sum, refund_sum), (gas, refund), "{original} then {values:?}");
        }
    }
}
