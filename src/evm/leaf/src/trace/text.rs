//! JSON as it is written: into memory, and from there to C in pieces.

use crate::abi::TracePut;
use revm::primitives::{Address, B256, U256};
use std::ffi::c_void;

/// How much is gathered before C gets it.
const PIECE: usize = 32 * 1024;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn digits(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    for b in bytes {
        out.push(DIGITS[(b >> 4) as usize]);
        out.push(DIGITS[(b & 15) as usize]);
    }
}

/// `"0x…"`, DATA.
pub fn data(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"\"0x");
    digits(out, bytes);
    out.push(b'"');
}

/// `"0x…"` without leading zeros, QUANTITY.
pub fn quantity(out: &mut Vec<u8>, v: &U256) {
    let bytes = v.to_be_bytes::<32>();
    out.extend_from_slice(b"\"0x");
    match bytes.iter().position(|b| *b != 0) {
        None => out.push(b'0'),
        Some(first) => {
            if bytes[first] >= 16 {
                out.push(DIGITS[(bytes[first] >> 4) as usize]);
            }
            out.push(DIGITS[(bytes[first] & 15) as usize]);
            digits(out, &bytes[first + 1..]);
        }
    }
    out.push(b'"');
}

/// A QUANTITY of 64 bits.
pub fn quantity_u64(out: &mut Vec<u8>, v: u64) {
    quantity(out, &U256::from(v));
}

/// An address in lower case.
pub fn address(out: &mut Vec<u8>, a: &Address) {
    data(out, a.as_slice());
}

/// A hash.
pub fn hash(out: &mut Vec<u8>, h: &B256) {
    data(out, h.as_slice());
}

/// A decimal number.
pub fn number(out: &mut Vec<u8>, mut v: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (v % 10) as u8;
        v /= 10;
        if v == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A string, escaped as RFC 8259 wants it.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if (c as u32) < 0x20 => out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Text as it is.
pub fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// What has been written and not been handed over.
pub struct Sink {
    /// To write into.
    pub text: Vec<u8>,
    put: TracePut,
    ctx: *mut c_void,
    /// C wants no more.
    pub full: bool,
}

impl Sink {
    pub fn new(put: TracePut, ctx: *mut c_void) -> Self {
        Sink { text: Vec::with_capacity(PIECE), put, ctx, full: false }
    }

    /// Hands over what has gathered, once it is enough.
    pub fn pass_on(&mut self) {
        if self.text.len() >= PIECE {
            self.flush();
        }
    }

    /// Hands over everything.
    pub fn flush(&mut self) {
        if !self.full && !self.text.is_empty() {
            self.full = (self.put)(self.ctx, self.text.as_ptr(), self.text.len()) != 0;
        }
        self.text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_json_rpc_wants_them() {
        assert_eq!(made(|o| quantity(o, &U256::ZERO)), "\"0x0\"");
        assert_eq!(made(|o| quantity_u64(o, 0x1f0)), "\"0x1f0\"");
        assert_eq!(made(|o| quantity_u64(o, 0x10)), "\"0x10\"");
        assert_eq!(made(|o| quantity(o, &U256::MAX)), format!("\"0x{}\"", "f".repeat(64)));
        assert_eq!(made(|o| number(o, 0)), "0");
        assert_eq!(made(|o| number(o, u64::MAX)), "18446744073709551615");
        assert_eq!(made(|o| data(o, &[0, 0xab])), "\"0x00ab\"");
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(made(|o| string(o, "a\"b\\c\n\u{1}é")), "\"a\\\"b\\\\c\\n\\u0001é\"");
    }
}
