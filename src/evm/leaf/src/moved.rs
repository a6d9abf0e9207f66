//! Precompiles that a call has moved away or covered with an account of its own (movePrecompileToAddress, geth's
//! state overrides). What is warm at the start does not follow them, as in geth.

use crate::abi;
use crate::convert::{address, Ctx};
use crate::refusal;
use revm::context::{ContextTr, JournalTr, LocalContextTr};
use revm::handler::{precompile_output_to_interpreter_result, EthPrecompiles, PrecompileProvider};
use revm::interpreter::{CallInputs, InterpreterResult};
use revm::precompile::Precompile;
use revm::primitives::{hardfork::SpecId, Address, AddressSet};

/// The fork's precompiles, and what is different.
pub struct Moved {
    base: EthPrecompiles,
    gone: Vec<Address>,
    there: Vec<(Address, Precompile)>,
}

impl Moved {
    /// # Safety
    /// `env.moves` must lead to what its count says.
    pub unsafe fn new(env: &abi::Env, spec: SpecId) -> Self {
        let base = EthPrecompiles::new(spec);
        let mut moved = Moved { base, gone: Vec::new(), there: Vec::new() };
        let moves = match env.moves {
            Some(at) => unsafe { abi::lent(at.as_ptr().cast_const(), env.move_count) },
            None => &[],
        };
        for m in moves {
            let from = address(&m.from);
            if let (true, Some(p)) = (m.is_moved != 0, moved.base.precompiles.get(&from)) {
                moved.there.push((address(&m.to), p.clone()));
            }
            moved.gone.push(from);
        }
        moved
    }

    fn at(&self, address: &Address) -> Option<&Precompile> {
        if self.gone.is_empty() {
            return self.base.precompiles.get(address);
        }
        match self.there.iter().find(|(at, _)| at == address) {
            Some((_, p)) => Some(p),
            None if self.gone.contains(address) => None,
            None => self.base.precompiles.get(address),
        }
    }
}

impl PrecompileProvider<Ctx> for Moved {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        <EthPrecompiles as PrecompileProvider<Ctx>>::set_spec(&mut self.base, spec)
    }

    fn run(&mut self, ctx: &mut Ctx, inputs: &CallInputs) -> Result<Option<InterpreterResult>, String> {
        if ctx.chain.is_brief()
            && self.contains(&inputs.bytecode_address)
            && ctx.chain.refuses(&inputs.bytecode_address, inputs.input.len())
        {
            return Err("a precompile that may take long".into());
        }
        let Some(p) = self.at(&inputs.bytecode_address) else {
            return Ok(None);
        };
        let input = inputs.input.bytes(ctx);
        // Each names its price before it begins: where that is too much for the time that is left, it is not begun.
        let most = if ctx.chain.ends() { ctx.chain.gas_for(&inputs.bytecode_address) } else { u64::MAX };
        let done = p.execute(&input, inputs.gas_limit.min(most), inputs.reservoir).map_err(|e| e.to_string())?;
        if most < inputs.gas_limit && done.halt_reason().is_some_and(|why| why.is_oog()) {
            ctx.chain.expired = true;
            return Err("no time for a precompile".into());
        }
        // Of a transaction's own frame the reason is told without a trace.
        if done.halt_reason().is_some_and(|why| !why.is_oog()) && ctx.journaled_state.depth() == 1 {
            let text = refusal::why(p.id(), ctx.cfg.spec, &input, inputs.gas_limit);
            ctx.local_mut().set_precompile_error_context(text);
        }
        Ok(Some(precompile_output_to_interpreter_result(done, inputs.gas_limit)))
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.base.warm_addresses()
    }

    fn contains(&self, address: &Address) -> bool {
        self.there.iter().any(|(at, _)| at == address) || (!self.gone.contains(address) && self.base.contains(address))
    }
}

/// See evm.h.
///
/// # Safety
/// `at` must be readable.
#[no_mangle]
pub unsafe extern "C" fn evm_is_precompile(fork: u32, at: *const abi::Address) -> u8 {
    EthPrecompiles::new(crate::convert::spec(fork)).contains(&address(unsafe { &*at })) as u8
}
