"""web3.py against the real binary: HTTP, and its WebSocket provider with default settings (binary frames, ids from 0)."""
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

SOURCE = os.environ.get("FANATICO_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("FANATICO_BUILD") or os.path.join(SOURCE, "build")
BIN = os.environ.get("FANATICO_BIN") or os.path.join(BUILD, "release")


def compiled():
    script = "const h=require(process.argv[1]);process.stdout.write(JSON.stringify(h.compile('Probe.sol').Probe))"
    out = subprocess.run(["node", "-e", script, os.path.join(SOURCE, "test/lib/harness.cjs")], capture_output=True, check=True)
    return json.loads(out.stdout)


class Node:
    def __init__(self, *args):
        self.dir = tempfile.mkdtemp(prefix="fanatico-test-")
        ready = os.path.join(self.dir, "ready.json")
        self.process = subprocess.Popen(
            [os.path.join(BIN, "fanatico"), "dev", "--http-port", "0", "--ws-port", "0", "--ws-host", "127.0.0.1", "--silent", "--ready-file", ready, *args])
        end = time.monotonic() + 30
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"fanatico did not come up: {self.process.poll()}")
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            told = json.load(file)
        self.http = f"http://127.0.0.1:{told['http_port']}"
        self.ws = f"ws://127.0.0.1:{told['ws_port']}"

    def stop(self):
        self.process.terminate()
        return self.process.wait(15)


class Web3Py(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.probe = compiled()
        cls.node = Node()
        cls.w3 = Web3(HTTPProvider(cls.node.http))

    @classmethod
    def tearDownClass(cls):
        code = cls.node.stop()
        assert code == 0, f"fanatico ended with {code}"

    def deploy(self, first=7):
        factory = self.w3.eth.contract(abi=self.probe["abi"], bytecode=self.probe["bytecode"])
        sent = factory.constructor(first).transact({"from": self.w3.eth.accounts[0]})
        receipt = self.w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)
        self.assertEqual(receipt["status"], 1)
        return self.w3.eth.contract(address=receipt["contractAddress"], abi=self.probe["abi"])

    def test_deploy_call_transact(self):
        self.assertTrue(self.w3.is_connected())
        self.assertEqual(self.w3.eth.chain_id, 31337)
        probe = self.deploy()
        self.assertEqual(probe.functions.value().call(), 7)
        sent = probe.functions.set(8, "eight").transact({"from": self.w3.eth.accounts[1]})
        receipt = self.w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)
        event = probe.events.Changed().process_receipt(receipt)[0]
        self.assertEqual(event["args"]["note"], "eight")
        self.assertEqual(probe.functions.value().call(), 8)
        self.assertEqual(probe.functions.value().call(block_identifier=receipt["blockNumber"] - 1), 7)

    def test_local_account_signs(self):
        account = self.w3.eth.account.create()
        self.w3.eth.send_transaction({"from": self.w3.eth.accounts[0], "to": account.address, "value": 10**18})
        tx = {"to": self.w3.eth.accounts[2], "value": 5, "gas": 21000, "nonce": 0, "chainId": 31337,
              "maxFeePerGas": self.w3.eth.gas_price * 2, "maxPriorityFeePerGas": 1}
        signed = account.sign_transaction(tx)
        receipt = self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(signed.raw_transaction), poll_latency=0.02)
        self.assertEqual(receipt["from"], account.address)
        with self.assertRaises(Web3RPCError) as caught:
            self.w3.eth.send_raw_transaction(signed.raw_transaction)
        self.assertRegex(str(caught.exception), "nonce too low|already known")

    def test_reverts(self):
        probe = self.deploy()
        with self.assertRaisesRegex(ContractLogicError, "not today"):
            probe.functions.refuse("not today").call()
        with self.assertRaises(ContractCustomError):
            probe.functions.refuseTyped().call()
        with self.assertRaisesRegex(Exception, "Panic error 0x11|overflow"):
            probe.functions.overflow(1).call()

    def test_polling_filters(self):
        probe = self.deploy()
        logs = probe.events.Changed.create_filter(from_block="latest")
        blocks = self.w3.eth.filter("latest")
        pending = self.w3.eth.filter("pending")
        sent = probe.functions.set(1, "polled").transact({"from": self.w3.eth.accounts[0]})
        self.assertEqual([e["args"]["note"] for e in logs.get_new_entries()], ["polled"])
        self.assertEqual(len(blocks.get_new_entries()), 1)
        self.assertEqual(pending.get_new_entries(), [sent])
        self.assertTrue(self.w3.eth.uninstall_filter(logs.filter_id))

    def test_batch_over_http(self):
        last = self.w3.eth.accounts[9]
        with self.w3.batch_requests() as batch:
            batch.add(self.w3.eth.get_block(0))
            batch.add(self.w3.eth.get_balance(last))
            first, balance = batch.execute()
        self.assertEqual(first["number"], 0)
        self.assertEqual(balance, 10000 * 10**18)

    async def test_websocket_subscriptions(self):
        probe = self.deploy()
        async with AsyncWeb3(WebSocketProvider(self.node.ws)) as w3:
            heads = await w3.eth.subscribe("newHeads")
            logs = await w3.eth.subscribe("logs", {"address": probe.address, "topics": [Web3.to_hex(Web3.keccak(text="Burst(uint256)"))]})
            pending = await w3.eth.subscribe("newPendingTransactions")
            bodies = await w3.eth.subscribe("newPendingTransactions", True)
            syncing = await w3.eth.subscribe("syncing")
            self.assertEqual(len({heads, logs, pending, bodies, syncing}), 5)
            sent = probe.functions.burst(10).transact({"from": self.w3.eth.accounts[0]})
            got = {heads: [], logs: [], pending: [], bodies: [], syncing: []}
            async with asyncio.timeout(20):
                async for message in w3.socket.process_subscriptions():
                    got[message["subscription"]].append(message["result"])
                    if len(got[logs]) == 10 and got[heads] and got[pending] and got[bodies] and got[syncing]:
                        break
            self.assertEqual([int.from_bytes(log["topics"][1], "big") for log in got[logs]], list(range(10)))
            self.assertEqual(got[pending], [sent])
            self.assertEqual(got[bodies][0]["hash"], sent)
            self.assertEqual(got[syncing], [False])
            head = got[heads][0]
            self.assertEqual(await w3.eth.get_block_number(), head["number"])
            self.assertEqual((await w3.eth.get_block(head["hash"]))["hash"], head["hash"])
            self.assertTrue(await w3.eth.unsubscribe(heads))
            self.assertEqual(await w3.eth.chain_id, 31337)

    async def test_batch_over_websocket(self):
        async with AsyncWeb3(WebSocketProvider(self.node.ws)) as w3:
            async with w3.batch_requests() as batch:
                batch.add(w3.eth.get_block(0))
                batch.add(w3.eth.get_block("latest"))
                first, last = await batch.async_execute()
        self.assertEqual(first["number"], 0)
        self.assertGreaterEqual(last["number"], 0)

    async def test_unsolicited_pong_and_survival(self):
        async with AsyncWeb3(WebSocketProvider(self.node.ws)) as w3:
            await w3.provider._ws.pong(b"unasked")
            self.assertEqual(await w3.eth.chain_id, 31337)
            with self.assertRaises(Web3RPCError):
                await w3.eth.subscribe("nonsense")
            self.assertEqual(await w3.eth.chain_id, 31337)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
