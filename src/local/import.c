/* Blocks from outside: each is believed only when everything it says about itself was computed again and came out the
 * same.
 *
 * The order is geth's: what the header says about its parent, what the body says about the header, then execution and
 * the roots. The proof of work itself (ethash) is not checked: no file a person gives us gains anything by forging it,
 * and its 2 GiB table would cost minutes. */
#include <inttypes.h>

#include "codec/hex.h"
#include "codec/u256.h"
#include "local/intake.h"
#include "local/node.h"

enum { BLOB_GAS = 131072, BLOCK_BYTES_MAX = 8 * 1024 * 1024, OMMERS_MAX = 2, OMMER_DEPTH_MAX = 7 };

#define REFUSE(...) return fan_error_set(err, FAN_EREJECTED, __VA_ARGS__)

static enum fan_status same_hash(const char *what, const struct fan_hash *said, const struct fan_hash *found,
                                 struct fan_error *err)
{
    char have[65] = {0}, want[65] = {0};

    if (memcmp(said, found, sizeof *said) == 0) return FAN_OK;
    hex_encode(slice_of(said->bytes, 32), have);
    hex_encode(slice_of(found->bytes, 32), want);
    REFUSE("invalid %s (header: %s, computed: %s)", what, have, want);
}

/* An ommer is neither an ancestor nor an ancestor's ommer. */
static enum fan_status check_against(const struct block *ancestor, const struct fan_hash *ommer, struct fan_error *err)
{
    if (memcmp(&ancestor->hash, ommer, sizeof *ommer) == 0) REFUSE("uncle is ancestor");
    for (size_t i = 0; i < ancestor->ommer_count; i++) {
        struct fan_hash other = header_hash(&ancestor->ommers[i]);

        if (memcmp(&other, ommer, sizeof other) == 0) REFUSE("duplicate uncle");
    }
    return FAN_OK;
}

/* An ommer is a child of an ancestor two to seven generations back, none itself, and nobody's ommer yet. */
static enum fan_status check_ommer(struct local *l, const struct block *b, size_t at, struct fan_error *err)
{
    const struct header *o = &b->ommers[at];
    struct fan_hash hash = header_hash(o);
    uint64_t number = b->header.number;
    struct header parent;
    bool found = false;
    struct fan_error why;
    enum fan_status s;

    for (uint64_t back = 1; back <= OMMER_DEPTH_MAX && blocks_has(&l->index, number - back); back++) {
        struct block *ancestor;

        s = blocks_by_number(&l->index, number - back, &ancestor);
        if (s) return s;
        s = check_against(ancestor, &hash, err);
        if (back > 1 && memcmp(&ancestor->hash, &o->parent_hash, sizeof hash) == 0) {
            parent = ancestor->header;
            found = true;
        }
        block_unref(ancestor);
        if (s) return s;
    }
    for (size_t i = 0; i < at; i++) {
        struct fan_hash other = header_hash(&b->ommers[i]);

        if (memcmp(&other, &hash, sizeof hash) == 0) REFUSE("duplicate uncle");
    }
    if (!found) REFUSE("uncle's parent is not ancestor");
    s = header_check(config_of(l), &parent, o, &why);
    if (s) return fan_error_set(err, s, "uncle %zu: %s", at, why.text);
    return FAN_OK;
}

static enum fan_status check_ommers(struct local *l, const struct block *b, enum fork f, struct fan_error *err)
{
    struct fan_hash hash;
    enum fan_status s;

    if (b->ommer_count && f >= FORK_PARIS) REFUSE("uncles not allowed");
    if (b->ommer_count > OMMERS_MAX) REFUSE("too many uncles");
    for (size_t i = 0; i < b->ommer_count; i++) {
        s = check_ommer(l, b, i, err);
        if (s) return s;
    }
    s = block_ommers_hash(b->ommers, b->ommer_count, &hash);
    return s ? s : same_hash("uncle root hash", &b->header.ommers_hash, &hash, err);
}

/* What the body says and the header says must be one. */
static enum fan_status check_body(struct local *l, const struct block *b, enum fork f, struct fan_error *err)
{
    struct fan_hash root;
    uint64_t blobs = 0;
    enum fan_status s;

    if (f >= FORK_OSAKA && b->size > BLOCK_BYTES_MAX) REFUSE("block RLP-encoded size exceeds maximum");
    s = check_ommers(l, b, f, err);
    if (!s) s = block_transactions_root(b->txs, b->tx_count, &root);
    if (!s) s = same_hash("transaction root hash", &b->header.transactions_root, &root, err);
    if (!s && f >= FORK_SHANGHAI) {
        s = block_withdrawals_root(b->withdrawals, b->withdrawal_count, &root);
        if (!s) s = same_hash("withdrawals root hash", &b->header.withdrawals_root, &root, err);
    } else if (!s && b->withdrawal_count)
        REFUSE("withdrawals present in block body");
    if (s) return s;
    for (size_t i = 0; i < b->tx_count; i++) {
        blobs += b->txs[i].blob_count;
        if (b->txs[i].sidecar) REFUSE("unexpected blob sidecar in transaction at index %zu", i);
        if (b->txs[i].has_chain_id && b->txs[i].chain_id != config_of(l)->chain_id)
            REFUSE("could not apply tx %zu: invalid chain id for signer: have %" PRIu64 " want %" PRIu64, i,
                   b->txs[i].chain_id, config_of(l)->chain_id);
    }
    if (f >= FORK_CANCUN && b->header.blob_gas_used != blobs * BLOB_GAS)
        REFUSE("blob gas used mismatch (header %" PRIu64 ", calculated %" PRIu64 ")", b->header.blob_gas_used,
               blobs * BLOB_GAS);
    if (f < FORK_CANCUN && blobs) REFUSE("data blobs present in block body");
    return FAN_OK;
}

static enum fan_status check_outcome(const struct header *h, const struct run_outcome *o, enum fork f,
                                     struct fan_error *err)
{
    enum fan_status s;

    if (h->gas_used != o->gas_used)
        REFUSE("invalid gas used (header: %" PRIu64 ", computed: %" PRIu64 ")", h->gas_used, o->gas_used);
    if (memcmp(&h->logs_bloom, &o->bloom, sizeof o->bloom) != 0) REFUSE("invalid bloom");
    s = same_hash("receipt root hash", &h->receipts_root, &o->receipts_root, err);
    if (!s && f >= FORK_PRAGUE) s = same_hash("requests hash", &h->requests_hash, &o->requests_hash, err);
    return s ? s : same_hash("merkle root", &h->state_root, &o->state_root, err);
}

static enum fan_status execute(struct local *l, struct block *b, enum fork f, struct state_diff **out_diff,
                               struct fan_error *err)
{
    struct state_view *view;
    struct state_diff *diff = NULL;
    struct run run = {0};
    struct run_outcome outcome;
    struct fan_error why = {{0}};
    enum fan_status s = state_db_head(l->state, &view);

    if (s) return s;
    s = run_open(&run, b, config_of(l), view, &l->index, NULL, 0, RUN_STRICT, NULL, err);
    for (size_t i = 0; i < b->tx_count && !s; i++) {
        enum evm_invalid reason;

        s = run_tx(&run, &b->txs[i], &reason, &why);
        if (s) {
            char hash[65] = {0};

            hex_encode(slice_of(b->txs[i].hash.bytes, 32), hash);
            (void)fan_error_set(err, s, "could not apply tx %zu [0x%s]: %s", i, hash, why.text);
        }
    }
    if (!s) s = run_finish(&run, &outcome, &diff, err);
    if (!s) s = check_outcome(&b->header, &outcome, f, err);
    run_close(&run);
    state_view_unref(view);
    if (s)
        state_diff_unref(diff);
    else
        *out_diff = diff;
    return s;
}

static enum fan_status import_block(struct local *l, struct block *b, struct fan_error *err)
{
    struct block *parent = head_peek(l);
    struct built built = {.block = b};
    enum fork f;
    enum fan_status s;

    if (b->header.number == 0) REFUSE("the file begins with another chain's genesis block");
    if (b->header.number != parent->header.number + 1 ||
        memcmp(&b->header.parent_hash, &parent->hash, sizeof parent->hash) != 0)
        REFUSE("unknown ancestor: the head is block %" PRIu64, parent->header.number);
    s = header_check(config_of(l), &parent->header, &b->header, err);
    if (s) return s;
    f = fork_at(config_of(l), b->header.number, b->header.timestamp);
    block_finish(b); /* hash and size, which the checks below name; receipts follow */
    s = check_body(l, b, f, err);
    if (!s) s = block_recover_senders(b, f >= FORK_HOMESTEAD, err);
    if (!s) s = execute(l, b, f, &built.diff, err);
    if (s) return s;
    if (!u256_add(&parent->total_difficulty, &b->header.difficulty, &b->total_difficulty)) {
        state_diff_unref(built.diff);
        REFUSE("total difficulty beyond 256 bits");
    }
    block_finish(b);
    s = head_move(l, parent->header.number, 0, &built, 1, false, err);
    state_diff_unref(built.diff);
    return s;
}

/* ---- a run of blocks ---- */

static void set_sync(struct local *l, bool syncing, uint64_t from, uint64_t highest)
{
    struct chain_sync sync = {.syncing = syncing,
                              .starting_block = from,
                              .current_block = head_peek(l)->header.number,
                              .highest_block = max_u64(highest, head_peek(l)->header.number)};

    (void)pthread_mutex_lock(&l->sync_lock);
    l->sync = sync;
    (void)pthread_mutex_unlock(&l->sync_lock);
    if (l->started) chain_publish(&l->chain, chain_event_syncing_new(&sync));
}

/* A file that holds a block twice: whoever read ahead could not know that the first would be taken. */
static bool taken_meanwhile(struct local *l, const struct block *b)
{
    struct fan_hash now, hash;

    if (b->header.number > head_peek(l)->header.number || blocks_hash_at(&l->index, b->header.number, &now)) return false;
    hash = header_hash(&b->header);
    return memcmp(&now, &hash, sizeof hash) == 0;
}

static enum fan_status next_block(struct local *l, struct intake *in, struct local_import_progress *p,
                                  struct block **out, struct fan_error *err)
{
    struct fan_error why = {{0}};
    uint64_t offset;
    enum fan_status s = intake_next(in, out, &p->passed, &offset, &why);

    if (s == FAN_EIO && offset == 0) return fan_error_set(err, s, "%s", why.text); /* it cannot even be opened */
    if (s && s != FAN_ENOTFOUND)
        (void)fan_error_set(err, s, "after block %" PRIu64 ", at byte %" PRIu64 ": %s%s", head_peek(l)->header.number,
                            offset, s == FAN_EFORMAT ? "not a block: " : "",
                            why.text[0] ? why.text : fan_status_text(s));
    return s;
}

enum fan_status import_one(struct import *i, struct fan_error *err)
{
    struct local *l = i->local;
    struct block *b;
    struct fan_error why = {{0}};
    enum fan_status s = next_block(l, i->in, &i->progress, &b, err);

    if (s && s != FAN_ENOTFOUND) return s;
    if (!i->begun) { /* only now it is known how far it goes */
        uint64_t highest;

        i->progress.count = intake_count(i->in, &highest);
        i->begun = true;
        set_sync(l, true, i->from, highest);
    }
    if (s) return s;
    if (taken_meanwhile(l, b)) {
        i->progress.passed++;
    } else if ((s = import_block(l, b, &why)) != FAN_OK) {
        (void)fan_error_set(err, s, "block %" PRIu64 ": %s", b->header.number,
                            why.text[0] ? why.text : fan_status_text(s));
    } else {
        i->progress.blocks++;
        i->progress.gas += b->header.gas_used;
        i->progress.head_number = b->header.number;
        atomic_store(&l->imported_number, b->header.number);
    }
    block_unref(b);
    if (s) return s;
    if (i->watch.progress) i->watch.progress(i->watch.ctx, &i->progress);
    if (i->watch.stop && i->watch.stop(i->watch.ctx))
        return fan_error_set(err, FAN_ECLOSED, "interrupted after block %" PRIu64, i->progress.head_number);
    return FAN_OK;
}

void import_begin(struct import *i, struct local *l, struct intake *in, const struct local_import_watch *watch)
{
    *i = (struct import){.local = l, .in = in, .from = head_peek(l)->header.number};
    if (watch) i->watch = *watch;
    i->progress.head_number = i->from;
}

void import_end(struct import *i, struct local_import_result *out)
{
    uint64_t head = head_peek(i->local)->header.number;

    if (i->begun) set_sync(i->local, false, i->from, head);
    intake_close(i->in);
    *out = (struct local_import_result){.blocks = i->progress.blocks, .head_number = head, .gas = i->progress.gas};
}

static enum fan_status run(struct local *l, struct intake *in, const struct local_import_watch *watch,
                           struct local_import_result *out_result, struct fan_error *err)
{
    struct import i;
    struct fan_error why = {""};
    enum fan_status s, kept = FAN_OK;

    /* Nobody is told of these blocks, so many of them may become durable in one transaction. */
    if (l->keep) kept = keep_behind(l->keep, true, err);
    if (kept) return kept;
    import_begin(&i, l, in, watch);
    do s = import_one(&i, err);
    while (!s);
    if (l->keep) kept = keep_imported(l->keep, atomic_load(&l->imported_number), &why);
    import_end(&i, out_result);
    if (s && s != FAN_ENOTFOUND) return s;
    return kept ? fan_error_set(err, kept, "%s", why.text) : FAN_OK;
}

enum fan_status local_import_bytes(struct local *l, struct slice bytes, struct local_import_result *out_result,
                                   struct fan_error *err)
{
    struct intake *in;
    enum fan_status s;

    *out_result = (struct local_import_result){.head_number = head_peek(l)->header.number};
    s = intake_open_bytes(bytes, config_of(l), &l->index, &in);
    if (s) return fan_error_set(err, s, "%s", fan_status_text(s));
    return run(l, in, NULL, out_result, err);
}

enum fan_status local_import_watched(struct local *l, const char *path, const struct local_import_watch *watch,
                                     struct local_import_result *out_result, struct fan_error *err)
{
    struct intake *in;
    enum fan_status s;

    *out_result = (struct local_import_result){.head_number = head_peek(l)->header.number};
    s = intake_open_file(path, config_of(l), &l->index, &in);
    if (s) return fan_error_set(err, s, "%s", fan_status_text(s));
    return run(l, in, watch, out_result, err);
}

enum fan_status local_import(struct local *l, const char *path, struct local_import_result *out_result,
                             struct fan_error *err)
{
    return local_import_watched(l, path, NULL, out_result, err);
}
