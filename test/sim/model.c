/* The chain: grows, reorganises, goes back, and writes down what each change is to mean to whom, in the order of
 * promise 4, before it is published. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

enum { REMOVED_MAX = 3, ADDED_MAX = 4, LOGS_MAX = 4 };

/* ---- filters, matched in the plainest way ---- */

bool filter_wants(const struct sim_filter *f, const struct sim_item *i)
{
    if (f->addresses && !(f->addresses >> i->address & 1)) return false;
    if (i->topic_count < f->positions) return false;
    for (size_t n = 0; n < f->positions; n++)
        if (f->topics[n] && !(f->topics[n] >> i->topics[n] & 1)) return false;
    return true;
}

static void put_set(struct buf *out, unsigned bits, size_t digits)
{
    const char *comma = "";

    buf_put_byte(out, '[');
    for (unsigned n = 0; bits >> n; n++) {
        if (!(bits >> n & 1)) continue;
        buf_printf(out, "%s\"0x%0*x\"", comma, (int)digits, n + 1);
        comma = ",";
    }
    buf_put_byte(out, ']');
}

void filter_put(const struct sim_filter *f, struct buf *out)
{
    buf_put_byte(out, '{');
    if (f->addresses) {
        buf_put_str(out, "\"address\":");
        put_set(out, f->addresses, 40);
    }
    if (f->positions) {
        buf_put_str(out, f->addresses ? ",\"topics\":[" : "\"topics\":[");
        for (size_t n = 0; n < f->positions; n++) {
            if (n) buf_put_byte(out, ',');
            if (f->topics[n])
                put_set(out, f->topics[n], 64);
            else
                buf_put_str(out, "null");
        }
        buf_put_byte(out, ']');
    }
    buf_put_byte(out, '}');
}

/* ---- what is to be told ---- */

static struct sim_item *item_add(struct sim_model *m, enum sim_item_kind kind)
{
    if (m->item_count == m->item_cap) {
        m->item_cap = m->item_cap ? 2 * m->item_cap : 256;
        m->items = realloc(m->items, m->item_cap * sizeof *m->items);
        if (!m->items) abort();
    }
    m->items[m->item_count] = (struct sim_item){.sequence = m->chain.sequence + 1, .kind = kind};
    return &m->items[m->item_count++];
}

static void item_text(struct sim_item *i, struct buf *text)
{
    if (text->failed) abort();
    i->text = (char *)buf_take(text, &i->len);
}

static void tell_log(struct sim_model *m, const struct log *l, bool removed)
{
    struct sim_item *i = item_add(m, ITEM_LOG);
    struct buf text = {0};
    struct json_writer w = json_writer_of(&text);

    i->address = (uint8_t)(l->address.bytes[19] - 1);
    i->topic_count = (uint8_t)l->topic_count;
    for (size_t n = 0; n < l->topic_count; n++) i->topics[n] = (uint8_t)(l->topics[n].bytes[31] - 1);
    log_put_json(l, removed, &w);
    item_text(i, &text);
}

static void tell_block(struct sim_model *m, const struct block *b)
{
    struct buf text = {0};
    struct json_writer w = json_writer_of(&text);

    json_begin_object(&w);
    header_put_json_members(&b->header, &b->hash, &w);
    json_end_object(&w);
    item_text(item_add(m, ITEM_HEADER), &text);
    for (size_t i = 0; i < b->log_count; i++) tell_log(m, &b->logs[i], false);
    if (!b->tx_count) return;
    w = json_writer_of(&text);
    block_put_receipts_json(b, &w);
    item_text(item_add(m, ITEM_RECEIPTS), &text);
}

/* From here on it is the server's code, and may lack memory. */
static void publish(struct sim_world *w, struct chain_event *e)
{
    bool in_server = w->in_server;

    if (!e) abort();
    w->in_server = false; /* nobody else runs within this one */
    (void)memory_arm(true);
    chain_publish(&w->model.chain, e);
    (void)memory_arm(false);
    w->in_server = in_server;
}

/* ---- blocks ---- */

static struct fan_hash hash_of(uint8_t what, uint64_t serial)
{
    struct fan_hash h = {{what}};

    put_be64(serial, h.bytes + 24);
    return h;
}

static void fill_logs(struct block *b, struct arena *a, uint32_t random)
{
    struct fan_hash *topics = ARENA_ARRAY(a, 2 * LOGS_MAX, struct fan_hash);

    if (!topics) abort();
    for (size_t i = 0; i < b->log_count; i++) {
        struct log *l = &b->logs[i];
        uint64_t chance = sim_mix(random + i);

        l->address.bytes[19] = (uint8_t)(1 + chance % SIM_ADDRESSES);
        l->topic_count = chance >> 8 & 3 ? 1 + (chance >> 10 & 1) : 0;
        for (size_t n = 0; n < l->topic_count; n++)
            topics[2 * i + n].bytes[31] = (uint8_t)(1 + (chance >> (16 + 4 * n)) % SIM_TOPICS);
        l->topics = &topics[2 * i];
        l->block_hash = b->hash;
        l->block_number = b->header.number;
        l->tx_hash = b->txs[0].hash;
        l->index = i;
    }
}

static struct block *block_make(struct sim_model *m, uint32_t random)
{
    struct block *b = block_new();
    struct arena a;

    if (!b) abort();
    a = arena_of(&b->memory);
    b->header.number = ++m->number;
    b->header.timestamp = ++m->serial;
    b->hash = hash_of(0xb1, m->serial);
    b->log_count = random % (LOGS_MAX + 1);
    b->tx_count = b->log_count ? 1 : random >> 8 & 1;
    b->txs = ARENA_ARRAY(&a, 1, struct tx);
    b->receipts = ARENA_ARRAY(&a, 1, struct receipt);
    b->logs = ARENA_ARRAY(&a, LOGS_MAX, struct log);
    if (!b->txs || !b->receipts || !b->logs) abort();
    b->has_receipts = b->txs[0].has_sender = b->txs[0].has_to = true;
    b->txs[0].hash = hash_of(0x71, m->serial);
    fill_logs(b, &a, random);
    b->receipts[0].logs = b->logs;
    b->receipts[0].log_count = b->log_count;
    receipt_set_bloom(&b->receipts[0]);
    b->header.logs_bloom = b->receipts[0].logs_bloom;
    return b;
}

static void branch_push(struct sim_model *m, struct block *b)
{
    if (m->depth == SIM_DEPTH_MAX) {
        block_unref(m->branch[0]);
        memmove(m->branch, m->branch + 1, (SIM_DEPTH_MAX - 1) * sizeof m->branch[0]);
        m->depth--;
    }
    m->branch[m->depth++] = block_ref(b);
}

static void change_head(struct sim_world *w, size_t removed_count, size_t added_count, uint32_t random)
{
    struct sim_model *m = &w->model;
    struct block *removed[REMOVED_MAX], *added[ADDED_MAX], *head;
    struct chain_event *e;
    size_t n = 0;

    if (m->depth && removed_count >= m->depth) removed_count = m->depth - 1; /* a head must remain */
    for (; n < removed_count && m->depth; n++) {
        removed[n] = m->branch[--m->depth];
        m->number--;
    }
    if (n + added_count == 0) return;
    for (size_t i = 0; i < n; i++)
        for (size_t j = removed[i]->log_count; j-- > 0;) tell_log(m, &removed[i]->logs[j], true);
    for (size_t i = 0; i < added_count; i++) {
        added[i] = block_make(m, (uint32_t)sim_mix(random + i));
        branch_push(m, added[i]);
        tell_block(m, added[i]);
    }
    head = added_count ? added[added_count - 1] : m->branch[m->depth - 1];
    sim_say(w, "event %llu: %zu blocks removed, %zu added, head %llu", (unsigned long long)m->chain.sequence + 1, n,
            added_count, (unsigned long long)m->number);
    e = chain_event_head_new(removed, n, added, added_count, head);
    atomic_store(&m->chain.head_number, m->number);
    publish(w, e);
    for (size_t i = 0; i < n; i++) block_unref(removed[i]);
    for (size_t i = 0; i < added_count; i++) block_unref(added[i]);
}

/* ---- what waits, and syncing ---- */

static void pending(struct sim_world *w)
{
    static const uint8_t encoded[] = {0xc0};
    struct sim_model *m = &w->model;
    struct tx tx = {.has_sender = true, .has_to = true, .encoded = {encoded, sizeof encoded}};
    struct pending_tx *p;
    struct buf text = {0};
    struct json_writer out = json_writer_of(&text);

    tx.nonce = ++m->serial;
    tx.hash = hash_of(0x7e, m->serial);
    json_put_hash(&out, &tx.hash);
    item_text(item_add(m, ITEM_HASH), &text);
    out = json_writer_of(&text);
    tx_put_json(&tx, NULL, &out);
    item_text(item_add(m, ITEM_BODY), &text);
    p = pending_tx_new(&tx);
    if (!p) abort();
    sim_say(w, "event %llu: transaction %llu waits", (unsigned long long)m->chain.sequence + 1,
            (unsigned long long)m->serial);
    publish(w, chain_event_pending_new(p));
    pending_tx_unref(p);
}

static void sync_write_down(struct sim_model *m, uint64_t sequence)
{
    char *text = m->syncs[m->sync_count];
    const struct chain_sync *s = &m->sync;

    if (s->syncing)
        (void)snprintf(text, sizeof m->syncs[0],
                       "{\"syncing\":true,\"status\":{\"startingBlock\":\"0x%llx\",\"currentBlock\":\"0x%llx\","
                       "\"highestBlock\":\"0x%llx\"}}",
                       (unsigned long long)s->starting_block, (unsigned long long)s->current_block,
                       (unsigned long long)s->highest_block);
    else
        (void)snprintf(text, sizeof m->syncs[0], "false");
    m->sync_sequences[m->sync_count++] = sequence;
}

/* An announcement that changes nothing is told to nobody: a state is written down where it differs from the last. */
static void syncing(struct sim_world *w, uint32_t random)
{
    struct sim_model *m = &w->model;

    if (m->sync_count == SIM_SYNCS_MAX) return;
    if (random % 4 == 0) {
        if (m->sync.syncing) sync_write_down((m->sync = (struct chain_sync){0}, m), m->chain.sequence + 1);
    } else if (random % 4 != 1) {
        uint64_t base = ++m->serial;

        m->sync = (struct chain_sync){true, base, base + 1, base + 2};
        sync_write_down(m, m->chain.sequence + 1);
    }
    sim_say(w, "event %llu: syncing %s", (unsigned long long)m->chain.sequence + 1, m->syncs[m->sync_count - 1]);
    publish(w, chain_event_syncing_new(&m->sync));
}

/* ---- the door ---- */

static void ops_sync(struct chain *c, struct chain_sync *out)
{
    *out = ((struct sim_model *)(void *)c)->sync;
}

static void writer_wake(void *ctx)
{
    struct sim_world *w = ctx;

    w->model.writer_due_ms = w->now_ms + sim_mix(w->turns ^ w->plan->seed) % 60;
}

void model_init(struct sim_world *w)
{
    struct sim_model *m = &w->model;

    m->ops.sync = ops_sync;
    m->chain.ops = &m->ops;
    m->chain.writer = &m->writer;
    mailbox_init(&m->writer, writer_wake, w);
    m->writer_due_ms = UINT64_MAX;
    m->number = 100;
    sync_write_down(m, 0);
}

void model_fini(struct sim_world *w)
{
    struct sim_model *m = &w->model;

    while (m->depth) block_unref(m->branch[--m->depth]);
    for (size_t i = 0; i < m->item_count; i++) free(m->items[i].text);
    free(m->items);
}

void model_do(struct sim_world *w, const struct sim_step *s)
{
    switch (s->action) {
    case DO_BLOCKS:
        change_head(w, 0, 1 + (s->a % 8 == 0 ? s->b % ADDED_MAX : 0), s->c);
        break;
    case DO_REORG:
        change_head(w, 1 + s->a % REMOVED_MAX, 1 + s->b % ADDED_MAX, s->c);
        break;
    case DO_REVERT:
        change_head(w, 1 + s->a % REMOVED_MAX, 0, s->c);
        break;
    case DO_PENDING:
        pending(w);
        break;
    default:
        syncing(w, s->a);
        break;
    }
}
