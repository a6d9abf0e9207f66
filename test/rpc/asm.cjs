// A few contracts made by hand, for calls with overridden code.
'use strict';
const push = (n, bytes = 4) => (0x5f + bytes).toString(16) + BigInt(n).toString(16).padStart(2 * bytes, '0');

/** Returns NUMBER, TIMESTAMP, GASLIMIT, COINBASE, PREVRANDAO, BASEFEE, CHAINID, BLOBBASEFEE, ORIGIN, CALLER, GASPRICE: a word each. */
const fields = '0x' + ['43', '42', '45', '41', '44', '48', '46', '4a', '32', '33', '3a'].map((op, i) => op + push(32 * i, 2) + '52').join('') + push(32 * 11, 2) + '5ff3';
/** Reverts unless at least so much gas is left. */
const wantsGas = (gas) => '0x' + push(gas) + '5a10' + '600b57' + '00' + '5b' + '5f5ffd';
/** Calls an account with all the gas that may be passed on, and reverts where that fails. */
const callsWith = (address) => '0x' + '5f5f5f5f5f73' + address.slice(2).toLowerCase() + '5af1' + '602257' + '5f5ffd' + '5b00';

module.exports = { callsWith, fields, push, wantsGas };
