// Blocks out of an era1 file (go-ethereum's archive format: e2store records, snappy-framed), as the RLP that an import reads.
// Spec: geth's internal/era; snappy's format_description.txt and framing_format.txt.
'use strict';
const fs = require('node:fs');

const HEADER = 3, BODY = 4;

/** One raw snappy block. */
function uncompress(from) {
  let at = 0, size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = from[at++];
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  const to = Buffer.alloc(size);
  let done = 0;
  while (at < from.length) {
    const tag = from[at++], kind = tag & 3;
    if (kind === 0) { // literal bytes
      let len = (tag >> 2) + 1;
      if (len > 60) { const width = len - 60; len = from.readUIntLE(at, width) + 1; at += width; }
      from.copy(to, done, at, at + len);
      at += len;
      done += len;
      continue;
    }
    let len, back;
    if (kind === 1) { len = ((tag >> 2) & 7) + 4; back = ((tag >> 5) << 8) | from[at++]; }
    else { len = (tag >> 2) + 1; back = from.readUIntLE(at, kind === 2 ? 2 : 4); at += kind === 2 ? 2 : 4; }
    for (let i = 0; i < len; i++, done++) to[done] = to[done - back]; // may overlap
  }
  if (done !== size) throw new Error(`snappy: ${done} bytes of ${size}`);
  return to;
}

/** A snappy stream: chunks of at most 64 KiB, compressed or not. Checksums are left to the roots of the blocks. */
function unframe(from) {
  const parts = [];
  for (let at = 0; at < from.length; ) {
    const kind = from[at], len = from.readUIntLE(at + 1, 3), data = from.subarray(at + 4, at + 4 + len);
    if (kind === 0) parts.push(uncompress(data.subarray(4)));
    else if (kind === 1) parts.push(data.subarray(4));
    else if (kind !== 0xff && kind < 0x80) throw new Error(`snappy: chunk of kind ${kind}`);
    at += 4 + len;
  }
  return Buffer.concat(parts);
}

/** Where the payload of the RLP list at the start of `b` begins. */
function inside(b) {
  if (b[0] < 0xc0) throw new Error('not a list');
  return b[0] < 0xf8 ? 1 : 1 + (b[0] - 0xf7);
}

function listHead(len) {
  if (len < 56) return Buffer.from([0xc0 + len]);
  const digits = Buffer.from(len.toString(16).padStart(2 * Math.ceil(len.toString(16).length / 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0xf7 + digits.length]), digits]);
}

/** Every block of the file, encoded [header, transactions, uncles]. */
function blocks(file) {
  const bytes = fs.readFileSync(file), out = [];
  let header;
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.readUInt16LE(at), len = bytes.readUInt32LE(at + 2), data = bytes.subarray(at + 8, at + 8 + len);
    if (type === HEADER) header = unframe(data);
    if (type === BODY) {
      const body = unframe(data), payload = body.subarray(inside(body));
      out.push(Buffer.concat([listHead(header.length + payload.length), header, payload]));
    }
    at += 8 + len;
  }
  return out;
}

module.exports = { blocks };
