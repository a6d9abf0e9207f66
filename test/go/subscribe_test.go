// go-ethereum's own client against the real binary. ethclient sends fromBlock and toBlock with every subscription; they
// mean nothing there, in geth as here: a plain filter has no history, only what comes.
package fanatico

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"testing"
	"time"

	ethereum "github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// The test that starts the node (test/resume/go.test.cjs) says where it is, and which contract emits as many logs as its
// first word of calldata.
type world struct {
	t        *testing.T
	ctx      context.Context
	raw      *rpc.Client
	eth      *ethclient.Client
	from     common.Address
	contract common.Address
}

func open(t *testing.T) *world {
	url := os.Getenv("FANATICO_WS")
	if url == "" {
		t.Skip("FANATICO_WS names no node")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	raw, err := rpc.DialContext(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(raw.Close)
	return &world{t, ctx, raw, ethclient.NewClient(raw), common.HexToAddress(os.Getenv("FANATICO_FROM")), common.HexToAddress(os.Getenv("FANATICO_CONTRACT"))}
}

func (w *world) burst(count int64) {
	var hash common.Hash
	tx := map[string]any{"from": w.from, "to": w.contract, "data": hexutil.Bytes(common.LeftPadBytes(big.NewInt(count).Bytes(), 32)), "gas": "0x100000"}
	if err := w.raw.CallContext(w.ctx, &hash, "eth_sendTransaction", tx); err != nil {
		w.t.Fatal(err)
	}
}

// Exactly these come, and nothing else within a moment.
func (w *world) expect(got <-chan types.Log, sub ethereum.Subscription, block uint64, count int) {
	w.t.Helper()
	for i := 0; i < count; i++ {
		select {
		case l := <-got:
			if l.BlockNumber != block || l.Index != uint(i) || l.Removed {
				w.t.Fatalf("log %d of block %d (removed: %v), expected log %d of block %d", l.Index, l.BlockNumber, l.Removed, i, block)
			}
		case err := <-sub.Err():
			w.t.Fatalf("the subscription ended: %v", err)
		case <-w.ctx.Done():
			w.t.Fatalf("log %d of block %d never came", i, block)
		}
	}
	select {
	case l := <-got:
		w.t.Fatalf("log %d of block %d too many", l.Index, l.BlockNumber)
	case <-time.After(200 * time.Millisecond):
	}
}

func TestSubscribeFilterLogsBringsNoHistory(t *testing.T) {
	w := open(t)
	w.burst(3)
	w.burst(2)
	head, err := w.eth.BlockNumber(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if past, err := w.eth.FilterLogs(w.ctx, ethereum.FilterQuery{Addresses: []common.Address{w.contract}, FromBlock: new(big.Int)}); err != nil || len(past) < 5 {
		t.Fatalf("%d logs in the past, %v: there must be a history not to send", len(past), err)
	}
	queries := map[string]ethereum.FilterQuery{
		"as ethclient fills it (fromBlock 0x0)": {Addresses: []common.Address{w.contract}},
		"from the beginning":                    {Addresses: []common.Address{w.contract}, FromBlock: new(big.Int)},
		"from the block before":                 {Addresses: []common.Address{w.contract}, FromBlock: new(big.Int).SetUint64(head - 1)},
	}
	for name, query := range queries {
		got := make(chan types.Log, 64)
		sub, err := w.eth.SubscribeFilterLogs(w.ctx, query, got)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.expect(got, sub, 0, 0)
		w.burst(2)
		head++
		w.expect(got, sub, head, 2)
		sub.Unsubscribe()
	}
}

func TestResumeThroughGoEthereum(t *testing.T) {
	w := open(t)
	w.burst(2)
	head, err := w.eth.HeaderByNumber(w.ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan types.Log, 64)
	resume := map[string]any{"address": w.contract, "resume": map[string]any{"blockHash": head.Hash(), "logIndex": "0x0"}}
	sub, err := w.raw.EthSubscribe(w.ctx, got, "logs", resume)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case l := <-got:
		if l.BlockHash != head.Hash() || l.Index != 1 {
			t.Fatalf("log %d of block %d, expected what is behind log 0", l.Index, l.BlockNumber)
		}
	case <-w.ctx.Done():
		t.Fatal("the history never came")
	}
	w.burst(3)
	w.expect(got, sub, head.Number.Uint64()+1, 3)
	sub.Unsubscribe()
	_, err = w.raw.EthSubscribe(w.ctx, got, "logs", map[string]any{"resume": map[string]any{"blockHash": common.HexToHash("0x01")}})
	var coded rpc.Error
	if e, ok := err.(rpc.Error); ok {
		coded = e
	}
	if coded == nil || coded.ErrorCode() != -32602 {
		t.Fatalf("an unknown block: %v", err)
	}
	// Heads, through the typed channel that SubscribeNewHead uses.
	heads := make(chan *types.Header, 64)
	sub, err = w.raw.EthSubscribe(w.ctx, heads, "newHeads", json.RawMessage(`{"resume":{"fromBlock":"0x0"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(0); want <= head.Number.Uint64()+1; want++ {
		select {
		case h := <-heads:
			if h.Number.Uint64() != want {
				t.Fatalf("header %d, expected %d", h.Number, want)
			}
		case <-w.ctx.Done():
			t.Fatalf("header %d never came", want)
		}
	}
	sub.Unsubscribe()
}
