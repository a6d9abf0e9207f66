"""Follows logs or new heads for as long as you like and loses nothing: when the connection breaks, it comes back and
goes on behind the last event that was handled. Needs the package `websockets`; docs/RESUME.md explains each line.

  python resume.py ws://127.0.0.1:8546 logs '{"address":"0x…"}'
  python resume.py ws://127.0.0.1:8546 newHeads

prints one JSON line for each event, with the position behind it. Give the last position as a further argument and a
new process goes on from there."""
import asyncio
import itertools
import json
import random
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage


class Refused(Exception):
    """The server says that it cannot resume there, and why."""


def position_after(kind, event):
    """Where a reader stands once it has handled this event."""
    if kind == "newHeads":
        return {"blockHash": event["hash"]}
    index = int(event["logIndex"], 16)
    if not event["removed"]:
        return {"blockHash": event["blockHash"], "logIndex": hex(index)}
    # A log was taken back: we stand on the one before it, or, where it was the first, before its block.
    return {"blockHash": event["blockHash"], "logIndex": hex(index - 1)} if index else {"before": event["blockHash"]}


async def ask(socket, ids, method, params):
    request = next(ids)
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": request, "method": method, "params": params}))
    while True:
        reply = json.loads(await socket.recv())
        if reply.get("id") != request:
            continue
        if "error" in reply:
            raise Refused(reply["error"]["message"])
        return reply["result"]


async def resolve(socket, ids, position):
    """The position as the server takes it: the first time it is the head, and before a block means on its parent."""
    if position is None:
        return {"blockHash": (await ask(socket, ids, "eth_getBlockByNumber", ["latest", False]))["hash"]}
    if "before" not in position:
        return position
    block = await ask(socket, ids, "eth_getBlockByHash", [position["before"], False])
    if block is None:
        raise Refused(f"block {position['before']} is not known any more")
    return {"blockHash": block["parentHash"]}


async def follow(url, kind, on_event, criteria=None, position=None):
    """Awaits on_event(event, position) for every event, one after the other. Keep the position together with what the
    event did (in one transaction), and give it to the next follow(): then each event counts once. Raises Refused when
    the server cannot resume there."""
    pause = 0.05
    while True:
        try:
            # Reads ahead at most 16 messages: the server sends history only as fast as we take it.
            async with connect(url, compression=None, max_size=None, max_queue=16) as socket:
                ids = itertools.count(1)
                position = await resolve(socket, ids, position)
                options = {**(criteria or {}), "resume": position}
                subscription = await ask(socket, ids, "eth_subscribe", [kind, options])
                pause = 0.05
                async for text in socket:
                    message = json.loads(text)
                    if message.get("method") != "eth_subscription" or message["params"]["subscription"] != subscription:
                        continue
                    event = message["params"]["result"]
                    after = position_after(kind, event)
                    await on_event(event, after)
                    position = after  # not before: an event whose handling failed comes again
        except (OSError, ConnectionClosed, InvalidHandshake, InvalidMessage, EOFError):
            pass  # only what the network did is worth another try
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(2 * pause, 5)


async def print_event(event, position):
    print(json.dumps({"event": event, "position": position}), flush=True)


def main():
    url, kind, *rest = [json.loads(a) if a.startswith("{") else a for a in sys.argv[1:]]
    criteria = rest.pop(0) if kind == "logs" else None
    asyncio.run(follow(url, kind, print_event, criteria, rest[0] if rest else None))


if __name__ == "__main__":
    main()
