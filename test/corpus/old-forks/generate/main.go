// Makes the chain of this folder with go-ethereum's own block maker: one block after the other through every fork before the Merge.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

const (
	daoFork   = 4
	berlin    = 27
	london    = 30
	blocks    = 44
	secretKey = "0000000000000000000000000000000000000000000000000000000000000001"
)

var (
	storer    = common.HexToAddress("0xaa") // SSTORE(0, calldata[0]), then SSTORE(7, 0): refunds and their changes
	toucher   = common.HexToAddress("0xbb") // touches an account that is not there, stores, logs
	destroyed = common.HexToAddress("0xdd") // SELFDESTRUCT to 0xee
)

func config() *params.ChainConfig {
	at := big.NewInt
	return &params.ChainConfig{
		ChainID: at(1337), HomesteadBlock: at(3), DAOForkBlock: at(daoFork), DAOForkSupport: true, EIP150Block: at(6),
		EIP155Block: at(9), EIP158Block: at(9), ByzantiumBlock: at(12), ConstantinopleBlock: at(16), PetersburgBlock: at(18),
		IstanbulBlock: at(21), MuirGlacierBlock: at(24), BerlinBlock: at(berlin), LondonBlock: at(london),
		ArrowGlacierBlock: at(34), GrayGlacierBlock: at(36), Ethash: &params.EthashConfig{},
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: generate GENESIS.json CHAIN.rlp")
	}
	key, err := crypto.HexToECDSA(secretKey)
	if err != nil {
		log.Fatal(err)
	}
	cfg, dao := config(), params.DAODrainList()
	genesis := &core.Genesis{
		Config: cfg, GasLimit: 8000000, Difficulty: big.NewInt(131072), Timestamp: 1000,
		Alloc: types.GenesisAlloc{
			crypto.PubkeyToAddress(key.PublicKey): {Balance: new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))},
			storer:                                {Balance: new(big.Int), Code: common.FromHex("600035600055600760005500")},
			toucher:                               {Balance: big.NewInt(5), Code: common.FromHex("73000000000000000000000000000000000000cccc31600155600160005260206000a0")},
			destroyed:                             {Balance: big.NewInt(9), Code: common.FromHex("73000000000000000000000000000000000000eeeeff")},
			dao[0]:                                {Balance: big.NewInt(12345)},
			dao[5]:                                {Balance: big.NewInt(777)},
		},
	}
	nonce := uint64(0)
	_, chain, _ := core.GenerateChainWithGenesis(genesis, ethash.NewFaker(), blocks, func(i int, b *core.BlockGen) {
		n := int64(i + 1)
		signer := types.MakeSigner(cfg, b.Number(), b.Timestamp())
		price := big.NewInt(3 * params.GWei)
		send := func(data types.TxData) {
			tx, err := types.SignNewTx(key, signer, data)
			if err != nil {
				log.Fatal(err)
			}
			b.AddTx(tx)
			nonce++
		}
		legacy := func(to *common.Address, value int64, gas uint64, data []byte) {
			send(&types.LegacyTx{Nonce: nonce, GasPrice: price, Gas: gas, To: to, Value: big.NewInt(value), Data: data})
		}

		b.SetCoinbase(common.Address{byte(n), 7})
		switch {
		case n >= daoFork && n < daoFork+10:
			b.SetExtra(params.DAOForkBlockExtra)
		case n != daoFork+10:
			b.SetExtra([]byte("x"))
		}
		legacy(&common.Address{byte(i), 0x99}, n, 30000, nil)
		legacy(&common.Address{byte(i), 0x98}, 0, 30000, nil) // an empty account, until EIP-158 forbids it
		legacy(&storer, 0, 100000, common.LeftPadBytes([]byte{byte(i % 4)}, 32))
		legacy(&toucher, 0, 100000, nil)
		if i%5 == 1 {
			legacy(nil, 3, 200000, common.FromHex("6001600055600a6000f3"))
			legacy(nil, 0, 60000, common.FromHex("fe"))
		}
		if i%7 == 2 {
			legacy(&destroyed, 1, 100000, nil)
		}
		if n >= berlin {
			send(&types.AccessListTx{ChainID: cfg.ChainID, Nonce: nonce, GasPrice: price, Gas: 100000, To: &storer, Value: new(big.Int),
				Data:       common.LeftPadBytes([]byte{9}, 32),
				AccessList: types.AccessList{{Address: storer, StorageKeys: []common.Hash{{}}}}})
		}
		if n >= london {
			send(&types.DynamicFeeTx{ChainID: cfg.ChainID, Nonce: nonce, GasFeeCap: price, GasTipCap: big.NewInt(params.GWei), Gas: 100000,
				To: &storer, Value: new(big.Int), Data: common.LeftPadBytes([]byte{8}, 32)})
		}
		if i > 3 && i%4 == 0 {
			b.AddUncle(&types.Header{ParentHash: b.PrevBlock(i - 3).Hash(), Number: big.NewInt(n - 2),
				Coinbase: common.Address{0xcc, byte(i)}, Extra: b.PrevBlock(i - 2).Extra()})
		}
	})
	out, err := os.Create(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range chain {
		if err := b.EncodeRLP(out); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
	text, err := json.MarshalIndent(genesis, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], append(text, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(chain[len(chain)-1].Hash().Hex())
}
