//! What a block has changed so far, over the state that C reads.
//!
//! revm asks this for accounts, slots and code; after each transaction its changes are applied here. Each entry keeps the
//! value from before the block beside the present one, so that the block's diff is a walk over the entries; an undo log of
//! each transaction takes the overlay back to a mark.

use crate::abi;
use crate::codes;
use revm::bytecode::Bytecode;
use revm::database_interface::{DBErrorMarker, Database};
use revm::primitives::{hardfork::SpecId, Address, HashMap, B256, KECCAK_EMPTY, U256};
use revm::state::{Account, AccountInfo, EvmState};
use std::collections::BTreeMap;
use std::fmt;

/// C's reader failed; it remembers why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderFailed;

impl fmt::Display for ReaderFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the state could not be read")
    }
}
impl std::error::Error for ReaderFailed {}
impl DBErrorMarker for ReaderFailed {}

/// An account as the overlay keeps it; one that does not exist is all default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acct {
    pub exists: bool,
    pub nonce: u64,
    pub balance: U256,
    pub code_hash: B256,
}

impl Acct {
    pub const NONE: Acct = Acct { exists: false, nonce: 0, balance: U256::ZERO, code_hash: KECCAK_EMPTY };

    fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY
    }
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    before: U256, // the block
    now: U256,
}

#[derive(Debug, Clone)]
struct Entry {
    before: Acct, // the block
    now: Acct,
    wiped: bool, // storage from before the block is gone
    slots: HashMap<U256, Slot>,
}

/// How one account looked before a transaction touched it.
struct Undo {
    address: Address,
    now: Acct,
    fresh: bool,                                // the entry did not exist
    wiped: Option<(bool, HashMap<U256, Slot>)>, // the whole storage overlay, where the transaction wiped it
    slots: Vec<(U256, Option<Slot>)>,
}

/// One account's change, ready to be laid out for C.
pub struct Change {
    pub address: Address,
    pub old: Acct,
    pub new: Acct,
    pub wiped: bool,
    pub slots: Vec<abi::SlotChange>,
}

/// The overlay: revm's database, and the block's memory.
pub struct Overlay {
    reader: abi::StateReader,
    spec: SpecId,
    entries: HashMap<Address, Entry>,
    codes: HashMap<B256, Bytecode>,
    undo: Vec<Undo>,
}

fn slot_change(slot: U256, old: U256, new: U256) -> abi::SlotChange {
    abi::SlotChange {
        slot: abi::U256(*slot.as_limbs()),
        old_value: abi::U256(*old.as_limbs()),
        new_value: abi::U256(*new.as_limbs()),
    }
}

impl Overlay {
    pub fn new(reader: abi::StateReader, spec: SpecId) -> Self {
        Overlay { reader, spec, entries: HashMap::default(), codes: HashMap::default(), undo: Vec::new() }
    }

    fn ask_account(&mut self, address: &Address) -> Result<abi::Account, ReaderFailed> {
        let mut out = abi::Account::default();
        if (self.reader.account)(self.reader.ctx, &abi::Address(address.0 .0), &mut out) != 0 {
            return Err(ReaderFailed);
        }
        Ok(out)
    }

    fn read_account(&mut self, address: &Address) -> Result<Acct, ReaderFailed> {
        let out = self.ask_account(address)?;
        Ok(if out.exists == 0 {
            Acct::NONE
        } else {
            Acct {
                exists: true,
                nonce: out.nonce,
                balance: U256::from_limbs(out.balance_wei.0),
                code_hash: B256::from(out.code_hash.0),
            }
        })
    }

    fn read_slot(&mut self, address: &Address, slot: U256) -> Result<U256, ReaderFailed> {
        let mut out = abi::U256::default();
        if (self.reader.storage)(self.reader.ctx, &abi::Address(address.0 .0), &abi::U256(*slot.as_limbs()), &mut out)
            != 0
        {
            return Err(ReaderFailed);
        }
        Ok(U256::from_limbs(out.0))
    }

    /// The account as it stands now.
    pub fn account(&mut self, address: &Address) -> Result<Acct, ReaderFailed> {
        match self.entries.get(address) {
            Some(e) => Ok(e.now),
            None => self.read_account(address),
        }
    }

    /// The account as a transaction that is not applied yet leaves it.
    pub fn account_after(&mut self, address: &Address, state: &EvmState) -> Result<Acct, ReaderFailed> {
        match state.get(address) {
            Some(account) if account.is_touched() => Ok(self.outcome_of(account)),
            _ => self.account(address),
        }
    }

    /// What becomes of an account that a transaction touched.
    fn outcome_of(&self, account: &Account) -> Acct {
        let mut new = Acct {
            exists: true,
            nonce: account.info.nonce,
            balance: account.info.balance,
            code_hash: account.info.code_hash,
        };
        if new.code_hash.is_zero() {
            new.code_hash = KECCAK_EMPTY;
        }
        let clears = self.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
        if account.is_selfdestructed() || (clears && new.is_empty()) {
            new = Acct::NONE;
        }
        new
    }

    /// Has it storage, as the transactions before this one left it? That the block took its last slot is not seen.
    pub fn has_storage(&mut self, address: &Address) -> Result<bool, ReaderFailed> {
        if let Some(e) = self.entries.get(address) {
            if e.slots.values().any(|s| !s.now.is_zero()) {
                return Ok(true);
            }
            if e.wiped {
                return Ok(false);
            }
        }
        let there = self.ask_account(address)?;
        Ok(there.exists != 0 && there.has_storage != 0)
    }

    /// Has it code?
    pub fn has_code(&mut self, address: &Address) -> Result<bool, ReaderFailed> {
        Ok(self.account(address)?.code_hash != KECCAK_EMPTY)
    }

    /// Code that the block has put in, for a diff.
    pub fn new_code(&self, hash: &B256) -> Option<&Bytecode> {
        self.codes.get(hash)
    }

    pub fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Takes back everything since a mark. False when the mark is none of ours.
    pub fn rewind(&mut self, mark: usize) -> bool {
        if mark > self.undo.len() {
            return false;
        }
        for u in self.undo.drain(mark..).rev().collect::<Vec<_>>() {
            if u.fresh {
                self.entries.remove(&u.address);
                continue;
            }
            let e = self.entries.get_mut(&u.address).expect("an undone account has an entry");
            e.now = u.now;
            if let Some((wiped, slots)) = u.wiped {
                e.wiped = wiped;
                e.slots = slots;
            } else {
                for (key, slot) in u.slots {
                    match slot {
                        Some(slot) => e.slots.insert(key, slot),
                        None => e.slots.remove(&key),
                    };
                }
            }
        }
        true
    }

    /// Writes a slot outside any transaction.
    pub fn store(&mut self, address: Address, slot: U256, value: U256) -> Result<(), ReaderFailed> {
        let old = self.storage(address, slot)?;
        if old != value {
            let account = self.account(&address)?;
            self.put(address, account, account, false, vec![(slot, old, value)]);
        }
        Ok(())
    }

    /// Adds to a balance outside any transaction.
    pub fn credit(&mut self, address: Address, amount: U256) -> Result<(), ReaderFailed> {
        let old = self.account(&address)?;
        self.touch(address, old, old.balance.saturating_add(amount));
        Ok(())
    }

    /// Takes a balance away whole (the DAO's move) and returns it. Like geth's, it touches what has none.
    pub fn drain(&mut self, address: Address) -> Result<U256, ReaderFailed> {
        let old = self.account(&address)?;
        self.touch(address, old, U256::ZERO);
        Ok(old.balance)
    }

    /// Sets a balance. An account that is empty then exists before Spurious Dragon (EIP-161), and no more since.
    fn touch(&mut self, address: Address, old: Acct, balance: U256) {
        let mut new = Acct { exists: true, balance, ..old };
        if self.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON) && new.is_empty() {
            new = Acct::NONE;
        }
        self.put(address, old, new, old.exists && !new.exists, Vec::new());
    }

    fn put(&mut self, address: Address, old: Acct, new: Acct, wiped: bool, slots: Vec<(U256, U256, U256)>) {
        let fresh = !self.entries.contains_key(&address);
        let e = self.entries.entry(address).or_insert_with(|| Entry {
            before: old,
            now: old,
            wiped: false,
            slots: HashMap::default(),
        });
        let mut undo = Undo { address, now: e.now, fresh, wiped: None, slots: Vec::new() };
        e.now = new;
        if wiped {
            undo.wiped = Some((e.wiped, std::mem::take(&mut e.slots)));
            e.wiped = true;
        }
        for (key, original, present) in slots {
            let there = e.slots.get(&key).copied();
            if undo.wiped.is_none() {
                undo.slots.push((key, there));
            }
            let before = there.map_or(if e.wiped { U256::ZERO } else { original }, |s| s.before);
            e.slots.insert(key, Slot { before, now: present });
        }
        self.undo.push(undo);
    }

    /// Applies what a transaction did; returns its own diff when wanted, sorted by address.
    pub fn apply(&mut self, state: EvmState, want_diff: bool) -> Result<Vec<Change>, ReaderFailed> {
        let mut changes = BTreeMap::new();

        for (address, account) in state {
            if !account.is_touched() {
                continue;
            }
            let old = self.account(&address)?;
            let new = self.outcome_of(&account);
            // A creation begins on empty storage, and an account that goes takes its storage along.
            let wiped = old.exists && (account.is_created() || !new.exists);
            let mut slots: Vec<(U256, U256, U256)> = Vec::new();
            if new.exists {
                slots = account
                    .storage
                    .iter()
                    .filter(|(_, s)| s.is_changed())
                    .map(|(k, s)| (*k, s.original_value, s.present_value))
                    .collect();
            }
            if new == old && slots.is_empty() && !wiped {
                continue;
            }
            if new.code_hash != old.code_hash && new.code_hash != KECCAK_EMPTY {
                if let Some(code) = account.info.code {
                    self.codes.insert(new.code_hash, code);
                }
            }
            if want_diff {
                let mut list: Vec<_> =
                    slots.iter().filter(|s| s.1 != s.2).map(|s| slot_change(s.0, s.1, s.2)).collect();
                list.sort_by_key(|s| U256::from_limbs(s.slot.0));
                changes.insert(address, Change { address, old, new, wiped, slots: list });
            }
            self.put(address, old, new, wiped, slots);
        }
        Ok(changes.into_values().collect())
    }

    /// All that the block changed, sorted by address; nothing that ended as it began.
    pub fn block_changes(&self) -> Vec<Change> {
        let mut out: Vec<Change> = Vec::new();

        for (address, e) in &self.entries {
            let wiped = e.wiped && e.before.exists;
            let mut slots: Vec<_> = e
                .slots
                .iter()
                .filter(|(_, s)| if wiped { !s.now.is_zero() } else { s.now != s.before })
                .map(|(k, s)| slot_change(*k, s.before, s.now))
                .collect();
            if !e.now.exists {
                slots.clear();
            }
            if e.before == e.now && slots.is_empty() && !wiped {
                continue;
            }
            slots.sort_by_key(|s| U256::from_limbs(s.slot.0));
            out.push(Change { address: *address, old: e.before, new: e.now, wiped, slots });
        }
        out.sort_by_key(|c| c.address);
        out
    }
}

impl Database for Overlay {
    type Error = ReaderFailed;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReaderFailed> {
        let a = self.account(&address)?;
        Ok(a.exists.then(|| {
            let mut info =
                AccountInfo { balance: a.balance, nonce: a.nonce, code_hash: a.code_hash, ..Default::default() };
            info.code = if a.code_hash == KECCAK_EMPTY { Some(Bytecode::default()) } else { None };
            info
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, ReaderFailed> {
        if hash == KECCAK_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code.clone());
        }
        let delegates = self.spec.is_enabled_in(SpecId::PRAGUE);
        if let Some(code) = codes::get(&hash, delegates) {
            return Ok(code);
        }
        let (mut at, mut len) = (std::ptr::null(), 0usize);
        if (self.reader.code)(self.reader.ctx, &abi::Hash(hash.0), &mut at, &mut len) != 0 {
            return Err(ReaderFailed);
        }
        // SAFETY: the reader promises len bytes that hold until the execution ends; they are copied here.
        let bytes = unsafe { abi::lent(at, len) };
        let bytes = revm::primitives::Bytes::copy_from_slice(bytes);
        // Before EIP-7702 code of a delegation's shape is code like any other, and revm goes by the shape alone.
        let code = if delegates { Bytecode::new_raw(bytes) } else { Bytecode::new_legacy(bytes) };
        codes::put(hash, delegates, &code);
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReaderFailed> {
        if let Some(e) = self.entries.get(&address) {
            if let Some(s) = e.slots.get(&slot) {
                return Ok(s.now);
            }
            if e.wiped {
                return Ok(U256::ZERO);
            }
        }
        self.read_slot(&address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReaderFailed> {
        let mut out = abi::Hash::default();
        if (self.reader.block_hash)(self.reader.ctx, number, &mut out) != 0 {
            return Err(ReaderFailed);
        }
        Ok(B256::from(out.0))
    }
}
