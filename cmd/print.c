#include "print.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/hex.h"
#include "codec/u256.h"
#include "serve.h"

static const char *colour(const char *code)
{
    static atomic_int known = -1; /* the writer prints too */
    int wanted = atomic_load_explicit(&known, memory_order_relaxed);

    if (wanted < 0) {
        wanted = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
        atomic_store_explicit(&known, wanted, memory_order_relaxed);
    }
    return wanted ? code : "";
}

#define BOLD  colour("\033[1m")
#define DIM   colour("\033[2m")
#define RED   colour("\033[31m")
#define GREEN colour("\033[32m")
#define PLAIN colour("\033[0m")

static void line(struct buf *b)
{
    if (b->failed) return;
    if (write(STDOUT_FILENO, b->at, b->len) < 0) return; /* nobody reads on */
}

static void put_hex(struct buf *b, const uint8_t *bytes, size_t len)
{
    char digits[64];

    assert(len <= 32);
    hex_encode(slice_of(bytes, len), digits);
    buf_put_str(b, "0x");
    buf_put(b, slice_of(digits, 2 * len));
}

/* Wei as ether with what matters behind the point: "1.5", "0.000000000000000001". */
static void put_ether(struct buf *b, const struct fan_u256 *wei)
{
    char digits[79];
    size_t len = u256_to_decimal(wei, digits), places = 18;

    if (len <= 18) {
        char padded[79 + 19];
        size_t zeros = 19 - len;

        memset(padded, '0', zeros);
        memcpy(padded + zeros, digits, len + 1);
        len += zeros;
        memcpy(digits, padded, len + 1);
    }
    while (places && digits[len - 1] == '0') {
        len--;
        places--;
    }
    buf_put(b, slice_of(digits, len - places));
    if (places) {
        buf_put_byte(b, '.');
        buf_put(b, slice_of(digits + len - places, places));
    }
}

static void put_ground(struct buf *b, const struct block *first, const struct chain_remote *remote)
{
    if (remote) buf_printf(b, "On top of  %s\n  at block   %" PRIu64 "  ", remote->url, first->header.number);
    else buf_put_str(b, "Genesis    ");
    put_hex(b, first->hash.bytes, 32);
}

void print_banner(const struct devchain *d, const struct options *o, const struct block *genesis, const struct chain_remote *remote, const char *http,
                  const char *ws)
{
    struct buf b;
    char address[43];

    buf_init(&b, 0);
    buf_printf(&b, "\n  %sFanatico%s %s\n  %san Ethereum node whose speciality is real-time events%s\n\n", BOLD, PLAIN, FANATICO_VERSION, DIM, PLAIN);
    if (d->account_count) {
        buf_printf(&b, "%sAccounts%s", BOLD, PLAIN);
        if (!d->from_file) {
            buf_put_str(&b, ", each with ");
            put_ether(&b, &o->balance);
            buf_put_str(&b, " ETH");
        }
        buf_put_str(&b, "; their keys are public knowledge: never use them elsewhere\n");
        for (size_t i = 0; i < d->account_count; i++) {
            hex_write_checksum(&d->accounts[i], address);
            buf_printf(&b, "  (%zu) %s  ", i, address);
            put_hex(&b, d->secrets[i], 32);
            buf_put_byte(&b, '\n');
        }
        buf_printf(&b, "  Mnemonic   %s\n\n", d->mnemonic);
    }
    buf_printf(&b, "%sChain%s\n  Chain id   %" PRIu64 "\n  Fork       %s\n  Gas limit  %" PRIu64 "\n  ", BOLD, PLAIN, d->genesis.config.chain_id,
               fork_name(fork_at(&d->genesis.config, genesis->header.number, genesis->header.timestamp)), genesis->header.gas_limit);
    put_ground(&b, genesis, remote);
    if (o->no_mining) buf_put_str(&b, "\n  Blocks     when evm_mine asks\n");
    else if (o->block_time_ms) buf_printf(&b, "\n  Blocks     every %g s\n", (double)o->block_time_ms / 1000);
    else if (o->block_per_transaction) buf_put_str(&b, "\n  Blocks     one for each transaction, at once\n");
    else buf_put_str(&b, "\n  Blocks     at once; senders that wait together share one\n");
    buf_printf(&b, "\n%sListening%s\n  HTTP       %s%s\n  WebSocket  %s\n", BOLD, PLAIN, http,
               o->no_status_page ? "" : "  (in a browser: the status page)", ws);
    if (o->has_ipc_path) buf_printf(&b, "  IPC        %s\n", serve_ipc_path(o));
    buf_put_str(&b, "\n");
    line(&b);
    buf_fini(&b);
}

static _Atomic bool over;

void print_trouble(void *ctx, const char *text, bool for_good)
{
    (void)ctx;
    if (text) log_error("store", "trouble", LOG_WITH(log_str("error", text)));
    else log_warn("store", "the chain can be written again", NULL);
    if (!for_good) return;
    atomic_store(&over, true);
    (void)kill(getpid(), SIGTERM); /* met by whoever serves; an end in order is all that is left to do */
}

bool print_trouble_is_over(void)
{
    return atomic_load(&over);
}

enum { HASH_TEXT = 66 };

static struct slice hash_text(const struct fan_hash *h, char out[HASH_TEXT])
{
    out[0] = '0';
    out[1] = 'x';
    hex_encode(slice_of(h->bytes, sizeof h->bytes), out + 2);
    return slice_of(out, HASH_TEXT);
}

void print_transaction(void *ctx, const struct block *b, size_t index)
{
    const struct tx *tx = &b->txs[index];
    const struct receipt *r = &b->receipts[index];
    struct buf out;

    (void)ctx;
    if (log_format_now() == LOG_JSON) {
        char hash[HASH_TEXT];

        log_info("chain", "transaction", LOG_WITH(log_slice("hash", hash_text(&tx->hash, hash)), log_u64("block", b->header.number), log_u64("status", r->status),
                                                  log_u64("gas", r->gas_used), log_u64("logs", r->log_count)));
        return;
    }
    buf_init(&out, 0);
    buf_printf(&out, "  %stx%s    ", DIM, PLAIN);
    put_hex(&out, tx->hash.bytes, 32);
    buf_printf(&out, "  %s%s%s  gas %" PRIu64 "  logs %zu", r->status ? GREEN : RED, r->status ? "ok    " : "failed", PLAIN, r->gas_used, r->log_count);
    if (r->has_contract) {
        buf_put_str(&out, "  created ");
        put_hex(&out, r->contract.bytes, 20);
    }
    buf_put_byte(&out, '\n');
    line(&out);
    buf_fini(&out);
}

void print_console(void *ctx, struct slice text)
{
    struct buf out;

    (void)ctx;
    if (log_format_now() == LOG_JSON) {
        log_info("chain", "console", LOG_WITH(log_slice("text", text)));
        return;
    }
    buf_init(&out, 0);
    buf_put(&out, text);
    buf_put_byte(&out, '\n');
    line(&out);
    buf_fini(&out);
}

void print_block(void *ctx, const struct block *b)
{
    struct buf out;

    (void)ctx;
    if (log_format_now() == LOG_JSON) {
        char hash[HASH_TEXT];

        log_info("chain", "block", LOG_WITH(log_u64("number", b->header.number), log_slice("hash", hash_text(&b->hash, hash)), log_u64("transactions", b->tx_count),
                                            log_u64("gas", b->header.gas_used)));
        return;
    }
    buf_init(&out, 0);
    buf_printf(&out, "%sblock%s %" PRIu64 "  ", BOLD, PLAIN, b->header.number);
    put_hex(&out, b->hash.bytes, 32);
    buf_printf(&out, "  %zu tx  gas %" PRIu64 "\n", b->tx_count, b->header.gas_used);
    line(&out);
    buf_fini(&out);
}
