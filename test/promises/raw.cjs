// A WebSocket client of our own on a bare TCP socket: it keeps the order in which everything arrived, answers inside the
// read that brought a message, can stop reading, and does nothing by itself (no pong, no close). The tests of the promises
// need to see what a library hides.
'use strict';
const net = require('node:net');
const crypto = require('node:crypto');

const OP = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** A client's frame: masked, final. */
function frame(opcode, payload, { final = true } = {}) {
  const mask = crypto.randomBytes(4);
  const short = payload.length < 126 ? 0 : payload.length < 65536 ? 2 : 8;
  const out = Buffer.alloc(2 + short + 4 + payload.length);
  out[0] = (final ? 0x80 : 0) | opcode;
  out[1] = 0x80 | (short === 0 ? payload.length : short === 2 ? 126 : 127);
  if (short === 2) out.writeUInt16BE(payload.length, 2);
  if (short === 8) out.writeBigUInt64BE(BigInt(payload.length), 2);
  mask.copy(out, 2 + short);
  for (let i = 0, at = 6 + short; i < payload.length; i++) out[at + i] = payload[i] ^ mask[i & 3];
  return out;
}

class Raw {
  constructor() {
    this.waiting = new Map(); // id of a request → what to do with its reply
    this.messages = [];       // every text message, parsed, in order, unless keep is false
    this.keep = true;
    this.pings = 0;
    this.texts = 0;
    this.parts = [];
    this.chunks = []; // of a frame that is not complete, `have` bytes, until there are `need`
    this.have = 0;
    this.need = 2;
    this.nextId = 1;
  }

  /** Opens a WebSocket; options: path, pong (answer pings), keep (all messages), onMessage(parsed), onBytes(of a notification,
   * instead of onMessage: where parsing them would cost more than what is measured). */
  static async open(port, { path = '/', pong = true, onMessage, onBytes, keep = true, host = '127.0.0.1' } = {}) {
    const c = new Raw();
    Object.assign(c, { pong, onMessage, onBytes, keep });
    c.socket = net.connect({ port, host, noDelay: true });
    c.ended = new Promise((done) => {
      c.socket.on('error', (e) => { c.error = e.code; });
      c.socket.on('close', () => { c.gone = true; for (const w of c.waiting.values()) w.fail(new Error(`connection ended: ${c.error ?? c.code ?? 'FIN'}`)); done({ code: c.code, reason: c.reason, error: c.error }); });
    });
    let rest;
    const head = await new Promise((done, fail) => {
      let text = Buffer.alloc(0);
      const read = (d) => {
        text = Buffer.concat([text, d]);
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        c.socket.off('data', read);
        rest = text.subarray(end + 4);
        done(text.subarray(0, end).toString());
      };
      c.socket.on('data', read);
      c.ended.then(() => fail(new Error(`no handshake: ${c.error ?? 'FIN'}`)));
      c.socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n\r\n`);
    });
    if (!head.startsWith('HTTP/1.1 101 ')) { c.socket.destroy(); throw Object.assign(new Error(head.split('\r\n')[0]), { status: Number(head.split(' ')[1]) }); }
    c.socket.on('data', (d) => c.read(d));
    if (rest.length) c.read(rest);
    return c;
  }

  read(data) {
    this.chunks.push(data);
    this.have += data.length;
    if (this.have < this.need) return; // a large frame: joined once, when it is there
    let all = this.chunks.length > 1 ? Buffer.concat(this.chunks) : data;
    for (this.need = 2; all.length >= this.need; ) {
      if (all[1] & 128) throw new Error('a server must not mask');
      let len = all[1] & 127, at = 2;
      if (len >= 126) at = len === 126 ? 4 : 10;
      if (all.length < at) { this.need = at; break; }
      if (len === 126) len = all.readUInt16BE(2);
      else if (len === 127) len = Number(all.readBigUInt64BE(2));
      if (all.length < at + len) { this.need = at + len; break; }
      this.take(all[0] & 15, (all[0] & 128) !== 0, all.subarray(at, at + len));
      all = all.subarray(at + len);
      this.need = 2;
    }
    this.chunks = all.length ? [Buffer.from(all)] : []; // what is left of a frame: a later read completes it
    this.have = all.length;
  }

  take(opcode, final, payload) {
    if (this.code !== undefined) { this.after = (this.after ?? 0) + 1; return; }
    if (opcode === OP.close) {
      this.code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.reason = payload.subarray(2).toString();
      this.onClose?.();
      return;
    }
    if (opcode === OP.ping) { this.pings++; if (this.pong) this.write(OP.pong, payload); return; }
    if (opcode === OP.pong) return;
    if (this.onBytes && final && !this.parts.length && payload[0] === 0x7b && payload.includes('"eth_subscription"')) { this.texts++; this.onBytes(payload); return; }
    this.parts.push(Buffer.from(payload));
    if (!final) return;
    const text = Buffer.concat(this.parts).toString();
    this.parts = [];
    this.texts++;
    const message = JSON.parse(text);
    if (this.keep) this.messages.push(message);
    this.onMessage?.(message, text);
    const id = Array.isArray(message) ? message[0]?.id : message.id;
    const w = id === undefined || message.method ? undefined : this.waiting.get(id);
    if (w) { this.waiting.delete(id); w.done(message); }
  }

  write(opcode, payload) { if (!this.gone) this.socket.write(frame(opcode, Buffer.from(payload))); }
  text(message) { this.write(OP.text, typeof message === 'string' ? message : JSON.stringify(message)); }

  reply(id) { return new Promise((done, fail) => this.waiting.set(id, { done, fail })); }
  /** The whole reply of one request. */
  ask(method, params = []) {
    const id = this.nextId++, got = this.reply(id);
    this.text({ jsonrpc: '2.0', id, method, params });
    return got;
  }
  async call(method, params = []) {
    const reply = await this.ask(method, params);
    if (reply.error) throw Object.assign(new Error(`${method}: ${reply.error.message}`), reply.error);
    return reply.result;
  }
  /** A batch of [method, params]; the replies in the order they came. */
  batch(items) {
    const requests = items.map(([method, params = []]) => ({ jsonrpc: '2.0', id: this.nextId++, method, params }));
    const got = this.reply(requests[0].id);
    this.text(requests);
    return got;
  }

  /** Notifications of one subscription so far. */
  of(id) { return this.messages.filter((m) => m.method && m.params.subscription === id).map((m) => m.params.result); }
  stop() { this.socket.pause(); }
  resume() { this.socket.resume(); }
  close() { this.socket.destroy(); return this.ended; }
}

/** One HTTP conversation byte by byte: everything the server says until it closes or `until` matches. */
function http(port, bytes, { until, ms = 10000, end = false } = {}) {
  return new Promise((done) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    let text = '';
    const began = Date.now();
    const finish = () => { clearTimeout(timer); socket.destroy(); done({ text, status: Number(text.split(' ')[1]) || 0, took: Date.now() - began }); };
    const timer = setTimeout(finish, ms);
    socket.on('data', (d) => { text += d; if (until?.test(text)) finish(); });
    socket.on('error', () => {});
    socket.on('close', finish);
    socket.write(bytes);
    if (end) socket.end();
  });
}

const hex = (n) => `0x${n.toString(16)}`;

module.exports = { OP, Raw, frame, hex, http };
