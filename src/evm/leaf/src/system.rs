//! What the protocol itself does before and after a block's transactions.
//!
//! What the four system contracts do when the protocol calls them is fixed by their code. Where exactly that code stands,
//! the two rings are written straight away, and a queue that holds nothing is not asked: an execution of each costs a block
//! more than a transfer in it. Other code at the same address is executed (`system_test.c` holds both ways to the same).
//!
//! Spec: EIP-4788, 2935, 7002, 7251, 6110, 7685, 779 (the DAO).

use crate::convert::Machine;
use crate::overlay::ReaderFailed;
use alloy_evm::eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY};
use revm::context::result::{EVMError, ExecutionResult};
use revm::database_interface::Database;
use revm::primitives::{address, b256, Address, Bytes, Log, B256, U256};
use revm::{ExecuteEvm, SystemCallEvm};

const BEACON_ROOTS: Address = address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
const HISTORY_STORAGE: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
const WITHDRAWAL_REQUESTS: Address = address!("00000961Ef480Eb55e80D19ad83579A64c007002");
const CONSOLIDATION_REQUESTS: Address = address!("0000BBdDc7CE488642fb579F8B00f3a590007251");
/// Their code's hashes: that of the EIPs, and of Ethereum's networks.
const BEACON_ROOTS_CODE: B256 = b256!("f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c");
const HISTORY_STORAGE_CODE: B256 = b256!("6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d");
const WITHDRAWAL_REQUESTS_CODE: B256 = b256!("0345a365d2f4c5975b9f1599abe0a2ee76b7a3a731bc68781bd04c84e4858f50");
const CONSOLIDATION_REQUESTS_CODE: B256 = b256!("78c6cb5202685228bbcbfb992b1c4e116c7ec5ef11e25b8e92716cfc628ddd60");
/// How many blocks either ring holds.
const RING: U256 = U256::from_limbs([8191, 0, 0, 0]);
/// What a queue keeps beside its requests: the excess, the count of this block, head and tail.
const QUEUE_SLOTS: u64 = 4;
/// keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)")
const DEPOSIT_EVENT: B256 = b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
/// A deposit request: public key, withdrawal credentials, amount, signature, index.
pub const DEPOSIT_LEN: usize = 192;

/// Why the protocol's own steps did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// C's reader failed.
    Reader,
    /// The block cannot be: a rule of the protocol is broken, or the leaf failed.
    Block(String),
}

impl From<ReaderFailed> for Failure {
    fn from(_: ReaderFailed) -> Self {
        Failure::Reader
    }
}

/// A call by the system address. None, and nothing happens, where there is no code.
fn call(machine: &mut Machine, to: Address, input: &[u8]) -> Result<Option<ExecutionResult>, Failure> {
    if !machine.ctx.journaled_state.database.has_code(&to)? {
        return Ok(None);
    }
    let done = machine.system_call_one(to, Bytes::copy_from_slice(input));
    let state = machine.finalize(); // also after a failure: nothing may stay in the journal
    let result = done.map_err(|e| match e {
        EVMError::Database(_) => Failure::Reader,
        other => Failure::Block(other.to_string()),
    })?;
    machine.ctx.journaled_state.database.apply(state, false)?;
    Ok(Some(result))
}

/// EIP-4788: the parent's beacon root, behind the block's time. That the contract fails changes nothing for the block.
pub fn store_beacon_root(machine: &mut Machine, root: B256) -> Result<(), Failure> {
    let time = machine.ctx.block.timestamp;
    let overlay = &mut machine.ctx.journaled_state.database;
    if overlay.account(&BEACON_ROOTS)?.code_hash == BEACON_ROOTS_CODE {
        let at = time % RING;
        overlay.store(BEACON_ROOTS, at, time)?;
        overlay.store(BEACON_ROOTS, at + RING, root.into())?;
        return Ok(());
    }
    call(machine, BEACON_ROOTS, root.as_slice()).map(|_| ())
}

/// EIP-2935: the parent's hash.
pub fn store_parent_hash(machine: &mut Machine, hash: B256) -> Result<(), Failure> {
    let parent = machine.ctx.block.number - U256::from(1); // genesis has none, and stores none
    let overlay = &mut machine.ctx.journaled_state.database;
    if overlay.account(&HISTORY_STORAGE)?.code_hash == HISTORY_STORAGE_CODE {
        overlay.store(HISTORY_STORAGE, parent % RING, hash.into())?;
        return Ok(());
    }
    call(machine, HISTORY_STORAGE, hash.as_slice()).map(|_| ())
}

/// The DAO's balances go to the contract that refunds them.
pub fn move_dao(machine: &mut Machine) -> Result<(), Failure> {
    let overlay = &mut machine.ctx.journaled_state.database;
    for account in DAO_HARDFORK_ACCOUNTS {
        let all = overlay.drain(account)?;
        overlay.credit(DAO_HARDFORK_BENEFICIARY, all)?;
    }
    Ok(())
}

/// Would a call find nothing to give and nothing to change? With all four at 0 it writes only zeros over zeros.
fn is_idle(machine: &mut Machine, queue: Address, code: B256) -> Result<bool, Failure> {
    let overlay = &mut machine.ctx.journaled_state.database;
    if overlay.account(&queue)?.code_hash != code {
        return Ok(false);
    }
    for slot in 0..QUEUE_SLOTS {
        if !overlay.storage(queue, U256::from(slot))?.is_zero() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The request lists of EIP-7685 that are not empty, each behind its type.
pub fn requests(machine: &mut Machine, deposits: &[[u8; DEPOSIT_LEN]]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut lists = Vec::new();
    let mut add = |kind: u8, data: &[u8]| {
        if !data.is_empty() {
            lists.push([&[kind], data].concat());
        }
    };
    add(0, deposits.as_flattened());
    for (kind, contract, code, what) in [
        (1, WITHDRAWAL_REQUESTS, WITHDRAWAL_REQUESTS_CODE, "withdrawal"),
        (2, CONSOLIDATION_REQUESTS, CONSOLIDATION_REQUESTS_CODE, "consolidation"),
    ] {
        if is_idle(machine, contract, code)? {
            continue;
        }
        match call(machine, contract, &[])? {
            Some(ExecutionResult::Success { output, .. }) => add(kind, output.data()),
            Some(_) => {
                return Err(Failure::Block(format!("system call failed to execute: {what} requests at {contract}")))
            }
            None => {
                return Err(Failure::Block(format!("empty system contract: no code at {contract} ({what} requests)")))
            }
        }
    }
    Ok(lists)
}

/// The deposits that a transaction's logs tell of (EIP-6110). One that is not laid out as the deposit contract does it makes
/// the block invalid.
pub fn deposits(logs: &[Log], contract: Address) -> Result<Vec<[u8; DEPOSIT_LEN]>, String> {
    logs.iter()
        .filter(|log| log.address == contract && log.data.topics().first() == Some(&DEPOSIT_EVENT))
        .map(|log| deposit(log.data.data.as_ref()))
        .collect()
}

/// Five byte strings in the ABI's encoding: five offsets, then each length before its padded bytes.
fn deposit(data: &[u8]) -> Result<[u8; DEPOSIT_LEN], String> {
    const FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)]; // offset, length
    const EVENT_LEN: usize = 576;
    let mut out = [0; DEPOSIT_LEN];
    let mut filled = 0;
    if data.len() != EVENT_LEN {
        return Err(format!("deposit event holds {} bytes, expected {EVENT_LEN}", data.len()));
    }
    let word_is = |at: usize, value: usize| {
        let word = &data[at..at + 32];
        word[..24].iter().all(|b| *b == 0) && word[24..] == (value as u64).to_be_bytes()
    };
    for (i, (offset, len)) in FIELDS.into_iter().enumerate() {
        if !word_is(i * 32, offset) || !word_is(offset, len) {
            return Err(format!("deposit event's field {i} is not where the deposit contract puts it"));
        }
        out[filled..filled + len].copy_from_slice(&data[offset + 32..offset + 32 + len]);
        filled += len;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Vec<u8> {
        let mut data = vec![0u8; 576];
        for (i, (offset, len)) in
            [(160usize, 48usize), (256, 32), (320, 8), (384, 96), (512, 8)].into_iter().enumerate()
        {
            data[i * 32 + 24..i * 32 + 32].copy_from_slice(&(offset as u64).to_be_bytes());
            data[offset + 24..offset + 32].copy_from_slice(&(len as u64).to_be_bytes());
            data[offset + 32..offset + 32 + len].fill(i as u8 + 1);
        }
        data
    }

    #[test]
    fn a_deposit_is_its_five_fields_in_a_row() {
        let request = deposit(&event()).expect("well laid out");
        let expected: Vec<u8> =
            [(1u8, 48), (2, 32), (3, 8), (4, 96), (5, 8)].iter().flat_map(|(b, n)| vec![*b; *n]).collect();
        assert_eq!(request.as_slice(), expected.as_slice());
    }

    #[test]
    fn a_deposit_laid_out_otherwise_is_refused() {
        let good = event();
        for at in [31, 63, 160 + 31, 512 + 24] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(deposit(&bad).is_err(), "byte {at}");
        }
        assert!(deposit(&good[..575]).is_err());
        assert!(deposit(&[good.as_slice(), &[0]].concat()).is_err());
    }
}
