//! prestateTracer: what a transaction looked at, as it was before, and, in diff mode, what it made of it.

use super::tap::{After, Before, Enter};
use super::text;
use crate::abi::TraceConfig;
use crate::convert::Ctx;
use crate::overlay::{Acct, Overlay, ReaderFailed};
use revm::bytecode::opcode::{
    BALANCE, CALL, CALLCODE, DELEGATECALL, EXTCODECOPY, EXTCODEHASH, EXTCODESIZE, SELFDESTRUCT, SLOAD, SSTORE,
    STATICCALL,
};
use revm::context::transaction::AuthorizationTr;
use revm::context_interface::{ContextTr, Transaction};
use revm::database_interface::Database;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::InputsTr;
use revm::interpreter::Interpreter;
use revm::primitives::{hardfork::SpecId, Address, Bytes, B256, KECCAK_EMPTY, U256};
use revm::state::EvmState;
use std::collections::{BTreeMap, HashSet};

#[derive(Default)]
struct Account {
    balance: Option<U256>,
    nonce: u64,
    code: Option<Bytes>,
    code_hash: Option<B256>,
    storage: BTreeMap<U256, U256>,
    empty: bool,
}

/// The tracer.
pub struct Prestate {
    config: TraceConfig,
    pre: BTreeMap<Address, Account>,
    post: BTreeMap<Address, Account>,
    created: HashSet<Address>,
    deleted: HashSet<Address>,
    /// How much is kept, roughly as much as its text will take.
    pub kept: usize,
    /// The state could not be read.
    pub failed: bool,
}

fn delegate_of(code: &[u8]) -> Option<Address> {
    (code.len() == 23 && code.starts_with(&[0xef, 0x01, 0x00])).then(|| Address::from_slice(&code[3..]))
}

fn code_of(db: &mut Overlay, a: &Acct) -> Result<Bytes, ReaderFailed> {
    if a.code_hash == KECCAK_EMPTY {
        return Ok(Bytes::new());
    }
    Ok(db.code_by_hash(a.code_hash)?.original_bytes())
}

impl Prestate {
    pub fn new(config: TraceConfig) -> Self {
        Prestate {
            config,
            pre: BTreeMap::new(),
            post: BTreeMap::new(),
            created: HashSet::new(),
            deleted: HashSet::new(),
            kept: 0,
            failed: false,
        }
    }

    fn guard(&mut self, done: Result<(), ReaderFailed>) {
        self.failed |= done.is_err();
    }

    /// The overlay stands where the transaction began until its end, so the time of asking does not matter.
    fn look_up(&mut self, db: &mut Overlay, address: Address) -> Result<(), ReaderFailed> {
        if self.pre.contains_key(&address) {
            return Ok(());
        }
        let now = db.account(&address)?;
        let code = code_of(db, &now)?;
        let mut account = Account { balance: Some(now.balance), nonce: now.nonce, ..Account::default() };
        if now.exists && now.code_hash != KECCAK_EMPTY {
            account.code_hash = Some(now.code_hash);
        }
        account.empty = now.nonce == 0 && code.is_empty() && now.balance.is_zero();
        if self.config.no_code == 0 && !code.is_empty() {
            self.kept += 2 * code.len();
            account.code = Some(code);
        }
        self.kept += 200;
        self.pre.insert(address, account);
        Ok(())
    }

    fn look_up_slot(&mut self, db: &mut Overlay, address: Address, slot: U256) -> Result<(), ReaderFailed> {
        if self.config.no_storage != 0 || self.pre.get(&address).is_some_and(|a| a.storage.contains_key(&slot)) {
            return Ok(());
        }
        let value = db.storage(address, slot)?;
        self.kept += 140;
        self.pre.entry(address).or_default().storage.insert(slot, value);
        Ok(())
    }

    pub fn begin(&mut self, ctx: &mut Ctx) {
        let to = ctx.tx.kind().to().copied();
        let from = ctx.tx.caller();
        let coinbase = ctx.block.beneficiary;
        let authorities: Vec<Address> = ctx.tx.authorization_list.iter().filter_map(|a| a.authority()).collect();
        let prague = ctx.cfg.spec.is_enabled_in(SpecId::PRAGUE);
        let db = ctx.db_mut();
        let done = (|| {
            let to = match to {
                Some(to) => {
                    if prague {
                        let account = db.account(&to)?;
                        if let Some(target) = delegate_of(&code_of(db, &account)?) {
                            self.look_up(db, target)?;
                        }
                    }
                    to
                }
                None => {
                    let to = from.create(db.account(&from)?.nonce);
                    self.created.insert(to);
                    to
                }
            };
            self.look_up(db, from)?;
            self.look_up(db, to)?;
            self.look_up(db, coinbase)?;
            authorities.into_iter().try_for_each(|a| self.look_up(db, a))
        })();
        self.guard(done);
    }

    /// A creation by code: geth foretells the address at the instruction.
    pub fn enter(&mut self, e: &Enter, ctx: &mut Ctx) {
        if e.depth > 0 && e.kind.creates() {
            let done = self.look_up(ctx.db_mut(), e.to);
            self.created.insert(e.to);
            self.guard(done);
        }
    }

    pub fn stepped(&mut self, before: &Before, after: &After, interp: &Interpreter<EthInterpreter>, ctx: &mut Ctx) {
        if after.refused.is_some() {
            return;
        }
        let own = interp.input.target_address();
        let named = |at: usize| Address::from_word(before.top[at].into());
        let done = match before.opcode {
            SLOAD | SSTORE if before.stack_len >= 1 => self.look_up_slot(ctx.db_mut(), own, before.top[0]),
            EXTCODECOPY | EXTCODEHASH | EXTCODESIZE | BALANCE if before.stack_len >= 1 => {
                self.look_up(ctx.db_mut(), named(0))
            }
            SELFDESTRUCT if before.stack_len >= 1 => {
                if !ctx.cfg.spec.is_enabled_in(SpecId::CANCUN) || self.created.contains(&own) {
                    self.deleted.insert(own);
                }
                self.look_up(ctx.db_mut(), named(0))
            }
            CALL | CALLCODE | DELEGATECALL | STATICCALL if before.stack_len >= 5 => self.look_up_callee(ctx, named(1)),
            _ => Ok(()),
        };
        self.guard(done);
    }

    fn look_up_callee(&mut self, ctx: &mut Ctx, address: Address) -> Result<(), ReaderFailed> {
        self.look_up(ctx.db_mut(), address)?;
        if !ctx.cfg.spec.is_enabled_in(SpecId::PRAGUE) {
            return Ok(());
        }
        // A delegation may have been set by this very transaction.
        let hash = ctx.journaled_state.state.get(&address).map(|a| (a.info.code_hash, a.info.code.clone()));
        let code = match hash {
            Some((_, Some(code))) => code.original_bytes(),
            Some((hash, None)) if hash != KECCAK_EMPTY => ctx.db_mut().code_by_hash(hash)?.original_bytes(),
            _ => return Ok(()),
        };
        match delegate_of(&code) {
            Some(target) => self.look_up(ctx.db_mut(), target),
            None => Ok(()),
        }
    }

    pub fn end(&mut self, db: &mut Overlay, state: &EvmState) {
        if self.config.diff != 0 {
            let done = self.compare(db, state);
            self.guard(done);
        }
        if self.config.with_empty == 0 {
            self.pre.retain(|_, a| !a.empty);
        }
    }

    fn compare(&mut self, db: &mut Overlay, state: &EvmState) -> Result<(), ReaderFailed> {
        let mut unchanged = Vec::new();
        for (address, pre) in &mut self.pre {
            if self.deleted.contains(address) {
                continue;
            }
            let now = db.account_after(address, state)?;
            let mut post = Account::default();
            let mut modified = false;
            if pre.balance != Some(now.balance) {
                modified = true;
                post.balance = Some(now.balance);
            }
            if pre.nonce != now.nonce {
                modified = true;
                post.nonce = now.nonce;
            }
            // geth's hash of an account that is not there is zero, and so it differs from that of no code.
            let hash = if now.exists { now.code_hash } else { B256::ZERO };
            if hash != pre.code_hash.unwrap_or(KECCAK_EMPTY) {
                modified = true;
                post.code_hash = Some(hash);
            }
            if self.config.no_code == 0 {
                let code = match state.get(address).and_then(|a| a.info.code.as_ref()) {
                    Some(code) if now.exists && now.code_hash != KECCAK_EMPTY => code.original_bytes(),
                    _ => code_of(db, &now)?,
                };
                if code != *pre.code.as_ref().unwrap_or(&Bytes::new()) {
                    modified = true;
                    post.code = Some(code);
                }
            }
            let slots: Vec<U256> = pre.storage.keys().copied().collect();
            for slot in slots {
                let old = pre.storage[&slot];
                let new = match state.get(address) {
                    Some(_) if !now.exists => U256::ZERO,
                    Some(a) => match a.storage.get(&slot) {
                        Some(s) => s.present_value,
                        None => db.storage(*address, slot)?,
                    },
                    None => db.storage(*address, slot)?,
                };
                if old == new || old.is_zero() {
                    pre.storage.remove(&slot);
                }
                if old != new {
                    modified = true;
                    if !new.is_zero() {
                        post.storage.insert(slot, new);
                    }
                }
            }
            if modified {
                self.post.insert(*address, post);
            } else {
                unchanged.push(*address);
            }
        }
        for address in unchanged {
            self.pre.remove(&address);
        }
        Ok(())
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        if self.config.diff == 0 {
            put_accounts(out, &self.pre);
            return;
        }
        text::raw(out, "{\"post\":");
        put_accounts(out, &self.post);
        text::raw(out, ",\"pre\":");
        put_accounts(out, &self.pre);
        out.push(b'}');
    }
}

fn put_accounts(out: &mut Vec<u8>, accounts: &BTreeMap<Address, Account>) {
    out.push(b'{');
    for (i, (address, account)) in accounts.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        text::address(out, address);
        out.push(b':');
        account.put(out);
    }
    out.push(b'}');
}

impl Account {
    fn put(&self, out: &mut Vec<u8>) {
        let mut next = b'{';
        let mut key = |out: &mut Vec<u8>, name: &str| {
            out.push(std::mem::replace(&mut next, b','));
            text::string(out, name);
            out.push(b':');
        };
        if let Some(balance) = &self.balance {
            key(out, "balance");
            text::quantity(out, balance);
        }
        if let Some(code) = &self.code {
            key(out, "code");
            text::data(out, code);
        }
        if let Some(hash) = &self.code_hash {
            key(out, "codeHash");
            text::hash(out, hash);
        }
        if self.nonce != 0 {
            key(out, "nonce");
            text::number(out, self.nonce);
        }
        if !self.storage.is_empty() {
            key(out, "storage");
            for (i, (slot, value)) in self.storage.iter().enumerate() {
                out.push(if i == 0 { b'{' } else { b',' });
                text::data(out, &slot.to_be_bytes::<32>());
                out.push(b':');
                text::data(out, &value.to_be_bytes::<32>());
            }
            out.push(b'}');
        }
        if next == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}
