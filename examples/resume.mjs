// Follows logs or new heads for as long as you like and loses nothing: when the connection breaks, it comes back and goes on
// behind the last event that was handled. Needs the package `ws`; docs/RESUME.md explains each line.
//
//   node resume.mjs ws://127.0.0.1:8546 logs '{"address":"0x…"}'
//   node resume.mjs ws://127.0.0.1:8546 newHeads
//
// prints one JSON line for each event, with the position behind it. Give the last position as a further argument and a
// new process goes on from there.
import { once, on } from 'node:events';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const SILENCE_MS = 60_000; // the server pings every 30 s: who is silent for longer is gone

/** Where a reader stands once it has handled this event. */
function positionAfter(kind, event) {
  if (kind === 'newHeads') return { blockHash: event.hash };
  const index = BigInt(event.logIndex), blockHash = event.blockHash;
  if (!event.removed) return { blockHash, logIndex: event.logIndex };
  // A log was taken back: we stand on the one before it, or, where it was the first, before its block.
  return index > 0n ? { blockHash, logIndex: `0x${(index - 1n).toString(16)}` } : { before: blockHash };
}

/**
 * Calls onEvent(event, position) for every event, one after the other, also when it is asynchronous. Keep the position
 * together with what the event did (in one transaction), and give it to the next follow(): then each event counts once.
 * Ends when the signal aborts; throws when the server says that it cannot resume there.
 */
export async function follow({ url, kind, filter, position, onEvent, signal }) {
  for (let pause = 50; !signal?.aborted; ) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    let watch;
    const alive = () => { clearTimeout(watch); watch = setTimeout(() => socket.terminate(), SILENCE_MS); };
    const stop = () => socket.terminate();
    signal?.addEventListener('abort', stop);
    socket.on('error', () => {}); // 'close' follows
    socket.on('ping', alive);
    socket.on('message', alive);
    // Buffers at most 256 messages and then stops reading: the server sends history only as fast as we take it.
    const messages = on(socket, 'message', { close: ['close'], highWaterMark: 256, lowWaterMark: 64 });
    let lastId = 0, subscription;
    const ask = async (method, params) => {
      const id = ++lastId;
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      for (let next; !(next = await messages.next()).done; ) {
        const reply = JSON.parse(next.value[0]);
        if (reply.id !== id) continue;
        if (reply.error) throw Object.assign(new Error(reply.error.message), { refused: true });
        return reply.result;
      }
      throw new Error('the connection ended');
    };
    try {
      alive();
      await Promise.race([once(socket, 'open'), once(socket, 'close').then(() => { throw new Error('no connection'); })]);
      if (!position) position = { blockHash: (await ask('eth_getBlockByNumber', ['latest', false])).hash };
      if (position.before) {
        const block = await ask('eth_getBlockByHash', [position.before, false]);
        if (!block) throw Object.assign(new Error(`block ${position.before} is not known any more`), { refused: true });
        position = { blockHash: block.parentHash };
      }
      const options = { ...(kind === 'logs' ? filter : {}), resume: position };
      subscription = await ask('eth_subscribe', [kind, options]);
      pause = 50;
      for await (const [data] of messages) {
        const { method, params } = JSON.parse(data);
        if (method !== 'eth_subscription' || params.subscription !== subscription) continue;
        const after = positionAfter(kind, params.result);
        await onEvent(params.result, after);
        position = after; // not before: an event whose handling failed comes again
      }
    } catch (error) {
      // Only what the network did is worth another try.
      if (error.refused || (subscription && socket.readyState === WebSocket.OPEN)) throw error;
    } finally {
      clearTimeout(watch);
      signal?.removeEventListener('abort', stop);
      socket.terminate();
    }
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
    pause = Math.min(2 * pause, 5000);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [url, kind, ...rest] = process.argv.slice(2).map((a) => (a.startsWith('{') ? JSON.parse(a) : a));
  const filter = kind === 'logs' ? rest.shift() : undefined;
  await follow({ url, kind, filter, position: rest[0], onEvent: (event, position) => console.log(JSON.stringify({ event, position })) });
}
