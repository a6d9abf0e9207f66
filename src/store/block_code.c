/* A block as three rows of bytes, both ways. */
#include "eth/list_count.h"
#include "store/block_rows.h"

/* ---- writing ---- */

static void put_log(const struct log *l, struct buf *b)
{
    size_t log = rlp_list_begin(b), topics;

    rlp_put_address(b, &l->address);
    topics = rlp_list_begin(b);
    for (size_t i = 0; i < l->topic_count; i++) rlp_put_hash(b, &l->topics[i]);
    rlp_list_end(b, topics);
    rlp_put_bytes(b, l->data);
    rlp_list_end(b, log);
}

static void put_receipt(const struct receipt *r, struct buf *b)
{
    size_t receipt = rlp_list_begin(b), logs;

    if (r->has_state_root)
        rlp_put_hash(b, &r->state_root);
    else
        rlp_put_u64(b, r->status);
    rlp_put_u64(b, r->cumulative_gas_used);
    rlp_put_u64(b, r->blob_gas_price_wei);
    logs = rlp_list_begin(b);
    for (size_t i = 0; i < r->log_count; i++) put_log(&r->logs[i], b);
    rlp_list_end(b, logs);
    rlp_list_end(b, receipt);
}

static void put_outcome(const struct block *block, struct buf *b)
{
    size_t outcome = rlp_list_begin(b), list;

    rlp_put_u256(b, &block->total_difficulty);
    list = rlp_list_begin(b);
    for (size_t i = 0; i < block->tx_count; i++) rlp_put_address(b, &block->txs[i].sender);
    rlp_list_end(b, list);
    list = rlp_list_begin(b);
    for (size_t i = 0; i < block->tx_count; i++) put_receipt(&block->receipts[i], b);
    rlp_list_end(b, list);
    rlp_list_end(b, outcome);
}

void store_block_encode(const struct block *b, struct buf *header, struct buf *body, struct buf *outcome)
{
    assert(b->has_receipts);
    header_put(&b->header, header);
    block_put_body(b, body);
    put_outcome(b, outcome);
}

/* ---- reading ---- */

enum { RECEIPT_MIN = 5, LOG_MIN = 24, TOPICS_MAX = 4 }; /* bytes of the shortest encodings */

struct outcome {
    struct block *block;
    struct arena a;
    struct log *logs; /* of the block; receipts point into them */
    size_t log_count;
};

static enum fan_status read_log(struct rlp *r, struct outcome *o, struct log *l)
{
    struct rlp log = rlp_enter(r), topics;
    struct fan_hash *list;
    size_t count;

    l->address = rlp_address(&log, NULL);
    topics = rlp_enter(&log);
    count = list_count(&topics, 33);
    if (count > TOPICS_MAX) {
        rlp_fail(&topics, "more than four topics");
        count = 0;
    }
    list = ARENA_ARRAY(&o->a, count, struct fan_hash);
    if (!list) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) list[i] = rlp_hash(&topics);
    rlp_leave(&log, &topics);
    l->topics = list;
    l->topic_count = count;
    l->data = rlp_bytes(&log);
    rlp_leave(r, &log);
    if (r->failed) return FAN_OK;
    l->data = arena_dup(&o->a, l->data);
    return l->data.at ? FAN_OK : FAN_ENOMEM;
}

/* Counts the logs of all receipts first, since they are one array. */
static size_t count_logs(struct rlp receipts)
{
    size_t count = 0;

    while (rlp_more(&receipts)) {
        struct rlp one = rlp_enter(&receipts), logs;

        rlp_skip(&one);
        rlp_skip(&one);
        rlp_skip(&one);
        logs = rlp_enter(&one);
        count += list_count(&logs, LOG_MIN);
        if (one.failed || receipts.failed) return 0; /* told when it is read for good */
    }
    return count;
}

static enum fan_status read_receipt(struct rlp *r, struct outcome *o, struct receipt *out, size_t log_max)
{
    struct rlp one = rlp_enter(r), logs;
    struct slice first = rlp_bytes(&one);
    enum fan_status s = FAN_OK;

    if (first.len == 32) {
        out->has_state_root = true;
        memcpy(out->state_root.bytes, first.at, 32);
    } else if (first.len == 1 && first.at[0] == 1) {
        out->status = 1;
    } else if (first.len) {
        rlp_fail(&one, "a status that is none");
    }
    out->cumulative_gas_used = rlp_u64(&one);
    out->blob_gas_price_wei = rlp_u64(&one);
    logs = rlp_enter(&one);
    out->logs = o->logs + o->log_count;
    while (!s && rlp_more(&logs)) {
        if (o->log_count == log_max) {
            rlp_fail(&logs, "more logs than were counted");
            break;
        }
        s = read_log(&logs, o, &o->logs[o->log_count]);
        o->log_count++;
        out->log_count++;
    }
    rlp_leave(&one, &logs);
    rlp_leave(r, &one);
    return s;
}

static enum fan_status read_receipts(struct rlp *r, struct outcome *o)
{
    struct rlp list = rlp_enter(r);
    size_t log_max = count_logs(list);
    struct block *b = o->block;
    enum fan_status s = FAN_OK;

    b->receipts = ARENA_ARRAY(&o->a, b->tx_count, struct receipt);
    o->logs = ARENA_ARRAY(&o->a, log_max, struct log);
    if (!b->receipts || !o->logs) return FAN_ENOMEM;
    for (size_t i = 0; i < b->tx_count && !s; i++) s = read_receipt(&list, o, &b->receipts[i], log_max);
    rlp_leave(r, &list);
    b->logs = o->logs;
    b->log_count = o->log_count;
    return s;
}

static enum fan_status read_outcome(struct slice bytes, struct block *b, struct fan_error *err)
{
    struct outcome o = {.block = b, .a = {.home = &b->memory}}; /* behind what the block's own parts took */
    struct rlp r = rlp_of(bytes), whole = rlp_enter(&r), senders;
    enum fan_status s;

    b->total_difficulty = rlp_u256(&whole);
    senders = rlp_enter(&whole);
    for (size_t i = 0; i < b->tx_count; i++) {
        b->txs[i].sender = rlp_address(&senders, NULL);
        b->txs[i].has_sender = true;
    }
    rlp_leave(&whole, &senders);
    s = read_receipts(&whole, &o);
    rlp_leave(&r, &whole);
    if (s) return fan_error_set(err, s, "out of memory");
    if (rlp_end(&r)) return fan_error_set(err, FAN_EFORMAT, "outcome: %s", r.why);
    for (size_t i = 0; i < b->tx_count; i++) receipt_set_bloom(&b->receipts[i]);
    b->has_receipts = true;
    block_finish(b);
    return FAN_OK;
}

enum fan_status store_block_decode(struct slice header, struct slice body, struct slice outcome, struct block **out,
                                   struct fan_error *err)
{
    struct buf whole;
    struct block *b = NULL;
    struct rlp r;
    size_t list;
    enum fan_status s;

    /* The two rows are joined below, so an item that lies on the wrong side of their border would not be seen there. */
    r = rlp_of(header);
    rlp_skip(&r);
    if (rlp_end(&r)) return fan_error_set(err, FAN_EFORMAT, "header: %s", r.why);
    buf_init(&whole, 0);
    list = rlp_list_begin(&whole);
    rlp_put_raw(&whole, header);
    rlp_put_raw(&whole, body);
    rlp_list_end(&whole, list);
    if (whole.failed) {
        s = fan_error_set(err, FAN_ENOMEM, "out of memory");
    } else {
        r = rlp_of(buf_peek(&whole));
        s = block_decode(&r, &b, err);
    }
    buf_fini(&whole);
    if (!s) s = read_outcome(outcome, b, err);
    if (s) {
        block_unref(b);
        return s;
    }
    *out = b;
    return FAN_OK;
}
