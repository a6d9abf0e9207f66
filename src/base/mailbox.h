/* mailbox: how one thread asks another to do something.
 *
 * Many senders, one receiver, no lock: senders push onto an atomic stack, the receiver takes
 * the whole stack at once and turns it round, so letters run in the order they came. The first letter
 * into an empty box wakes the receiver (once, however many follow), by a callback given at
 * init: the net loop writes to its eventfd there.
 *
 * A letter is part of the object it carries (intrusive), so posting allocates nothing and
 * cannot fail. Letters belong to the receiver from mailbox_post() until run() is called. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdatomic.h>

#include "base/base.h"

struct letter {
    struct letter *next;
    /* Called on the receiver's thread; the letter is the runner's from then on. */
    void (*run)(struct letter *self);
};

struct mailbox {
    _Atomic(struct letter *) newest;
    void (*wake)(void *ctx); /* any thread; must not block */
    void *ctx;
};

void mailbox_init(struct mailbox *box, void (*wake)(void *ctx), void *ctx);
/* Any thread. */
void mailbox_post(struct mailbox *box, struct letter *l);
/* The same without waking anybody. True: the box was empty, and to see to it is the caller's. */
bool mailbox_put(struct mailbox *box, struct letter *l);
/* Receiver's thread: runs all that had come by the time of the call. Returns how many. */
size_t mailbox_run(struct mailbox *box);
/* Receiver's thread: all that have come, the oldest first; whoever takes them runs each, with l->next read before. */
struct letter *mailbox_take(struct mailbox *box);
/* Any thread. True: whoever puts a letter in from now on sees all that this thread did before. So a receiver who gives
 * its place away and then finds the box empty leaves no letter behind whose sender found the place taken. */
bool mailbox_empty(struct mailbox *box);

#endif
