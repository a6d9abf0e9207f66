// The Ethereum tests as they were in March 2015 (npm: ethereum-tests 0.0.6), turned into the format of today: one data, gas limit and value
// become lists of one, the root and the logs become the one case of Frontier.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const h = require('../lib/harness.cjs');
const { ethers } = require('ethers');

const root = path.join(h.build, 'ethereum-tests/node_modules/ethereum-tests');

/** Every .json below a folder of the package, as [name relative to it, contents]. */
function* files(folder) {
  for (const name of fs.readdirSync(path.join(root, folder), { recursive: true }).sort())
    if (name.endsWith('.json')) yield [path.join(folder, name), JSON.parse(fs.readFileSync(path.join(root, folder, name)))];
}

const prefixed = (text) => (text.startsWith('0x') ? text : `0x${text}`);

/** The hash that stands for a list of logs today: keccak of the RLP of [address, topics, data]. */
function logsHash(logs) {
  return ethers.keccak256(ethers.encodeRlp(logs.map((l) => [prefixed(l.address), l.topics.map(prefixed), prefixed(l.data)])));
}

// Gas was counted in 256 bits then: what does not fit 64 is as good as endless.
const gas = (text) => (BigInt(text || 0) > 2n ** 63n - 1n ? String(2n ** 63n - 1n) : text || '0');

function stateTest(old) {
  const { data, gasLimit, value, secretKey, to, ...rest } = old.transaction;
  return {
    env: { ...old.env, currentGasLimit: gas(old.env.currentGasLimit) },
    pre: old.pre,
    transaction: { ...rest, secretKey: prefixed(secretKey), to: to && prefixed(to), data: [prefixed(data)], gasLimit: [gas(gasLimit)], value: [value || '0'] },
    post: { Frontier: [{ hash: old.postStateRoot, logs: logsHash(old.logs), indexes: { data: 0, gas: 0, value: 0 } }] },
  };
}

// Three of them buy 4 GiB of memory with gas that no block ever had, and hold it twice.
const HEAVY = new Set(['mload32bitBound_Msize', 'mload32bitBound_return', 'mload32bitBound_return2']);

/** Writes every state test of the package below `dir`, the heavy ones only where they are wanted; returns how many. */
function writeStateTests(dir, heavy) {
  let count = 0;
  for (const [name, tests] of files('StateTests')) {
    const to = path.join(dir, name);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    const today = Object.fromEntries(Object.entries(tests).filter(([key]) => heavy || !HEAVY.has(key)).map(([key, old]) => [key, stateTest(old)]));
    count += Object.keys(today).length;
    fs.writeFileSync(to, JSON.stringify(today));
  }
  return count;
}

module.exports = { root, files, writeStateTests, logsHash, HEAVY };
