#include "base/mailbox.h"

void mailbox_init(struct mailbox *box, void (*wake)(void *ctx), void *ctx)
{
    atomic_init(&box->newest, NULL);
    box->wake = wake;
    box->ctx = ctx;
}

bool mailbox_put(struct mailbox *box, struct letter *l)
{
    struct letter *before = atomic_load_explicit(&box->newest, memory_order_relaxed);

    do
        l->next = before;
    while (!atomic_compare_exchange_weak_explicit(&box->newest, &before, l, memory_order_acq_rel,
                                                  memory_order_relaxed));
    return !before;
}

void mailbox_post(struct mailbox *box, struct letter *l)
{
    if (mailbox_put(box, l) && box->wake) box->wake(box->ctx);
}

struct letter *mailbox_take(struct mailbox *box)
{
    struct letter *l = atomic_exchange_explicit(&box->newest, NULL, memory_order_acq_rel);
    struct letter *oldest = NULL;

    while (l) {
        struct letter *next = l->next;

        l->next = oldest;
        oldest = l;
        l = next;
    }
    return oldest;
}

size_t mailbox_run(struct mailbox *box)
{
    struct letter *oldest = mailbox_take(box);
    size_t count = 0;

    while (oldest) {
        struct letter *next = oldest->next;

        oldest->run(oldest);
        oldest = next;
        count++;
    }
    return count;
}

bool mailbox_empty(struct mailbox *box)
{
    struct letter *none = NULL;

    /* Nothing for nothing: a load would see less, and order nothing. */
    return atomic_compare_exchange_strong_explicit(&box->newest, &none, NULL, memory_order_acq_rel,
                                                   memory_order_acquire);
}
