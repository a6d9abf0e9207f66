#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mailbox.h"
#include "base/map.h"
#include "base/random.h"
#include "base/ref.h"
#include "base/test.h"

TEST(scratch_copies_forget_what_they_carved, t)
{
    struct arena_home home;
    struct arena a;
    uint8_t *first, *again;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    REQUIRE(t, arena_bytes(&a, 1));
    struct arena scratch = a;

    first = arena_bytes(&scratch, 64);
    again = arena_bytes(&a, 64);
    CHECK(t, first && first == again);
    arena_home_fini(&home);
}

/* Most blocks of a chain that only ticks have no transactions, receipts or logs: they must not cost a page each. */
TEST(an_array_without_items_takes_no_memory, t)
{
    struct arena_home home;
    struct arena a;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK(t, arena_array(&a, 0, 24) != NULL);
    CHECK(t, arena_dup(&a, slice_of(NULL, 0)).at != NULL);
    CHECK_EQ(t, home.bytes, 0);
    arena_home_fini(&home);
}

TEST(an_arena_grows_aligns_and_keeps_to_its_limit, t)
{
    struct arena_home home;
    struct arena a;

    arena_home_init(&home, 100000);
    a = arena_of(&home);
    for (int i = 0; i < 1000; i++) {
        uint64_t *p = arena_alloc(&a, 24);

        REQUIRE(t, p);
        CHECK_EQ(t, (uintptr_t)p % 16, 0);
        CHECK_EQ(t, p[0] | p[1] | p[2], 0);
        p[0] = p[1] = p[2] = UINT64_MAX;
    }
    CHECK(t, !arena_alloc(&a, 100000));
    CHECK(t, !arena_array(&a, SIZE_MAX / 2, 3));
    CHECK(t, home.bytes <= 100000);
    arena_home_reset(&home);
    a = arena_of(&home);
    CHECK(t, arena_alloc(&a, 50000) != NULL);
    arena_home_fini(&home);
}

TEST(a_buf_remembers_its_first_failure, t)
{
    struct buf b;

    buf_init(&b, 1000);
    buf_put(&b, SLICE("hello "));
    buf_printf(&b, "%d", 42);
    CHECK_STR(t, buf_peek(&b), "hello 42");
    for (int i = 0; i < 300; i++) buf_put(&b, SLICE("0123456789"));
    CHECK_EQ(t, b.failed, FAN_ELIMIT);
    CHECK(t, b.len <= 1000);
    buf_reset(&b);
    CHECK_EQ(t, b.failed, FAN_OK);
    buf_fini(&b);
}

/* Against the plainest model: an array indexed by the key. */
TEST(a_decimal_is_exact_and_no_longer_than_that_takes, t)
{
    static const struct {
        uint64_t units;
        unsigned places;
        const char *text;
    } row[] = {{0, 0, "0"},
               {0, 9, "0"},
               {7, 0, "7"},
               {1500, 3, "1.5"},
               {1, 9, "0.000000001"},
               {10000, 9, "0.00001"},
               {1000, 3, "1"},
               {1001, 3, "1.001"},
               {10000000000, 9, "10"},
               {UINT64_MAX, 19, "1.8446744073709551615"},
               {UINT64_MAX, 0, "18446744073709551615"}};
    struct buf b;

    buf_init(&b, 0);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        buf_reset(&b);
        buf_put_decimal(&b, row[i].units, row[i].places);
        CHECK_STR(t, buf_peek(&b), row[i].text);
    }
    buf_fini(&b);
}

TEST(a_map_behaves_as_a_table_of_its_keys, t)
{
    enum { KEYS = 700, STEPS = 40000 };
    static uint64_t model[KEYS];
    static bool there[KEYS];
    struct map m;
    uint32_t dice[2];
    size_t count = 0, at = 0, seen = 0;
    const void *key;
    void *value;

    memset(there, 0, sizeof there);
    map_init(&m, sizeof(uint32_t), sizeof(uint64_t));
    for (int i = 0; i < STEPS; i++) {
        bool fresh = false;
        uint32_t k;

        random_bytes(dice, sizeof dice);
        k = dice[0] % KEYS;
        if (dice[1] % 3) {
            uint64_t *v = map_put(&m, &k, &fresh);

            REQUIRE(t, v);
            CHECK_EQ(t, fresh, !there[k]);
            if (fresh)
                CHECK_EQ(t, *v, 0);
            else
                CHECK_EQ(t, *v, model[k]);
            *v = model[k] = (uint64_t)i;
            count += fresh;
            there[k] = true;
        } else {
            CHECK_EQ(t, map_delete(&m, &k), there[k]);
            count -= there[k];
            there[k] = false;
        }
        CHECK_EQ(t, m.count, count);
    }
    for (uint32_t k = 0; k < KEYS; k++) {
        uint64_t *v = map_get(&m, &k);

        CHECK_EQ(t, v != NULL, there[k]);
        if (v) CHECK_EQ(t, *v, model[k]);
    }
    while (map_next(&m, &at, &key, &value)) seen++;
    CHECK_EQ(t, seen, count);
    map_fini(&m);
}

enum { SENDERS = 4, LETTERS = 20000 };

struct numbered {
    struct letter letter;
    unsigned sender, number;
};

static struct {
    struct mailbox box;
    atomic_uint wakes;
    unsigned next[SENDERS], out_of_order, received;
} post;

static void on_wake(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&post.wakes, 1);
}

static void on_letter(struct letter *l)
{
    struct numbered *n = CONTAINER_OF(l, struct numbered, letter);

    if (n->number != post.next[n->sender]) post.out_of_order++;
    post.next[n->sender] = n->number + 1;
    post.received++;
}

static struct numbered letters[SENDERS][LETTERS];

static void *sender(void *arg)
{
    unsigned who = *(unsigned *)arg;

    for (unsigned i = 0; i < LETTERS; i++) {
        letters[who][i] = (struct numbered){.letter.run = on_letter, .sender = who, .number = i};
        mailbox_post(&post.box, &letters[who][i].letter);
    }
    return NULL;
}

TEST(letters_of_each_sender_arrive_once_and_in_order, t)
{
    pthread_t threads[SENDERS];
    unsigned who[SENDERS];

    mailbox_init(&post.box, on_wake, NULL);
    for (unsigned i = 0; i < SENDERS; i++) {
        who[i] = i;
        REQUIRE(t, pthread_create(&threads[i], NULL, sender, &who[i]) == 0);
    }
    while (post.received < SENDERS * LETTERS) (void)mailbox_run(&post.box);
    for (unsigned i = 0; i < SENDERS; i++) (void)pthread_join(threads[i], NULL);
    CHECK_EQ(t, post.out_of_order, 0);
    CHECK(t, atomic_load(&post.wakes) >= 1);
    CHECK(t, mailbox_empty(&post.box));
}

TEST(statuses_have_texts_and_errors_are_cut_not_overrun, t)
{
    struct fan_error err;
    char wide[2000];

    memset(wide, 'x', sizeof wide - 1);
    wide[sizeof wide - 1] = 0;
    CHECK_EQ(t, fan_error_set(&err, FAN_EFORMAT, "byte %d: %s", 3, wide), FAN_EFORMAT);
    CHECK_EQ(t, strlen(err.text), sizeof err.text - 1);
    CHECK_EQ(t, fan_error_set(NULL, FAN_EIO, "nobody listens"), FAN_EIO);
    for (int s = 0; s < FAN_STATUS_COUNT; s++) CHECK(t, strlen(fan_status_text((enum fan_status)s)) > 0);
    CHECK_STR(t, slice_str(fan_status_text((enum fan_status)999)), "unknown status");
}
