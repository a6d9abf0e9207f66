// Runs inside `hardhat run` (test/rpc/dev.test.cjs): Hardhat's chai-matchers, the real package, read what our node says of failures,
// events and balances. Contracts come compiled, so that nothing is compiled here.
'use strict';
const hre = require('hardhat');
const { expect } = require('chai');
const { anyValue } = require('@nomicfoundation/hardhat-chai-matchers/withArgs');
const { PANIC_CODES } = require('@nomicfoundation/hardhat-chai-matchers/panic');
const contracts = JSON.parse(process.env.FANATICO_CONTRACTS);

async function main() {
  const [alice, bob] = await hre.ethers.getSigners();
  const make = async (name, ...args) => (await (await hre.ethers.getContractFactory(contracts[name].abi, contracts[name].bytecode, alice)).deploy(...args)).waitForDeployment();
  const c = await make('Matchers'), token = await make('Token', 1000n);
  let count = 0;
  // Asked, estimated, and sent (which estimates): three ways for one failure to come back. With a gas limit it is mined and fails there,
  // as on every node but Hardhat's own.
  const ways = (name, ...args) => [() => c[name].staticCall(...args), () => c[name].estimateGas(...args), () => c[name].send(...args)];
  const all = async (promises, check) => { for (const begin of promises) { await check(begin()); count++; } };
  await all(ways('words'), (p) => expect(p).to.be.revertedWith('these words'));
  await all(ways('required', false), (p) => expect(p).to.be.revertedWith('it was required'));
  await all(ways('custom'), (p) => expect(p).to.be.revertedWithCustomError(c, 'Custom').withArgs(7, 'seven'));
  await all(ways('bare'), (p) => expect(p).to.be.revertedWithCustomError(c, 'Bare'));
  await all(ways('silent'), (p) => expect(p).to.be.revertedWithoutReason());
  await all(ways('asserts'), (p) => expect(p).to.be.revertedWithPanic(PANIC_CODES.ASSERTION_ERROR));
  await all(ways('overflows', 1), (p) => expect(p).to.be.revertedWithPanic(PANIC_CODES.ARITHMETIC_UNDER_OR_OVERFLOW));
  await all(ways('divides', 0), (p) => expect(p).to.be.revertedWithPanic(PANIC_CODES.DIVISION_BY_ZERO));
  await all(ways('picks', 2), (p) => expect(p).to.be.revertedWithPanic(0x32));
  for (const name of ['words', 'custom', 'bare', 'silent', 'asserts']) await all([...ways(name), () => c[name].send({ gasLimit: 200000n })], (p) => expect(p).to.be.reverted);
  await all(ways('required', true).slice(0, 2), (p) => expect(p).not.to.be.reverted);
  await expect(c.required(true)).not.to.be.reverted;
  await expect(c.say('hello', { value: 3n })).to.emit(c, 'Said').withArgs(alice.address, 3n, 'hello');
  await expect(c.connect(bob).say('x')).to.emit(c, 'Said').withArgs(anyValue, 0n, 'x');
  await expect(c.say('y')).not.to.emit(token, 'Transfer');
  await expect(() => alice.sendTransaction({ to: bob.address, value: 200n })).to.changeEtherBalance(bob, 200n);
  await expect(c.pay(bob.address, { value: 5n })).to.changeEtherBalances([alice, bob], [-5n, 5n]);
  await expect(token.transfer(bob.address, 9n)).to.changeTokenBalance(token, bob, 9n);
  await expect(token.transfer(bob.address, 1n)).to.changeTokenBalances(token, [alice, bob], [-1n, 1n]);
  await expect(token.connect(bob).transfer(alice.address, 11n)).to.be.revertedWithCustomError(token, 'TooLittle').withArgs(bob.address, 10n, 11n);
  // A test that must fail does: the matcher sees the difference.
  const missed = await expect(c.words.staticCall()).to.be.revertedWith('other words').then(() => null, (e) => e);
  expect(missed?.message).to.contain('these words');
  console.log(`${count + 10} expectations of hardhat-chai-matchers met`);
}
main().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
