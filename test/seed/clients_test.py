"""The seed's Python clients against the real binary: websockets (its dependency), web3.py 7, and its provider line with web3.py 6."""
import asyncio
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients"))
from web3py_test import BUILD, Node  # noqa: E402

import web3  # noqa: E402
import websockets  # noqa: E402
from web3 import AsyncWeb3, WebSocketProvider  # noqa: E402


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.ws = cls.node.ws + "/ws"  # the seed's URLs end in /ws

    @classmethod
    def tearDownClass(cls):
        assert cls.node.stop() == 0

    def test_websockets_12_or_newer_on_asyncio_subscribes(self):
        self.assertGreaterEqual(int(websockets.version.version.split(".")[0]), 12)

        async def session():
            async with websockets.connect(self.ws) as socket:
                async def call(number, method, *params):
                    await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
                await call(1, "eth_subscribe", "newHeads")
                subscription = json.loads(await socket.recv())["result"]
                await call(2, "evm_mine")
                seen = [json.loads(await socket.recv()) for _ in range(2)]
                told, = [m for m in seen if "method" in m]
                self.assertEqual((told["method"], told["params"]["subscription"]), ("eth_subscription", subscription))
                await call(3, "eth_unsubscribe", subscription)
                self.assertEqual(json.loads(await socket.recv()), {"jsonrpc": "2.0", "id": 3, "result": True})
        asyncio.run(asyncio.wait_for(session(), 60))

    def test_web3py_7_subscribes_and_reads_each_block_in_its_handler(self):
        self.assertTrue(web3.__version__.startswith("7."))

        async def session():
            numbers = []
            # Connect via WebSocket
            async with AsyncWeb3(WebSocketProvider(self.ws)) as w3:

                # Subscribe to new blocks
                async def handle_new_block(context):
                    block = await w3.eth.get_block(context.result["hash"])
                    numbers.append(block.number)
                    if len(numbers) == 3:
                        await w3.subscription_manager.unsubscribe_all()

                await w3.eth.subscribe("newHeads", handler=handle_new_block)
                before = await w3.eth.block_number
                for _ in range(3):
                    await w3.provider.make_request("evm_mine", [])
                # Handle in event loop...
                await w3.subscription_manager.handle_subscriptions()
                self.assertEqual(numbers, [before + 1, before + 2, before + 3])
        asyncio.run(asyncio.wait_for(session(), 60))

    def web3py_6(self, script):
        python = os.path.join(BUILD, "venv-web3py6", "bin", "python")
        done = subprocess.run([python, "-W", "ignore", "-c", "import sys\nfrom web3 import Web3\nimport web3\nassert web3.__version__.startswith('6.')\n" + script, self.ws],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip().splitlines()

    def test_the_provider_line_with_web3py_6(self):
        """Web3(Web3.WebsocketProvider(url)), and what such a provider can: calls and polling filters over the WebSocket."""
        lines = self.web3py_6("""
w3 = Web3(Web3.WebsocketProvider(sys.argv[1]))
print(w3.is_connected(), w3.eth.chain_id)
pending = w3.eth.filter('latest')
sent = w3.eth.send_transaction({'from': w3.eth.accounts[0], 'to': w3.eth.accounts[1], 'value': 1})
receipt = w3.eth.wait_for_transaction_receipt(sent)
def handle_new_block(block_hash):
    block = w3.eth.get_block(block_hash)
    print('New block:', block.number == receipt.blockNumber)
for block_hash in pending.get_new_entries():
    handle_new_block(block_hash)
""")
        self.assertEqual(lines, ["True 31337", "New block: True"])

    def test_the_synchronous_subscribe_runs_with_no_web3py(self):
        """w3.eth.subscribe(...) of the seed's example: why it cannot, by the libraries' own words."""
        line, = self.web3py_6("""
w3 = Web3(Web3.WebsocketProvider(sys.argv[1]))
try:
    w3.eth.subscribe('newHeads')
except AttributeError as e:
    print(e)
""")
        self.assertIn("'Eth' object has no attribute 'subscribe'", line)
        self.assertFalse(hasattr(web3.Web3, "WebsocketProvider"))
        self.assertFalse(hasattr(web3.eth.Eth, "subscribe"))
        self.assertTrue(hasattr(web3.eth.AsyncEth, "subscribe"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
