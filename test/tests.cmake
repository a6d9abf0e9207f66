# The tests that need whole programs. Each starts what it needs on free loopback ports and ends it by its pid.
set(node_test node --test --test-reporter spec)

fan_system(clients.ethers 180 ${node_test} test/clients/ethers.test.cjs)
fan_system(clients.viem 180 ${node_test} test/clients/viem.test.cjs)
fan_system(clients.web3py 180 build/venv/bin/python test/clients/web3py_test.py)
fan_system(clients.hardhat2 300 node test/clients/hardhat2.cjs)
fan_system(clients.hardhat3 300 node test/clients/hardhat3.cjs)
fan_system(conformance.conversations 300 ${node_test} test/conformance/conversations.test.cjs)
fan_system(contracts.uniswap 300 ${node_test} test/contracts/uniswap.test.cjs)
fan_system(peers.anvil 900 ${node_test} test/peers/anvil.test.cjs)
fan_system(peers.geth 900 ${node_test} test/peers/geth.test.cjs)
fan_system(cli.behaviour 180 ${node_test} test/cli/behaviour.test.cjs)
fan_system(access.rules 180 ${node_test} test/access/access.test.cjs)
