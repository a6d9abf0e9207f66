//! eth_simulateV1's traceTransfers: ether that moves, as logs among the logs (ERC-7528's address, ERC-20's Transfer).

use super::tap::{Enter, Exit, Kind};
use revm::primitives::{address, b256, Address, Bytes, Log, B256};

const ETHER: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// What a log costs beside its bytes.
const LOG_COST: usize = 700;

/// All logs in order, those of frames that failed taken back.
#[derive(Default)]
pub struct Transfers {
    /// What is left at the end.
    pub logs: Vec<Log>,
    marks: Vec<usize>,
    /// How much is kept, roughly as much as its text will take.
    pub kept: usize,
}

impl Transfers {
    fn put(&mut self, log: Log) {
        self.kept += LOG_COST + 2 * log.data.data.len();
        self.logs.push(log);
    }

    pub fn enter(&mut self, e: &Enter) {
        self.marks.push(self.logs.len());
        let value = e.value.unwrap_or_default();
        if !value.is_zero() && !matches!(e.kind, Kind::DelegateCall | Kind::CallCode) {
            let topics = vec![TRANSFER, e.from.into_word(), e.to.into_word()];
            self.put(Log::new_unchecked(ETHER, topics, Bytes::copy_from_slice(&value.to_be_bytes::<32>())));
        }
    }

    pub fn exit(&mut self, x: &Exit) {
        let mark = self.marks.pop().unwrap_or(0);
        if x.error.is_some() {
            self.logs.truncate(mark);
        }
    }

    pub fn log(&mut self, log: &Log) {
        self.put(log.clone());
    }
}
