// Makes chains from plans with go-ethereum's own block maker, and asks go-ethereum's own import what it says of blocks that were tampered with.
// usage: chains DIR…; each DIR has plan.json and gets genesis.json, chain.rlp, mutants.rlp and verdicts.json.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	gethlog "github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/tests"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"
)

type planTx struct {
	Key      int            `json:"key"`
	Type     int            `json:"type"`
	To       string         `json:"to"`
	Data     hexutil.Bytes  `json:"data"`
	Gas      uint64         `json:"gas"`
	Value    int64          `json:"value"`
	Fee      int64          `json:"fee"`
	Tip      int64          `json:"tip"`
	Old      bool           `json:"old"` // signed without a chain id
	Access   bool           `json:"access"`
	Blobs    int            `json:"blobs"`
	Delegate common.Address `json:"delegate"`
	By       int            `json:"by"` // whose key signs the delegation
}

type planBlock struct {
	Coinbase    common.Address `json:"coinbase"`
	Extra       hexutil.Bytes  `json:"extra"`
	Later       int64          `json:"later"` // seconds beside the usual ten
	Random      common.Hash    `json:"random"`
	Uncle       int            `json:"uncle"` // generations back, 0: none
	Txs         []planTx       `json:"txs"`
	Withdrawals int            `json:"withdrawals"`
}

type planMutant struct {
	Block int    `json:"block"`
	Field string `json:"field"`
	Seed  uint64 `json:"seed"`
}

type plan struct {
	Network string       `json:"network"` // of the Ethereum tests; then the configuration is that, and blocktest.json is written too
	Genesis core.Genesis `json:"genesis"`
	Merge   int          `json:"merge"` // first block after the Merge, -1: never
	Blocks  []planBlock  `json:"blocks"`
	Mutants []planMutant `json:"mutants"`
}

type verdict struct {
	Block  uint64 `json:"block"`
	Field  string `json:"field"`
	Error  string `json:"error"` // empty: geth takes it
	Length int    `json:"length"`
}

// Not the standard log: geth's takes that over.
func fatal(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func must[T any](v T, err error) T {
	if err != nil {
		fatal("%v", err)
	}
	return v
}

func rawBlock(b *types.Block) ([]byte, error) {
	var out bytes.Buffer
	err := b.EncodeRLP(&out)
	return out.Bytes(), err
}

func key(n int) *ecdsa.PrivateKey {
	return must(crypto.ToECDSA(common.LeftPadBytes([]byte{byte(n)}, 32)))
}

// What a plan asks for may be impossible where it stands (no funds, no gas left): such a transaction is left out.
func add(b *core.BlockGen, bc *core.BlockChain, cfg *params.ChainConfig, p planTx) (added bool) {
	defer func() {
		if recover() != nil {
			added = false
		}
	}()
	rules := cfg.Rules(b.Number(), b.Difficulty().Sign() == 0, b.Timestamp())
	from := crypto.PubkeyToAddress(key(p.Key).PublicKey)
	signer := types.MakeSigner(cfg, b.Number(), b.Timestamp())
	if p.Old || !rules.IsEIP155 {
		if p.Type == 0 {
			signer = types.HomesteadSigner{}
			if !rules.IsHomestead {
				signer = types.FrontierSigner{}
			}
		}
	}
	if (p.Type == 1 && !rules.IsBerlin) || (p.Type == 2 && !rules.IsLondon) || (p.Type == 3 && !rules.IsCancun) || (p.Type == 4 && !rules.IsPrague) {
		p.Type = 0
	}
	var to *common.Address
	if p.To != "" {
		a := common.HexToAddress(p.To)
		to = &a
	}
	var access types.AccessList
	if p.Access && to != nil {
		access = types.AccessList{{Address: *to, StorageKeys: []common.Hash{{31: 1}, {31: 2}}}}
	}
	nonce, value := b.TxNonce(from), big.NewInt(p.Value)
	fee, tip := big.NewInt(p.Fee), big.NewInt(p.Tip)
	if rules.IsLondon {
		fee.Add(fee, b.BaseFee())
	}
	var data types.TxData
	switch p.Type {
	case 0:
		data = &types.LegacyTx{Nonce: nonce, GasPrice: fee, Gas: p.Gas, To: to, Value: value, Data: p.Data}
	case 1:
		data = &types.AccessListTx{ChainID: cfg.ChainID, Nonce: nonce, GasPrice: fee, Gas: p.Gas, To: to, Value: value, Data: p.Data, AccessList: access}
	case 2:
		data = &types.DynamicFeeTx{ChainID: cfg.ChainID, Nonce: nonce, GasFeeCap: fee, GasTipCap: tip, Gas: p.Gas, To: to, Value: value, Data: p.Data, AccessList: access}
	case 3:
		hashes := make([]common.Hash, p.Blobs)
		for i := range hashes {
			hashes[i] = common.Hash{0: 1, 31: byte(i)}
		}
		data = &types.BlobTx{ChainID: uint256.MustFromBig(cfg.ChainID), Nonce: nonce, GasFeeCap: uint256.MustFromBig(fee), GasTipCap: uint256.MustFromBig(tip), Gas: p.Gas,
			To: *to, Value: uint256.MustFromBig(value), Data: p.Data, AccessList: access, BlobFeeCap: uint256.NewInt(1000000000), BlobHashes: hashes}
	case 4:
		by := crypto.PubkeyToAddress(key(p.By).PublicKey)
		next := b.TxNonce(by)
		if p.By == p.Key {
			next++
		}
		auth := must(types.SignSetCode(key(p.By), types.SetCodeAuthorization{ChainID: *uint256.MustFromBig(cfg.ChainID), Address: p.Delegate, Nonce: next}))
		data = &types.SetCodeTx{ChainID: uint256.MustFromBig(cfg.ChainID), Nonce: nonce, GasFeeCap: uint256.MustFromBig(fee), GasTipCap: uint256.MustFromBig(tip), Gas: p.Gas,
			To: *to, Value: uint256.MustFromBig(value), Data: p.Data, AccessList: access, AuthList: []types.SetCodeAuthorization{auth}}
	}
	b.AddTxWithChain(bc, must(types.SignNewTx(key(p.Key), signer, data))) // with a chain, for BLOCKHASH
	return true
}

// The block with one thing of it changed; everything else, the hashes of the changed parts included, as it was. nil: not possible here.
func mutate(b *types.Block, m planMutant) *types.Block {
	h, body := types.CopyHeader(b.Header()), *b.Body()
	flip := func(x *common.Hash) { x[m.Seed%32] ^= byte(1 << (m.Seed / 32 % 8)) }
	step := func(x *uint64) {
		if m.Seed%2 == 0 {
			*x += 1 + m.Seed/2%3
		} else {
			*x -= min(*x, 1+m.Seed/2%3)
		}
	}
	switch m.Field {
	case "parentHash":
		flip(&h.ParentHash)
	case "uncleHash":
		flip(&h.UncleHash)
	case "coinbase":
		h.Coinbase[m.Seed%20] ^= 1
	case "stateRoot":
		flip(&h.Root)
	case "txRoot":
		flip(&h.TxHash)
	case "receiptRoot":
		flip(&h.ReceiptHash)
	case "bloom":
		h.Bloom[m.Seed%256] ^= 1
	case "difficulty":
		h.Difficulty = new(big.Int).Abs(new(big.Int).Add(h.Difficulty, big.NewInt(int64(m.Seed%5)-2)))
	case "number":
		h.Number = new(big.Int).Add(h.Number, big.NewInt(int64(m.Seed%3)-1))
	case "gasLimit":
		h.GasLimit += (h.GasLimit / 1024) * (m.Seed % 3)
	case "gasUsed":
		step(&h.GasUsed)
	case "time":
		h.Time -= m.Seed % 25
	case "extra":
		h.Extra = bytes.Repeat([]byte{7}, int(m.Seed%40))
	case "mix":
		flip(&h.MixDigest)
	case "nonce":
		h.Nonce[m.Seed%8] ^= 1
	case "baseFee":
		if h.BaseFee == nil {
			h.BaseFee = big.NewInt(7)
		} else if m.Seed%4 == 0 {
			h.BaseFee = nil
		} else {
			h.BaseFee = new(big.Int).Add(h.BaseFee, big.NewInt(1))
		}
	case "withdrawalsRoot":
		if h.WithdrawalsHash == nil {
			return nil
		}
		w := *h.WithdrawalsHash
		flip(&w)
		h.WithdrawalsHash = &w
	case "blobGas":
		if h.BlobGasUsed == nil {
			return nil
		}
		v, x := *h.BlobGasUsed, *h.ExcessBlobGas
		if m.Seed%2 == 0 {
			v += 131072
		} else {
			x += 131072
		}
		h.BlobGasUsed, h.ExcessBlobGas = &v, &x
	case "beaconRoot":
		if h.ParentBeaconRoot == nil {
			return nil
		}
		r := *h.ParentBeaconRoot
		flip(&r)
		h.ParentBeaconRoot = &r
	case "requests":
		if h.RequestsHash == nil {
			return nil
		}
		r := *h.RequestsHash
		flip(&r)
		h.RequestsHash = &r
	case "dropTx":
		if len(body.Transactions) == 0 {
			return nil
		}
		body.Transactions = body.Transactions[1:]
	case "doubleTx":
		if len(body.Transactions) == 0 {
			return nil
		}
		body.Transactions = append(append([]*types.Transaction{}, body.Transactions...), body.Transactions[0])
		h.TxHash = types.DeriveSha(types.Transactions(body.Transactions), trie.NewStackTrie(nil))
	case "swapTx":
		if len(body.Transactions) < 2 {
			return nil
		}
		txs := append([]*types.Transaction{}, body.Transactions...)
		txs[0], txs[1] = txs[1], txs[0]
		body.Transactions = txs
		h.TxHash = types.DeriveSha(types.Transactions(txs), trie.NewStackTrie(nil))
	case "doubleUncle":
		if len(body.Uncles) == 0 {
			return nil
		}
		body.Uncles = []*types.Header{body.Uncles[0], body.Uncles[0]}
		h.UncleHash = types.CalcUncleHash(body.Uncles)
	case "uncleField":
		if len(body.Uncles) == 0 {
			return nil
		}
		u := types.CopyHeader(body.Uncles[0])
		switch m.Seed % 5 {
		case 0:
			u.Difficulty = new(big.Int).Add(u.Difficulty, big.NewInt(1))
		case 1:
			u.Number = new(big.Int).Add(u.Number, big.NewInt(1))
		case 2:
			u.ParentHash = h.ParentHash
		case 3:
			u.GasLimit *= 2
		case 4:
			u.GasUsed = u.GasLimit + 1
		}
		body.Uncles = []*types.Header{u}
		h.UncleHash = types.CalcUncleHash(body.Uncles)
	default:
		fatal("no such field: %s", m.Field)
	}
	out := types.NewBlockWithHeader(h).WithBody(body)
	if out.Hash() == b.Hash() && len(out.Transactions()) == len(b.Transactions()) {
		return nil
	}
	return out
}

// A header as the Ethereum tests write it.
func headerOf(b *types.Block) map[string]any {
	h, number := b.Header(), func(v *big.Int) any { return (*hexutil.Big)(v) }
	out := map[string]any{
		"bloom": h.Bloom, "coinbase": h.Coinbase, "mixHash": h.MixDigest, "nonce": h.Nonce, "number": number(h.Number), "hash": b.Hash(), "parentHash": h.ParentHash,
		"receiptTrie": h.ReceiptHash, "stateRoot": h.Root, "transactionsTrie": h.TxHash, "uncleHash": h.UncleHash, "extraData": hexutil.Bytes(h.Extra),
		"difficulty": number(h.Difficulty), "gasLimit": hexutil.Uint64(h.GasLimit), "gasUsed": hexutil.Uint64(h.GasUsed), "timestamp": hexutil.Uint64(h.Time),
	}
	if h.BaseFee != nil {
		out["baseFeePerGas"] = number(h.BaseFee)
	}
	if h.WithdrawalsHash != nil {
		out["withdrawalsRoot"] = h.WithdrawalsHash
	}
	if h.BlobGasUsed != nil {
		out["blobGasUsed"], out["excessBlobGas"], out["parentBeaconBlockRoot"] = hexutil.Uint64(*h.BlobGasUsed), hexutil.Uint64(*h.ExcessBlobGas), h.ParentBeaconRoot
	}
	return out
}

// What geth's import makes of the blocks, one after the other, and of the tampered ones before each.
type record struct {
	bc              *core.BlockChain
	plan            *plan
	blocks, mutants bytes.Buffer
	told            []any
	verdicts        []verdict
	cut             string // why the chain ends early: geth's import refuses what geth's maker made
	count           int
	head            common.Hash
}

func (r *record) tamper(b *types.Block) {
	for _, m := range r.plan.Mutants {
		if uint64(m.Block) != b.NumberU64() {
			continue
		}
		bad := mutate(b, m)
		if bad == nil {
			continue
		}
		v := verdict{Block: b.NumberU64(), Field: m.Field}
		if _, err := r.bc.InsertChain(types.Blocks{bad}); err != nil {
			v.Error = err.Error()
		}
		raw := must(rawBlock(bad))
		if v.Error != "" { // those that are taken are side chains, of which geth and the tests think differently
			r.told = append(r.told, map[string]any{"rlp": hexutil.Bytes(raw), "expectException": v.Error})
		}
		v.Length = len(raw)
		r.mutants.Write(raw)
		r.verdicts = append(r.verdicts, v)
	}
}

func (r *record) take(b *types.Block) {
	if r.cut != "" {
		return
	}
	r.tamper(b)
	if _, err := r.bc.InsertChain(types.Blocks{b}); err != nil {
		r.cut = err.Error()
		return
	}
	raw := must(rawBlock(b))
	r.blocks.Write(raw)
	r.told = append(r.told, map[string]any{"rlp": hexutil.Bytes(raw), "blockHeader": headerOf(b)})
	r.count++
	r.head = b.Hash()
}

func build(dir string) {
	var p plan
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "plan.json"))), &p); err != nil {
		fatal("%s: %v", dir, err)
	}
	engine := beacon.New(ethash.NewFaker())
	if p.Network != "" {
		p.Genesis.Config = tests.Forks[p.Network]
	}
	cfg := p.Genesis.Config
	added := 0
	bc := must(core.NewBlockChain(rawdb.NewMemoryDatabase(), &p.Genesis, engine, core.DefaultConfig().WithArchive(true)))
	defer bc.Stop()
	r := record{bc: bc, plan: &p, verdicts: []verdict{}, head: bc.CurrentBlock().Hash()}
	_, chain, _ := core.GenerateChainWithGenesis(&p.Genesis, engine, len(p.Blocks), func(i int, b *core.BlockGen) {
		want, n := p.Blocks[i], i+1
		if i > 0 {
			r.take(b.PrevBlock(i - 1)) // at once, so that BLOCKHASH finds it
		}
		if want.Later != 0 {
			b.OffsetTime(want.Later) // sets the difficulty too
		}
		if p.Merge >= 0 && n >= p.Merge {
			b.SetPoS()
		}
		b.SetCoinbase(want.Coinbase)
		b.SetExtra(want.Extra)
		if cfg.DAOForkBlock != nil && cfg.DAOForkSupport && uint64(n) >= cfg.DAOForkBlock.Uint64() && uint64(n) < cfg.DAOForkBlock.Uint64()+10 {
			b.SetExtra(params.DAOForkBlockExtra)
		}
		rules := cfg.Rules(b.Number(), b.Difficulty().Sign() == 0, b.Timestamp())
		if rules.IsCancun {
			b.SetParentBeaconRoot(want.Random)
		}
		for _, tx := range want.Txs {
			if add(b, bc, cfg, tx) {
				added++
			}
		}
		if rules.IsShanghai {
			for w := 0; w < want.Withdrawals; w++ {
				b.AddWithdrawal(&types.Withdrawal{Validator: uint64(w), Address: common.BytesToAddress([]byte{0xee, byte(w)}), Amount: uint64(w) * 1000})
			}
		}
		if want.Uncle > 0 && i > want.Uncle && !rules.IsMerge && b.Difficulty().Sign() != 0 {
			old := b.PrevBlock(i - want.Uncle)
			extra := old.Extra()
			b.AddUncle(&types.Header{ParentHash: b.PrevBlock(i - want.Uncle - 1).Hash(), Number: new(big.Int).Set(old.Number()), Coinbase: common.Address{0xcc, byte(n)}, Extra: extra})
		}
	})
	r.take(chain[len(chain)-1])
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			fatal("%v", err)
		}
	}
	if p.Network != "" {
		zero := bc.GetBlockByNumber(0)
		write("blocktest.json", must(json.Marshal(map[string]any{filepath.Base(dir): map[string]any{
			"network": p.Network, "sealEngine": "NoProof", "genesisRLP": hexutil.Bytes(must(rawBlock(zero))), "genesisBlockHeader": headerOf(zero), "pre": p.Genesis.Alloc,
			"blocks": r.told, "lastblockhash": r.head, "postStateHash": bc.GetBlockByHash(r.head).Root(),
		}})))
		return
	}
	write("chain.rlp", r.blocks.Bytes())
	write("mutants.rlp", r.mutants.Bytes())
	write("genesis.json", must(json.Marshal(&p.Genesis)))
	write("verdicts.json", must(json.Marshal(map[string]any{"head": r.head, "cut": r.cut, "blocks": r.count, "transactions": added, "mutants": r.verdicts})))
}

func main() {
	gethlog.SetDefault(gethlog.NewLogger(gethlog.NewTerminalHandlerWithLevel(os.Stderr, gethlog.LevelCrit, false))) // it ends the process without a word otherwise
	for _, dir := range os.Args[1:] {
		build(dir)
	}
	fmt.Println("ok")
}
