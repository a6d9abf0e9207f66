//! Traces: one transaction of a block, executed under somebody's eyes.
//!
//! The tracers are geth's (its eth/tracers), told through [`tap::Tap`], which turns what revm's inspector sees into
//! geth's hooks. What they tell leaves as JSON through a function of C's, in pieces; the struct logger's while the
//! execution runs, so nothing of it is kept.

mod calls;
mod cost;
mod prestate;
mod steps;
pub mod tap;
mod text;
mod transfers;

use crate::abi::{self, lent, Outcome, Trace, TraceConfig, Tracer as Named, Tx};
use crate::block::Block;
use crate::contain;
use crate::convert::{for_a_call, run, spec, tx_env, Ctx};
use crate::overlay::Overlay;
use crate::refusal;
use crate::watch::Clock;
use calls::{Calls, FourByte, Manner};
use prestate::Prestate;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::Interpreter;
use revm::precompile::{PrecompileSpecId, Precompiles};
use revm::primitives::{hardfork::SpecId, Address, Log};
use revm::state::EvmState;
use steps::Steps;
use tap::{After, Before, Enter, Exit, Tap};
use text::Sink;
use transfers::Transfers;

/// How deep muxTracers may stand in one another.
const MUX_DEPTH_MAX: usize = 4;

/// Why a trace ended before its transaction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Its time was up.
    Time,
    /// It became too large, or C wanted no more of it.
    Size,
}

enum Part {
    Noop,
    Calls(Calls),
    Flat(Calls, Manner),
    FourByte(FourByte),
    Prestate(Box<Prestate>),
    Steps(Box<Steps>),
    Mux(Vec<(String, Part)>),
    Transfers(Transfers),
}

/// A tracer, or several.
pub struct Tracer {
    part: Part,
    precompiles: &'static Precompiles,
    spec: SpecId,
    wants_frames: bool,
}

type Interp = Interpreter<EthInterpreter>;

impl Part {
    /// # Safety
    /// The pointers of `config` must lead to what their counts say.
    unsafe fn new(config: &TraceConfig, sink: &mut Option<Sink>, depth: usize) -> Part {
        match config.tracer {
            Named::Steps => match sink.take() {
                Some(sink) => Part::Steps(Box::new(Steps::new(*config, sink))),
                None => Part::Noop,
            },
            Named::Calls => Part::Calls(Calls::new(config.only_top_call != 0, config.with_log != 0, false)),
            Named::FlatCalls => {
                let manner = match (config.parity, config.parity_errors) {
                    (0, 0) => Manner::Geth,
                    (0, _) => Manner::GethParityErrors,
                    _ => Manner::Parity,
                };
                Part::Flat(Calls::new(false, false, config.with_precompiles == 0), manner)
            }
            Named::Prestate => Part::Prestate(Box::new(Prestate::new(*config))),
            Named::FourByte => Part::FourByte(FourByte::default()),
            Named::Mux if depth < MUX_DEPTH_MAX => {
                let parts = unsafe { lent(config.parts, config.part_count) };
                Part::Mux(
                    parts
                        .iter()
                        .map(|p| {
                            let name = unsafe { lent(p.name, p.name_len) };
                            let part = unsafe { Part::new(p, &mut None, depth + 1) };
                            (String::from_utf8_lossy(name).into_owned(), part)
                        })
                        .collect(),
                )
            }
            Named::Transfers => Part::Transfers(Transfers::default()),
            Named::Noop | Named::Mux => Part::Noop,
        }
    }

    fn each(&mut self, f: &mut dyn FnMut(&mut Part)) {
        match self {
            Part::Mux(parts) => parts.iter_mut().for_each(|(_, p)| p.each(f)),
            part => f(part),
        }
    }

    fn put(&self, about: &Trace, out: &mut Vec<u8>) {
        match self {
            Part::Noop => text::raw(out, "{}"),
            Part::Calls(calls) => calls.put(out),
            Part::Flat(calls, manner) => calls.put_flat(*manner, about, out),
            Part::FourByte(seen) => seen.put(out),
            Part::Prestate(p) => p.put(out),
            Part::Steps(_) | Part::Transfers(_) => {}
            Part::Mux(parts) => {
                out.push(b'{');
                for (i, (name, part)) in parts.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    text::string(out, name);
                    out.push(b':');
                    part.put(about, out);
                }
                out.push(b'}');
            }
        }
    }

    fn kept(&self) -> usize {
        match self {
            Part::Noop => 0,
            Part::Calls(c) | Part::Flat(c, _) => c.kept,
            Part::FourByte(f) => f.kept(),
            Part::Prestate(p) => p.kept,
            Part::Steps(s) => s.kept(),
            Part::Transfers(t) => t.kept,
            Part::Mux(parts) => parts.iter().map(|(_, p)| p.kept()).sum(),
        }
    }
}

impl Tracer {
    /// # Safety
    /// The pointers of `how` must lead to what their counts say.
    unsafe fn new(how: &Trace, spec: SpecId) -> Tracer {
        let mut sink = Some(Sink::new(how.put, how.ctx));
        let part = unsafe { Part::new(&how.config, &mut sink, 0) };
        let wants_frames = !matches!(part, Part::Noop | Part::Steps(_) | Part::Prestate(_) | Part::Transfers(_));
        Tracer { part, precompiles: Precompiles::new(PrecompileSpecId::from_spec_id(spec)), spec, wants_frames }
    }

    fn wants_frames(&self) -> bool {
        self.wants_frames
    }

    fn is_precompile(&self, address: &Address) -> bool {
        self.precompiles.contains(address)
    }

    /// Why a precompile refuses this input: revm only keeps it for the transaction's own frame.
    fn precompile_refusal(&self, address: &Address, input: &[u8], gas: u64) -> Option<String> {
        let precompile = self.precompiles.get(address)?;
        Some(refusal::why(precompile.id(), self.spec, input, gas))
    }

    fn is_full(&self) -> bool {
        matches!(&self.part, Part::Steps(s) if s.is_full())
    }

    fn kept(&self) -> usize {
        self.part.kept()
    }

    fn begin(&mut self, ctx: &mut Ctx) {
        self.part.each(&mut |p| match p {
            Part::Prestate(p) => p.begin(ctx),
            Part::Steps(s) => s.begin(),
            _ => {}
        });
    }

    fn enter(&mut self, e: &Enter, precompile: bool, ctx: &mut Ctx) {
        self.part.each(&mut |p| match p {
            Part::Calls(c) | Part::Flat(c, _) => c.enter(e),
            Part::FourByte(f) => f.enter(e, precompile),
            Part::Prestate(p) => p.enter(e, ctx),
            Part::Transfers(t) => t.enter(e),
            _ => {}
        });
    }

    fn exit(&mut self, x: &Exit) {
        self.part.each(&mut |p| match p {
            Part::Calls(c) | Part::Flat(c, _) => c.exit(x),
            Part::Steps(s) => s.exit(x),
            Part::Transfers(t) => t.exit(x),
            _ => {}
        });
    }

    fn log(&mut self, log: &Log, index: u64, depth: usize) {
        self.part.each(&mut |p| match p {
            Part::Calls(c) => c.log(log, index, depth),
            Part::Transfers(t) => t.log(log),
            _ => {}
        });
    }

    fn step(&mut self, _: &Before, interp: &Interp, _: &mut Ctx) {
        if let Part::Steps(s) = &mut self.part {
            s.step(interp);
        }
    }

    fn stepped(&mut self, before: &Before, after: &After, interp: &Interp, ctx: &mut Ctx) {
        match &mut self.part {
            Part::Steps(s) => s.stepped(before, after, interp),
            part => part.each(&mut |p| {
                if let Part::Prestate(p) = p {
                    p.stepped(before, after, interp, ctx);
                }
            }),
        }
    }

    /// False: the state could not be read.
    fn end(&mut self, gas_used: u64, db: &mut Overlay, state: &EvmState) -> bool {
        let mut fine = true;
        self.part.each(&mut |p| match p {
            Part::Calls(c) | Part::Flat(c, _) => c.end(gas_used),
            Part::Prestate(p) => {
                p.end(db, state);
                fine &= !p.failed;
            }
            _ => {}
        });
        fine
    }

    /// Hands over what has not been handed over yet. False: C wanted no more.
    fn finish(&mut self, how: &Trace, gas_used: u64) -> bool {
        if let Part::Steps(s) = &mut self.part {
            return s.end(gas_used);
        }
        if matches!(self.part, Part::Transfers(_)) {
            return true; // it has no text
        }
        let mut sink = Sink::new(how.put, how.ctx);
        self.part.put(how, &mut sink.text);
        sink.flush();
        !sink.full
    }
}

const STOPPED_TIME: &str = "execution timeout";
const STOPPED_SIZE: &str = "the trace is too large";

impl Block {
    /// Executes a transaction on top of the block, as evm_block_execute() does, and lets its tracer tell of it.
    fn trace(&mut self, tx: &Tx, how: &Trace) -> Outcome {
        if let Some((why, text)) = self.has_no_room(tx) {
            return self.kept.invalid(why, &text);
        }
        // SAFETY: evm_block_trace()'s caller answers for the pointers in tx and how.
        let (env, tracer) = unsafe { (tx_env(tx), Tracer::new(how, spec(self.env.fork))) };
        let logs_before = self.logs;
        let mut tap = Tap::new(tracer, how.size_max, logs_before, env.gas_limit);
        let before = self.machine.ctx.block.clone();
        // SAFETY: evm_block_trace()'s caller answers for the flag.
        let clock = Clock::until(how.deadline_ms, unsafe { abi::stop_flag(how.stop) });
        let clock_before = std::mem::replace(&mut self.machine.ctx.chain, clock);
        if how.is_call != 0 {
            for_a_call(&mut self.machine, &self.env, &env);
        }
        self.machine.ctx.tx = env.clone();
        tap.begin(&mut self.machine.ctx);
        self.machine.inspector.tap = Some(Box::new(tap));
        let done = run(&mut self.machine, env, true);
        self.machine.ctx.block = before;
        let clock = std::mem::replace(&mut self.machine.ctx.chain, clock_before);
        let Some(tap) = self.machine.inspector.tap.take() else {
            return self.kept.status(abi::FAULT, "the trace is gone");
        };
        let stop = tap.stop.or(clock.expired.then_some(Stop::Time));
        let mut tracer = tap.into_tracer();
        match stop {
            Some(Stop::Time) => return self.kept.status(abi::TIMEOUT, STOPPED_TIME),
            Some(Stop::Size) => return self.kept.status(abi::STOPPED, STOPPED_SIZE),
            None => {}
        }
        let (done, text) = match done {
            Err(refusal) => return self.kept.refused(refusal),
            Ok(done) => done,
        };
        let gas_used = done.result.gas().tx_gas_used();
        if !tracer.end(gas_used, self.overlay(), &done.state) {
            return self.kept.status(abi::STATE_ERROR, "the state could not be read");
        }
        if !tracer.finish(how, gas_used) {
            return self.kept.status(abi::STOPPED, STOPPED_SIZE);
        }
        let mut outcome = self.take(tx, done, &text, how.want_diff != 0);
        if let Part::Transfers(t) = tracer.part {
            self.kept.other_logs(t.logs, &mut outcome);
        }
        outcome
    }
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says.
#[no_mangle]
pub unsafe extern "C" fn evm_block_trace(b: *mut Block, tx: *const Tx, how: *const Trace, out: *mut Outcome) {
    let (b, tx, how) = unsafe { (&mut *b, &*tx, &*how) };
    let outcome = b.guarded(|b| contain(|| Ok(b.trace(tx, how)), Err));
    unsafe { out.write(outcome) };
}
