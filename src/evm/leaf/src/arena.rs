//! The flat results that C borrows: everything an outcome points to, kept in one place until the next call.

use crate::abi::{self, pointer};
use crate::convert::Refusal;
use crate::overlay::{Acct, Change, Overlay};
use crate::words;
use revm::context::result::{EVMError, ExecutionResult, Output};
use revm::primitives::{Bytes, Log, KECCAK_EMPTY};
use std::ffi::CString;

/// Owns what an [`abi::Outcome`] or an [`abi::Diff`] points to.
#[derive(Default)]
pub struct Kept {
    output: Bytes,
    sources: Vec<Log>,
    logs: Vec<abi::Log>,
    text: CString,
    diff: KeptDiff,
}

/// Owns what an [`abi::Diff`] points to.
#[derive(Default)]
pub struct KeptDiff {
    slots: Vec<Vec<abi::SlotChange>>,
    codes: Vec<Bytes>,
    accounts: Vec<abi::AccountChange>,
}

impl KeptDiff {
    /// Lays the changes out for C.
    pub fn keep(&mut self, changes: Vec<Change>, overlay: &Overlay) -> abi::Diff {
        self.slots.clear();
        self.codes.clear();
        self.accounts.clear();
        for c in changes {
            let code = if c.new.code_hash != c.old.code_hash && c.new.code_hash != KECCAK_EMPTY {
                overlay.new_code(&c.new.code_hash).map(|code| code.original_bytes())
            } else {
                None
            };
            let (new_code, new_code_len) = match &code {
                Some(bytes) => (bytes.as_ptr(), bytes.len()),
                None => (std::ptr::null(), 0),
            };
            self.accounts.push(abi::AccountChange {
                address: abi::Address(c.address.0 .0),
                existed: c.old.exists as u8,
                exists: c.new.exists as u8,
                storage_wiped: c.wiped as u8,
                old_nonce: c.old.nonce,
                new_nonce: c.new.nonce,
                old_balance_wei: abi::U256(*c.old.balance.as_limbs()),
                new_balance_wei: abi::U256(*c.new.balance.as_limbs()),
                old_code_hash: hash_of(&c.old),
                new_code_hash: hash_of(&c.new),
                new_code,
                new_code_len,
                slots: pointer(&c.slots),
                slot_count: c.slots.len(),
            });
            self.slots.push(c.slots); // moving the Vec leaves its buffer where it is
            self.codes.extend(code);
        }
        abi::Diff { accounts: pointer(&self.accounts), account_count: self.accounts.len() }
    }
}

fn hash_of(a: &Acct) -> abi::Hash {
    abi::Hash(a.code_hash.0)
}

impl Kept {
    /// An outcome that is only a status and words.
    pub fn status(&mut self, status: u32, text: &str) -> abi::Outcome {
        *self = Kept { text: CString::new(text.replace('\0', " ")).unwrap_or_default(), ..Default::default() };
        abi::Outcome {
            status,
            invalid: 0,
            gas_used: 0,
            gas_refunded: 0,
            gas_spent_max: 0,
            output: std::ptr::null(),
            output_len: 0,
            created: 0,
            contract: abi::Address::default(),
            logs: std::ptr::null(),
            log_count: 0,
            diff: abi::Diff { accounts: std::ptr::null(), account_count: 0 },
            text: self.text.as_ptr(),
        }
    }

    /// A transaction that cannot be executed.
    pub fn invalid(&mut self, why: abi::Invalid, text: &str) -> abi::Outcome {
        let mut out = self.status(abi::INVALID, text);
        out.invalid = why as u32;
        out
    }

    /// Why a transaction was not executed.
    pub fn refused(&mut self, refusal: Refusal) -> abi::Outcome {
        match refusal {
            EVMError::Transaction(why) => {
                let (reason, text) = words::invalid(&why);
                self.invalid(reason, &text)
            }
            EVMError::Database(_) => self.status(abi::STATE_ERROR, "the state could not be read"),
            other => self.status(abi::FAULT, &other.to_string()),
        }
    }

    /// What an executed transaction did; `text` is why it halted.
    pub fn executed(&mut self, result: ExecutionResult, text: &str) -> abi::Outcome {
        let gas = *result.gas();
        let (status, text) = match &result {
            ExecutionResult::Success { .. } => (abi::SUCCESS, ""),
            ExecutionResult::Revert { .. } => (abi::REVERT, "execution reverted"),
            ExecutionResult::Halt { .. } => (abi::HALT, text),
        };
        let mut out = self.status(status, text);
        out.gas_used = gas.tx_gas_used();
        out.gas_refunded = gas.final_refunded();
        out.gas_spent_max = gas.total_gas_spent().max(gas.tx_gas_used());
        match result {
            ExecutionResult::Success { output, logs, .. } => {
                if let Output::Create(_, Some(address)) = &output {
                    out.created = 1;
                    out.contract = abi::Address(address.0 .0);
                }
                self.output = output.into_data();
                self.sources = logs;
            }
            ExecutionResult::Revert { output, .. } => self.output = output,
            ExecutionResult::Halt { .. } => {}
        }
        out.output = pointer(&self.output);
        out.output_len = self.output.len();
        self.lend_logs(&mut out);
        out
    }

    fn lend_logs(&mut self, out: &mut abi::Outcome) {
        self.logs = self
            .sources
            .iter()
            .map(|l| abi::Log {
                address: abi::Address(l.address.0 .0),
                topics: pointer(l.data.topics()).cast(),
                topic_count: l.data.topics().len(),
                data: pointer(&l.data.data),
                data_len: l.data.data.len(),
            })
            .collect();
        out.logs = pointer(&self.logs);
        out.log_count = self.logs.len();
    }

    /// Gives an outcome other logs than its own.
    pub fn other_logs(&mut self, logs: Vec<Log>, out: &mut abi::Outcome) {
        self.sources = logs;
        self.lend_logs(out);
    }

    /// The diff of the transaction executed last.
    pub fn changed(&mut self, changes: Vec<Change>, overlay: &Overlay) -> abi::Diff {
        self.diff.keep(changes, overlay)
    }
}
