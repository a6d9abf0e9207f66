/* The limit on the output that waits in the whole process: the longest queue goes first, whichever worker has it.
 *
 * Workers share no queue and no lock, so nobody can look at another's connections. Each publishes a bound instead,
 * which is never below its longest queue: it rises with what is queued, and falls when the worker looks. Who finds the
 * process over its limit looks at its own queues, which makes its bound exact; if no other worker's bound is higher,
 * its longest queue is the process's, and goes. Otherwise it asks the one with the highest bound by letter, and that
 * one does the same. Each look replaces a bound by the truth, so the asking ends at the worker that really has the
 * longest.
 *
 * A worker that has just been asked may be busy with a turn. Until it comes, the others let their output grow, but only
 * by an eighth of the limit: beyond that each closes its own longest, so that memory stays bounded whoever is busy. */
#include <stdlib.h>

#include "conn/parts.h"

static void asked(struct letter *self);

bool output_place_open(struct conn_set *s)
{
    struct output_place *place = calloc(1, sizeof *place);

    if (!place) return false;
    place->letter.run = asked;
    place->box = loop_mailbox(s->loop);
    place->set = s;
    s->place = place;
    (void)pthread_mutex_lock(&s->totals->lock);
    place->next = s->totals->places;
    s->totals->places = place;
    (void)pthread_mutex_unlock(&s->totals->lock);
    return true;
}

void output_place_close(struct conn_set *s)
{
    (void)pthread_mutex_lock(&s->totals->lock);
    s->place->gone = true;
    (void)pthread_mutex_unlock(&s->totals->lock);
    s->place->set = NULL;
}

static struct conn *look_for_longest(struct conn_set *s)
{
    struct conn *found = NULL;

    for (size_t i = 0; i < s->chunk_count * CONNS_PER_CHUNK; i++) {
        struct conn *c = conn_at_slot(s, i);

        if ((c->state != CONN_OPEN && c->state != CONN_CLOSING) || c->out.bytes == 0) continue;
        if (!found || c->out.bytes > found->out.bytes) found = c;
    }
    s->longest = found ? found->out.bytes : 0;
    atomic_store(&s->place->longest, s->longest);
    return found;
}

/* Asks the worker whose bound is above ours and all others', unless it has been asked already. False: ours is the
 * highest. */
static bool ask_longer(const struct conn_set *s)
{
    struct output_place *found = NULL;
    size_t most = s->longest;

    (void)pthread_mutex_lock(&s->totals->lock);
    for (struct output_place *p = s->totals->places; p; p = p->next) {
        size_t longest = atomic_load(&p->longest);

        if (p == s->place || p->gone || longest <= most) continue;
        found = p;
        most = longest;
    }
    if (found && !atomic_exchange(&found->asked, true)) mailbox_post(found->box, &found->letter);
    (void)pthread_mutex_unlock(&s->totals->lock);
    return found != NULL;
}

static int64_t publish(struct conn_set *s)
{
    int64_t delta = s->pool.waiting - s->published;

    s->published = s->pool.waiting;
    counter_set(&s->stats.output_waiting, s->published > 0 ? (uint64_t)s->published : 0);
    return atomic_fetch_add_explicit(&s->totals->output_bytes, delta, memory_order_relaxed) + delta;
}

static void close_longest(struct conn *c)
{
    if (!conn_is_http(c) && c->state == CONN_OPEN) {
        conn_close_slow(c, CONN_SLOW_PROCESS);
    } else {
        conn_count_slow(c, CONN_SLOW_PROCESS, true);
        conn_kill(c, true);
    }
}

static void keep_limit(struct conn_set *s, int64_t total)
{
    const int64_t limit = (int64_t)s->options.output_bytes_max;

    while (total > limit) {
        struct conn *c = look_for_longest(s);
        bool elsewhere = ask_longer(s);

        if (!c || (elsewhere && total <= limit + limit / 8)) return;
        close_longest(c);
        total = publish(s);
    }
}

/* The letter has come. */
static void asked(struct letter *self)
{
    struct output_place *place = CONTAINER_OF(self, struct output_place, letter);
    struct conn_set *s = place->set;

    atomic_store(&place->asked, false);
    if (s) keep_limit(s, publish(s));
}

void conn_output_publish(struct conn_set *s)
{
    if (atomic_load_explicit(&s->place->longest, memory_order_relaxed) != s->longest)
        atomic_store(&s->place->longest, s->longest);
    if (s->pool.waiting != s->published) keep_limit(s, publish(s));
}
