// The methods that anvil 1.7, Hardhat 2 and geth 1.17 answer, by their own tables: anvil's from its binary, Hardhat's by asking it, geth's from its
// source. Each is answered here, or stands in ABSENT with the reason; docs/RPC.md shows that (peer_methods.test.cjs).
'use strict';

const named = (table) => Object.entries(table).flatMap(([space, names]) => names.split(' ').map((n) => `${space}_${n}`));

const ANVIL = named({
  anvil: 'addBalance autoImpersonateAccount dealERC20 dropAllTransactions dropTransaction dumpState getAutomine getBlobByHash getBlobsByTransactionHash getGenesisTime getIntervalMining impersonateAccount impersonateSignature increaseTime loadState metadata mine mine_detailed nodeInfo removeBlockTimestampInterval removePoolTransactions reorg reset revert rollback setAutomine setBalance setBlockGasLimit setBlockTimestampInterval setChainId setCode setCoinbase setERC20Allowance setERC20Balance setFeeAmmLiquidity setFeeToken setIntervalMining setLoggingEnabled setMinGasPrice setNextBlockBaseFeePerGas setNextBlockTimestamp setNonce setRpcUrl setStorageAt setTime setValidatorFeeToken snapshot stopImpersonatingAccount',
  debug: 'codeByHash dbGet getRawTransaction traceBlockByHash traceBlockByNumber traceCall traceTransaction',
  erigon: 'getHeaderByNumber',
  eth: 'accounts blobBaseFee blockNumber call chainId coinbase config createAccessList estimateGas feeHistory fillTransaction gasPrice getAccount getAccountInfo getBalance getBlockByHash getBlockByNumber getBlockReceipts getBlockTransactionCountByHash getBlockTransactionCountByNumber getCode getFilterChanges getFilterLogs getLogs getProof getRawTransactionByBlockHashAndIndex getRawTransactionByBlockNumberAndIndex getRawTransactionByHash getStorageAt getStorageValues getTransactionByBlockHashAndIndex getTransactionByBlockNumberAndIndex getTransactionByHash getTransactionBySenderAndNonce getTransactionCount getTransactionReceipt getUncleByBlockHashAndIndex getUncleByBlockNumberAndIndex getUncleCountByBlockHash getUncleCountByBlockNumber getWork hashrate maxPriorityFeePerGas networkId newBlockFilter newFilter newPendingTransactionFilter protocolVersion requestAccounts sendRawTransaction sendRawTransactionSync sendTransaction sendTransactionSync sendUnsignedTransaction sign signTransaction signTypedData signTypedData_v3 signTypedData_v4 simulateV1 submitHashrate submitWork subscribe syncing uninstallFilter unsubscribe',
  evm: 'increaseTime mine mine_detailed revert setAccountNonce setAutomine setBlockGasLimit setIntervalMining setNextBlockTimestamp setTime snapshot',
  hardhat: 'addBalance autoImpersonateAccount dealERC20 dropAllTransactions dropTransaction dumpState getAutomine impersonateAccount loadState metadata mine reset setBalance setCode setCoinbase setLoggingEnabled setMinGasPrice setNextBlockBaseFeePerGas setNonce setStorageAt stopImpersonatingAccount',
  net: 'listening version',
  ots: 'getApiLevel getBlockDetails getBlockDetailsByHash getBlockTransactions getContractCreator getInternalOperations getTransactionBySenderAndNonce getTransactionError hasCode searchTransactionsAfter searchTransactionsBefore traceTransaction',
  personal: 'sign',
  tenderly: 'addBalance setBalance',
  trace: 'block filter replayBlockTransactions transaction',
  txpool: 'content inspect status',
  web3: 'clientVersion sha3',
});

const HARDHAT = named({
  debug: 'traceCall traceTransaction',
  eth: 'accounts blobBaseFee blockNumber call chainId coinbase estimateGas feeHistory gasPrice getBalance getBlockByHash getBlockByNumber getBlockTransactionCountByHash getBlockTransactionCountByNumber getCode getFilterChanges getFilterLogs getLogs getProof getStorageAt getTransactionByBlockHashAndIndex getTransactionByBlockNumberAndIndex getTransactionByHash getTransactionCount getTransactionReceipt maxPriorityFeePerGas mining newBlockFilter newFilter newPendingTransactionFilter pendingTransactions sendRawTransaction sendTransaction sign signTypedData_v4 subscribe syncing uninstallFilter unsubscribe',
  evm: 'increaseTime mine revert setAutomine setBlockGasLimit setIntervalMining setNextBlockTimestamp snapshot',
  hardhat: 'addCompilationResult dropTransaction getAutomine getStackTraceFailuresCount impersonateAccount metadata mine reset setBalance setCode setCoinbase setLoggingEnabled setMinGasPrice setNextBlockBaseFeePerGas setNonce setPrevRandao setStorageAt stopImpersonatingAccount',
  net: 'listening peerCount version',
  personal: 'sign',
  web3: 'clientVersion sha3',
});

const GETH = named({
  eth: 'accounts baseFee blobBaseFee blockNumber call capabilities chainId config createAccessList estimateGas feeHistory fillTransaction gasPrice getBalance getBlockByHash getBlockByNumber getBlockReceipts getBlockTransactionCountByHash getBlockTransactionCountByNumber getCode getFilterChanges getFilterLogs getHeaderByHash getHeaderByNumber getLogs getProof getRawTransactionByBlockHashAndIndex getRawTransactionByBlockNumberAndIndex getRawTransactionByHash getStorageAt getStorageValues getTransactionByBlockHashAndIndex getTransactionByBlockNumberAndIndex getTransactionByHash getTransactionCount getTransactionReceipt getUncleByBlockHashAndIndex getUncleByBlockNumberAndIndex getUncleCountByBlockHash getUncleCountByBlockNumber maxPriorityFeePerGas newBlockFilter newFilter newPendingTransactionFilter pendingTransactions resend sendRawTransaction sendRawTransactionSync sendTransaction sign signTransaction simulateV1 subscribe syncing uninstallFilter unsubscribe',
  net: 'listening peerCount version',
  web3: 'clientVersion sha3',
  rpc: 'modules',
  txpool: 'content contentFrom inspect status',
  debug: 'accountRange blockProfile chaindbCompact chaindbProperty clearTxpool cpuProfile dbAncient dbAncients dbGet dumpBlock executionWitness freeOSMemory gcStats getAccessibleState getBadBlocks getModifiedAccountsByHash getModifiedAccountsByNumber getRawBlock getRawHeader getRawReceipts getRawTransaction getTrieFlushInterval goTrace intermediateRoots memStats mutexProfile preimage printBlock replayBadBlock setBlockProfileRate setGCPercent setHead setMemoryLimit setMutexProfileFraction setTrieFlushInterval stacks standardTraceBadBlockToFile standardTraceBlockToFile startCPUProfile startGoTrace stopCPUProfile stopGoTrace storageRangeAt traceBadBlock traceBlock traceBlockByHash traceBlockByNumber traceBlockFromFile traceCall traceChain traceTransaction verbosity vmodule writeBlockProfile writeMemProfile writeMutexProfile',
  admin: 'addPeer addTrustedPeer datadir exportChain importChain nodeInfo peerEvents peers removePeer removeTrustedPeer startHTTP startRPC startWS stopHTTP stopRPC stopWS',
  miner: 'setExtra setGasLimit setGasPrice',
});

/** [what, why it is not here]. */
const ABSENT = [
  [/^eth_(getWork|submitWork|submitHashrate)$/, 'nothing is mined; anvil answers that they are not implemented'],
  [/^anvil_(setFeeToken|setValidatorFeeToken|setFeeAmmLiquidity)$/, 'for a chain called Tempo alone'],
  [/^anvil_impersonateSignature$/, 'a precompile would lie about a signature; `eth_call` can put an account of its own in its place (`movePrecompileToAddress`)'],
  [/^debug_(dbGet|dbAncients?|chaindb\w+|getAccessibleState|\w*TrieFlushInterval|preimage)$/, 'about the tables of geth\'s own database'],
  [/^debug_(\w*[pP]rofile\w*|cpuProfile|\w*GoTrace|goTrace|gcStats|memStats|freeOSMemory|setGCPercent|setMemoryLimit|setMutexProfileFraction|stacks|verbosity|vmodule)$/, 'about the Go program; docs/DEBUGGING.md has what there is instead'],
  [/^debug_(traceBadBlock|replayBadBlock|standardTraceBadBlockToFile)$/, 'no bad block is kept: an import ends at it with its reason'],
  [/^debug_(standardTraceBlockToFile|traceBlockFromFile|traceChain)$/, 'they write files on the server, or read them; the same traces come over RPC'],
  [/^debug_(intermediateRoots|executionWitness|printBlock|clearTxpool|setHead)$/, 'of use to those who develop geth; `anvil_rollback` and `anvil_dropAllTransactions` do the last two'],
  [/^eth_resend$/, 'a transaction that pays more is sent by `eth_sendTransaction` with the same nonce'],
  [/^admin_/, 'there is no network of peers, and servers are the options\' to open; `fanatico import` and `export` move blocks'],
  [/^miner_/, '`--gas-limit` and `--coinbase`'],
  [/^hardhat_getStackTraceFailuresCount$/, 'Hardhat\'s own count'],
];

module.exports = { ABSENT, ANVIL, GETH, HARDHAT };
