//! EIP-7610: a creation onto an account that has storage fails like one onto a nonce or code, which are all that revm looks at.
//!
//! Such accounts come from a genesis alone, or from before Spurious Dragon. Only a creation onto an account that is there
//! already is looked at, which hardly one is, so that the reader is asked once more for it.

use crate::convert::{Machine, Refusal};
use crate::overlay::ReaderFailed;
use revm::context::result::HaltReason;
use revm::handler::EthFrame;
use revm::handler::{EvmTr, FrameData, FrameInitOrResult, FrameResult, Handler, ItemOrResult};
use revm::inspector::handler::frame_end;
use revm::inspector::{InspectorEvmTr, InspectorHandler};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_action::FrameInit;
use revm::interpreter::InstructionResult;

/// revm's way through a transaction, with that look at each frame that begins.
pub struct Careful;

impl Handler for Careful {
    type Evm = Machine;
    type Error = Refusal;
    type HaltReason = HaltReason;

    fn run_exec_loop(&mut self, evm: &mut Machine, first: FrameInit) -> Result<FrameResult, Refusal> {
        run::<false>(evm, first)
    }
}

impl InspectorHandler for Careful {
    type IT = EthInterpreter;

    fn inspect_run_exec_loop(&mut self, evm: &mut Machine, first: FrameInit) -> Result<FrameResult, Refusal> {
        run::<true>(evm, first)
    }
}

fn run<const INSPECTED: bool>(evm: &mut Machine, first: FrameInit) -> Result<FrameResult, Refusal> {
    if let ItemOrResult::Result(done) = begin::<INSPECTED>(evm, first)? {
        return Ok(done);
    }
    let mut begins = true;
    loop {
        let next = if begins && collides(evm)? {
            refuse::<INSPECTED>(evm)?
        } else if INSPECTED {
            evm.inspect_frame_run()?
        } else {
            evm.frame_run()?
        };
        let done = match next {
            ItemOrResult::Item(init) => match begin::<INSPECTED>(evm, init)? {
                ItemOrResult::Item(()) => {
                    begins = true;
                    continue;
                }
                ItemOrResult::Result(done) => done,
            },
            ItemOrResult::Result(done) => done,
        };
        begins = false;
        if let Some(done) = evm.frame_return_result(done)? {
            return Ok(done);
        }
    }
}

/// A frame is made; or there is a result without one.
fn begin<const INSPECTED: bool>(evm: &mut Machine, init: FrameInit) -> Result<ItemOrResult<(), FrameResult>, Refusal> {
    let made = if INSPECTED { evm.inspect_frame_init(init)? } else { evm.frame_init(init)? };
    Ok(made.map_item(|_| ()))
}

/// Has the frame that begins been made to create an account over storage?
fn collides(evm: &mut Machine) -> Result<bool, ReaderFailed> {
    let FrameData::Create(frame) = &evm.frame_stack.get().data else {
        return Ok(false);
    };
    let address = frame.created_address;
    let journal = &mut evm.ctx.journaled_state;
    match journal.inner.state.get(&address) {
        Some(account) if !account.is_loaded_as_not_existing() => journal.database.has_storage(&address),
        _ => Ok(false),
    }
}

/// Ends the frame before its first instruction: what it has done so far, the account made and the value moved, is taken back.
fn refuse<const INSPECTED: bool>(evm: &mut Machine) -> Result<FrameInitOrResult<EthFrame<EthInterpreter>>, Refusal> {
    let frame = evm.frame_stack.get();
    frame.interpreter.halt(InstructionResult::CreateCollision);
    let action = frame.interpreter.take_next_action();
    let mut done = frame.process_next_action::<_, Refusal>(&mut evm.ctx, action)?;
    frame.set_finished(true);
    if let (true, ItemOrResult::Result(done)) = (INSPECTED, &mut done) {
        let (ctx, inspector, frame) = evm.ctx_inspector_frame();
        frame_end(ctx, inspector, &frame.input, done);
    }
    Ok(done)
}
