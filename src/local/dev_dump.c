/* The head's state as a whole: handed out account by account, and laid over the head again. */
#include <stdlib.h>

#include "codec/u256.h"
#include "local/node.h"

/* ---- out ---- */

struct slots {
    struct genesis_slot *list;
    size_t count, cap;
    bool failed;
};

static bool note_slot(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct slots *s = ctx;

    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        struct genesis_slot *wide = realloc(s->list, cap * sizeof *wide);

        s->failed = !wide;
        if (!wide) return false;
        s->list = wide;
        s->cap = cap;
    }
    s->list[s->count++] = (struct genesis_slot){*slot, *value};
    return true;
}

struct walk {
    struct state_view *view;
    struct slots slots;
    enum fan_status (*each)(void *ctx, const struct genesis_account *account);
    void *ctx;
    enum fan_status status;
};

static bool hand_out(void *ctx, const struct fan_address *address, const struct state_account *account)
{
    struct walk *w = ctx;
    struct genesis_account whole = {.address = *address, .balance_wei = account->balance_wei, .nonce = account->nonce};
    struct arena_home home;
    struct arena a;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    w->slots.count = 0;
    w->status = state_view_code(w->view, &account->code_hash, &a, &whole.code);
    if (!w->status) w->status = state_view_walk_slots(w->view, address, note_slot, &w->slots);
    if (!w->status && w->slots.failed) w->status = FAN_ENOMEM;
    if (!w->status) {
        whole.slots = w->slots.list;
        whole.slot_count = w->slots.count;
        w->status = w->each(w->ctx, &whole);
    }
    arena_home_fini(&home);
    return w->status == FAN_OK;
}

enum fan_status dump_walk(struct chain *c, enum fan_status (*each)(void *ctx, const struct genesis_account *account),
                          void *ctx)
{
    struct walk w = {.each = each, .ctx = ctx};
    enum fan_status s = state_db_head(local_of(c)->state, &w.view);

    if (s) return s;
    s = state_view_walk_accounts(w.view, hand_out, &w);
    state_view_unref(w.view);
    free(w.slots.list);
    return s ? s : w.status;
}

/* ---- in ---- */

struct load {
    const struct genesis_account *accounts;
    size_t count;
};

static enum fan_status lay_over(void *ctx, struct state_builder *b)
{
    const struct load *load = ctx;
    enum fan_status s = FAN_OK;

    for (size_t i = 0; i < load->count && !s; i++) {
        const struct genesis_account *account = &load->accounts[i];

        s = state_builder_set_balance(b, &account->address, &account->balance_wei);
        if (!s) s = state_builder_set_nonce(b, &account->address, account->nonce);
        if (!s) s = state_builder_set_code(b, &account->address, account->code);
        for (size_t k = 0; k < account->slot_count && !s; k++)
            s = state_builder_set_slot(b, &account->address, &account->slots[k].slot, &account->slots[k].value);
    }
    return s;
}

enum fan_status dump_load(struct chain *c, const struct genesis_account *accounts, size_t count)
{
    return head_edit(local_of(c), lay_over, &(struct load){accounts, count});
}
