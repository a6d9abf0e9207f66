#include "conn/clients.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/random.h"

enum { STRIPES = 64, HEADS = 256, IDLE_MAX = 65536, BURST_S = 10, NS_PER_MS = 1000000, PER_SECOND_MAX = 1000000 };
enum { KEY_LEN = 16, REFUSED_EXTRA = 16 };

struct client {
    struct client *next;                  /* in its chain */
    struct client *idle_next, *idle_prev; /* while nobody has entered it */
    uint8_t key[KEY_LEN];
    _Atomic uint64_t full_ns; /* when its bucket is full again */
    uint32_t uses;            /* moves under the stripe's lock */
    _Atomic uint32_t connections;
};

struct stripe {
    _Alignas(64) pthread_mutex_t lock;
    struct client *heads[HEADS];
    struct client *oldest, *newest; /* idle ones */
    size_t idle, count;
};

struct clients {
    struct clients_options options;
    uint64_t price_ns, depth_ns; /* of one token; of all but one */
    uint64_t seed[2];            /* so that nobody can choose addresses for one chain */
    struct stripe stripes[STRIPES];
};

enum fan_status clients_new(const struct clients_options *options, struct clients **out)
{
    struct clients *c = aligned_alloc(64, sizeof *c);

    if (!c) return FAN_ENOMEM;
    memset(c, 0, sizeof *c);
    c->options = *options;
    if (!c->options.idle_max) c->options.idle_max = IDLE_MAX;
    if (c->options.connections_max > UINT32_MAX) c->options.connections_max = UINT32_MAX; /* nobody has so many */
    if (c->options.per_second > PER_SECOND_MAX) c->options.per_second = PER_SECOND_MAX;
    if (!c->options.burst) c->options.burst = BURST_S * c->options.per_second;
    if (c->options.per_second) {
        c->price_ns = (uint64_t)1000 * NS_PER_MS / c->options.per_second;
        if (c->options.burst > UINT64_MAX / 4 / c->price_ns) c->options.burst = UINT64_MAX / 4 / c->price_ns;
        c->depth_ns = (c->options.burst - 1) * c->price_ns;
    }
    random_bytes(c->seed, sizeof c->seed);
    for (size_t i = 0; i < STRIPES; i++) {
        if (!pthread_mutex_init(&c->stripes[i].lock, NULL)) continue;
        while (i-- > 0) (void)pthread_mutex_destroy(&c->stripes[i].lock);
        free(c);
        return FAN_ENOMEM;
    }
    *out = c;
    return FAN_OK;
}

void clients_free(struct clients *c)
{
    if (!c) return;
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *s = &c->stripes[i];

        while (s->oldest) {
            struct client *a = s->oldest;

            s->oldest = a->idle_next;
            s->count--;
            free(a);
        }
        assert(s->count == 0);
        (void)pthread_mutex_destroy(&s->lock);
    }
    free(c);
}

/* ---- finding ---- */

static void key_of(const struct address *who, uint8_t out[KEY_LEN])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(out, who->ip, KEY_LEN);
    if (memcmp(who->ip, mapped, sizeof mapped) != 0) memset(out + 8, 0, KEY_LEN - 8);
}

/* Every bit of what comes in moves every bit of what comes out: of an IPv4 address only the last four bytes differ. */
static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static uint64_t hash_of(const struct clients *c, const uint8_t key[KEY_LEN])
{
    uint64_t word[2];

    memcpy(word, key, sizeof word);
    return mix(mix(word[0] ^ c->seed[0]) + (word[1] ^ c->seed[1]));
}

static struct stripe *stripe_of(struct clients *c, const uint8_t key[KEY_LEN], struct client ***out_head)
{
    uint64_t h = hash_of(c, key);
    struct stripe *s = &c->stripes[h % STRIPES];

    *out_head = &s->heads[h / STRIPES % HEADS];
    return s;
}

/* ---- accounts without connections ---- */

static void idle_remove(struct stripe *s, struct client *a)
{
    *(a->idle_prev ? &a->idle_prev->idle_next : &s->oldest) = a->idle_next;
    *(a->idle_next ? &a->idle_next->idle_prev : &s->newest) = a->idle_prev;
    a->idle_next = a->idle_prev = NULL;
    s->idle--;
}

static void idle_add(struct stripe *s, struct client *a)
{
    a->idle_prev = s->newest;
    *(s->newest ? &s->newest->idle_next : &s->oldest) = a;
    s->newest = a;
    s->idle++;
}

static void forget(struct clients *c, struct stripe *s, struct client *a)
{
    struct client **link;

    (void)stripe_of(c, a->key, &link);
    while (*link != a) link = &(*link)->next;
    *link = a->next;
    s->count--;
    free(a);
}

static bool owes(const struct client *a, uint64_t now_ms)
{
    return atomic_load_explicit(&a->full_ns, memory_order_relaxed) > now_ms * NS_PER_MS;
}

/* The oldest go when they owe nothing any more, or are too many. */
static void idle_trim(struct clients *c, struct stripe *s, uint64_t now_ms)
{
    while (s->oldest && (s->idle > c->options.idle_max / STRIPES || !owes(s->oldest, now_ms))) {
        struct client *a = s->oldest;

        idle_remove(s, a);
        forget(c, s, a);
    }
}

/* ---- coming and going ---- */

struct client *clients_enter(struct clients *c, const struct address *who, uint64_t now_ms, bool *out_failed)
{
    uint8_t key[KEY_LEN];
    struct client **head, *a;
    struct stripe *s;

    *out_failed = false;
    if (who->kind != ADDRESS_IP) return NULL;
    key_of(who, key);
    s = stripe_of(c, key, &head);
    (void)pthread_mutex_lock(&s->lock);
    for (a = *head; a && memcmp(a->key, key, KEY_LEN) != 0;) a = a->next;
    if (!a) {
        a = calloc(1, sizeof *a);
        if (a) {
            memcpy(a->key, key, KEY_LEN);
            a->next = *head;
            *head = a;
            s->count++;
        }
    } else if (a->uses == 0) {
        idle_remove(s, a);
    }
    if (a) a->uses++;
    idle_trim(c, s, now_ms);
    (void)pthread_mutex_unlock(&s->lock);
    *out_failed = !a;
    return a;
}

void clients_leave(struct clients *c, struct client *a, bool connected, uint64_t now_ms)
{
    struct client **head;
    struct stripe *s;

    if (!a) return;
    s = stripe_of(c, a->key, &head);
    (void)pthread_mutex_lock(&s->lock);
    if (connected) atomic_fetch_sub_explicit(&a->connections, 1, memory_order_relaxed);
    if (--a->uses == 0) {
        if (owes(a, now_ms))
            idle_add(s, a);
        else
            forget(c, s, a);
    }
    idle_trim(c, s, now_ms);
    (void)pthread_mutex_unlock(&s->lock);
}

bool client_is(const struct client *a, const struct address *who)
{
    uint8_t key[KEY_LEN];

    if (who->kind != ADDRESS_IP) return !a;
    key_of(who, key);
    return a && memcmp(a->key, key, KEY_LEN) == 0;
}

void client_connect(struct client *a)
{
    atomic_fetch_add_explicit(&a->connections, 1, memory_order_relaxed);
}

bool client_crowds(const struct clients *c, const struct client *a)
{
    return c->options.connections_max &&
           atomic_load_explicit(&a->connections, memory_order_relaxed) > c->options.connections_max;
}

bool client_floods(const struct clients *c, const struct client *a)
{
    return c->options.connections_max &&
           atomic_load_explicit(&a->connections, memory_order_relaxed) > 2 * c->options.connections_max + REFUSED_EXTRA;
}

/* ---- asking ---- */

bool client_ask(const struct clients *c, struct client *a, uint64_t now_ms, uint64_t *out_wait_s)
{
    uint64_t now_ns = now_ms * NS_PER_MS, full_ns = atomic_load_explicit(&a->full_ns, memory_order_relaxed), ahead_ns;

    if (!c->price_ns) return true;
    do {
        ahead_ns = full_ns > now_ns ? full_ns - now_ns : 0;
        if (ahead_ns > c->depth_ns) {
            uint64_t second_ns = (uint64_t)1000 * NS_PER_MS;

            *out_wait_s = (ahead_ns - c->depth_ns + second_ns - 1) / second_ns;
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&a->full_ns, &full_ns, now_ns + ahead_ns + c->price_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void client_pay(const struct clients *c, struct client *a, uint64_t count, uint64_t now_ms)
{
    uint64_t now_ns = now_ms * NS_PER_MS, full_ns = atomic_load_explicit(&a->full_ns, memory_order_relaxed), next_ns;

    if (!c->price_ns) return;
    do {
        next_ns = (full_ns > now_ns ? full_ns : now_ns) + count * c->price_ns;
    } while (!atomic_compare_exchange_weak_explicit(&a->full_ns, &full_ns, next_ns, memory_order_relaxed,
                                                    memory_order_relaxed));
}

size_t clients_count(struct clients *c)
{
    size_t count = 0;

    for (size_t i = 0; i < STRIPES; i++) {
        (void)pthread_mutex_lock(&c->stripes[i].lock);
        count += c->stripes[i].count;
        (void)pthread_mutex_unlock(&c->stripes[i].lock);
    }
    return count;
}
