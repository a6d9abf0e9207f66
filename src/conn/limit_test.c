/* The limit on the output of the whole process: one worker's queues, and two workers'. */
#include "conn/test_rig.h"

TEST(beyond_the_memory_of_the_process_the_longest_queue_goes_first, t)
{
    enum { TAIL = 100000 };
    struct rig r;
    struct frame_share *small = share_of(10), *own[40] = {0};
    struct conn *slow, *quick;
    struct conn_id slow_id, quick_id;
    int a, b;

    rig_open(&r, (struct conn_options){.output_bytes_max = 1000000});
    r.answer = RIG_LATER;
    a = rig_ws(&r, 8192);
    b = rig_ws(&r, 0);
    REQUIRE(t, a >= 0 && b >= 0);
    slow = peer_of(&r, a);
    slow_id = r.last;
    quick = peer_of(&r, b);
    quick_id = r.last;
    REQUIRE(t, slow && quick);
    conn_hold(quick);
    conn_notify(quick, small, ID_B);
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        own[i] = share_of(TAIL);
        conn_notify(slow, own[i], ID_A);
        conn_set_flush(r.set);
    }
    rig_turn(&r, 3);
    CHECK(t, conn_find(r.set, slow_id) == NULL);
    CHECK(t, conn_find(r.set, quick_id) == quick);
    CHECK(t, atomic_load(&r.totals->output_bytes) < 1000000);
    for (size_t i = 0; i < COUNT_OF(own); i++) frame_share_unref(own[i]);
    frame_share_unref(small);
    (void)close(a);
    (void)close(b);
    rig_turn(&r, 3);
    rig_fini(&r, t);
}

/* Two workers of one process: the one that goes over the limit has not the longest queue, and that one goes. */
TEST(the_longest_queue_goes_first_also_when_another_worker_has_it, t)
{
    const struct conn_options options = {.output_bytes_max = 1000000};
    const struct conn_handler handler[2] = {{.message = rig_message, .closed = rig_closed},
                                            {.message = rig_message, .closed = rig_closed}};
    struct rig r[2];
    struct frame_share *big = share_of(800000), *small[5];
    struct conn *c[2];
    int fd[2];

    for (size_t i = 0; i < 2; i++) {
        struct conn_handler h = handler[i];

        rig_open(&r[i], options);
        h.ctx = &r[i];
        conn_set_free(r[i].set);
        REQUIRE(t, !conn_set_new(r[i].loop, (uint32_t)i, &options, &h, r[0].totals, &r[i].set));
        r[i].answer = RIG_LATER;
        fd[i] = rig_ws(&r[i], 0);
        REQUIRE(t, fd[i] >= 0);
        c[i] = peer_of(&r[i], fd[i]);
        REQUIRE(t, c[i] != NULL);
        conn_hold(c[i]); /* so that the socket takes none */
    }
    conn_notify(c[1], big, ID_A);
    conn_set_flush(r[1].set);
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        small[i] = share_of(50000);
        conn_notify(c[0], small[i], ID_A);
        conn_set_flush(r[0].set);
    }
    CHECK_EQ(t, c[0]->state, CONN_OPEN);
    CHECK_EQ(t, c[1]->state, CONN_OPEN); /* nobody touches another worker's connection */
    rig_turn(&r[1], 2);                  /* the letter */
    CHECK_EQ(t, c[0]->state, CONN_OPEN);
    CHECK_EQ(t, counter_get(&conn_set_stats(r[1].set)->slow_closed[CONN_SLOW_PROCESS]), 1);
    CHECK(t, atomic_load(&r[0].totals->output_bytes) < 1000000);
    /* A bound from the past asks, too: the other looks, finds nothing longer, and asks back. */
    for (size_t i = 0; i < 16; i++) {
        struct frame_share *more = share_of(50000);

        if (c[0]->state == CONN_OPEN) conn_notify(c[0], more, ID_A);
        conn_set_flush(r[0].set);
        frame_share_unref(more);
        rig_turn(&r[1], 1);
        rig_turn(&r[0], 1);
    }
    CHECK_EQ(t, counter_get(&conn_set_stats(r[0].set)->slow_closed[CONN_SLOW_PROCESS]), 1);
    for (size_t i = 0; i < COUNT_OF(small); i++) frame_share_unref(small[i]);
    frame_share_unref(big);
    for (size_t i = 2; i-- > 0;) {
        (void)close(fd[i]);
        rig_turn(&r[i], 3);
        rig_fini(&r[i], t);
    }
}
