//! What revm's inspector sees, told as geth's hooks tell it: entering and leaving frames, steps with their cost, logs.
//!
//! geth announces a step once its gas is paid and before it is done; revm shows the moment before and the moment after. So a
//! step is noted before, and told after, when its cost is known.

use super::{cost, Stop, Tracer};
use crate::convert::Ctx;
use crate::watch::{Last, STEP_WORK};
use crate::words;
use revm::bytecode::opcode::{RETURN, SELFDESTRUCT, SSTORE, STOP};
use revm::context::result::{HaltReason, SuccessReason};
use revm::context_interface::context::ContextError;
use revm::context_interface::Cfg;
use revm::context_interface::CreateScheme;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{InputsTr, Jumps, LoopControl, MemoryTr};
use revm::interpreter::{
    CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, FrameInput, Gas, InstructionResult, Interpreter,
    InterpreterAction, SuccessOrHalt,
};
use revm::primitives::{Address, Bytes, Log, U256};

/// geth's words for a revert.
pub const REVERTED: &str = "execution reverted";

/// No write costs so much.
const WRITE_COST_MAX: u64 = 25_000;

/// How a frame was entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Call,
    CallCode,
    DelegateCall,
    StaticCall,
    Create,
    Create2,
    SelfDestruct,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Call => "CALL",
            Kind::CallCode => "CALLCODE",
            Kind::DelegateCall => "DELEGATECALL",
            Kind::StaticCall => "STATICCALL",
            Kind::Create => "CREATE",
            Kind::Create2 => "CREATE2",
            Kind::SelfDestruct => "SELFDESTRUCT",
        }
    }

    pub fn flat_name(self) -> &'static str {
        match self {
            Kind::SelfDestruct => "suicide",
            kind if kind.creates() => "create",
            _ => "call",
        }
    }

    pub fn creates(self) -> bool {
        matches!(self, Kind::Create | Kind::Create2)
    }

    pub fn calls(self) -> bool {
        !self.creates() && self != Kind::SelfDestruct
    }

    /// flatCallTracer leaves such calls of precompiles out.
    pub fn may_be_dropped(self) -> bool {
        matches!(self, Kind::Call | Kind::StaticCall)
    }
}

/// A frame begins.
#[derive(Clone)]
pub struct Enter {
    pub depth: usize, // 0: the transaction's own
    pub kind: Kind,
    pub from: Address,
    pub to: Address,
    pub input: Bytes,
    pub gas: u64,
    pub own_gas: u64,        // the frame's; `gas` of the transaction's own is all it may use
    pub value: Option<U256>, // none in a STATICCALL
}

/// It has ended.
pub struct Exit {
    pub depth: usize,
    pub output: Bytes,
    pub gas_used: u64,
    pub error: Option<String>,
    pub reverted: bool,
    pub precompile: bool,
}

/// A step as it was before.
#[derive(Clone, Copy, Default)]
pub struct Before {
    pub pc: usize,
    pub opcode: u8,
    pub gas: u64,
    pub stack_len: usize,
    /// The upper values of the stack, the top first; zero below its end.
    pub top: [U256; 7],
    pub memory: usize,
    pub refund: i64,
    refund_below: i64, // of the frames that wait
    pub depth: usize,  // 1: the transaction's own
    /// What a write that may lack gas asks for; afterwards the slot no longer tells.
    pub write: Option<u64>,
}

/// What is known of it afterwards.
pub struct After {
    pub cost: u64,
    /// Why it was not executed: its stack, its gas or what is forbidden there.
    pub refused: Option<String>,
}

#[derive(Default)]
struct Open {
    last: Option<Last>,
    before: Option<Before>,
    refunded: i64,  // of this frame, when it last did something
    destroys: U256, // what it owned when it came to a SELFDESTRUCT
    precompile: bool,
    refusal: Option<String>, // the precompile's
    fault: Option<String>,   // why its last step ended it
}

/// The eye's other half, there while a trace is made.
pub struct Tap {
    tracer: Tracer,
    open: Vec<Open>,
    size_max: usize,
    logs_before: u64,
    gas_limit: u64,
    refunded_before: i64, // for authorizations, before any code runs
    /// Why the execution was ended from here.
    pub stop: Option<Stop>,
}

type Interp = Interpreter<EthInterpreter>;

fn gas_used(gas: &Gas, limit: u64, result: InstructionResult) -> u64 {
    if result.is_ok_or_revert() {
        limit.saturating_sub(gas.remaining())
    } else {
        limit
    }
}

/// Why a frame ended badly, in geth's words.
pub fn error_of(result: InstructionResult, last: Option<Last>) -> Option<String> {
    match SuccessOrHalt::<HaltReason>::from(result) {
        SuccessOrHalt::Success(SuccessReason::Stop | SuccessReason::Return | SuccessReason::SelfDestruct) => None,
        SuccessOrHalt::Revert => Some(REVERTED.into()),
        SuccessOrHalt::Halt(reason) => Some(words::halt(&reason, last)),
        _ => Some("the execution was ended".into()),
    }
}

impl Tap {
    pub fn new(tracer: Tracer, size_max: usize, logs_before: u64, gas_limit: u64) -> Self {
        Tap { tracer, open: Vec::new(), size_max, logs_before, gas_limit, refunded_before: 0, stop: None }
    }

    pub fn into_tracer(self) -> Tracer {
        self.tracer
    }

    /// Before anything of the transaction has happened.
    pub fn begin(&mut self, ctx: &mut Ctx) {
        if ctx.chain.expired {
            self.stop = Some(Stop::Time);
        }
        self.refunded_before = cost::authorizations(ctx) as i64;
        self.tracer.begin(ctx);
    }

    fn weigh(&mut self) {
        if self.size_max != 0 && self.tracer.kept() > self.size_max {
            self.stop.get_or_insert(Stop::Size);
        }
    }

    fn enter(&mut self, ctx: &mut Ctx, mut e: Enter) {
        if e.depth == 0 {
            e.gas = self.gas_limit;
        }
        let precompile = e.kind.calls() && self.tracer.is_precompile(&e.to);
        self.tracer.enter(&e, precompile, ctx);
        if e.kind != Kind::SelfDestruct {
            self.open.push(Open { precompile, ..Open::default() });
        }
        self.weigh();
    }

    fn exit(&mut self, result: InstructionResult, gas: &Gas, limit: u64, output: &Bytes, ctx: &Ctx) {
        let Some(frame) = self.open.pop() else { return };
        let error = match (error_of(result, frame.last), frame.fault) {
            (Some(_), _) if result == InstructionResult::CreateContractSizeLimit => {
                Some(format!("max code size exceeded: code size {} limit {}", output.len(), ctx.cfg.max_code_size()))
            }
            (Some(_), Some(fault)) => Some(fault),
            (Some(error), None) => Some(frame.refusal.unwrap_or(error)),
            (None, _) => None,
        };
        let exit = Exit {
            depth: self.open.len(),
            output: if result.is_ok() || result == InstructionResult::Revert { output.clone() } else { Bytes::new() },
            gas_used: gas_used(gas, limit, result),
            reverted: result == InstructionResult::Revert,
            precompile: frame.precompile,
            error,
        };
        self.tracer.exit(&exit);
        self.weigh();
    }

    pub fn call(&mut self, ctx: &mut Ctx, inputs: &CallInputs) {
        let kind = match inputs.scheme {
            CallScheme::Call => Kind::Call,
            CallScheme::CallCode => Kind::CallCode,
            CallScheme::DelegateCall => Kind::DelegateCall,
            CallScheme::StaticCall => Kind::StaticCall,
        };
        let from = if kind == Kind::DelegateCall { inputs.target_address } else { inputs.caller };
        let value = (kind != Kind::StaticCall).then(|| inputs.value.get());
        let e = Enter {
            depth: self.open.len(),
            kind,
            from,
            to: inputs.bytecode_address,
            input: if self.tracer.wants_frames() { inputs.input.bytes(ctx) } else { Bytes::new() },
            gas: inputs.gas_limit,
            own_gas: inputs.gas_limit,
            value,
        };
        self.enter(ctx, e);
    }

    pub fn call_end(&mut self, ctx: &mut Ctx, inputs: &CallInputs, outcome: &CallOutcome) {
        let r = &outcome.result;
        if r.result == InstructionResult::PrecompileError && self.tracer.wants_frames() {
            let refusal =
                self.tracer.precompile_refusal(&inputs.bytecode_address, &inputs.input.bytes(ctx), inputs.gas_limit);
            if let Some(frame) = self.open.last_mut() {
                frame.refusal = refusal;
            }
        }
        self.exit(r.result, &r.gas, inputs.gas_limit, &r.output, ctx);
    }

    pub fn create(&mut self, ctx: &mut Ctx, inputs: &CreateInputs) {
        let kind = match inputs.scheme() {
            CreateScheme::Create2 { .. } => Kind::Create2,
            _ => Kind::Create,
        };
        let nonce = ctx.journaled_state.state.get(&inputs.caller()).map_or(0, |a| a.info.nonce);
        // The nonce of a transaction's sender has been raised before its own frame is entered.
        let nonce = if self.open.is_empty() { ctx.tx.nonce } else { nonce };
        let e = Enter {
            depth: self.open.len(),
            kind,
            from: inputs.caller(),
            to: inputs.created_address(nonce),
            input: inputs.init_code().clone(),
            gas: inputs.gas_limit(),
            own_gas: inputs.gas_limit(),
            value: Some(inputs.value()),
        };
        self.enter(ctx, e);
    }

    pub fn create_end(&mut self, ctx: &mut Ctx, inputs: &CreateInputs, outcome: &CreateOutcome) {
        let r = &outcome.result;
        self.exit(r.result, &r.gas, inputs.gas_limit(), &r.output, ctx);
    }

    pub fn log(&mut self, ctx: &Ctx, log: &Log) {
        let index = self.logs_before + (ctx.journaled_state.logs.len() as u64).saturating_sub(1);
        self.tracer.log(log, index, self.open.len().saturating_sub(1));
        self.weigh();
    }

    pub fn step(&mut self, interp: &mut Interp, ctx: &mut Ctx) {
        if self.stop.is_none() && ctx.chain.ends() {
            let depth = ctx.journaled_state.depth;
            if ctx.chain.passed(depth, interp.gas.remaining(), STEP_WORK) {
                self.stop = Some(Stop::Time);
            }
        }
        if self.stop.is_some() {
            ctx.error = Err(ContextError::Custom("the trace was ended".into()));
            interp.halt(InstructionResult::FatalExternalError);
            return;
        }
        let depth = self.open.len();
        let below: i64 = self.open.iter().rev().skip(1).map(|f| f.refunded).sum::<i64>() + self.refunded_before;
        let Some(frame) = self.open.last_mut() else { return };
        let stack = interp.stack.data();
        let mut top = [U256::ZERO; 7];
        for (to, from) in top.iter_mut().zip(stack.iter().rev()) {
            *to = *from;
        }
        let mut before = Before {
            pc: interp.bytecode.pc(),
            opcode: interp.bytecode.opcode(),
            gas: interp.gas.remaining(),
            stack_len: stack.len(),
            top,
            memory: interp.memory.size(),
            write: None,
            refund: below + interp.gas.refunded(),
            refund_below: below,
            depth,
        };
        frame.last = Some(Last { opcode: before.opcode, stack_len: before.stack_len, ended_well: false });
        if before.opcode == SSTORE && before.gas < WRITE_COST_MAX && before.stack_len >= 2 {
            before.write = Some(cost::sstore(&before, interp, ctx));
        }
        frame.before = Some(before);
        if before.opcode == SELFDESTRUCT {
            let own = interp.input.target_address();
            frame.destroys = ctx.journaled_state.state.get(&own).map_or(U256::ZERO, |a| a.info.balance);
        }
        self.tracer.step(&before, interp, ctx);
    }

    pub fn step_end(&mut self, interp: &mut Interp, ctx: &mut Ctx) {
        let Some(frame) = self.open.last_mut() else { return };
        let Some(mut before) = frame.before.take() else { return };
        frame.refunded = interp.gas.refunded();
        if matches!(before.opcode, SSTORE | SELFDESTRUCT) {
            before.refund = before.refund_below + frame.refunded; // geth refunds while it counts the cost
        }
        let mut cost = before.gas.saturating_sub(interp.gas.remaining());
        let mut destroyed = false;
        let mut failed = None;
        match interp.bytecode.action() {
            Some(InterpreterAction::NewFrame(FrameInput::Create(inputs))) => {
                cost = cost.saturating_sub(inputs.gas_limit()); // what goes along is no cost of the step
            }
            Some(InterpreterAction::Return(result)) => {
                if let Some(last) = &mut frame.last {
                    last.ended_well = matches!(last.opcode, RETURN | STOP) && result.result.is_ok();
                }
                destroyed = result.result == InstructionResult::SelfDestruct;
                failed = result.result.is_halt().then_some(result.result);
            }
            _ => {}
        }
        let destroys = frame.destroys;
        let mut refused = None;
        if let Some(why) = failed.filter(|why| *why != InstructionResult::FatalExternalError) {
            let fault = cost::fault(&before, why, frame.last, interp, ctx);
            cost = fault.cost.unwrap_or(cost);
            refused = fault.refused.then(|| fault.text.clone());
            frame.fault = Some(fault.text);
        }
        self.tracer.stepped(&before, &After { cost, refused }, interp, ctx);
        if destroyed {
            self.destroyed(interp, ctx, &before, destroys);
        }
        if self.tracer.is_full() {
            self.stop.get_or_insert(Stop::Size);
        }
        self.weigh();
    }

    /// geth tells of a SELFDESTRUCT as of a frame that is left at once.
    fn destroyed(&mut self, interp: &Interp, ctx: &mut Ctx, before: &Before, balance: U256) {
        let e = Enter {
            depth: self.open.len(),
            kind: Kind::SelfDestruct,
            from: interp.input.target_address(),
            to: Address::from_word(before.top[0].into()),
            input: Bytes::new(),
            gas: 0,
            own_gas: 0,
            value: Some(balance),
        };
        let depth = e.depth;
        self.enter(ctx, e);
        let x = Exit { depth, output: Bytes::new(), gas_used: 0, error: None, reverted: false, precompile: false };
        self.tracer.exit(&x);
    }
}

/// The memory of a frame as it stands.
pub fn memory(interp: &Interp) -> impl std::ops::Deref<Target = [u8]> + '_ {
    interp.memory.slice(0..interp.memory.size())
}
