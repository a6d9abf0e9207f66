#include "api/view.h"

#include "api/past.h"
#include "codec/hex.h"

/* A state may go stale between finding its block and opening it: the head moved. Each try begins with the new head. */
enum { OPEN_TRIES = 16 };

/* What waits in call_state() while a call fetches something pending from the writer. */
struct fetch {
    bool want_state;
    enum rpc_start where;
    void (*again)(struct call *call);
    struct view view;
};

static enum fan_status find_tagged(struct chain *chain, bool safe, struct block **out_block)
{
    struct block *safe_block = NULL, *finalized = NULL;
    enum fan_status s;

    *out_block = NULL;
    if (!chain->ops->finalized) return FAN_OK;
    s = chain->ops->finalized(chain, &safe_block, &finalized);
    if (s) return s == FAN_ENOTFOUND ? FAN_OK : s;
    *out_block = safe ? safe_block : finalized;
    block_unref(safe ? finalized : safe_block);
    return FAN_OK;
}

enum fan_status view_find(struct chain *chain, const struct block_at *at, struct block **out_block, bool *out_canonical)
{
    enum fan_status s = FAN_EINVAL;

    *out_block = NULL;
    *out_canonical = true;
    switch (at->kind) {
    case BLOCK_HASH:
        s = chain->ops->block_by_hash(chain, &at->hash, out_canonical, out_block);
        break;
    case BLOCK_NUMBER:
        s = chain->ops->block_by_number(chain, at->number, out_block);
        break;
    case BLOCK_EARLIEST:
        s = chain->ops->block_by_number(chain, 0, out_block);
        break;
    case BLOCK_LATEST:
        s = chain->ops->head(chain, out_block);
        break;
    case BLOCK_SAFE:
    case BLOCK_FINALIZED:
        s = find_tagged(chain, at->kind == BLOCK_SAFE, out_block);
        break;
    case BLOCK_PENDING:
        break;
    }
    if (s == FAN_ENOTFOUND) {
        *out_block = NULL;
        return FAN_OK;
    }
    return s;
}

enum fan_status view_pending(struct chain *chain, bool want_state, struct view *out)
{
    enum fan_status s;

    *out = (struct view){.chain = chain, .pending = true};
    if (!chain->ops->pending_block || (want_state && !chain->ops->pending_state_open)) return FAN_EUNSUPPORTED;
    s = chain->ops->pending_block(chain, &out->block);
    if (!s && want_state) s = chain->ops->pending_state_open(chain, &out->state);
    if (s) view_close(out);
    return s;
}

/* The call ended between the writer and the method. */
static void release_fetched(void *state)
{
    struct fetch *f = state;

    view_close(&f->view);
}

/* Writer's thread: takes what is pending and lets the method begin again. */
static void fetch_pending(struct call *call)
{
    struct fetch *f = call_state(call);
    enum fan_status s = view_pending(api_of(call)->chain, f->want_state, &f->view);

    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    call_set_release(call, release_fetched);
    if (f->where == RPC_WRITER)
        f->again(call);
    else
        call_continue(call, f->where, f->again);
}

static void send_for_pending(struct call *call, bool want_state, enum rpc_start where, void (*again)(struct call *call))
{
    const struct chain_ops *ops = api_of(call)->chain->ops;
    struct fetch *f;

    if (!ops->pending_block || (want_state && !ops->pending_state_open)) {
        call_fail(call, CODE_REFUSED, want_state ? "pending state is not available" : "pending block is not available");
        return;
    }
    f = ARENA_NEW(call_arena(call), struct fetch);
    if (!f) {
        answer_status(call, FAN_ENOMEM, NULL);
        return;
    }
    *f = (struct fetch){.want_state = want_state, .where = where, .again = again};
    call_set_state(call, f);
    call_continue(call, RPC_WRITER, fetch_pending);
}

/* True when the call is back from the writer: the view is the method's from now on. */
static bool take_fetched(struct call *call, struct view *out)
{
    struct fetch *f = call_state(call);

    if (!f) return false;
    *out = f->view;
    call_set_release(call, NULL);
    call_set_state(call, NULL);
    return true;
}

/* A block that is not pending; false when the call was answered. */
static bool find_block(struct call *call, const struct block_at *at, struct view *out)
{
    enum fan_status s;

    *out = (struct view){.chain = api_of(call)->chain};
    s = view_find(api_of(call)->chain, at, &out->block, &out->canonical);
    if (s) {
        answer_status(call, s, NULL);
        return false;
    }
    if (out->block && at->kind == BLOCK_HASH && at->canonical && !out->canonical) {
        block_unref(out->block);
        call_fail(call, CODE_REFUSED, "hash is not currently canonical");
        return false;
    }
    return true;
}

/* On a fork: true when the block is the other node's to tell, and the call went there. The state of the fork's own block
 * is ours: who edits the head there changes it. */
static bool went_past(struct call *call, const struct block_at *at, bool want_state, struct view *v)
{
    struct chain_remote *r = past_of(api_of(call));
    bool ours;

    if (!r) return false;
    ours = !past_holds(r, at, v->block) ||
           (want_state && v->block && v->block->header.number == r->block->header.number);
    if (ours) {
        chain_remote_unref(r);
        return false;
    }
    view_close(v);
    past_answer(call, r, at);
    return true;
}

bool view_block(struct call *call, const struct block_at *at, enum rpc_start where, void (*again)(struct call *call),
                struct view *out)
{
    if (at->kind == BLOCK_PENDING) {
        *out = (struct view){.chain = api_of(call)->chain};
        if (take_fetched(call, out)) return true;
        send_for_pending(call, false, where, again);
        return false;
    }
    return find_block(call, at, out) && !went_past(call, at, false, out);
}

static const char *missing_words(enum block_kind kind)
{
    switch (kind) {
    case BLOCK_HASH:
        return "header for hash not found";
    case BLOCK_SAFE:
        return "safe block not found";
    case BLOCK_FINALIZED:
        return "finalized block not found";
    default:
        return "header not found";
    }
}

bool view_state(struct call *call, const struct block_at *at, enum rpc_start where, void (*again)(struct call *call),
                struct view *out)
{
    struct chain *chain = api_of(call)->chain;
    enum fan_status s = FAN_ESTALE;
    char root[64];

    if (at->kind == BLOCK_PENDING) {
        *out = (struct view){0};
        if (take_fetched(call, out)) return true;
        send_for_pending(call, true, where, again);
        return false;
    }
    if (call_where(call) == RPC_INLINE && atomic_load_explicit(&chain->forked, memory_order_acquire)) {
        call_continue(call, RPC_POOL, again); /* reading it may wait for the network */
        return false;
    }
    for (int i = 0; i < OPEN_TRIES && s == FAN_ESTALE; i++) {
        if (!find_block(call, at, out) || went_past(call, at, true, out)) return false;
        if (!out->block) {
            call_fail(call, CODE_REFUSED, "%s", missing_words(at->kind));
            return false;
        }
        s = chain->ops->state_open(chain, out->block, &out->state);
        if (!s) return true;
        hex_encode(slice_of(out->block->header.state_root.bytes, sizeof root / 2), root);
        block_unref(out->block);
    }
    if (s == FAN_ENOTFOUND || s == FAN_ESTALE)
        call_fail(call, CODE_REFUSED, "historical state %.*s is not available", (int)sizeof root, root);
    else
        answer_status(call, s, NULL);
    return false;
}

void view_close(struct view *v)
{
    if (v->state) v->chain->ops->state_close(v->chain, v->state);
    block_unref(v->block);
    *v = (struct view){0};
}
