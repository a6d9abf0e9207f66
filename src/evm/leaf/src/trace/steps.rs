//! geth's struct logger: every step, written as soon as its cost is known and never kept.

use super::tap::{memory, After, Before, Exit, REVERTED};
use super::text::{self, Sink};
use crate::abi::TraceConfig;
use crate::words;
use revm::bytecode::opcode::{SLOAD, SSTORE};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{InputsTr, MemoryTr, ReturnData};
use revm::interpreter::Interpreter;
use revm::primitives::{Address, Bytes, U256};
use std::collections::{BTreeMap, HashMap};

/// The logger and where its text goes.
pub struct Steps {
    config: TraceConfig,
    sink: Sink,
    stack: Vec<u8>, // the step's stack, return data and memory, as they were before it
    storage: HashMap<Address, BTreeMap<U256, U256>>,
    slots: usize,
    written: u64,
    count: u64,
    output: Bytes,
    error: Option<String>,
}

type Interp = Interpreter<EthInterpreter>;

fn words_of(list: &mut Vec<u8>, values: impl Iterator<Item = impl FnOnce(&mut Vec<u8>)>) {
    list.push(b'[');
    for (i, put) in values.enumerate() {
        if i > 0 {
            list.push(b',');
        }
        put(list);
    }
    list.push(b']');
}

impl Steps {
    pub fn new(config: TraceConfig, sink: Sink) -> Self {
        Steps {
            config,
            sink,
            stack: Vec::new(),
            storage: HashMap::new(),
            slots: 0,
            written: 0,
            count: 0,
            output: Bytes::new(),
            error: None,
        }
    }

    pub fn begin(&mut self) {
        text::raw(&mut self.sink.text, "{\"structLogs\":[");
    }

    pub fn is_full(&self) -> bool {
        self.sink.full
    }

    /// What the storage seen so far takes.
    pub fn kept(&self) -> usize {
        self.slots * 128
    }

    fn past_limit(&self) -> bool {
        self.config.limit != 0 && self.written > self.config.limit
    }

    pub fn step(&mut self, interp: &Interp) {
        self.stack.clear();
        if self.past_limit() {
            return;
        }
        let out = &mut self.stack;
        if self.config.no_stack == 0 {
            text::raw(out, ",\"stack\":");
            words_of(out, interp.stack.data().iter().map(|v| move |o: &mut Vec<u8>| text::quantity(o, v)));
        }
        if self.config.with_return_data != 0 && !interp.return_data.buffer().is_empty() {
            text::raw(out, ",\"returnData\":");
            text::data(out, interp.return_data.buffer());
        }
        if self.config.with_memory != 0 && interp.memory.size() > 0 {
            text::raw(out, ",\"memory\":");
            let memory = memory(interp);
            words_of(out, memory.chunks(32).map(|word| move |o: &mut Vec<u8>| text::data(o, word)));
        }
    }

    /// The slot that a step read or wrote joins those of its contract, which are all shown.
    fn note_slot(&mut self, before: &Before, interp: &Interp) -> Option<Address> {
        let value = match before.opcode {
            SLOAD => *interp.stack.data().last()?,
            SSTORE => before.top[1],
            _ => return None,
        };
        let address = interp.input.target_address();
        if self.storage.entry(address).or_default().insert(before.top[0], value).is_none() {
            self.slots += 1;
        }
        Some(address)
    }

    pub fn stepped(&mut self, before: &Before, after: &After, interp: &Interp) {
        if self.past_limit() {
            return;
        }
        let ended_badly = after.refused.is_some();
        let shown = if self.config.no_storage == 0 && !ended_badly { self.note_slot(before, interp) } else { None };
        let start = self.sink.text.len();
        let out = &mut self.sink.text;
        if self.count > 0 {
            out.push(b',');
        }
        text::raw(out, "{\"pc\":");
        text::number(out, before.pc as u64);
        text::raw(out, ",\"op\":");
        text::string(out, &words::opcode(before.opcode));
        text::raw(out, ",\"gas\":");
        text::number(out, before.gas);
        text::raw(out, ",\"gasCost\":");
        text::number(out, after.cost);
        text::raw(out, ",\"depth\":");
        text::number(out, before.depth as u64);
        if let Some(error) = &after.refused {
            text::raw(out, ",\"error\":");
            text::string(out, error);
        }
        out.extend_from_slice(&self.stack);
        if let Some(slots) = shown.and_then(|a| self.storage.get(&a)) {
            text::raw(out, ",\"storage\":");
            for (i, (slot, value)) in slots.iter().enumerate() {
                out.push(if i == 0 { b'{' } else { b',' });
                text::data(out, &slot.to_be_bytes::<32>());
                out.push(b':');
                text::data(out, &value.to_be_bytes::<32>());
            }
            out.push(b'}');
        }
        if before.refund != 0 {
            text::raw(out, ",\"refund\":");
            text::number(out, before.refund.max(0) as u64);
        }
        out.push(b'}');
        self.written += (self.sink.text.len() - start) as u64 - (self.count > 0) as u64;
        self.count += 1;
        self.sink.pass_on();
    }

    pub fn exit(&mut self, x: &Exit) {
        if x.depth == 0 {
            self.output = x.output.clone();
            self.error = x.error.clone();
        }
    }

    /// The end of the text. False: C wanted no more of it.
    pub fn end(&mut self, gas_used: u64) -> bool {
        let out = &mut self.sink.text;
        text::raw(out, "],\"gas\":");
        text::number(out, gas_used);
        text::raw(out, ",\"failed\":");
        text::raw(out, if self.error.is_some() { "true" } else { "false" });
        text::raw(out, ",\"returnValue\":");
        let shows = self.error.as_ref().is_none_or(|e| e == REVERTED);
        text::data(out, if shows { &self.output } else { &[] });
        out.push(b'}');
        self.sink.flush();
        !self.sink.full
    }
}
