#include "local/intake.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

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
    char *path;              /* NULL: bytes */
    struct block_file *file; /* NULL: not open yet */
    struct slice bytes, rest;
    uint64_t count, last_number;

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

/* Opening and reading a file may take for ever: intake_close() ends it there, by cancelling the thread, and nowhere
 * else.
 */
static void interruptible(bool on)
{
    (void)pthread_setcancelstate(on ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, NULL);
}

static enum fan_status next_raw(struct intake *in, struct slice *out, uint64_t *out_offset, struct fan_error *err)
{
    struct rlp r = rlp_of(in->rest);

    if (in->file) {
        enum fan_status s;

        interruptible(true);
        s = block_file_next(in->file, out, err);
        interruptible(false);

        *out_offset = block_file_offset(in->file);
        return s;
    }
    assert(!in->path);
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
    if (blocks_by_hash(in->blocks, &hash, &canonical, &b)) return false;
    block_unref(b);
    return canonical;
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

static uint64_t number_of(struct slice raw)
{
    struct rlp outer = rlp_of(raw), inside = rlp_enter(&outer), header = rlp_enter(&inside);
    uint64_t number;

    for (int i = 0; i < 8; i++) rlp_skip(&header); /* what stands before it: eth/header.h */
    number = rlp_u64(&header);
    return header.failed ? 0 : number;
}

/* Reads over all of them, up to one that is damaged. */
static void count(struct intake *in)
{
    struct slice raw;
    uint64_t offset;

    for (; !next_raw(in, &raw, &offset, NULL); in->count++) in->last_number = number_of(raw);
}

/* The file is open and counted, or the first thing made ready says why not. */
static bool begin(struct intake *in)
{
    struct ready *r = &in->ready[0];

    interruptible(true);
    r->status = block_file_open(in->path, &in->file, &r->err);
    interruptible(false);
    if (r->status) return false;
    if (!block_file_rewind(in->file)) return true; /* a pipe: it can only be read once */
    count(in);
    if (block_file_rewind(in->file)) return true;
    r->status = fan_error_set(&r->err, FAN_EIO, "it cannot be read from the beginning again");
    return false;
}

static bool full(const struct intake *in)
{
    return in->made - in->taken == READY_MAX || (in->made != in->taken && in->ready_bytes >= READY_BYTES_MAX);
}

static void publish(struct intake *in, size_t len)
{
    (void)pthread_mutex_lock(&in->lock);
    in->made++;
    in->ready_bytes += len;
    (void)pthread_cond_broadcast(&in->changed);
    (void)pthread_mutex_unlock(&in->lock);
}

/* The next place to fill; NULL: nobody wants it any more. */
static struct ready *place(struct intake *in)
{
    struct ready *r;

    (void)pthread_mutex_lock(&in->lock);
    while (full(in) && !in->closing) (void)pthread_cond_wait(&in->changed, &in->lock);
    r = in->closing ? NULL : &in->ready[in->made % READY_MAX];
    (void)pthread_mutex_unlock(&in->lock);
    return r;
}

static void *reader(void *ctx)
{
    struct intake *in = ctx;
    struct ready *r;

    interruptible(false);
    if (!begin(in)) {
        publish(in, 0);
        return NULL;
    }
    while ((r = place(in)) != NULL) {
        enum fan_status s;

        make_ready(in, r); /* nobody looks at a place beyond `made` */
        s = r->status;
        publish(in, r->len);
        if (s) break;
    }
    return NULL;
}

bool intake_ready(struct intake *in, unsigned wait_ms)
{
    struct timespec until;
    bool ready;
    int waited = 0;

    if (!in->threaded) return true;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)wait_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&in->lock);
    while (in->made == in->taken && !waited) waited = pthread_cond_timedwait(&in->changed, &in->lock, &until);
    ready = in->made != in->taken;
    (void)pthread_mutex_unlock(&in->lock);
    return ready;
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
    if (r.status) return r.err.text[0] ? fan_error_set(err, r.status, "%s", r.err.text) : r.status;
    *out = r.block;
    return FAN_OK;
}

/* ---- life ---- */

static struct intake *intake_new(const struct chain_config *config, struct blocks *blocks)
{
    struct intake *in = calloc(1, sizeof *in);
    pthread_condattr_t attr;

    if (!in) return NULL;
    in->config = config;
    in->blocks = blocks;
    (void)pthread_mutex_init(&in->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&in->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    return in;
}

enum fan_status intake_open_bytes(struct slice bytes, const struct chain_config *config, struct blocks *blocks,
                                  struct intake **out)
{
    struct intake *in = intake_new(config, blocks);

    if (!in) return FAN_ENOMEM;
    in->bytes = in->rest = bytes;
    count(in);
    in->rest = bytes;
    *out = in;
    return FAN_OK;
}

enum fan_status intake_open_file(const char *path, const struct chain_config *config, struct blocks *blocks,
                                 struct intake **out)
{
    struct intake *in = intake_new(config, blocks);

    if (!in) return FAN_ENOMEM;
    in->path = strdup(path);
    if (in->path) in->threaded = pthread_create(&in->thread, NULL, reader, in) == 0;
    if (!in->threaded) {
        enum fan_status s = in->path ? FAN_ESYSTEM : FAN_ENOMEM;

        intake_close(in);
        return s;
    }
    (void)pthread_setname_np(in->thread, "intake");
    *out = in;
    return FAN_OK;
}

uint64_t intake_count(const struct intake *in, uint64_t *out_last_number)
{
    *out_last_number = in->last_number;
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
        (void)pthread_cancel(in->thread);
        (void)pthread_join(in->thread, NULL);
    }
    for (; in->taken < in->made; in->taken++) block_unref(in->ready[in->taken % READY_MAX].block);
    block_file_close(in->file);
    free(in->path);
    (void)pthread_mutex_destroy(&in->lock);
    (void)pthread_cond_destroy(&in->changed);
    free(in);
}
