//! Calls that change nothing: one execution over its own overlay, with a deadline and, if asked, its access list.

use crate::abi::{self, pointer, Access, CallOptions, Env, Fork, Outcome, StateReader, Tx};
use crate::arena::Kept;
use crate::contain;
use crate::convert::{for_a_call, machine, renew, run, spec, tx_env, Machine};
use crate::overlay::Overlay;
use crate::watch::Clock;
use revm_inspectors::access_list::AccessListInspector;
use std::cell::Cell;

/// What a machine may keep from one brief call to the next: bytes of memory, and frames below the first (32 KiB each).
const KEPT_MEMORY: usize = 64 << 10;
const KEPT_DEPTH: usize = 7;

thread_local! {
    /// The machine of this thread's last brief call and its fork: making one costs more than what a token's call executes.
    static LAST: Cell<Option<(u32, Box<Machine>)>> = const { Cell::new(None) };
}

/// A brief call's machine for this environment, from the last one where that fits.
fn brief_machine(env: &Env, overlay: Overlay, clock: Clock) -> Box<Machine> {
    match LAST.take() {
        Some((fork, mut last)) if fork == env.fork && is_plain(env) => {
            renew(&mut last, env, overlay, clock);
            last
        }
        _ => Box::new(machine(env, overlay, clock)),
    }
}

/// Nothing of the environment is in the machine's tables.
fn is_plain(env: &Env) -> bool {
    env.move_count == 0 && env.fork != Fork::Constantinople as u32
}

/// Leaves the machine for the next call of this thread; one whose call failed, or grew, goes.
fn keep(env: &Env, machine: Box<Machine>) {
    let memory = machine.ctx.local.shared_memory_buffer.borrow().capacity();
    if is_plain(env) && memory <= KEPT_MEMORY && machine.ctx.chain.deepest() <= KEPT_DEPTH {
        LAST.set(Some((env.fork, machine)));
    }
}

/// What a result of evm_call() points to.
#[derive(Default)]
pub struct CallOutcomeKept {
    kept: Kept,
    slots: Vec<Vec<abi::Hash>>,
    access: Vec<Access>,
}

impl CallOutcomeKept {
    fn keep_access(&mut self, access: AccessListInspector) {
        let list = access.into_access_list().0; // sorted
        self.slots = list.iter().map(|item| item.storage_keys.iter().map(|k| abi::Hash(k.0)).collect()).collect();
        self.access = list
            .iter()
            .zip(&self.slots)
            .map(|(item, slots)| Access {
                address: abi::Address(item.address.0 .0),
                slots: pointer(slots),
                slot_count: slots.len(),
            })
            .collect();
    }
}

fn call(env: &Env, reader: StateReader, tx: &Tx, options: &CallOptions, own: &mut CallOutcomeKept) -> Outcome {
    let clock = match options.brief_gas {
        // SAFETY: evm_call()'s caller answers for the flag.
        0 => Clock::until(options.deadline_ms, unsafe { abi::stop_flag(options.stop) }),
        gas => Clock::brief(gas),
    };
    if clock.expired {
        return own.kept.status(abi::TIMEOUT, "execution aborted (timeout)");
    }
    let overlay = Overlay::new(reader, spec(env.fork));
    let is_brief = clock.is_brief();
    let mut machine =
        if is_brief { brief_machine(env, overlay, clock) } else { Box::new(machine(env, overlay, clock)) };
    // SAFETY: evm_call()'s caller answers for the pointers in tx.
    let tx = unsafe { tx_env(tx) };
    for_a_call(&mut machine, env, &tx);
    let look = options.want_access_list != 0;
    if look {
        machine.inspector.access = Some(AccessListInspector::new(tx.access_list.clone()));
    }
    let done = run(&mut machine, tx, look);
    if machine.ctx.chain.expired {
        return own.kept.status(abi::TIMEOUT, "execution aborted (timeout)");
    }
    match done {
        Err(refusal) => own.kept.refused(refusal),
        Ok((done, text)) => {
            if let Some(access) = machine.inspector.access.take() {
                own.keep_access(access);
            }
            if is_brief {
                keep(env, machine);
            }
            own.kept.executed(done.result, &text)
        }
    }
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
    let mut own = Box::<CallOutcomeKept>::default();
    let options = if options.is_null() { CallOptions::default() } else { unsafe { *options } };
    let mut fault = None;
    let done = contain(
        || Some(call(unsafe { &*env }, unsafe { *reader }, unsafe { &*tx }, &options, &mut own)),
        |text| {
            fault = Some(text);
            None
        },
    );
    let outcome = done.unwrap_or_else(|| own.kept.status(abi::FAULT, fault.as_deref().unwrap_or("panic")));
    unsafe {
        out.write(outcome);
        if !out_access.is_null() {
            *out_access = pointer(&own.access);
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
        contain(|| drop(unsafe { Box::from_raw(o) }), |_| ());
    }
}
