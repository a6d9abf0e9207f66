// HTTP byte by byte, on bare sockets, against the real binary: what a front end, a proxy or an attacker may send. Behind every
// case stands one more good request, the guard, so that each tells whether both sides still agree where a request ends:
//
//   good      the right answer, then the guard's; nothing else
//   refused   one 4xx or 5xx, then the end: the guard is never answered (a second answer would be request smuggling)
//   declined  a refusal of a request that was read whole (no such path, no such type): one answer, then the guard's
//
// Each case is sent in one piece, cut in two at every so many bytes, and byte by byte: TCP owes nobody a boundary.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const net = require('node:net');
const h = require('../lib/harness.cjs');

const CALL = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}';
const RESULT = '{"jsonrpc":"2.0","id":1,"result":"0x7a69"}';
const GUARD_CALL = '{"jsonrpc":"2.0","id":"guard","method":"net_version","params":[]}';
const GUARD = `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${GUARD_CALL.length}\r\n\r\n${GUARD_CALL}`;
const GUARD_RESULT = '{"jsonrpc":"2.0","id":"guard","result":"31337"}';

const TYPE = 'Content-Type: application/json\r\n', HOST = 'Host: localhost\r\n';
const LENGTH = `Content-Length: ${CALL.length}\r\n`;
/** A POST of CALL: its request line, its headers, its body. */
const post = ({ line = 'POST / HTTP/1.1\r\n', headers = HOST + TYPE + LENGTH, extra = '', body = CALL } = {}) => `${line}${headers}${extra}\r\n${body}`;
const withHeader = (extra) => post({ extra });
const chunked = (body, extra = '') => post({ headers: `${HOST}${TYPE}Transfer-Encoding: chunked\r\n`, extra, body });
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const WHOLE = `${chunk(CALL)}0\r\n\r\n`;

const cases = [];
const good = (name, bytes, { answers = [RESULT], keep = true, interim = 0, head = false } = {}) => cases.push({ name, bytes, answers, keep, interim, head });
const refused = (name, bytes, statuses = [400]) => cases.push({ name, bytes, statuses, keep: false });
const declined = (name, bytes, statuses, { head = false } = {}) => cases.push({ name, bytes, statuses, keep: true, head });

// ---- what must work
good('a plain POST', post());
good('names of headers in any case', post({ headers: `hOST: localhost\r\ncontent-TYPE: application/json\r\nCONTENT-length: ${CALL.length}\r\n` }));
good('spaces and tabs around a value', post({ headers: `Host:\t localhost \t\r\nContent-Type:application/json\r\nContent-Length: \t${CALL.length} \r\n` }));
good('a charset behind the type', post({ headers: `${HOST}Content-Type: application/json; charset=utf-8\r\n${LENGTH}` }));
good('an empty value', withHeader('X-Empty:\r\n'));
good('a value with bytes beyond ASCII', withHeader('X-Name: J\u00fcrgen\r\n'));
good('sixty more headers', withHeader(Array.from({ length: 60 }, (_, i) => `X-${i}: ${i}\r\n`).join('')));
good('one empty line before the request', `\r\n${post()}`);
good('Connection: close ends it', withHeader('Connection: close\r\n'), { keep: false });
good('Connection: Close, in any case and in a list', withHeader('Connection: x, Close\r\n'), { keep: false });
good('Connection: keep-alive changes nothing', withHeader('Connection: keep-alive\r\n'));
good('HTTP/1.0 ends by itself', post({ line: 'POST / HTTP/1.0\r\n' }), { keep: false });
good('HTTP/1.0 without Host', post({ line: 'POST / HTTP/1.0\r\n', headers: TYPE + LENGTH }), { keep: false });
good('HTTP/1.0 that asks to be kept is kept', post({ line: 'POST / HTTP/1.0\r\n', extra: 'Connection: keep-alive\r\n' }));
good('one chunk', chunked(WHOLE));
good('a chunk for each byte', chunked(`${[...CALL].map(chunk).join('')}0\r\n\r\n`));
good('a size in upper case and with zeros before it', chunked(`000${CALL.length.toString(16).toUpperCase()}\r\n${CALL}\r\n0\r\n\r\n`));
good('several zeros for the end', chunked(`${chunk(CALL)}000\r\n\r\n`));
good('an extension of a chunk', chunked(`${CALL.length.toString(16)};name=value;other="a b"\r\n${CALL}\r\n0\r\n\r\n`));
good('Transfer-Encoding: Chunked, in any case', post({ headers: `${HOST}${TYPE}Transfer-Encoding: CHUNKED\r\n`, body: WHOLE }));
good('Expect: 100-continue with the body already there', withHeader('Expect: 100-continue\r\n'), { interim: 1 });
good('a query behind the path', post({ line: 'POST /?a=b HTTP/1.1\r\n' }));
good('the whole URL as target', post({ line: 'POST http://localhost/ HTTP/1.1\r\n' }));
good('spaces around the JSON', post({ headers: `${HOST}${TYPE}Content-Length: ${CALL.length + 4}\r\n`, body: ` ${CALL}\r\n ` }));
good('GET / tells that it lives', `GET / HTTP/1.1\r\n${HOST}\r\n`, { answers: [''] });
good('HEAD / the same without a body', `HEAD / HTTP/1.1\r\n${HOST}\r\n`, { answers: [''], head: true });
good('GET with a Content-Length of 0', `GET / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`, { answers: [''] });
good('OPTIONS, a preflight', `OPTIONS / HTTP/1.1\r\n${HOST}Origin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n\r\n`, { answers: [''] });
good('two at once', post() + post(), { answers: [RESULT, RESULT] });
good('twenty at once', post().repeat(20), { answers: Array(20).fill(RESULT) });
good('a chunked one between two others', post() + chunked(WHOLE) + post(), { answers: [RESULT, RESULT, RESULT] });
good('a HEAD before others', `HEAD / HTTP/1.1\r\n${HOST}\r\n${post()}`, { answers: ['', RESULT], head: true });
good('no JSON is an answer of its own', post({ headers: `${HOST}${TYPE}Content-Length: 1\r\n`, body: '{' }), { answers: [/"code":-32700/] });
good('an empty batch is one too', post({ headers: `${HOST}${TYPE}Content-Length: 2\r\n`, body: '[]' }), { answers: [/"code":-32600/] });

// ---- what is read whole and declined
declined('no type', post({ headers: HOST + LENGTH }), [415]);
declined('another type', post({ headers: `${HOST}Content-Type: text/plain\r\n${LENGTH}` }), [415]);
declined('a form', post({ headers: `${HOST}Content-Type: application/x-www-form-urlencoded\r\n${LENGTH}` }), [415]);
declined('a type that only begins so', post({ headers: `${HOST}Content-Type: application/jsonp\r\n${LENGTH}` }), [415]);
declined('another path', post({ line: 'POST /other HTTP/1.1\r\n' }), [404]);
declined('GET of another path', `GET /other HTTP/1.1\r\n${HOST}\r\n`, [404]);
declined('HEAD of another path', `HEAD /other HTTP/1.1\r\n${HOST}\r\n`, [404], { head: true });
declined('PUT', post({ line: 'PUT / HTTP/1.1\r\n' }), [405]);
declined('DELETE', `DELETE / HTTP/1.1\r\n${HOST}\r\n`, [405]);
declined('PATCH', post({ line: 'PATCH / HTTP/1.1\r\n' }), [405]);
declined('TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, [405]);
declined('a Host that is not ours', post({ headers: `Host: evil.example\r\n${TYPE}${LENGTH}` }), [403]);
declined('an Origin that is not welcome', withHeader('Origin: https://evil.example\r\n'), [403]);

// ---- request lines
const line = (text) => `${text}\r\n${HOST}${TYPE}${LENGTH}\r\n${CALL}`;
refused('no version', line('POST /'), [400, 505]);
refused('no target', line('POST HTTP/1.1'), [400, 501, 505]);
refused('no method', line(' / HTTP/1.1'), [400, 501]);
refused('nothing but a space', line(' '), [400, 501]);
refused('two spaces behind the method', line('POST  / HTTP/1.1'));
refused('two spaces before the version', line('POST /  HTTP/1.1'), [400, 505]);
refused('a space behind the version', line('POST / HTTP/1.1 '), [400, 505]);
refused('a space before the method', line(' POST / HTTP/1.1'), [400, 501]);
refused('a tab for a space', line('POST\t/ HTTP/1.1'), [400, 501]);
refused('a tab before the version', line('POST /\tHTTP/1.1'), [400, 505]);
refused('a space in the target', line('POST /a b HTTP/1.1'), [400, 505]);
refused('a method in lower case', line('post / HTTP/1.1'), [400, 501]);
refused('no such method', line('FETCH / HTTP/1.1'), [400, 405, 501]);
refused('a method that goes on', line('POSTS / HTTP/1.1'), [400, 405, 501]);
refused('a method with a NUL', line('PO\0ST / HTTP/1.1'), [400, 501]);
refused('CONNECT', line('CONNECT localhost:80 HTTP/1.1'), [400, 405]);
refused('a version in lower case', line('POST / http/1.1'), [400, 505]);
refused('HTTP/1.2', line('POST / HTTP/1.2'), [400, 505]);
refused('HTTP/1.10', line('POST / HTTP/1.10'), [400, 505]);
refused('HTTP/1', line('POST / HTTP/1'), [400, 505]);
refused('HTTP/0.9', line('POST / HTTP/0.9'), [400, 505]);
refused('HTTP/2.0', line('POST / HTTP/2.0'), [400, 505]);
refused('HTTP/11.1', line('POST / HTTP/11.1'), [400, 505]);
refused('HTTPS/1.1', line('POST / HTTPS/1.1'), [400, 505]);
refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]);
refused('a NUL in the target', line('POST /\0 HTTP/1.1'));
refused('a control character in the target', line('POST /\x01 HTTP/1.1'));
refused('a CR in the target', line('POST /\rx HTTP/1.1'), [400, 505]);
refused('a target of 20,000 bytes', line(`POST /${'a'.repeat(20000)} HTTP/1.1`), [414, 431]);
refused('a line that ends in LF alone', `POST / HTTP/1.1\n${HOST}${TYPE}${LENGTH}\r\n${CALL}`);
refused('LF alone everywhere', post().replaceAll('\r\n', '\n'));
refused('CR alone everywhere', post().replaceAll('\r\n', '\r'), [400, 505]);
refused('CR CR LF', `POST / HTTP/1.1\r\r\n${HOST}${TYPE}${LENGTH}\r\n${CALL}`, [400, 505]);
refused('two empty lines before', `\r\n\r\n${post()}`);
refused('LF before', `\n${post()}`, [400, 501]);
refused('a NUL before', `\0${post()}`, [400, 501]);
refused('a TLS hello', Buffer.from('160301020001000001fc0303', 'hex').toString('latin1') + 'x'.repeat(100), [400, 501]);
refused('no HTTP at all', '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}\r\n\r\n', [400, 501]);

// ---- headers
refused('no Host', post({ headers: TYPE + LENGTH }));
refused('two Hosts', withHeader(HOST));
refused('two Hosts that differ', withHeader('Host: 127.0.0.1\r\n'));
refused('a Host with a space', post({ headers: `Host: local host\r\n${TYPE}${LENGTH}` }), [400, 403]);
refused('a Host with a path', post({ headers: `Host: localhost/x\r\n${TYPE}${LENGTH}` }), [400, 403]);
refused('a header without a colon', withHeader('X-Name\r\n'));
refused('a space before the colon', withHeader('X-Name : 1\r\n'));
refused('a tab before the colon', withHeader('X-Name\t: 1\r\n'));
refused('no name', withHeader(': 1\r\n'));
refused('a space before a name', post({ headers: ` Host: localhost\r\n${TYPE}${LENGTH}` }));
refused('a space in a name', withHeader('X Name: 1\r\n'));
refused('a bracket in a name', withHeader('X(Name): 1\r\n'));
refused('a quote in a name', withHeader('X"Name: 1\r\n'));
refused('a byte beyond ASCII in a name', withHeader('X-N\u00e4me: 1\r\n'));
refused('a NUL in a name', withHeader('X\0Name: 1\r\n'));
refused('a NUL in a value', withHeader('X-Name: a\0b\r\n'));
refused('a control character in a value', withHeader('X-Name: a\x01b\r\n'));
refused('a DEL in a value', withHeader('X-Name: a\x7fb\r\n'));
refused('a CR in a value', withHeader('X-Name: a\rb\r\n'));
refused('a LF in a value', withHeader('X-Name: a\nb: 1\r\n'));
refused('a header that ends in LF alone', withHeader('X-Name: 1\n'));
refused('a header that ends in CR alone', withHeader('X-Name: 1\rX-Other: 2\r\n'));
refused('a line folded by a space', withHeader('X-Name: 1\r\n 2\r\n'));
refused('a line folded by a tab', withHeader('X-Name: 1\r\n\t2\r\n'));
refused('a folded Transfer-Encoding', post({ headers: `${HOST}${TYPE}Transfer-Encoding:\r\n chunked\r\n`, body: WHOLE }));
refused('a folded Content-Length', post({ headers: `${HOST}${TYPE}Content-Length:\r\n ${CALL.length}\r\n` }));
refused('sixty-five headers', withHeader(Array.from({ length: 62 }, (_, i) => `X-${i}: ${i}\r\n`).join('')), [431]);
refused('a header of 20,000 bytes', withHeader(`X-Long: ${'a'.repeat(20000)}\r\n`), [431]);
refused('a name of 20,000 bytes', withHeader(`${'a'.repeat(20000)}: 1\r\n`), [431]);
refused('an Expect that nobody knows', withHeader('Expect: 200-ok\r\n'), [417]);

// ---- how long the body is
const length = (value) => post({ headers: `${HOST}${TYPE}Content-Length: ${value}\r\n` });
for (const [name, value] of [['negative', `-${CALL.length}`], ['with a plus', `+${CALL.length}`], ['in hexadecimal', '0x3b'], ['with letters behind it', `${CALL.length}abc`],
  ['a fraction', `${CALL.length}.0`], ['with an exponent', '5e1'], ['empty', ''], ['two numbers', `${CALL.length} ${CALL.length}`], ['a list', `${CALL.length}, ${CALL.length}`],
  ['2^64', '18446744073709551616'], ['2^64 and what is there', `${18446744073709551616n + BigInt(CALL.length)}`], ['of forty digits', '1'.repeat(40)]]) {
  refused(`a length ${name}`, length(value), [400, 413]);
}
refused('a length beyond the limit', length(5 * 1024 * 1024 + 1), [413]);
refused('two lengths that differ', withHeader('Content-Length: 5\r\n'));
refused('two lengths that agree', withHeader(LENGTH));
refused('a POST that tells no length', post({ headers: HOST + TYPE }), [411, 400]);
refused('length and chunks', chunked(WHOLE, LENGTH));
refused('chunks and length', post({ headers: `${HOST}${TYPE}${LENGTH}Transfer-Encoding: chunked\r\n`, body: WHOLE }));
refused('length and a Transfer-Encoding of identity', withHeader('Transfer-Encoding: identity\r\n'), [400, 501]);
for (const value of ['identity', 'gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'xchunked', 'chunkedx', '"chunked"', 'chunked;q=1', '\x0bchunked', '', ',chunked', 'chunked,']) {
  refused(`Transfer-Encoding: ${JSON.stringify(value)}`, post({ headers: `${HOST}${TYPE}Transfer-Encoding: ${value}\r\n`, body: WHOLE }), [400, 411, 501]);
}
refused('two Transfer-Encodings', chunked(WHOLE, 'Transfer-Encoding: chunked\r\n'));
refused('Transfer-Encoding in HTTP/1.0', post({ line: 'POST / HTTP/1.0\r\n', headers: `${HOST}${TYPE}Transfer-Encoding: chunked\r\n`, body: WHOLE }));
refused('Transfer-Encoding with a space before its colon', post({ headers: `${HOST}${TYPE}${LENGTH}Transfer-Encoding : chunked\r\n` }));

// ---- chunks
const size = CALL.length.toString(16);
for (const [name, text] of [['empty', ''], ['no number', 'g'], ['negative', `-${size}`], ['with a plus', `+${size}`], ['with 0x', `0x${size}`], ['with a space before', ` ${size}`],
  ['2^64 and what is there', `1${'0'.repeat(16 - size.length)}${size}`], ['of forty digits', `${'0'.repeat(1)}${'f'.repeat(39)}`], ['with a NUL', `${size}\0`], ['with a NUL in its extension', `${size};a\0b`], ['with a CR in its extension', `${size};a\rb`]]) {
  refused(`a size ${name}`, chunked(`${text}\r\n${CALL}\r\n0\r\n\r\n`), [400, 413]);
}
refused('a size that ends in LF alone', chunked(`${size}\n${CALL}\r\n0\r\n\r\n`));
refused('a size that ends in CR alone', chunked(`${size}\r${CALL}\r\n0\r\n\r\n`));
refused('a chunk longer than its size', chunked(`${(CALL.length - 1).toString(16)}\r\n${CALL}\r\n0\r\n\r\n`));
refused('a chunk shorter than its size', chunked(`${(CALL.length + 1).toString(16)}\r\n${CALL}\r\n0\r\n\r\n`));
refused('a chunk that ends in LF alone', chunked(`${size}\r\n${CALL}\n0\r\n\r\n`));
refused('a chunk beyond the limit', chunked('600000\r\n'), [413]);
refused('a trailer: none is taken', chunked(`${chunk(CALL)}0\r\nX-Check: 1\r\n\r\n`));
refused('a trailer without a colon', chunked(`${chunk(CALL)}0\r\nX-Check\r\n\r\n`));
refused('a folded trailer', chunked(`${chunk(CALL)}0\r\nX-Check: 1\r\n 2\r\n\r\n`));
refused('a trailer with a LF alone', chunked(`${chunk(CALL)}0\r\nX-Check: 1\n\r\n`));
refused('a trailer with a NUL', chunked(`${chunk(CALL)}0\r\nX-Check: \x00\r\n\r\n`));
refused('an end without its empty line', chunked(`${chunk(CALL)}0\r\nPOST / HTTP/1.1\r\n\r\n`));
refused('an extension of 20,000 bytes', chunked(`${size};${'a'.repeat(20000)}\r\n${CALL}\r\n0\r\n\r\n`), [400, 413, 431]);

// ---- upgrades that are none
const UPGRADE = 'Upgrade: websocket\r\nConnection: Upgrade\r\n', KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n', VERSION = 'Sec-WebSocket-Version: 13\r\n';
const upgrade = (headers, first = 'GET / HTTP/1.1') => `${first}\r\n${HOST}${headers}\r\n`;
refused('an upgrade without a key', upgrade(UPGRADE + VERSION));
refused('a key that is too short', upgrade(`${UPGRADE}${VERSION}Sec-WebSocket-Key: AAAA\r\n`));
refused('a key that is no base64', upgrade(`${UPGRADE}${VERSION}Sec-WebSocket-Key: ${'!'.repeat(24)}\r\n`));
refused('two keys', upgrade(UPGRADE + VERSION + KEY + KEY));
refused('another version', upgrade(`${UPGRADE}${KEY}Sec-WebSocket-Version: 8\r\n`), [400, 426]);
refused('no version of the protocol', upgrade(UPGRADE + KEY), [400, 426]);
refused('an upgrade by POST', `POST / HTTP/1.1\r\n${HOST}${UPGRADE}${KEY}${VERSION}Content-Length: 0\r\n\r\n`, [400, 405]);
refused('an upgrade in HTTP/1.0', upgrade(UPGRADE + KEY + VERSION, 'GET / HTTP/1.0'));

/** Everything that came, as answers; whatever is no complete answer is `rest`. head: the first answer has no body. */
function answersIn(text, head = false) {
  const answers = [], interim = [];
  for (;;) {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) break;
    const lines = text.slice(0, end).split('\r\n'), status = /^HTTP\/1\.1 (\d{3}) [A-Za-z -]+$/.exec(lines[0]);
    if (!status || !lines.slice(1).every((l) => /^[A-Za-z-]+: [\x20-\x7e]*$/.test(l))) break;
    if (status[1][0] === '1') { interim.push(Number(status[1])); text = text.slice(end + 4); continue; }
    const stated = /^content-length: (\d+)$/im.exec(text.slice(0, end)), bodyLen = head && answers.length === 0 ? 0 : Number(stated?.[1] ?? NaN);
    if (!(text.length >= end + 4 + bodyLen)) break;
    answers.push({ status: Number(status[1]), body: text.slice(end + 4, end + 4 + bodyLen), close: /^connection: .*close/im.test(text.slice(0, end)) });
    text = text.slice(end + 4 + bodyLen);
  }
  return { answers, interim, rest: text };
}

/** Sends the pieces, each as a segment of its own as far as that is ours to say; all that comes until the server closes, or, where
 * it goes on, until the guard has its answer and we have closed. */
function converse(port, pieces) {
  return new Promise((done, fail) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '', timer = setTimeout(() => { socket.destroy(); fail(new Error(`neither an end nor the guard's answer in 10 s: ${JSON.stringify(text)}`)); }, 10000);
    socket.setEncoding('latin1');
    socket.on('data', (d) => { text += d; if (text.includes(GUARD_RESULT)) socket.end(); });
    socket.on('error', () => {}); // a reset: what had come counts
    socket.on('close', () => { clearTimeout(timer); done(text); });
    const next = (i) => {
      if (i === pieces.length || socket.destroyed || socket.writableEnded) return;
      socket.write(pieces[i], 'latin1', () => setImmediate(next, i + 1));
    };
    socket.on('connect', () => next(0));
  });
}

function judge(c, text, how) {
  const { answers, interim, rest } = answersIn(text, c.head), said = () => `${c.name}, ${how}: ${JSON.stringify(text.slice(0, 1500))}`;
  assert.equal(rest, '', said());
  assert.ok(interim.length <= (c.interim ?? 0) && interim.every((s) => s === 100), said());
  const own = c.keep ? answers.slice(0, -1) : answers;
  if (c.keep) assert.ok(answers.length && answers.at(-1).status === 200 && answers.at(-1).body === GUARD_RESULT, `the guard's answer: ${said()}`);
  if (c.statuses) {
    assert.equal(own.length, 1, said());
    assert.ok(c.statuses.includes(own[0].status), `${own[0].status} is none of ${c.statuses}: ${said()}`);
    if (!c.keep) assert.ok(own[0].close, `says that it closes: ${said()}`);
  } else {
    assert.deepEqual(own.map((a) => a.status), c.answers.map(() => 200), said());
    c.answers.forEach((a, i) => (a instanceof RegExp ? assert.match(own[i].body, a, said()) : assert.equal(own[i].body, a, said())));
  }
}

/** A piece of work for each of a list, some at a time. */
async function each(list, atOnce, work) {
  const rest = [...list.entries()];
  await Promise.all(Array.from({ length: atOnce }, async () => { for (let job; (job = rest.shift()); ) await work(job[1], job[0]); }));
}

let node;
test.before(async () => { node = await h.fanatico(['--silent', '--http-max-connections', '200']); });
test.after(async () => { assert.equal(await node.stop(), 0); });

test('each case in one piece', async (t) => {
  assert.ok(cases.length >= 120);
  assert.equal(new Set(cases.map((c) => c.name)).size, cases.length, 'each has a name of its own');
  const wrong = [];
  await each(cases, 8, async (c) => {
    await converse(node.httpPort, [c.bytes + GUARD]).then((text) => judge(c, text, 'whole')).catch((e) => wrong.push(e.message));
  });
  assert.deepEqual(wrong, []);
  t.diagnostic(`${cases.length} cases: ${cases.filter((c) => !c.statuses).length} good, ${cases.filter((c) => c.statuses && !c.keep).length} refused, ${cases.filter((c) => c.statuses && c.keep).length} declined`);
});

test('each case cut in two, at a dozen places', async () => {
  const wrong = [];
  await each(cases, 8, async (c) => {
    const all = c.bytes + GUARD;
    for (let i = 1; i <= 12; i++) {
      const at = Math.max(1, Math.floor((all.length * i) / 13));
      await converse(node.httpPort, [all.slice(0, at), all.slice(at)]).then((text) => judge(c, text, `cut at ${at}`)).catch((e) => wrong.push(e.message));
    }
  });
  assert.deepEqual(wrong, []);
});

test('each short case byte by byte', async () => {
  const wrong = [];
  await each(cases.filter((c) => c.bytes.length < 600), 8, async (c) => {
    await converse(node.httpPort, [...(c.bytes + GUARD)]).then((text) => judge(c, text, 'byte by byte')).catch((e) => wrong.push(e.message));
  });
  assert.deepEqual(wrong, []);
});

test('a pipeline of every kind of request, cut at every byte', async () => {
  const c = { name: 'the pipeline', bytes: post() + chunked(WHOLE) + `GET / HTTP/1.1\r\n${HOST}\r\n` + chunked(`${[...CALL].map(chunk).join('')}0\r\n\r\n`) + post(), answers: [RESULT, RESULT, '', RESULT, RESULT], keep: true };
  const all = c.bytes + GUARD, wrong = [];
  await each(Array.from({ length: all.length - 1 }, (_, i) => i + 1), 8, async (at) => {
    await converse(node.httpPort, [all.slice(0, at), all.slice(at)]).then((text) => judge(c, text, `cut at ${at}`)).catch((e) => wrong.push(e.message));
  });
  assert.deepEqual(wrong, []);
});

test('100 Continue comes before the body is there, and not where the request is refused', async () => {
  const talk = (head, body) => new Promise((done) => {
    const socket = net.connect({ port: node.httpPort, host: '127.0.0.1' }, () => socket.write(head));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (d) => { text += d; if (text.includes('100 Continue') && body) { socket.write(body + GUARD); body = ''; } if (text.includes(GUARD_RESULT)) socket.end(); });
    socket.on('close', () => done(text));
  });
  const { answers, interim, rest } = answersIn(await talk(post({ extra: 'Expect: 100-continue\r\n', body: '' }), CALL));
  assert.deepEqual([interim, rest, answers.map((a) => a.body)], [[100], '', [RESULT, GUARD_RESULT]]);
  for (const [headers, status] of [[`${HOST}Content-Type: text/plain\r\n${LENGTH}`, 415], [`${HOST}${TYPE}Content-Length: 99999999\r\n`, 413], [`Host: evil.example\r\n${TYPE}${LENGTH}`, 403]]) {
    const told = answersIn(await talk(post({ headers, extra: 'Expect: 100-continue\r\n', body: '' }), CALL));
    assert.deepEqual([told.interim, told.answers.map((a) => a.status)], [[], [status]]);
  }
});

test('half a close: what was asked before it is answered, and then the end', async () => {
  const text = await new Promise((done) => {
    const socket = net.connect({ port: node.httpPort, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(post().repeat(3)));
    let got = '';
    socket.setEncoding('latin1');
    socket.on('data', (d) => (got += d));
    socket.on('end', () => { socket.destroy(); done(got); });
  });
  assert.deepEqual(answersIn(text).answers.map((a) => a.body), [RESULT, RESULT, RESULT]);
});
