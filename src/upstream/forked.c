#include "upstream/forked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "upstream/forked_parts.h"

enum { ANSWER_LEN_MAX = 1 << 20 };

/* ---- asking ---- */

enum fan_status forked_ask(struct forked *f, const char *method, struct buf *params, struct arena *a, struct json *out,
                           struct fan_error *err)
{
    struct client_reply reply;
    struct fan_error why = {{0}};
    enum fan_status s =
        params->failed ? FAN_ENOMEM : client_call(atomic_load(&f->client), method, buf_peek(params), a, &reply, &why);

    buf_reset(params);
    if (s == FAN_EREJECTED) {
        (void)fan_error_set(err, s, "%s: %s: %s", f->remote.url, method, why.text);
        return s;
    }
    if (s) return err ? (*err = why, s) : s;
    *out = reply.result;
    return FAN_OK;
}

enum fan_status forked_unsound(struct forked *f, const char *method, struct fan_error *err)
{
    return fan_error_set(err, FAN_EREMOTE, "%s: %s: its result is not what it should be", f->remote.url, method);
}

enum fan_status forked_end_lookup(enum fan_status s, const struct fan_error *why)
{
    return s == FAN_EREMOTE || s == FAN_EREJECTED ? chain_remote_note(why) : s;
}

/* ---- blocks ---- */

static enum fan_status get_block_hash(struct chain_remote *r, uint64_t number, struct fan_hash *out)
{
    struct forked *f = forked_of(r);
    const struct block *b = r->block;
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    struct buf params;
    struct json v;
    uint8_t key[8];
    enum fan_status s;

    if (number > b->header.number) return FAN_ENOTFOUND;
    if (number == b->header.number || number + 1 == b->header.number) {
        *out = number == b->header.number ? b->hash : b->header.parent_hash;
        return FAN_OK;
    }
    put_be64(number, key);
    if (known_get(&f->known, RECORD_HASH, key, out)) return FAN_OK;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&params, 0);
    buf_printf(&params, "[\"0x%" PRIx64 "\",false]", number);
    s = forked_ask(f, "eth_getBlockByNumber", &params, &a, &v, &why);
    if (!s && json_read_hash(json_get(v, "hash"), out)) s = forked_unsound(f, "eth_getBlockByNumber", &why);
    if (!s) known_put(&f->known, RECORD_HASH, key, slice_of(out, sizeof *out));
    buf_fini(&params);
    arena_home_fini(&home);
    return forked_end_lookup(s, &why);
}

/* ---- any call ---- */

/* Is this block, transaction or receipt (or list of them) above the fork, or not yet in a block? */
static bool is_later(struct json v, uint64_t fork)
{
    struct json number;
    uint64_t n;

    if (json_is(v, JSON_ARRAY)) v = json_first(v);
    if (!json_is(v, JSON_OBJECT)) return false;
    number = json_get(v, "blockNumber");
    if (json_is(number, JSON_MISSING)) number = json_get(v, "number");
    if (json_is(number, JSON_MISSING)) return false;
    return json_read_u64(number, &n) || n > fork;
}

static enum fan_status request(struct chain_remote *r, const char *method, struct slice params, bool past,
                               struct arena *a, struct slice *out_result, int64_t *out_code, struct slice *out_data,
                               struct fan_error *err)
{
    struct forked *f = forked_of(r);
    struct client_reply reply;
    struct fan_hash key = {{0}};
    bool keep = past;
    enum fan_status s;

    if (keep) {
        struct buf text;

        buf_init(&text, 0);
        buf_put_str(&text, method);
        buf_put(&text, params);
        keep = !text.failed;
        key = keccak256(buf_peek(&text));
        buf_fini(&text);
    }
    if (keep && known_get_blob(&f->known, RECORD_ANSWER, &key, a, out_result))
        return out_result->at ? FAN_OK : FAN_ENOMEM;
    s = client_call(atomic_load(&f->client), method, params, a, &reply, err);
    *out_code = reply.code;
    *out_data = reply.data;
    if (s) return s;
    *out_result = json_raw(reply.result);
    if (past && is_later(reply.result, r->block->header.number)) {
        *out_result = SLICE("null");
        return FAN_OK;
    }
    if (keep && !json_is(reply.result, JSON_NULL) && out_result->len <= ANSWER_LEN_MAX)
        known_put(&f->known, RECORD_ANSWER, &key, *out_result);
    return FAN_OK;
}

/* ---- another URL ---- */

/* Is it a node of the same chain, with the very block? */
static enum fan_status check_node(struct forked *f, struct client *c, struct fan_error *err)
{
    const struct block *b = f->remote.block;
    struct client_reply reply;
    struct arena_home home;
    struct arena a;
    char params[40];
    struct fan_hash hash;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    (void)snprintf(params, sizeof params, "[%s,false]", f->at);
    s = client_call(c, "eth_getBlockByNumber", slice_str(params), &a, &reply, err);
    if (!s && (json_read_hash(json_get(reply.result, "hash"), &hash) || !hash_is(&hash, &b->hash)))
        s = fan_error_set(err, FAN_ENOTFOUND, "%s: its block %" PRIu64 " is not the fork's", client_url(c),
                          b->header.number);
    arena_home_fini(&home);
    return s == FAN_EREJECTED ? FAN_EREMOTE : s;
}

static enum fan_status set_url(struct chain_remote *r, const char *url, struct fan_error *err)
{
    struct forked *f = forked_of(r);
    struct client_options o = f->way;
    struct client *c = NULL;
    enum fan_status s;

    o.url = url;
    s = client_new(&o, &c, err);
    if (!s) s = check_node(f, c, err);
    if (!s) {
        (void)pthread_mutex_lock(&f->urls);
        if (f->replaced_count == FORKED_URLS_MAX) {
            s = fan_error_set(err, FAN_ELIMIT, "the URL was changed %d times: that is enough", FORKED_URLS_MAX);
        } else {
            f->replaced[f->replaced_count++] = atomic_exchange(&f->client, c); /* somebody may be calling it */
            f->remote.url = client_url(c);
        }
        (void)pthread_mutex_unlock(&f->urls);
    }
    if (s) client_free(c);
    return s;
}

/* ---- life ---- */

static void forked_free(struct chain_remote *r)
{
    struct forked *f = forked_of(r);

    client_free(atomic_load(&f->client));
    while (f->replaced_count) client_free(f->replaced[--f->replaced_count]);
    (void)pthread_mutex_destroy(&f->urls);
    block_unref(r->block);
    known_fini(&f->known);
    free(f);
}

static const struct chain_remote_ops ops = {
    .account = forked_account,
    .slot = forked_slot,
    .code = forked_code,
    .block_hash = get_block_hash,
    .request = request,
    .set_url = set_url,
    .free = forked_free,
};

static enum fan_status read_block(struct forked *f, struct json v, struct fan_error *err)
{
    struct block *b = block_new();
    struct fan_error why;
    struct arena a;
    enum fan_status s;

    if (!b) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    a = arena_of(&b->memory);
    s = forked_read_header(v, &a, &b->header, &b->hash, &why);
    if (s) {
        block_unref(b);
        return fan_error_set(err, FAN_EREMOTE, "%s: %s", f->remote.url, why.text);
    }
    b->has_receipts = true; /* its transactions are the node's to tell */
    f->remote.block = b;
    return FAN_OK;
}

/* Chain id and block. */
static enum fan_status get_ground(struct forked *f, const struct forked_options *o, struct arena *a,
                                  struct fan_error *err)
{
    struct buf params;
    struct json v;
    enum fan_status s;

    buf_init(&params, 0);
    buf_put_str(&params, "[]");
    s = forked_ask(f, "eth_chainId", &params, a, &v, err);
    if (!s && json_read_u64(v, &f->remote.chain_id)) s = forked_unsound(f, "eth_chainId", err);
    if (!s) {
        if (o->has_number)
            buf_printf(&params, "[\"0x%" PRIx64 "\",false]", o->number);
        else
            buf_put_str(&params, "[\"latest\",false]");
        s = forked_ask(f, "eth_getBlockByNumber", &params, a, &v, err);
    }
    buf_fini(&params);
    if (s == FAN_EREJECTED) return FAN_EREMOTE;
    if (s) return s;
    if (json_is(v, JSON_NULL))
        return fan_error_set(err, FAN_ENOTFOUND, "%s: it has no block %" PRIu64, f->remote.url, o->number);
    return read_block(f, v, err);
}

enum fan_status forked_open(const struct forked_options *o, struct chain_remote **out, struct fan_error *note,
                            struct fan_error *err)
{
    struct forked *f = calloc(1, sizeof *f);
    struct client *first = NULL;
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    if (!f) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    f->remote.ops = &ops;
    ref_init(&f->remote.ref);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    known_init(&f->known);
    (void)pthread_mutex_init(&f->urls, NULL);
    f->way = o->client;
    f->way.url = NULL;
    f->way.headers = NULL; /* they were for the first one's ears */
    f->way.header_count = 0;
    s = client_new(&o->client, &first, err);
    if (!s) {
        atomic_store(&f->client, first);
        f->remote.url = client_url(first);
        f->remote.backoff_ms = o->client.backoff_ms ? o->client.backoff_ms : 1000;
        s = get_ground(f, o, &a, err);
    }
    if (!s) {
        const struct block *b = f->remote.block;

        (void)snprintf(f->at, sizeof f->at, "\"0x%" PRIx64 "\"", b->header.number);
        if (o->folder && cache_open(o->folder, f->remote.chain_id, b->header.number, &b->hash, known_recall, &f->known,
                                    &f->known.disk, note, &why))
            (void)fan_error_set(note, FAN_OK, "nothing is cached on disk: %s", why.text); /* slower, not wrong */
    }
    arena_home_fini(&home);
    if (s)
        forked_free(&f->remote);
    else
        *out = &f->remote;
    return s;
}

uint64_t forked_calls(const struct chain_remote *r)
{
    return client_calls(atomic_load(&((struct forked *)(uintptr_t)r)->client));
}
