"""web3.py over --ipcpath: IPCProvider, and AsyncIPCProvider with subscriptions, against the real binary."""
import asyncio
import os
import sys
import tempfile
import unittest

from web3 import AsyncIPCProvider, AsyncWeb3, IPCProvider, Web3

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../clients"))
from web3py_test import Node


class Ipc(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = os.path.join(tempfile.mkdtemp(prefix="fanatico-test-"), "node.ipc")
        cls.node = Node("--ipcpath", cls.path)

    @classmethod
    def tearDownClass(cls):
        code = cls.node.stop()
        assert code == 0, f"fanatico ended with {code}"

    def test_sync(self):
        w3 = Web3(IPCProvider(self.path))
        self.assertTrue(w3.is_connected())
        self.assertEqual(w3.eth.chain_id, 31337)
        before = w3.eth.block_number
        sent = w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": w3.eth.accounts[1], "value": 1})
        self.assertEqual(w3.eth.wait_for_transaction_receipt(sent)["blockNumber"], before + 1)
        self.assertEqual(len(w3.eth.get_block("latest", True)["transactions"]), 1)
        with w3.batch_requests() as batch:
            for _ in range(100):
                batch.add(w3.eth.get_block("latest"))
            self.assertEqual([b["number"] for b in batch.execute()], [before + 1] * 100)
        with self.assertRaisesRegex(Exception, "does not exist"):
            w3.manager.request_blocking("eth_nope", [])

    async def test_subscriptions(self):
        async with AsyncWeb3(AsyncIPCProvider(self.path)) as w3:
            accounts = await w3.eth.accounts
            heads = await w3.eth.subscribe("newHeads")
            pending = await w3.eth.subscribe("newPendingTransactions")
            before = await w3.eth.block_number
            hashes = [await w3.eth.send_transaction({"from": accounts[0], "to": accounts[1], "value": i}) for i in range(5)]
            numbers, seen = [], []
            async for message in w3.socket.process_subscriptions():
                if message["subscription"] == heads:
                    numbers.append(message["result"]["number"])
                else:
                    self.assertEqual(message["subscription"], pending)
                    seen.append(message["result"])
                if len(numbers) == 5 and len(seen) == 5:
                    break
            self.assertEqual(numbers, [before + i for i in range(1, 6)])
            self.assertEqual(seen, hashes)
            self.assertTrue(await w3.eth.unsubscribe(heads))
            many = await asyncio.gather(*(w3.eth.get_balance(accounts[1]) for _ in range(200)))
            self.assertEqual(len(set(many)), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
