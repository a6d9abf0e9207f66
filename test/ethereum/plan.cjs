// Plans of chains for chains/main.go: which forks begin when, who is there, what each block does, and which blocks are tampered with and how.
'use strict';
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const h = require('../lib/harness.cjs');
const { Dice, Program, since } = require('./program.cjs');
const { ethers } = require('ethers');

const contract = (i) => '0'.repeat(37) + 'c0' + i, address = (n) => n.toString(16).padStart(40, '0');
const EMPTY = '00000000000000000000000000000000000e3917', NOBODY = '00000000000000000000000000000000000abcde';
const KEYS = [1, 2, 3, 4], people = KEYS.map((k) => ethers.computeAddress(`0x${k.toString(16).padStart(64, '0')}`).slice(2).toLowerCase());
const POW = ['homesteadBlock', 'daoForkBlock', 'eip150Block', 'eip158Block', 'byzantiumBlock', 'constantinopleBlock', 'petersburgBlock', 'istanbulBlock', 'muirGlacierBlock', 'berlinBlock',
  'londonBlock', 'arrowGlacierBlock', 'grayGlacierBlock'];
const POS = ['shanghaiTime', 'cancunTime', 'pragueTime', 'osakaTime', 'bpo1Time', 'bpo2Time'];
const FIELDS = ['parentHash', 'uncleHash', 'coinbase', 'stateRoot', 'txRoot', 'receiptRoot', 'bloom', 'difficulty', 'number', 'gasLimit', 'gasUsed', 'time', 'extra', 'mix', 'nonce', 'baseFee',
  'withdrawalsRoot', 'blobGas', 'beaconRoot', 'requests', 'dropTx', 'doubleTx', 'swapTx', 'doubleUncle', 'uncleField'];
const START = 1000, STEP = 10;

/** The system contracts of EIP-4788, 2935, 7002 and 7251, as our own development genesis has them. */
let system;
function systemContracts() {
  system ??= Object.fromEntries(Object.entries(JSON.parse(execFileSync(path.join(h.bin, 'fanatico'), ['genesis', '--accounts', '0', '--timestamp', '1'], { encoding: 'utf8' })).alloc)
    .filter(([, account]) => account.code));
  return system;
}

/** Ascending numbers from 0 to max, one for each name; neighbours may be equal. */
const ascending = (d, names, max) => Object.fromEntries(names.map(() => d.below(max + 1)).sort((a, b) => a - b).map((n, i) => [names[i], n]));

/** family: 'pow' through the forks by block, 'pos' through those by time, 'merge' across the Merge. */
function config(d, family, blocks) {
  const zero = Object.fromEntries(POW.map((name) => [name, 0]));
  const c = { chainId: 1337, ethash: {}, ...(family === 'pos' ? zero : ascending(d, POW, family === 'pow' ? blocks : 6)) };
  let merge = -1;
  delete c.daoForkBlock;
  if (family !== 'pos' && d.chance(50)) Object.assign(c, { daoForkBlock: c.homesteadBlock + d.below(c.eip150Block - c.homesteadBlock + 1), daoForkSupport: true });
  c.eip155Block = c.eip158Block;
  if (family === 'merge') merge = 10 + d.below(8);
  if (family === 'pos') merge = 0;
  if (family === 'pow') return { config: c, merge };
  Object.assign(c, { terminalTotalDifficulty: family === 'pos' ? 0 : 131072 * 8, mergeNetsplitBlock: merge });
  const first = family === 'pos' ? 0 : merge;
  for (const [name, n] of Object.entries(ascending(d, POS, blocks - first))) c[name] = family === 'pos' && n === 0 ? 0 : START + (first + n) * STEP + 1;
  c.blobSchedule = { cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3338477 }, prague: { target: 6, max: 9, baseFeeUpdateFraction: 5007716 },
    osaka: { target: 6, max: 9, baseFeeUpdateFraction: 5007716 }, bpo1: { target: 10, max: 15, baseFeeUpdateFraction: 8346193 }, bpo2: { target: 14, max: 21, baseFeeUpdateFraction: 11684671 } };
  return { config: c, merge };
}

function transaction(d, targets, level) {
  const type = d.pick([0, 0, 0, 1, 2, 2, 3, 4]), creates = type < 3 && d.chance(20);
  const tx = { key: d.pick(KEYS), type, to: creates ? '' : `0x${d.chance(75) ? contract(d.below(4)) : d.pick(targets)}`, data: `0x${d.bytes(d.pick([0, 4, 32, 36, 68]))}`,
    gas: 150000 + d.below(900000), value: d.pick([0, 0, 1, 1000]), fee: d.pick([1, 1000000000, 2000000000]), tip: d.pick([0, 1]), old: d.chance(30), access: d.chance(50), blobs: 1,
    delegate: `0x${contract(d.below(4))}`, by: d.pick(KEYS) };
  if (creates) {
    const code = new Program(d, level, targets).snippets(1 + d.below(5)).end().code;
    if (code.length < 20000) tx.data = `0x${code}`;
  }
  return tx;
}

// Names of networks that geth's runner of block tests knows too; without ByzantiumToConstantinopleAt5, where its configuration leaves Petersburg out
// and so, by its own rule, has it begin at the same block.
const NETWORKS = ['Frontier', 'Homestead', 'EIP150', 'EIP158', 'Byzantium', 'Constantinople', 'ConstantinopleFix', 'Istanbul', 'MuirGlacier', 'Berlin', 'London', 'ArrowGlacier', 'GrayGlacier',
  'FrontierToHomesteadAt5', 'HomesteadToEIP150At5', 'HomesteadToDaoAt5', 'EIP158ToByzantiumAt5', 'ByzantiumToConstantinopleFixAt5',
  'ConstantinopleFixToIstanbulAt5', 'BerlinToLondonAt5', 'Paris', 'Merge', 'Shanghai', 'Cancun', 'Prague', 'Osaka', 'BPO1', 'BPO2', 'ParisToShanghaiAtTime15k', 'ShanghaiToCancunAtTime15k',
  'CancunToPragueAtTime15k', 'PragueToOsakaAtTime15k', 'OsakaToBPO1AtTime15k', 'BPO1ToBPO2AtTime15k'];

/** A plan by seed; with a network of the Ethereum tests its rules, and a file of their format comes of it. */
function plan(seed, network = '') {
  const d = new Dice(seed), blocks = network ? 14 : 25 + d.below(20);
  const late = NETWORKS.indexOf(network) >= NETWORKS.indexOf('Paris');
  const family = network ? (late ? 'pos' : 'pow') : d.pick(['pow', 'pow', 'pos', 'merge']);
  const { config: c, merge } = config(d, family, blocks);
  const level = since(family === 'pow' ? 'London' : 'Osaka');
  const targets = [contract(0), contract(1), contract(2), contract(3), contract(0), contract(1), EMPTY, NOBODY, people[1], people[2], address(3), address(1 + d.below(9)), address(4)];
  const alloc = Object.fromEntries(people.map((a) => [a, { balance: `0x${(10n ** 24n).toString(16)}` }]));
  for (let i = 0; i < 4; i++) {
    const program = new Program(d, d.chance(50) ? level : d.below(level + 1), targets).snippets(2 + d.below(10)).end();
    alloc[contract(i)] = { balance: d.pick(['0x0', '0x3e8']), nonce: '0x1', code: `0x${program.code}`, storage: { [`0x${'0'.repeat(63)}1`]: `0x${'0'.repeat(63)}2` } };
  }
  if (d.chance(50)) alloc[EMPTY] = { balance: '0x0' };
  if (family !== 'pow') Object.assign(alloc, systemContracts());
  const genesis = { config: c, gasLimit: '0x1c9c380', difficulty: family === 'pos' ? '0x0' : '0x20000', timestamp: `0x${(network ? 14930 : START).toString(16)}`, alloc };
  const body = Array.from({ length: blocks }, (_, i) => ({
    coinbase: `0x${d.pick([address(0xc0ffee + i), address(0xc0ffee), contract(1), people[0], EMPTY])}`, extra: `0x${d.bytes(d.below(5))}`, later: family === 'pow' && !network ? d.pick([0, 0, 0, -9, -5, 15, 100]) : 0,
    random: `0x${d.bytes(32)}`, uncle: d.chance(25) ? 1 + d.below(6) : 0, txs: Array.from({ length: d.below(6) }, () => transaction(d, targets, level)), withdrawals: d.below(4),
  }));
  const mutants = Array.from({ length: network ? 30 : 60 }, () => ({ block: 1 + d.below(blocks), field: d.pick(FIELDS), seed: d.below(1 << 20) }));
  return { network, family, seed, genesis, merge, blocks: body, mutants };
}

module.exports = { plan, NETWORKS };
