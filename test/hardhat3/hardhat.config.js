import { defineConfig } from 'hardhat/config';
import hardhatEthers from '@nomicfoundation/hardhat-ethers';
import hardhatMocha from '@nomicfoundation/hardhat-mocha';

export default defineConfig({
  plugins: [hardhatEthers, hardhatMocha],
  networks: { fanatico: { type: 'http', chainType: 'l1', url: process.env.FANATICO_HTTP, chainId: 31337 } },
  paths: { tests: { mocha: './test' } },
});
