// Transactions that end in each of the ways code can end, and calls of every kind, as initialisation code: what a compiler
// hides and a tracer must tell.
'use strict';
const { ethers } = require('ethers');

const OPS = {
  STOP: 0x00, ADD: 0x01, EXP: 0x0a, KECCAK256: 0x20, ADDRESS: 0x30, BALANCE: 0x31, CALLDATACOPY: 0x37, CODECOPY: 0x39, EXTCODESIZE: 0x3b, EXTCODECOPY: 0x3c, RETURNDATACOPY: 0x3e, EXTCODEHASH: 0x3f,
  POP: 0x50, MLOAD: 0x51, MSTORE: 0x52, MSTORE8: 0x53, SLOAD: 0x54, SSTORE: 0x55, JUMP: 0x56, GAS: 0x5a, JUMPDEST: 0x5b, TSTORE: 0x5d, MCOPY: 0x5e, PUSH0: 0x5f, DUP1: 0x80, SWAP1: 0x90, LOG0: 0xa0, LOG1: 0xa1, LOG2: 0xa2, CREATE: 0xf0, CALL: 0xf1,
  CALLCODE: 0xf2, RETURN: 0xf3, DELEGATECALL: 0xf4, CREATE2: 0xf5, STATICCALL: 0xfa, REVERT: 0xfd, INVALID: 0xfe, SELFDESTRUCT: 0xff, UNKNOWN: 0x0c,
};

/** Bytes of code from names and numbers; a number becomes the shortest PUSH. */
function code(...items) {
  const bytes = [];
  for (const item of items) {
    if (typeof item === 'string' && item.startsWith('0x')) { const b = ethers.getBytes(item); bytes.push(0x5f + b.length, ...b); continue; }
    if (typeof item === 'string') { if (OPS[item] === undefined) throw new Error(item); bytes.push(OPS[item]); continue; }
    if (item instanceof Uint8Array) { bytes.push(...item); continue; }
    const b = item === 0 ? [] : [...ethers.toBeArray(BigInt(item))];
    bytes.push(0x5f + b.length, ...b);
  }
  return Uint8Array.from(bytes);
}

/** Initialisation code that puts `inner` (at most 32 bytes) into memory, and its place there. */
const inMemory = (inner) => [ethers.hexlify(Uint8Array.from([...inner, ...Array(32 - inner.length).fill(0)])), 0, 'MSTORE'];
const create = (inner, value = 0) => code(...inMemory(inner), inner.length, 0, value, 'CREATE');
const word = (n) => '0x' + n.toString(16).padStart(64, '0');
const error = (text) => '0x08c379a0' + ethers.AbiCoder.defaultAbiCoder().encode(['string'], [text]).slice(2);

function revertWith(data) {
  const bytes = ethers.getBytes(data), items = [];
  for (let i = 0; i < bytes.length; i += 32) {
    const piece = new Uint8Array(32);
    piece.set(bytes.slice(i, i + 32));
    items.push(ethers.hexlify(piece), i, 'MSTORE');
  }
  return code(...items, bytes.length, 0, 'REVERT');
}

function* odd() {
  const init = (name, data, more = {}) => ({ name, tx: { data: ethers.hexlify(data), ...more } });
  const NOBODY = 0xdeadbeefcafen;

  // How a frame ends.
  yield init('runs off the end', code(1, 2, 'ADD'));
  yield init('stops', code('STOP'));
  yield init('returns code', code(...inMemory(code('STOP')), 1, 0, 'RETURN'));
  yield init('reverts without data', code(0, 0, 'REVERT'));
  yield init('reverts with words', revertWith(error('so it is')));
  yield init('reverts with a panic', revertWith('0x4e487b71' + word(0x11).slice(2)));
  yield init('reverts with an unknown panic', revertWith('0x4e487b71' + word(0x99).slice(2)));
  yield init('reverts with three bytes', code(3, 0, 'REVERT'));
  yield init('invalid', code('INVALID'));
  yield init('unknown opcode', code(1, 'UNKNOWN'));
  yield init('underflow', code('ADD'));
  yield init('underflow of a call', code(1, 2, 'CALL'));
  yield init('bad jump', code(77, 'JUMP'));
  yield init('overflow', code('JUMPDEST', 'PUSH0', 0, 'JUMP'), { gasLimit: 100000 });
  yield init('returns 0xef', code(...inMemory(Uint8Array.from([0xef])), 1, 0, 'RETURN'));
  yield init('returns too much code', code(0x6001, 0, 'RETURN'), { gasLimit: 8000000 });
  yield init('cannot pay for its code', code(0x3000, 0, 'RETURN'), { gasLimit: 100000 });
  yield init('returns out of bounds', code(1, 0, 0, 'RETURNDATACOPY'));

  // Out of gas at each instruction whose cost follows its operands.
  const poor = { gasLimit: 56000 };
  yield init('no gas for memory', code(0x40000, 'MLOAD'), poor);
  yield init('no gas for far memory', code('0xffffffffffffffffffff', 'MLOAD'), poor);
  yield init('no gas for a byte', code(1, 0x40000, 'MSTORE8'), poor);
  yield init('no gas for a hash', code(0x40000, 0, 'KECCAK256'), poor);
  yield init('no gas for a copy', code(0x40000, 0, 0, 'CODECOPY'), poor);
  yield init('no gas for a copy of memory', code(0x40000, 0, 0, 'MCOPY'), poor);
  yield init('no gas for foreign code', code(0x40000, 0, 0, NOBODY, 'EXTCODECOPY'), poor);
  yield init('no gas for a power', code('JUMPDEST', '0x' + 'ff'.repeat(32), 3, 'EXP', 0, 'JUMP'), poor);
  yield init('no gas for balances', code('JUMPDEST', 'GAS', 'BALANCE', 'POP', 0, 'JUMP'), poor);
  yield init('no gas for code sizes', code('JUMPDEST', 'GAS', 'EXTCODESIZE', 'POP', 0, 'JUMP'), poor);
  yield init('no gas for code hashes', code('JUMPDEST', 'GAS', 'EXTCODEHASH', 'POP', 0, 'JUMP'), poor);
  yield init('no gas for a log', code('JUMPDEST', 1, 200, 0, 'LOG1', 0, 'JUMP'), poor);
  yield init('no gas for slots read', code('JUMPDEST', 'GAS', 'SLOAD', 'POP', 0, 'JUMP'), poor);
  yield init('no gas for slots written', code('JUMPDEST', 1, 'GAS', 'SSTORE', 0, 'JUMP'), { gasLimit: 90000 });
  yield init('no gas for a creation', code(0, 0, 0, 'CREATE'), poor);
  yield init('no gas for a creation by salt', code(1, 0x100, 0, 0, 'CREATE2'), { gasLimit: 86000 });
  yield init('no gas for a call with value', code(0, 0, 0, 0, 1, NOBODY, 'GAS', 'CALL'), poor);
  yield init('no gas for the memory of a call', code(0x40000, 0, 0, 0, 0, NOBODY, 'GAS', 'CALL'), poor);
  yield init('no gas for cold calls', code('JUMPDEST', 0, 0, 0, 0, 'GAS', 'GAS', 'STATICCALL', 'POP', 0, 'JUMP'), poor);
  yield init('no gas for an end', code(NOBODY, 'SELFDESTRUCT'), { ...poor, value: 1n });
  yield init('no gas at all', code('JUMPDEST', 0, 'JUMP'), { gasLimit: 60000 });

  // Calls of every kind.
  const args = [0, 0, 0, 0];
  for (const kind of ['CALL', 'CALLCODE']) {
    yield init(`${kind} nobody`, code(...args, 0, NOBODY, 'GAS', kind));
    yield init(`${kind} nobody with value`, code(...args, 5, NOBODY, 'GAS', kind), { value: 9n });
    yield init(`${kind} without the means`, code(...args, 500, NOBODY, 'GAS', kind), { value: 9n });
  }
  for (const kind of ['DELEGATECALL', 'STATICCALL']) yield init(`${kind} nobody`, code(...args, NOBODY, 'GAS', kind));
  yield init('calls itself without end', code(0, 0, 0, 0, 0, 'ADDRESS', 'GAS', 'CALL'));
  const input = [...inMemory(ethers.getBytes('0x' + '11'.repeat(32)))];
  for (const [name, at, len] of [['identity', 4, 32], ['sha256', 2, 32], ['ecrecover', 1, 32], ['bad point', 6, 32], ['bad pairing', 8, 31], ['bad blake', 9, 32], ['bad kzg', 10, 32], ['no such', 0x20, 32], ['p256', 0x100, 32], ['bad bls', 11, 32]])
    yield init(`precompile: ${name}`, code(...input, 32, 0x40, len, 0, at, 'GAS', 'STATICCALL', 'POP', 32, 0x40, 'RETURN'));
  yield init('precompile without gas', code(...args, 4, 3, 'STATICCALL', ...args, 0, 2, 3, 'CALL'));

  // Creations.
  yield init('creates nothing', create(code('STOP')));
  yield init('creates a contract', create(code(...[1, 0, 'MSTORE8', 1, 0, 'RETURN'])));
  yield init('creates with value', create(code('STOP'), 3), { value: 5n });
  yield init('creates without the means', create(code('STOP'), 30), { value: 5n });
  yield init('creates what reverts', create(code(3, 0, 'REVERT')));
  yield init('creates what fails', create(code('INVALID')));
  yield init('creates what ends', create(code('ADDRESS', 'SELFDESTRUCT')));
  yield init('creates what ends for another', create(code(NOBODY, 'SELFDESTRUCT'), 2), { value: 7n });
  yield init('creates what ends at once', create(code(0, 'SELFDESTRUCT')));
  yield init('creates twice at one place', code(...inMemory(code('STOP')), 7, 1, 0, 0, 'CREATE2', 7, 1, 0, 0, 'CREATE2'), { gasLimit: 300000 });
  yield init('creates from too much', code(0, 0xc001, 0, 0, 'CREATE'), { gasLimit: 1000000 });
  yield init('ends', code(NOBODY, 'SELFDESTRUCT'), { value: 4n });
  yield init('ends for itself', code('ADDRESS', 'SELFDESTRUCT'), { value: 4n });

  // What a frame may not do when it is static: the inner code runs by STATICCALL to a contract made for it.
  const called = (inner, kind = 'STATICCALL', more = []) => {
    const runtime = Uint8Array.from(inner);
    const maker = code(...inMemory(runtime), runtime.length, 0, 'RETURN');
    const items = [];
    for (let i = 0; i < maker.length; i += 32) {
      const piece = new Uint8Array(32);
      piece.set(maker.slice(i, i + 32));
      items.push(ethers.hexlify(piece), i, 'MSTORE');
    }
    return code(...items, maker.length, 0, 0, 'CREATE', 0, 0, 0, 0, ...more, Uint8Array.from([0x84 + more.length]), 'GAS', kind);
  };
  yield init('static: writes', called(code(1, 1, 'SSTORE')));
  yield init('static: logs', called(code(0, 0, 'LOG0')));
  yield init('static: creates', called(code(0, 0, 0, 'CREATE')));
  yield init('static: creates by salt', called(code(0, 0, 0, 0, 'CREATE2')));
  yield init('static: ends', called(code(0, 'SELFDESTRUCT')));
  yield init('static: transient', called(code(1, 1, 'TSTORE')));
  yield init('static: sends', called(code(0, 0, 0, 0, 1, 9, 'GAS', 'CALL')));
  yield init('called: logs and reverts', called(code(7, 0, 0, 'LOG1', 0, 0, 'REVERT'), 'CALL', [0]));
  yield init('called: logs', called(code(7, 8, 3, 0, 'LOG2'), 'CALL', [0]));
  yield init('called: slots', called(code(5, 1, 'SSTORE', 1, 'SLOAD', 0, 1, 'SSTORE'), 'CALL', [0]));
  yield init('delegated: slots', called(code(5, 1, 'SSTORE', 1, 'SLOAD'), 'DELEGATECALL'));
  yield init('delegated: ends', called(code(NOBODY, 'SELFDESTRUCT'), 'DELEGATECALL'), { value: 3n });
  yield init('borrowed: slots', called(code(5, 1, 'SSTORE', 1, 'SLOAD'), 'CALLCODE', [0]));
  yield init('called: returns words', called(code(0x2a, 0, 'MSTORE', 32, 0, 'RETURN'), 'CALL', [0]));

  // Transfers.
  yield { name: 'a transfer', tx: { to: '0x00000000000000000000000000000000000dead1', value: 77n } };
  yield { name: 'a transfer to itself', tx: { to: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', value: 77n } };
  yield { name: 'words to nobody', tx: { to: '0x00000000000000000000000000000000000dead2', data: '0x12345678abcd' } };
  yield { name: 'to a precompile', tx: { to: '0x0000000000000000000000000000000000000004', data: '0x12345678abcd' } };
  yield { name: 'to a failing precompile', tx: { to: '0x0000000000000000000000000000000000000009', data: '0x12345678abcd' } };
}

module.exports = { code, odd, OPS };
