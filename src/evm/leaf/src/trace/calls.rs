//! callTracer and flatCallTracer: the tree of calls. 4byteTracer: which functions they name.

use super::tap::{Enter, Exit, Kind};
use super::text;
use crate::abi::Trace;
use revm::primitives::{hex, Bytes, Log, U256};
use std::collections::BTreeMap;

/// What a node of the tree costs beside its bytes, in memory as in text.
const FRAME_COST: usize = 400;

struct CallLog {
    log: Log,
    index: u64,
    position: usize,
}

/// In whose manner flat calls are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// geth's flatCallTracer.
    Geth,
    /// The same, errors as OpenEthereum words them.
    GethParityErrors,
    /// OpenEthereum's trace module, as other clients have kept it: gas is the frame's own, and a failure has no result.
    Parity,
}

/// One call with what it called.
struct Frame {
    enter: Enter,
    gas_used: u64,
    /// Of the frame alone: the transaction's own frame counts neither what came before its code nor refunds.
    own_gas_used: u64,
    has_to: bool,
    output: Bytes,
    error: Option<String>,
    reason: Option<String>,
    logs: Vec<CallLog>,
    calls: Vec<Frame>,
}

/// The tree while it grows.
pub struct Calls {
    only_top: bool,
    with_log: bool,
    /// Calls to precompiles leave no trace (flatCallTracer).
    drop_precompiles: bool,
    open: Vec<Frame>,
    root: Option<Frame>,
    /// How much is kept, roughly as much as its text will take.
    pub kept: usize,
}

impl Calls {
    pub fn new(only_top: bool, with_log: bool, drop_precompiles: bool) -> Self {
        Calls { only_top, with_log, drop_precompiles, open: Vec::new(), root: None, kept: 0 }
    }

    pub fn enter(&mut self, e: &Enter) {
        if self.only_top && e.depth > 0 {
            return;
        }
        self.kept += FRAME_COST + 2 * e.input.len();
        self.open.push(Frame {
            enter: e.clone(),
            gas_used: 0,
            own_gas_used: 0,
            has_to: true,
            output: Bytes::new(),
            error: None,
            reason: None,
            logs: Vec::new(),
            calls: Vec::new(),
        });
    }

    pub fn exit(&mut self, x: &Exit) {
        if self.only_top && x.depth > 0 {
            return;
        }
        let Some(mut frame) = self.open.pop() else { return };
        frame.gas_used = x.gas_used;
        frame.own_gas_used = x.gas_used;
        match &x.error {
            None => frame.output = x.output.clone(),
            Some(error) => {
                frame.error = Some(error.clone());
                frame.has_to = !frame.enter.kind.creates();
                if x.reverted && !x.output.is_empty() {
                    frame.output = x.output.clone();
                    frame.reason = revert_reason(&x.output);
                }
            }
        }
        self.kept += 2 * frame.output.len();
        match self.open.last_mut() {
            None => self.root = Some(frame),
            Some(_) if self.drop_precompiles && x.precompile && frame.enter.kind.may_be_dropped() => {}
            Some(parent) => parent.calls.push(frame),
        }
    }

    pub fn log(&mut self, log: &Log, index: u64, depth: usize) {
        if !self.with_log || (self.only_top && depth > 0) {
            return;
        }
        if let Some(frame) = self.open.last_mut() {
            self.kept += FRAME_COST + 2 * log.data.data.len();
            let position = frame.calls.len();
            frame.logs.push(CallLog { log: log.clone(), index, position });
        }
    }

    pub fn end(&mut self, gas_used: u64) {
        if let Some(root) = &mut self.root {
            root.gas_used = gas_used;
            if self.with_log {
                root.clear_failed_logs(false);
            }
        }
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        match &self.root {
            Some(root) => root.put(out),
            None => text::raw(out, "null"),
        }
    }

    /// As flatCallTracer tells it: every call behind its caller, with the path to it.
    pub fn put_flat(&self, manner: Manner, about: &Trace, out: &mut Vec<u8>) {
        out.push(b'[');
        if let Some(root) = &self.root {
            root.put_flat(&mut Vec::new(), manner, about, out);
        }
        out.push(b']');
    }
}

impl Frame {
    /// Logs of what was undone were never emitted.
    fn clear_failed_logs(&mut self, parent_failed: bool) {
        let failed = parent_failed || self.error.is_some();
        if failed {
            self.logs.clear();
        }
        for call in &mut self.calls {
            call.clear_failed_logs(failed);
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        text::raw(out, "{\"from\":");
        text::address(out, &self.enter.from);
        text::raw(out, ",\"gas\":");
        text::quantity_u64(out, self.enter.gas);
        text::raw(out, ",\"gasUsed\":");
        text::quantity_u64(out, self.gas_used);
        if self.has_to {
            text::raw(out, ",\"to\":");
            text::address(out, &self.enter.to);
        }
        text::raw(out, ",\"input\":");
        text::data(out, &self.enter.input);
        if !self.output.is_empty() {
            text::raw(out, ",\"output\":");
            text::data(out, &self.output);
        }
        if let Some(error) = &self.error {
            text::raw(out, ",\"error\":");
            text::string(out, error);
        }
        if let Some(reason) = self.reason.as_ref().filter(|r| !r.is_empty()) {
            text::raw(out, ",\"revertReason\":");
            text::string(out, reason);
        }
        put_list(out, ",\"calls\":", &self.calls, Frame::put);
        put_list(out, ",\"logs\":", &self.logs, CallLog::put);
        if let Some(value) = &self.enter.value {
            text::raw(out, ",\"value\":");
            text::quantity(out, value);
        }
        text::raw(out, ",\"type\":");
        text::string(out, self.enter.kind.name());
        out.push(b'}');
    }

    fn put_flat(&self, path: &mut Vec<usize>, manner: Manner, about: &Trace, out: &mut Vec<u8>) {
        let e = &self.enter;
        if out.last() == Some(&b'}') {
            out.push(b',');
        }
        text::raw(out, "{\"action\":{");
        match e.kind {
            Kind::SelfDestruct => {
                text::raw(out, "\"address\":");
                text::address(out, &e.from);
                text::raw(out, ",\"balance\":");
                text::quantity(out, &e.value.unwrap_or_default());
                text::raw(out, ",\"refundAddress\":");
                text::address(out, &e.to);
            }
            kind => {
                let (how, input) = if kind.creates() { ("creationMethod", "init") } else { ("callType", "input") };
                text::raw(out, &format!("\"{how}\":\"{}\",\"from\":", kind.name().to_lowercase()));
                text::address(out, &e.from);
                text::raw(out, ",\"gas\":");
                text::quantity_u64(out, if manner == Manner::Parity { e.own_gas } else { e.gas });
                text::raw(out, &format!(",\"{input}\":"));
                text::data(out, &e.input);
                if !kind.creates() {
                    text::raw(out, ",\"to\":");
                    text::address(out, &e.to);
                }
                text::raw(out, ",\"value\":");
                text::quantity(out, &e.value.unwrap_or_default());
            }
        }
        text::raw(out, "},\"blockHash\":");
        put_known(out, &about.block_hash.0);
        text::raw(out, ",\"blockNumber\":");
        text::number(out, about.block_number);
        if let Some(error) = &self.error {
            text::raw(out, ",\"error\":");
            text::string(out, if manner == Manner::Geth { error } else { parity_error(error) });
        }
        self.put_flat_result(manner, out);
        text::raw(out, ",\"subtraces\":");
        text::number(out, self.calls.len() as u64);
        text::raw(out, ",\"traceAddress\":[");
        for (i, at) in path.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            text::number(out, *at as u64);
        }
        text::raw(out, "],\"transactionHash\":");
        put_known(out, &about.tx_hash.0);
        text::raw(out, ",\"transactionPosition\":");
        text::number(out, about.tx_index);
        text::raw(out, ",\"type\":");
        text::string(out, e.kind.flat_name());
        out.push(b'}');
        for (i, call) in self.calls.iter().enumerate() {
            path.push(i);
            call.put_flat(path, manner, about, out);
            path.pop();
        }
    }

    /// What came of it: nothing, where it failed for another reason than a revert.
    fn put_flat_result(&self, manner: Manner, out: &mut Vec<u8>) {
        let kind = self.enter.kind;
        let parity = manner == Manner::Parity;
        if kind == Kind::SelfDestruct || self.error.as_ref().is_some_and(|e| e != super::tap::REVERTED) {
            if parity {
                text::raw(out, ",\"result\":null");
            }
            return;
        }
        let gas_used = if parity { self.own_gas_used } else { self.gas_used };
        text::raw(out, ",\"result\":{");
        if kind.creates() && !(parity && self.error.is_some()) {
            if self.has_to {
                text::raw(out, "\"address\":");
                text::address(out, &self.enter.to);
                out.push(b',');
            }
            text::raw(out, "\"code\":");
            text::data(out, &self.output);
            text::raw(out, ",\"gasUsed\":");
            text::quantity_u64(out, gas_used);
        } else {
            text::raw(out, "\"gasUsed\":");
            text::quantity_u64(out, gas_used);
            text::raw(out, ",\"output\":");
            text::data(out, &self.output);
        }
        out.push(b'}');
    }
}

impl CallLog {
    fn put(&self, out: &mut Vec<u8>) {
        text::raw(out, "{\"address\":");
        text::address(out, &self.log.address);
        text::raw(out, ",\"topics\":[");
        for (i, topic) in self.log.data.topics().iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            text::hash(out, topic);
        }
        text::raw(out, "],\"data\":");
        text::data(out, &self.log.data.data);
        text::raw(out, ",\"index\":");
        text::quantity_u64(out, self.index);
        text::raw(out, ",\"position\":");
        text::quantity_u64(out, self.position as u64);
        out.push(b'}');
    }
}

/// Nothing for an empty list, as geth's omitempty.
fn put_list<T>(out: &mut Vec<u8>, key: &str, list: &[T], put: impl Fn(&T, &mut Vec<u8>)) {
    if list.is_empty() {
        return;
    }
    text::raw(out, key);
    for (i, item) in list.iter().enumerate() {
        out.push(if i == 0 { b'[' } else { b',' });
        put(item, out);
    }
    out.push(b']');
}

fn put_known(out: &mut Vec<u8>, hash: &[u8; 32]) {
    if *hash == [0; 32] {
        text::raw(out, "null");
    } else {
        text::data(out, hash);
    }
}

/// Errors as OpenEthereum worded them.
fn parity_error(error: &str) -> &str {
    match error {
        "contract creation code storage out of gas"
        | "out of gas"
        | "gas uint64 overflow"
        | "max code size exceeded" => "Out of gas",
        "invalid jump destination" => "Bad jump destination",
        "execution reverted" => "Reverted",
        "return data out of bounds" => "Out of bounds",
        "stack limit reached 1024 (1023)" => "Out of stack",
        "precompiled failed" | "invalid input length" => "Built-in failed",
        e if e.starts_with("out of gas:") => "Out of gas",
        e if e.starts_with("invalid opcode:") => "Bad instruction",
        e if e.starts_with("stack underflow") => "Stack underflow",
        e => e,
    }
}

/// Solidity's panic codes, as geth's abi package words them.
fn panic_words(code: &U256) -> String {
    let words = match u64::try_from(*code) {
        Ok(0x00) => "generic panic",
        Ok(0x01) => "assert(false)",
        Ok(0x11) => "arithmetic underflow or overflow",
        Ok(0x12) => "division or modulo by zero",
        Ok(0x21) => "enum overflow",
        Ok(0x22) => "invalid encoded storage byte array accessed",
        Ok(0x31) => "out-of-bounds array access; popping on an empty array",
        Ok(0x32) => "out-of-bounds access of an array or bytesN",
        Ok(0x41) => "out of memory",
        Ok(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    words.into()
}

/// The words of Error(string) or Panic(uint256).
fn revert_reason(output: &[u8]) -> Option<String> {
    let (selector, rest) = output.split_at_checked(4)?;
    let word = |at: usize| rest.get(at..at.checked_add(32)?).map(U256::from_be_slice);
    match selector {
        [0x08, 0xc3, 0x79, 0xa0] => {
            let at = usize::try_from(word(0)?).ok()?;
            let len = usize::try_from(word(at)?).ok()?;
            let start = at.checked_add(32)?;
            let bytes = rest.get(start..start.checked_add(len)?)?;
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        [0x4e, 0x48, 0x7b, 0x71] => Some(panic_words(&word(0)?)),
        _ => None,
    }
}

/// 4byteTracer: selector and length of the rest → how often.
#[derive(Default)]
pub struct FourByte {
    seen: BTreeMap<([u8; 4], usize), u64>,
}

impl FourByte {
    pub fn enter(&mut self, e: &Enter, precompile: bool) {
        if precompile || !e.kind.calls() {
            return;
        }
        if let Some((selector, rest)) = e.input.split_first_chunk::<4>() {
            *self.seen.entry((*selector, rest.len())).or_default() += 1;
        }
    }

    /// A rough count of what its text will take.
    pub fn kept(&self) -> usize {
        self.seen.len() * 48
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        // Keys in order of their text, as Go's maps are written.
        let mut named: Vec<_> =
            self.seen.iter().map(|((id, len), n)| (format!("0x{}-{len}", hex::encode(id)), *n)).collect();
        named.sort();
        out.push(b'{');
        for (i, (name, count)) in named.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            text::string(out, name);
            out.push(b':');
            text::number(out, *count);
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_and_never_trusted() {
        let mut error = vec![0x08, 0xc3, 0x79, 0xa0];
        error.extend(U256::from(32).to_be_bytes::<32>());
        error.extend(U256::from(2).to_be_bytes::<32>());
        error.extend(b"no");
        assert_eq!(revert_reason(&error).as_deref(), Some("no"));
        error[4..36].fill(0xff);
        assert_eq!(revert_reason(&error), None);
        let mut panic = vec![0x4e, 0x48, 0x7b, 0x71];
        panic.extend(U256::from(0x11).to_be_bytes::<32>());
        assert_eq!(revert_reason(&panic).as_deref(), Some("arithmetic underflow or overflow"));
        assert_eq!(revert_reason(&[1, 2]), None);
    }
}
