#include "local/intake.h"

#include <pthread.h>
#include <stdlib.h>

#include "codec/keccak.h"
#include "local/block_file.h"

/* What may be ready ahead: enough that neither side waits for a single large block. */
enum { READY_MAX = 64, READY_BYTES_MAX = 64 * 1024 * 1024 };

struct ready {
    enum fan_status status; /* FAN_OK: a block; anything else is the last */
    struct block *block;
    uint64_t passed, offset;
    size_t len;
    struct fan_error err;
};

struct intake {
    const struct chain_config *config;
    struct blocks *blocks;
    struct block_file *file; /* NULL: bytes */
    struct slice bytes, rest;
    uint64_t count;

    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct ready ready[READY_MAX];
    uint64_t made, taken; /* ready[taken … made - 1], modulo READY_MAX */
    size_t ready_bytes;
    bool closing;
};

/* ---- making one ready ---- */

static enum fan_status next_raw(struct intake *in, struct slice *out, uint64_t *out_offset, struct fan_error *err)
{
    struct rlp r = rlp_of(in->rest);

    if (in->file) {
        enum fan_status s = block_file_next(in->file, out, err);

        *out_offset = block_file_offset(in->file);
        return s;
    }
    *out_offset = in->bytes.len - in->rest.len;
    if (!in->rest.len) return FAN_ENOTFOUND;
    *out = rlp_raw(&r);
    if (r.failed) return fan_error_set(err, FAN_EFORMAT, "%s", r.why);
    in->rest = r.rest;
    return FAN_OK;
}

/* By the hash of its header, before anything else of it is looked at. */
static bool already_there(struct intake *in, struct slice raw)
{
    struct rlp outer = rlp_of(raw), inside = rlp_enter(&outer);
    struct slice header = rlp_raw(&inside);
    struct fan_hash hash;
    struct block *b;
    bool canonical = false;

    if (outer.failed || inside.failed) return false;
    hash = keccak256(header);
    b = blocks_by_hash(in->blocks, &hash, &canonical);
    block_unref(b);
    return b && canonical;
}

static void recover(struct intake *in, struct block *b)
{
    enum fork f = fork_at(in->config, b->header.number, b->header.timestamp);

    if (block_recover_senders(b, f >= FORK_HOMESTEAD, NULL)) return; /* the importer will meet it again, and say so */
}

static void make_ready(struct intake *in, struct ready *r)
{
    struct slice raw;
    struct rlp one;

    *r = (struct ready){0};
    for (;;) {
        r->status = next_raw(in, &raw, &r->offset, &r->err);
        if (r->status) return;
        if (!already_there(in, raw)) break;
        r->passed++;
    }
    one = rlp_of(raw);
    r->len = raw.len;
    r->status = block_decode(&one, &r->block, &r->err);
    if (!r->status) recover(in, r->block);
}

/* ---- the thread ---- */

static bool full(const struct intake *in)
{
    return in->made - in->taken == READY_MAX || (in->made != in->taken && in->ready_bytes >= READY_BYTES_MAX);
}

static void *reader(void *ctx)
{
    struct intake *in = ctx;
    bool last = false;

    while (!last) {
        struct ready *r;

        (void)pthread_mutex_lock(&in->lock);
        while (full(in) && !in->closing) (void)pthread_cond_wait(&in->changed, &in->lock);
        r = &in->ready[in->made % READY_MAX];
        last = in->closing;
        (void)pthread_mutex_unlock(&in->lock);
        if (last) break;
        make_ready(in, r); /* nobody looks at a place beyond `made` */
        last = r->status != FAN_OK;
        (void)pthread_mutex_lock(&in->lock);
        in->made++;
        in->ready_bytes += r->len;
        (void)pthread_cond_broadcast(&in->changed);
        (void)pthread_mutex_unlock(&in->lock);
    }
    return NULL;
}

/* Whatever stands last stays there: to ask again is to hear the same. */
static void take_ready(struct intake *in, struct ready *out)
{
    (void)pthread_mutex_lock(&in->lock);
    while (in->made == in->taken) (void)pthread_cond_wait(&in->changed, &in->lock);
    *out = in->ready[in->taken % READY_MAX];
    if (!out->status) {
        in->ready[in->taken % READY_MAX].block = NULL;
        in->taken++;
        in->ready_bytes -= out->len;
        (void)pthread_cond_broadcast(&in->changed);
    }
    (void)pthread_mutex_unlock(&in->lock);
}

enum fan_status intake_next(struct intake *in, struct block **out, uint64_t *out_passed, uint64_t *out_offset,
                            struct fan_error *err)
{
    struct ready r;

    if (in->threaded)
        take_ready(in, &r);
    else
        make_ready(in, &r);
    *out_passed += r.passed;
    *out_offset = r.offset;
    if (r.status)
        return r.err.text[0] ? fan_error_set(err, r.status, "%s", r.err.text) : r.status;
    *out = r.block;
    return FAN_OK;
}

/* ---- life ---- */

static struct intake *intake_new(const struct chain_config *config, struct blocks *blocks)
{
    struct intake *in = calloc(1, sizeof *in);

    if (!in) return NULL;
    in->config = config;
    in->blocks = blocks;
    (void)pthread_mutex_init(&in->lock, NULL);
    (void)pthread_cond_init(&in->changed, NULL);
    return in;
}

enum fan_status intake_open_bytes(struct slice bytes, const struct chain_config *config, struct blocks *blocks,
                                  struct intake **out)
{
    struct intake *in = intake_new(config, blocks);
    struct rlp r = rlp_of(bytes);

    if (!in) return FAN_ENOMEM;
    in->bytes = in->rest = bytes;
    for (; rlp_more(&r); in->count += !r.failed) rlp_skip(&r);
    *out = in;
    return FAN_OK;
}

enum fan_status intake_open_file(const char *path, const struct chain_config *config, struct blocks *blocks,
                                 struct intake **out, struct fan_error *err)
{
    struct intake *in = intake_new(config, blocks);
    enum fan_status s;

    if (!in) return FAN_ENOMEM;
    s = block_file_open(path, &in->file, err);
    if (s) {
        intake_close(in);
        return s;
    }
    in->count = block_file_count(in->file);
    /* Without a thread the work is done all the same. */
    in->threaded = pthread_create(&in->thread, NULL, reader, in) == 0;
    if (in->threaded) (void)pthread_setname_np(in->thread, "intake");
    *out = in;
    return FAN_OK;
}

uint64_t intake_count(const struct intake *in)
{
    return in->count;
}

void intake_close(struct intake *in)
{
    if (!in) return;
    if (in->threaded) {
        (void)pthread_mutex_lock(&in->lock);
        in->closing = true;
        (void)pthread_cond_broadcast(&in->changed);
        (void)pthread_mutex_unlock(&in->lock);
        (void)pthread_join(in->thread, NULL);
    }
    for (; in->taken < in->made; in->taken++) block_unref(in->ready[in->taken % READY_MAX].block);
    block_file_close(in->file);
    (void)pthread_mutex_destroy(&in->lock);
    (void)pthread_cond_destroy(&in->changed);
    free(in);
}
