#include "base/mailbox.h"

void mailbox_init(struct mailbox *box, void (*wake)(void *ctx), void *ctx)
{
    atomic_init(&box->newest, NULL);
    box->wake = wake;
    box->ctx = ctx;
}

void mailbox_post(struct mailbox *box, struct letter *l)
{
    struct letter *before = atomic_load_explicit(&box->newest, memory_order_relaxed);

    do
        l->next = before;
    while (!atomic_compare_exchange_weak_explicit(&box->newest, &before, l, memory_order_release,
                                                  memory_order_relaxed));
    if (!before && box->wake) box->wake(box->ctx);
}

size_t mailbox_run(struct mailbox *box)
{
    struct letter *l = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
    struct letter *oldest = NULL;
    size_t count = 0;

    while (l) {
        struct letter *next = l->next;

        l->next = oldest;
        oldest = l;
        l = next;
    }
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
    return atomic_load_explicit(&box->newest, memory_order_relaxed) == NULL;
}
