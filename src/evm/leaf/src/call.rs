//! Calls that change nothing: one execution over its own overlay, with a deadline and, if asked, its access list.

use crate::abi::{self, Access, CallOptions, Env, Outcome, StateReader, Tx};
use crate::arena::Kept;
use crate::contain;
use crate::convert::{context, spec, tx_env, Ctx};
use crate::overlay::Overlay;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter};
use revm::{ExecuteEvm, InspectEvm, Inspector, MainBuilder};
use revm_inspectors::access_list::AccessListInspector;
use std::time::Instant;

/// How many instructions pass between two looks at the clock: some 20 µs.
const STEPS_PER_LOOK: u32 = 4096;

/// What a result of evm_call() points to.
pub struct CallOutcomeKept {
    kept: Kept,
    slots: Vec<Vec<abi::Hash>>,
    access: Vec<Access>,
}

/// Ends the execution when time is up, and notes what it touches.
struct Watch {
    end: Option<Instant>,
    steps: u32,
    expired: bool,
    access: Option<AccessListInspector>,
}

impl Inspector<Ctx, EthInterpreter> for Watch {
    fn step(&mut self, interp: &mut Interpreter<EthInterpreter>, ctx: &mut Ctx) {
        if let Some(end) = self.end {
            self.steps += 1;
            if self.steps >= STEPS_PER_LOOK {
                self.steps = 0;
                self.expired = self.expired || Instant::now() >= end;
            }
            if self.expired {
                interp.halt_oog(); // every frame above ends likewise at its next step
                return;
            }
        }
        if let Some(access) = &mut self.access {
            access.step(interp, ctx);
        }
    }

    fn call(&mut self, ctx: &mut Ctx, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.access.as_mut().and_then(|a| a.call(ctx, inputs))
    }

    fn create(&mut self, ctx: &mut Ctx, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.access.as_mut().and_then(|a| a.create(ctx, inputs))
    }
}

fn monotonic_ms() -> u64 {
    let mut t = libc_timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime only writes to t.
    unsafe { clock_gettime(1, &mut t) };
    t.tv_sec as u64 * 1000 + t.tv_nsec as u64 / 1_000_000
}

#[repr(C)]
#[allow(non_camel_case_types)]
struct libc_timespec {
    tv_sec: i64,
    tv_nsec: i64,
}

extern "C" {
    fn clock_gettime(clock: i32, out: *mut libc_timespec) -> i32;
}

fn run(env: &Env, reader: StateReader, tx: &Tx, options: &CallOptions, own: &mut CallOutcomeKept) -> Outcome {
    let overlay = Overlay::new(reader, spec(env.fork));
    let ctx = context(env, overlay);
    let tx = unsafe { tx_env(tx) };
    if options.deadline_ms == 0 && options.want_access_list == 0 {
        let mut evm = ctx.build_mainnet();
        return match evm.transact(tx) {
            Err(error) => own.kept.refused(error),
            Ok(done) => own.kept.executed(done.result, Vec::new(), &evm.ctx.journaled_state.database),
        };
    }
    let end = (options.deadline_ms != 0)
        .then(|| Instant::now() + std::time::Duration::from_millis(options.deadline_ms.saturating_sub(monotonic_ms())));
    let access = (options.want_access_list != 0).then(|| AccessListInspector::new(tx.access_list.clone()));
    let mut evm = ctx.build_mainnet_with_inspector(Watch { end, steps: 0, expired: false, access });
    let done = evm.inspect_tx(tx);
    if evm.inspector.expired {
        return own.kept.status(abi::TIMEOUT, "execution aborted (timeout)");
    }
    let outcome = match done {
        Err(error) => return own.kept.refused(error),
        Ok(done) => own.kept.executed(done.result, Vec::new(), &evm.ctx.journaled_state.database),
    };
    if let Some(access) = evm.inspector.access.take() {
        let list = access.into_access_list();
        own.slots = list.0.iter().map(|item| item.storage_keys.iter().map(|k| abi::Hash(k.0)).collect()).collect();
        own.access = list
            .0
            .iter()
            .zip(&own.slots)
            .map(|(item, slots)| Access { address: abi::Address(item.address.0 .0), slots: slots.as_ptr(), slot_count: slots.len() })
            .collect();
    }
    outcome
}

/// See evm.h.
///
/// # Safety
/// Pointers as evm.h says; the last two may be NULL.
#[no_mangle]
pub unsafe extern "C" fn evm_call(
    env: *const Env,
    reader: *const StateReader,
    tx: *const Tx,
    options: *const CallOptions,
    out: *mut Outcome,
    out_access: *mut *const Access,
    out_access_count: *mut usize,
) -> *mut CallOutcomeKept {
    let mut own = Box::new(CallOutcomeKept { kept: Kept::default(), slots: Vec::new(), access: Vec::new() });
    let options = if options.is_null() { CallOptions { deadline_ms: 0, want_access_list: 0 } } else { unsafe { *options } };
    let mut fault = None;
    let done = contain(
        || Some(run(unsafe { &*env }, unsafe { *reader }, unsafe { &*tx }, &options, &mut own)),
        |text| {
            fault = Some(text);
            None
        },
    );
    let outcome = done.unwrap_or_else(|| own.kept.status(abi::FAULT, fault.as_deref().unwrap_or("panic")));
    unsafe {
        out.write(outcome);
        if !out_access.is_null() {
            *out_access = own.access.as_ptr();
        }
        if !out_access_count.is_null() {
            *out_access_count = own.access.len();
        }
    }
    Box::into_raw(own)
}

/// See evm.h.
///
/// # Safety
/// `o` is NULL or comes from evm_call() and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn evm_outcome_free(o: *mut CallOutcomeKept) {
    if !o.is_null() {
        drop(unsafe { Box::from_raw(o) });
    }
}
