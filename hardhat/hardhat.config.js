// The seed's Hardhat project. The network `fanatico` is a node on its usual ports (FANATICO_HTTP and FANATICO_WS name others);
// where none answers, the tests start build/release/fanatico themselves (lib/node.js).
require('@nomicfoundation/hardhat-ethers');
require('@nomicfoundation/hardhat-chai-matchers');
const { subtask } = require('hardhat/config');
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names');

// The compiler comes from npm like everything else here, so that nothing is downloaded when the tests run.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => {
  const { version } = require('solc/package.json');
  return { version, longVersion: require('solc').version(), compilerPath: require.resolve('solc/soljson.js'), isSolcJs: true };
});

module.exports = {
  solidity: { version: require('solc/package.json').version, settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: 'cancun' } },
  networks: {
    fanatico: { url: process.env.FANATICO_HTTP || 'http://127.0.0.1:8545', chainId: 31337 },
  },
  paths: { cache: '../build/hardhat/cache', artifacts: '../build/hardhat/artifacts' },
  mocha: { timeout: 60000, rootHooks: require('./lib/node.js').hooks },
};
