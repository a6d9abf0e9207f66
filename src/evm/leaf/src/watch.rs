//! Who looks at an execution from outside: the clock that ends it, and the eye that saw its last step.
//!
//! A call with a deadline costs nothing extra for ordinary instructions. Code can run for long only by jumping back, which
//! leads over a JUMPDEST, by starting further frames, or by steps that take their time each: reads of the state, and what
//! hashes or copies. So those instructions alone look, and the clock is read once they, and all between them, have spent so
//! much gas: gas is what tells a step that hashes a megabyte from one that jumps. A precompile cannot be looked into; one
//! whose price says that it takes longer than there is time is not begun. Where there is a clock there may be a flag, by
//! which whoever wants the call no longer ends it. A brief call is one that a worker begins where it arrived: it ends by the gas it has spent, not
//! by the clock, and looks before whatever costs more time than its place in the code shows. The eye is slower, a look before every instruction, and is opened only for an access list,
//! or to run a transaction that halted once more, since geth's words name the opcode and the height of the stack.

use crate::convert::Ctx;
use crate::trace::tap::Tap;
use revm::bytecode::opcode::{
    BALANCE, BLOCKHASH, CALL, CALLCODE, CALLDATACOPY, CODECOPY, CREATE, CREATE2, DELEGATECALL, EXP, EXTCODECOPY,
    EXTCODEHASH, EXTCODESIZE, JUMPDEST, KECCAK256, LOG0, LOG1, LOG2, LOG3, LOG4, MCOPY, RETURN, RETURNDATACOPY,
    SELFDESTRUCT, SLOAD, SSTORE, STATICCALL, STOP,
};
use revm::context_interface::context::ContextError;
use revm::context_interface::JournalTr;
use revm::handler::instructions::EthInstructions;
use revm::interpreter::instructions::{instruction_table, InstructionTable};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{Jumps, LoopControl};
use revm::interpreter::{
    CallInputs, CallOutcome, CreateInputs, CreateOutcome, Instruction, InstructionContext, InstructionExecResult,
    InstructionResult, Interpreter, InterpreterAction,
};
use revm::primitives::{Address, Log};
use revm::Inspector;
use revm_inspectors::access_list::AccessListInspector;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much gas is spent between two looks at the clock: some tens of microseconds where code computes, three hundred where
/// it hashes.
const GAS_PER_LOOK: u64 = 32_768;
/// What a read of the state counts for beside its gas, which was little once: behind a fork it may be a question to
/// another machine.
const READ_WORK: u64 = 4096;
/// What a step counts for beside its gas when it is told to a tracer.
pub const STEP_WORK: u64 = 8;
/// Gas that precompiles are worth in a millisecond: for the slowest of them twice what was measured at worst (modular
/// exponentiation of huge numbers 26,000, BLAKE2 and pairings 42,000), for the hashes and the copy less than at best.
const PRECOMPILE_GAS_PER_MS: u64 = 50_000;
const SHORT_PRECOMPILE_GAS_PER_MS: u64 = 500_000;
/// What a brief call may hash or copy in one step, and give to a precompile.
const BRIEF_BYTES: usize = 8192;

/// Milliseconds of the monotonic clock, as C's base/clock.h reads it.
pub fn monotonic_ms() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime only writes to `now`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// Whoever wants a call no longer sets it, from any thread; C answers for its being there until the call returns.
pub type StopFlag = Option<&'static AtomicBool>;

/// When an execution must end. It travels in the context, where instructions can reach it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    end_ms: u64, // 0: never
    stop: StopFlag,
    work: u64,       // since the last look at the clock
    marks: Vec<u64>, // for each frame that is open, the gas it had left when it last looked
    brief_gas: u64,  // of one frame and those below it; 0: not brief
    deepest: usize,
    /// The execution was ended.
    pub expired: bool,
}

impl Clock {
    /// A clock that ends at `end_ms`, or when it is stopped; it may have expired already.
    pub fn until(end_ms: u64, stop: StopFlag) -> Self {
        let mut clock = Clock { end_ms, stop, ..Clock::default() };
        clock.look();
        clock
    }

    /// A clock that ends once a frame has spent so much gas.
    pub fn brief(gas: u64) -> Self {
        Clock { brief_gas: gas, ..Clock::default() }
    }

    /// Does gas end it?
    pub fn is_brief(&self) -> bool {
        self.brief_gas != 0
    }

    /// How many frames a brief call had below its first.
    pub fn deepest(&self) -> usize {
        self.deepest
    }

    /// Before a precompile runs; true when a brief call has come to its end here. Only those of a few microseconds for
    /// what BRIEF_BYTES hold are let run: recovery, the two hashes, the copy.
    pub fn refuses(&mut self, precompile: &Address, input_len: usize) -> bool {
        self.expired = self.expired || (self.is_brief() && (!is_short(precompile) || input_len > BRIEF_BYTES));
        self.expired
    }

    /// Before a precompile runs: the gas that it may spend in what is left of the time.
    pub fn gas_for(&mut self, precompile: &Address) -> u64 {
        if self.look() || self.end_ms == 0 {
            return if self.expired { 0 } else { u64::MAX };
        }
        let gas_per_ms = if is_short(precompile) { SHORT_PRECOMPILE_GAS_PER_MS } else { PRECOMPILE_GAS_PER_MS };
        self.end_ms.saturating_sub(monotonic_ms()).saturating_mul(gas_per_ms)
    }

    /// Is there an end?
    pub fn ends(&self) -> bool {
        self.end_ms != 0 || self.stop.is_some()
    }

    fn look(&mut self) -> bool {
        self.expired = self.expired
            || (self.end_ms != 0 && monotonic_ms() >= self.end_ms)
            || self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        self.expired
    }

    /// Notes how much gas a frame has left, and work beside it; true once the end has come. What frames below it have spent
    /// counts there and once more here: whatever they did, it was not less.
    pub fn passed(&mut self, depth: usize, gas_left: u64, work: u64) -> bool {
        let spent = self.marks.get(depth).map_or(0, |mark| mark.saturating_sub(gas_left));
        self.marks.resize(depth + 1, 0); // of frames above that have ended nothing is left, of those passed over nothing counts
        self.marks[depth] = gas_left;
        self.work = self.work.saturating_add(spent).saturating_add(work);
        if self.work >= GAS_PER_LOOK {
            self.work = 0;
            self.look();
        }
        self.expired
    }
}

/// Recovery, the two old hashes, the copy.
fn is_short(precompile: &Address) -> bool {
    precompile.as_slice()[..19].iter().all(|b| *b == 0) && (1..=4).contains(&precompile.as_slice()[19])
}

type Step<'a> = InstructionContext<'a, Ctx, EthInterpreter>;

/// Ends all frames at once: an error in the context is no outcome of a frame that its parent could survive.
fn end(host: &mut Ctx) -> InstructionExecResult {
    host.error = Err(ContextError::Custom("execution aborted (timeout)".into()));
    Err(InstructionResult::FatalExternalError)
}

fn go_on(step: &mut Step<'_>, work: u64) -> InstructionExecResult {
    let depth = step.host.journaled_state.depth();
    if step.host.chain.passed(depth, step.interpreter.gas.remaining(), work) {
        return end(step.host);
    }
    Ok(())
}

fn jumpdest(mut step: Step<'_>) -> InstructionExecResult {
    go_on(&mut step, 0)
}

/// An instruction that may take long by itself, or reads the state.
fn timed<const OP: u8, const WORK: u64>(mut step: Step<'_>) -> InstructionExecResult {
    go_on(&mut step, WORK)?;
    PLAIN[OP as usize].execute(step)
}

/// Puts the looks at the clock in; what the instructions do and cost stays.
pub fn guard(instructions: &mut EthInstructions<EthInterpreter, Ctx>) {
    let table = instructions.instruction_table_mut();
    macro_rules! look {
        ($work:expr; $($op:ident),* $(,)?) => {
            $(table[$op as usize] = Instruction::new(timed::<$op, { $work }>);)*
        };
    }
    table[JUMPDEST as usize] = Instruction::new(jumpdest);
    look! { 0; KECCAK256, EXP, CALLDATACOPY, CODECOPY, RETURNDATACOPY, MCOPY, LOG0, LOG1, LOG2, LOG3, LOG4 }
    look! {
        READ_WORK; CALL, CALLCODE, DELEGATECALL, STATICCALL, CREATE, CREATE2, SLOAD, SSTORE, BALANCE, EXTCODESIZE, EXTCODEHASH,
        EXTCODECOPY, BLOCKHASH, SELFDESTRUCT
    }
}

const PLAIN: InstructionTable<EthInterpreter, Ctx> = instruction_table();
/// For what has no length on the stack.
const NO_LEN: usize = usize::MAX;

/// An instruction before which a brief call looks; LEN_AT is where on the stack the length of what it reads stands.
fn brief<const OP: u8, const LEN_AT: usize>(step: Step<'_>) -> InstructionExecResult {
    let gas = &step.interpreter.gas;
    let is_long =
        LEN_AT != NO_LEN && step.interpreter.stack.peek(LEN_AT).is_ok_and(|n| n.saturating_to::<usize>() > BRIEF_BYTES);
    if is_long || gas.limit().saturating_sub(gas.remaining()) > step.host.chain.brief_gas {
        step.host.chain.expired = true;
        return end(step.host);
    }
    if matches!(OP, CALL | CALLCODE | DELEGATECALL | STATICCALL | CREATE | CREATE2) {
        step.host.chain.deepest = step.host.chain.deepest.max(step.host.journaled_state.depth);
    }
    PLAIN[OP as usize].execute(step)
}

/// Puts the looks of a brief call in: where code comes from behind, where a frame begins, and before what reads the state or
/// takes its time by a length.
pub fn guard_brief(instructions: &mut EthInstructions<EthInterpreter, Ctx>) {
    let table = instructions.instruction_table_mut();
    macro_rules! look {
        ($($op:ident: $len_at:expr),* $(,)?) => {
            $(table[$op as usize] = Instruction::new(brief::<$op, { $len_at }>);)*
        };
    }
    look! {
        JUMPDEST: NO_LEN, CALL: NO_LEN, CALLCODE: NO_LEN, DELEGATECALL: NO_LEN, STATICCALL: NO_LEN,
        CREATE: 2, CREATE2: 2,
        SLOAD: NO_LEN, SSTORE: NO_LEN, BALANCE: NO_LEN, EXTCODESIZE: NO_LEN, EXTCODEHASH: NO_LEN,
        BLOCKHASH: NO_LEN, SELFDESTRUCT: NO_LEN, EXP: NO_LEN,
        KECCAK256: 1, CALLDATACOPY: 2, CODECOPY: 2, RETURNDATACOPY: 2, MCOPY: 2, EXTCODECOPY: 3,
        LOG0: 1, LOG1: 1, LOG2: 1, LOG3: 1, LOG4: 1,
    }
}

/// The last instruction of an execution: when the transaction's own frame halts, the one that halted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// Its opcode.
    pub opcode: u8,
    /// Values on the stack before it.
    pub stack_len: usize,
    /// It ended its frame well: what failed came after it (paying for the deployed code).
    pub ended_well: bool,
}

/// Sees every instruction.
#[derive(Default)]
pub struct Eye {
    /// Tells a tracer what happens, where a trace is wanted.
    pub tap: Option<Box<Tap>>,
    /// Notes what is touched, where that is wanted.
    pub access: Option<AccessListInspector>,
    /// The instruction seen last.
    pub last: Option<Last>,
}

impl Inspector<Ctx, EthInterpreter> for Eye {
    fn step(&mut self, interp: &mut Interpreter<EthInterpreter>, ctx: &mut Ctx) {
        self.last = Some(Last { opcode: interp.bytecode.opcode(), stack_len: interp.stack.len(), ended_well: false });
        if let Some(access) = &mut self.access {
            access.step(interp, ctx);
        }
        if let Some(tap) = &mut self.tap {
            tap.step(interp, ctx);
        }
    }

    fn step_end(&mut self, interp: &mut Interpreter<EthInterpreter>, ctx: &mut Ctx) {
        if let (Some(last), Some(InterpreterAction::Return(result))) = (&mut self.last, interp.bytecode.action()) {
            last.ended_well = matches!(last.opcode, RETURN | STOP) && result.is_ok();
        }
        if let Some(tap) = &mut self.tap {
            tap.step_end(interp, ctx);
        }
    }

    fn log(&mut self, ctx: &mut Ctx, log: Log) {
        if let Some(tap) = &mut self.tap {
            tap.log(ctx, &log);
        }
    }

    fn call(&mut self, ctx: &mut Ctx, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if let Some(tap) = &mut self.tap {
            tap.call(ctx, inputs);
        }
        self.access.as_mut().and_then(|a| a.call(ctx, inputs))
    }

    fn call_end(&mut self, ctx: &mut Ctx, inputs: &CallInputs, outcome: &mut CallOutcome) {
        if let Some(tap) = &mut self.tap {
            tap.call_end(ctx, inputs, outcome);
        }
    }

    fn create(&mut self, ctx: &mut Ctx, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        if let Some(tap) = &mut self.tap {
            tap.create(ctx, inputs);
        }
        self.access.as_mut().and_then(|a| a.create(ctx, inputs))
    }

    fn create_end(&mut self, ctx: &mut Ctx, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        if let Some(tap) = &mut self.tap {
            tap.create_end(ctx, inputs, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_looks_after_enough_gas_and_stays_expired() {
        let mut clock = Clock::until(1, None); // long past: it would be refused before it begins
        assert!(clock.expired && clock.ends());
        clock = Clock { end_ms: 1, ..Clock::default() };
        assert!(!clock.passed(1, 1_000_000, 0)); // what it had before is not known
        assert!(!clock.passed(1, 1_000_001 - GAS_PER_LOOK, 0));
        assert!(clock.passed(1, 1_000_000 - GAS_PER_LOOK, 0));
        assert!(clock.passed(1, 1_000_000 - GAS_PER_LOOK, 0));
        let mut far = Clock::until(monotonic_ms() + 3_600_000, None);
        assert!(!far.passed(1, 0, u64::MAX) && !far.passed(1, 0, u64::MAX));
        assert!(!Clock::until(0, None).ends() && !Clock::until(0, None).expired);
    }

    #[test]
    fn what_frames_spend_counts_when_they_look_and_when_they_have_ended() {
        let mut clock = Clock { end_ms: 1, ..Clock::default() };
        assert!(!clock.passed(1, 100_000, 0)); // a frame calls
        assert!(!clock.passed(2, 90_000, 0)); // the frame it called begins
        assert!(!clock.passed(2, 80_000, 0));
        assert!(!clock.passed(1, 90_000, 0)); // and has ended: 10,000 each
        assert!(!clock.passed(2, 10, 0)); // another one at that depth is not the first
        assert!(clock.passed(1, 100_000 - GAS_PER_LOOK, 0)); // one that never looked
    }

    #[test]
    fn a_flag_ends_it_also_where_no_time_does() {
        static STOP: AtomicBool = AtomicBool::new(false);
        let mut clock = Clock::until(0, Some(&STOP));
        assert!(clock.ends() && !clock.passed(1, 0, GAS_PER_LOOK));
        assert_eq!(clock.gas_for(&Address::with_last_byte(5)), u64::MAX);
        STOP.store(true, Ordering::Relaxed);
        assert!(!clock.passed(1, 0, 1) && clock.passed(1, 0, GAS_PER_LOOK));
        assert_eq!(clock.gas_for(&Address::with_last_byte(5)), 0);
        assert!(Clock::until(0, Some(&STOP)).expired);
    }

    #[test]
    fn a_precompile_may_spend_what_there_is_time_for() {
        let mut clock = Clock::until(monotonic_ms() + 10_000, None);
        let at = |last| Address::with_last_byte(last);
        assert!((9_000 * 50_000..=10_000 * 50_000).contains(&clock.gas_for(&at(5))));
        assert!((9_000 * 500_000..=10_000 * 500_000).contains(&clock.gas_for(&at(4))));
    }

    #[test]
    fn a_brief_call_runs_the_short_precompiles_alone() {
        let at = |last| Address::with_last_byte(last);
        for (last, len, refused) in [(1, 128, false), (4, BRIEF_BYTES, false), (4, BRIEF_BYTES + 1, true), (5, 0, true)]
        {
            assert_eq!(Clock::brief(1).refuses(&at(last), len), refused, "{last}, {len}");
            assert!(!Clock::default().refuses(&at(last), len));
        }
        assert!(Clock::brief(1).refuses(&Address::repeat_byte(1), 0));
    }
}
