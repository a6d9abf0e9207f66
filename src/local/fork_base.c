#include "local/fork_base.h"

#include <stdlib.h>

#include "local/mem_base.h"

struct fork_base {
    struct state_base own;
    struct chain_remote *remote;
};

static char let_go; /* state_read.txn points here once the lock below was given back */

static enum fan_status read_begin(void *ctx, struct state_read *out)
{
    struct fork_base *f = ctx;

    return f->own.ops->read_begin(f->own.ctx, out);
}

static void read_end(void *ctx, struct state_read *r)
{
    struct fork_base *f = ctx;

    if (r->txn != &let_go) f->own.ops->read_end(f->own.ctx, r);
}

/* Before the network is waited for: a reading is one lookup, and this was it. */
static void end_early(struct fork_base *f, struct state_read *r)
{
    f->own.ops->read_end(f->own.ctx, r);
    r->txn = &let_go;
}

static enum fan_status read_point(void *ctx, struct state_read *r, uint64_t version, struct state_point *out)
{
    struct fork_base *f = ctx;

    return f->own.ops->point(f->own.ctx, r, version, out);
}

static enum fan_status read_account(void *ctx, struct state_read *r, uint64_t version,
                                    const struct fan_address *address, struct state_account *out)
{
    struct fork_base *f = ctx;
    struct chain_account there;
    enum fan_status s;

    if (mem_base_account(&f->own, version, address, out)) return FAN_OK;
    end_early(f, r);
    s = f->remote->ops->account(f->remote, address, &there);
    if (s) return s;
    *out = state_account_none();
    if (!there.exists) return FAN_OK;
    *out = (struct state_account){.exists = true,
                                  .nonce = there.nonce,
                                  .balance_wei = there.balance_wei,
                                  .code_hash = there.code_hash,
                                  .storage_root = there.storage_root};
    return FAN_OK;
}

static enum fan_status read_slot(void *ctx, struct state_read *r, uint64_t version, const struct state_slot_key *key,
                                 struct fan_u256 *out)
{
    struct fork_base *f = ctx;
    struct fan_u256 slot = u256_from_be(key->slot);
    struct state_account account;
    struct chain_account there;
    enum fan_status s;

    if (mem_base_slot(&f->own, version, key, out)) return FAN_OK;
    *out = u256_of(0);
    if (mem_base_account(&f->own, version, &key->address, &account) && (!account.exists || account.own_storage))
        return FAN_OK;
    end_early(f, r);
    s = f->remote->ops->account(f->remote, &key->address, &there);
    if (s || hash_eq(&there.storage_root, &KECCAK_EMPTY_TRIE)) return s;
    return f->remote->ops->slot(f->remote, &key->address, &slot, out);
}

static bool slot_is_far(void *ctx, struct state_read *r, uint64_t version, const struct state_slot_key *key)
{
    struct fork_base *f = ctx;
    struct state_account account;
    struct fan_u256 value;

    (void)r;
    if (mem_base_slot(&f->own, version, key, &value)) return false;
    return !mem_base_account(&f->own, version, &key->address, &account) || (account.exists && !account.own_storage);
}

static enum fan_status read_node(void *ctx, struct state_read *r, uint64_t version, const struct trie_node_key *key,
                                 struct arena *a, struct slice *out)
{
    struct fork_base *f = ctx;

    return f->own.ops->node(f->own.ctx, r, version, key, a, out);
}

static enum fan_status read_code(void *ctx, struct state_read *r, const struct fan_hash *hash, struct arena *a,
                                 struct slice *out)
{
    struct fork_base *f = ctx;
    enum fan_status s = f->own.ops->code(f->own.ctx, r, hash, a, out);

    if (s != FAN_ENOTFOUND) return s;
    end_early(f, r);
    return f->remote->ops->code(f->remote, hash, a, out);
}

static enum fan_status read_find(void *ctx, struct state_read *r, uint64_t number, struct state_point *out)
{
    struct fork_base *f = ctx;

    return f->own.ops->find(f->own.ctx, r, number, out);
}

static enum fan_status read_addresses(void *ctx, struct state_read *r, struct arena *a, struct fan_address **out,
                                      size_t *out_count)
{
    struct fork_base *f = ctx;

    return f->own.ops->addresses(f->own.ctx, r, a, out, out_count);
}

static enum fan_status read_slots(void *ctx, struct state_read *r, const struct fan_address *address, struct arena *a,
                                  struct fan_u256 **out, size_t *out_count)
{
    struct fork_base *f = ctx;

    return f->own.ops->slots(f->own.ctx, r, address, a, out, out_count);
}

static enum fan_status apply(void *ctx, const struct state_diff *diff)
{
    struct fork_base *f = ctx;

    return f->own.ops->apply(f->own.ctx, diff);
}

static enum fan_status rewind_to(void *ctx, uint64_t version)
{
    struct fork_base *f = ctx;

    return f->own.ops->rewind(f->own.ctx, version);
}

/* A record that only says "gone" would be forgotten, and what is over there would shine through: all is kept. */
static enum fan_status prune(void *ctx, uint64_t version)
{
    (void)ctx;
    (void)version;
    return FAN_OK;
}

static void close_base(void *ctx)
{
    struct fork_base *f = ctx;

    f->own.ops->close(f->own.ctx);
    chain_remote_unref(f->remote);
    free(f);
}

static const struct state_base_ops ops = {
    .read_begin = read_begin,
    .read_end = read_end,
    .point = read_point,
    .account = read_account,
    .slot = read_slot,
    .slot_is_far = slot_is_far,
    .node = read_node,
    .code = read_code,
    .find = read_find,
    .addresses = read_addresses,
    .slots = read_slots,
    .apply = apply,
    .rewind = rewind_to,
    .prune = prune,
    .close = close_base,
};

enum fan_status fork_base_new(struct chain_remote *remote, struct state_base *out)
{
    struct fork_base *f = calloc(1, sizeof *f);
    enum fan_status s;

    if (!f) return FAN_ENOMEM;
    s = mem_base_new(&f->own);
    if (s) {
        free(f);
        return s;
    }
    f->remote = chain_remote_ref(remote);
    *out = (struct state_base){&ops, f};
    return FAN_OK;
}
