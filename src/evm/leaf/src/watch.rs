//! Who looks at an execution from outside: the clock that ends it, and the eye that saw its last step.
//!
//! A call with a deadline costs nothing extra for ordinary instructions. Code can run for long only by jumping back, which
//! leads over a JUMPDEST, or by starting further frames, so those instructions alone look at the clock; whatever runs
//! straight on ends by itself. A brief call is one that a worker begins where it arrived: it ends by the gas it has spent, not
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
use revm::handler::instructions::EthInstructions;
use revm::interpreter::instructions::{contract, instruction_table, InstructionTable};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{Jumps, LoopControl};
use revm::interpreter::{
    CallInputs, CallOutcome, CreateInputs, CreateOutcome, Instruction, InstructionContext, InstructionExecResult,
    InstructionResult, Interpreter, InterpreterAction,
};
use revm::primitives::{Address, Log};
use revm::Inspector;
use revm_inspectors::access_list::AccessListInspector;

/// How much work passes between two looks at the clock, counted in jump destinations: some tens of microseconds.
const WORK_PER_LOOK: u32 = 4096;
/// What starting a frame counts for.
const FRAME_WORK: u32 = 64;
/// What a brief call may hash or copy in one step, and give to a precompile.
const BRIEF_BYTES: usize = 8192;

/// Milliseconds of the monotonic clock, as C's base/clock.h reads it.
pub fn monotonic_ms() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime only writes to `now`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// When an execution must end. It travels in the context, where instructions can reach it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    end_ms: u64, // 0: never
    work: u32,
    brief_gas: u64, // of one frame and those below it; 0: not brief
    deepest: usize,
    /// The execution was ended.
    pub expired: bool,
}

impl Clock {
    /// A clock that ends at `end_ms`; it may have expired already.
    pub fn until(end_ms: u64) -> Self {
        Clock { end_ms, expired: end_ms != 0 && monotonic_ms() >= end_ms, ..Clock::default() }
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
        let is_short =
            precompile.as_slice()[..19].iter().all(|b| *b == 0) && (1..=4).contains(&precompile.as_slice()[19]);
        self.expired = self.expired || (self.is_brief() && (!is_short || input_len > BRIEF_BYTES));
        self.expired
    }

    /// Is there an end?
    pub fn ends(&self) -> bool {
        self.end_ms != 0
    }

    /// Notes some work; true once the end has come.
    pub fn passed(&mut self, work: u32) -> bool {
        self.work += work;
        if self.work >= WORK_PER_LOOK {
            self.work = 0;
            self.expired = self.expired || monotonic_ms() >= self.end_ms;
        }
        self.expired
    }
}

type Step<'a> = InstructionContext<'a, Ctx, EthInterpreter>;

/// Ends all frames at once: an error in the context is no outcome of a frame that its parent could survive.
fn end(host: &mut Ctx) -> InstructionExecResult {
    host.error = Err(ContextError::Custom("execution aborted (timeout)".into()));
    Err(InstructionResult::FatalExternalError)
}

fn go_on(host: &mut Ctx, work: u32) -> InstructionExecResult {
    if host.chain.passed(work) {
        return end(host);
    }
    Ok(())
}

fn jumpdest(step: Step<'_>) -> InstructionExecResult {
    go_on(step.host, 1)
}

fn call<const KIND: u8>(step: Step<'_>) -> InstructionExecResult {
    go_on(step.host, FRAME_WORK)?;
    contract::call::<KIND, _, _>(step)
}

fn create<const IS_CREATE2: bool>(step: Step<'_>) -> InstructionExecResult {
    go_on(step.host, FRAME_WORK)?;
    contract::create::<IS_CREATE2, _, _>(step)
}

/// Puts the looks at the clock in; what the instructions do and cost stays.
pub fn guard(instructions: &mut EthInstructions<EthInterpreter, Ctx>) {
    let table = instructions.instruction_table_mut();
    table[JUMPDEST as usize] = Instruction::new(jumpdest);
    table[CALL as usize] = Instruction::new(call::<CALL>);
    table[CALLCODE as usize] = Instruction::new(call::<CALLCODE>);
    table[DELEGATECALL as usize] = Instruction::new(call::<DELEGATECALL>);
    table[STATICCALL as usize] = Instruction::new(call::<STATICCALL>);
    table[CREATE as usize] = Instruction::new(create::<false>);
    table[CREATE2 as usize] = Instruction::new(create::<true>);
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
    fn a_clock_looks_after_enough_work_and_stays_expired() {
        let mut clock = Clock::until(1); // long past: it would be refused before it begins
        assert!(clock.expired && clock.ends());
        clock = Clock { end_ms: 1, ..Clock::default() };
        assert!(!clock.passed(WORK_PER_LOOK - 1));
        assert!(clock.passed(1));
        assert!(clock.passed(1));
        let mut far = Clock::until(monotonic_ms() + 3_600_000);
        assert!(!far.passed(WORK_PER_LOOK));
        assert!(!Clock::until(0).ends() && !Clock::until(0).expired);
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
