"""A small L1 in Python: Flask answers its JSON-RPC, and fanatico's server tells its subscribers.

    pip install flask ./python
    python examples/flask_l1/node.py --http-port 8545 --ws-port 8546

`l1_transfer` [from, to, value] moves value and seals a block with one Transfer log; `l1_reorg` [depth] replaces blocks.
The chain is a list in memory: what matters here are the three hooks and serve(app=…).
"""
import argparse
import hashlib
import threading
import time

from flask import Flask, jsonify, request

import fanatico
from fanatico.websocket_server import WebSocketEventHooks

CHAIN_ID = 4242
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TOKEN = "0x" + "70" * 20

app = Flask(__name__)
lock = threading.Lock()
chain, balances, transactions = [], {"0x" + "a1" * 20: 10**21}, {}


def digest(*parts):
    return hashlib.sha3_256(repr(parts).encode()).digest()  # unique is enough for this chain


def word(address):
    return "0x" + address.removeprefix("0x").rjust(64, "0")


def seal(txs, branch=0):
    """A new head with those transactions; under the lock."""
    parent = chain[-1] if chain else None
    number = len(chain)
    block = {
        "number": number, "hash": digest(number, branch, txs, time.time_ns()), "parentHash": parent["hash"] if parent else bytes(32),
        "timestamp": max(int(time.time()), parent["timestamp"] + 1 if parent else 0), "miner": "0x" + "00" * 20, "difficulty": 0,
        "gasLimit": 30_000_000, "gasUsed": 21_000 * len(txs), "baseFeePerGas": 10**9, "extraData": b"flask", "nonce": bytes(8), "mixHash": bytes(32),
        "sha3Uncles": bytes(32), "stateRoot": digest("state", number), "transactionsRoot": digest("txs", number), "receiptsRoot": digest("receipts", number),
        "logsBloom": bytes(256), "size": 500, "uncles": [], "transactions": [tx["hash"] for tx in txs],
    }
    logs = [{
        "address": TOKEN, "topics": [TRANSFER, word(tx["from"]), word(tx["to"])], "data": word(hex(tx["value"])), "blockNumber": number,
        "blockHash": block["hash"], "transactionHash": tx["hash"], "transactionIndex": i, "logIndex": i, "removed": False,
    } for i, tx in enumerate(txs)]
    chain.append(block)
    WebSocketEventHooks.on_new_block(block)
    if logs:
        WebSocketEventHooks.on_logs(logs)
    return block


def hexed(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {k: hexed(v) for k, v in value.items()}
    return [hexed(v) for v in value]


def find(tag):
    number = len(chain) - 1 if tag in ("latest", "pending", "safe", "finalized") else 0 if tag == "earliest" else int(tag, 16)
    return chain[number] if number < len(chain) else None


def transfer(sender, to, value):
    value = int(value, 16)
    if balances.get(sender, 0) < value:
        raise ValueError("insufficient funds for transfer")
    tx = {"from": sender, "to": to, "value": value, "hash": digest(sender, to, value, time.time_ns())}
    WebSocketEventHooks.on_pending_transaction(tx["hash"])
    balances[sender] -= value
    balances[to] = balances.get(to, 0) + value
    transactions[tx["hash"]] = tx
    seal([tx])
    return tx["hash"]


def reorg(depth):
    del chain[-depth:]
    for _ in range(depth):
        seal([], branch=1)
    return chain[-1]["hash"]


METHODS = {
    "eth_chainId": lambda: CHAIN_ID,
    "net_version": lambda: str(CHAIN_ID),
    "web3_clientVersion": lambda: "flask-l1/1.0",
    "eth_blockNumber": lambda: len(chain) - 1,
    "eth_gasPrice": lambda: 10**9,
    "eth_accounts": lambda: list(balances),
    "eth_getBalance": lambda address, tag="latest": balances.get(address.lower(), 0),
    "eth_getBlockByNumber": lambda tag, full=False: find(tag),
    "eth_getBlockByHash": lambda wanted, full=False: next((b for b in chain if b["hash"].hex() == wanted[2:]), None),
    "l1_transfer": transfer,
    "l1_reorg": reorg,
}


@app.post("/")
def rpc():
    call = request.get_json()
    reply = {"jsonrpc": "2.0", "id": call.get("id")}
    method = METHODS.get(call.get("method"))
    if method is None:
        return jsonify(reply | {"error": {"code": -32601, "message": f"the method {call.get('method')} does not exist"}})
    try:
        with lock:
            return jsonify(reply | {"result": hexed(method(*call.get("params", [])))})
    except (ValueError, TypeError) as e:
        return jsonify(reply | {"error": {"code": -32000, "message": str(e)}})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--http-port", type=int, default=8545)
    parser.add_argument("--ws-port", type=int, default=8546)
    arguments = parser.parse_args()
    server = fanatico.serve(app=app, block=False, http_port=arguments.http_port, ws_port=arguments.ws_port, ws_host="127.0.0.1")
    with lock:
        seal([])
    print(f"http://127.0.0.1:{server.http_port} ws://127.0.0.1:{server.ws_port}", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
