//! Calls that change nothing: one execution over its own overlay, with a deadline and, if asked, its access list.

use crate::abi::{self, pointer, Access, CallOptions, Env, Outcome, StateReader, Tx};
use crate::arena::Kept;
use crate::contain;
use crate::convert::{for_a_call, machine, run, spec, tx_env};
use crate::overlay::Overlay;
use crate::watch::Clock;
use revm_inspectors::access_list::AccessListInspector;

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
        0 => Clock::until(options.deadline_ms),
        gas => Clock::brief(gas),
    };
    if clock.expired {
        return own.kept.status(abi::TIMEOUT, "execution aborted (timeout)");
    }
    let mut machine = machine(env, Overlay::new(reader, spec(env.fork)), clock);
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
