"""permessage-deflate with Python's websockets, which web3.py stands on: every window, beside a client without compression."""
import asyncio
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from web3py_test import Node  # starts and ends the real binary

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

BLOCKS = 10


class Deflate(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()

    @classmethod
    def tearDownClass(cls):
        code = cls.node.stop()
        assert code == 0, f"fanatico ended with {code}"

    async def open(self, factory=None):
        return await connect(self.node.ws, compression=None, extensions=[factory] if factory else None)

    async def ask(self, socket, method, *params):
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        return json.loads(await socket.recv())["result"]

    async def test_every_window_gets_the_same(self):
        sockets = [await self.open()]
        for bits in range(8, 16):
            sockets.append(await self.open(ClientPerMessageDeflateFactory(server_max_window_bits=bits, client_max_window_bits=bits if bits > 8 else True)))
        for socket in sockets[1:]:
            self.assertIn("permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=",
                          socket.response.headers["Sec-WebSocket-Extensions"])
        for socket in sockets:
            await self.ask(socket, "eth_subscribe", "newHeads")
        mine = await self.open(ClientPerMessageDeflateFactory())
        for _ in range(BLOCKS):
            await self.ask(mine, "evm_mine")
        heads = [[json.loads(await asyncio.wait_for(s.recv(), 10))["params"]["result"] for _ in range(BLOCKS)] for s in sockets]
        numbers = [int(head["number"], 16) for head in heads[0]]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + BLOCKS)))
        for got in heads[1:]:
            self.assertEqual(got, heads[0])
        for socket in [*sockets, mine]:
            await socket.close()

    async def test_long_requests_come_in_fragments(self):
        socket = await self.open(ClientPerMessageDeflateFactory())
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "web3_sha3", "params": ["0x" + "5a" * 300000]})
        await socket.send(text)
        whole = await socket.recv()
        await socket.send([text[i : i + 5000] for i in range(0, len(text), 5000)])
        self.assertEqual(await socket.recv(), whole)
        self.assertIn("result", json.loads(whole))
        await socket.close()


if __name__ == "__main__":
    unittest.main()
