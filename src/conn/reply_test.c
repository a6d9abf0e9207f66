/* Replies that come from other threads, through the mailbox, to connections that may have gone. */
#include <pthread.h>

#include "conn/test_rig.h"

struct answer {
    struct letter letter;
    struct rig *rig;
    struct conn_id to;
    atomic_size_t *delivered, *lost;
};

static void deliver(struct letter *l)
{
    struct answer *a = CONTAINER_OF(l, struct answer, letter);
    struct conn *c = conn_find(a->rig->set, a->to);

    if (c) rig_answer_now(a->rig, c, SLICE("answer"));
    atomic_fetch_add(c ? a->delivered : a->lost, 1);
}

static void *answer_from_afar(void *arg)
{
    struct answer *a = arg;

    mailbox_post(loop_mailbox(a->rig->loop), &a->letter);
    return NULL;
}

TEST(an_answer_from_another_thread_reaches_the_living_and_is_lost_on_the_dead, t)
{
    enum { CLIENTS = 8 };
    struct rig r;
    struct answer answers[CLIENTS];
    pthread_t threads[CLIENTS];
    int fds[CLIENTS];
    atomic_size_t delivered = 0, lost = 0;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    for (size_t i = 0; i < CLIENTS; i++) {
        fds[i] = rig_ws(&r, 0);
        REQUIRE(t, fds[i] >= 0);
        rig_frame(&r, fds[i], WS_TEXT, true, SLICE("q"));
        answers[i] = (struct answer){
            .letter = {.run = deliver}, .rig = &r, .to = r.last, .delivered = &delivered, .lost = &lost};
    }
    for (size_t i = 0; i < CLIENTS; i += 2) (void)close(fds[i]);
    rig_turn(&r, 5);
    CHECK_EQ(t, r.closed, CLIENTS / 2);
    for (size_t i = 0; i < CLIENTS; i++)
        REQUIRE(t, pthread_create(&threads[i], NULL, answer_from_afar, &answers[i]) == 0);
    for (size_t i = 1; i < CLIENTS; i += 2) {
        struct rig_in in = {0};

        rig_expect(&r, t, fds[i], &in, WS_TEXT, SLICE("answer"));
        buf_fini(&in.bytes);
    }
    for (size_t i = 0; i < CLIENTS; i++) (void)pthread_join(threads[i], NULL);
    rig_turn(&r, 3);
    CHECK_EQ(t, atomic_load(&delivered), CLIENTS / 2);
    CHECK_EQ(t, atomic_load(&lost), CLIENTS / 2);
    for (size_t i = 1; i < CLIENTS; i += 2) (void)close(fds[i]);
    rig_fini(&r, t);
}

/* A held notification names a subscription whose id the client has not been told: it must not leave without the reply.
 */
TEST(what_is_held_when_the_connection_closes_never_leaves, t)
{
    struct rig r;
    struct frame *f;
    struct frame_share *share;
    struct conn *c;

    rig_open_ws(&r, (struct conn_options){0}, 0);
    r.answer = RIG_LATER;
    rig_frame(&r, r.fd, WS_TEXT, true, SLICE("q"));
    c = conn_find(r.set, r.last);
    REQUIRE(t, c != NULL && frame_new_text(SLICE("<"), SLICE(">"), &f) == FAN_OK);
    share = frame_share_new(f);
    REQUIRE(t, share != NULL);
    conn_hold(c);
    conn_notify(c, share, (const uint8_t *)"0xcccccccccccccccccccccccccccccccc");
    conn_close(c, WS_CLOSE_GOING_AWAY, "bye");
    conn_release(c);
    CHECK_EQ(t, share->count, 1);
    rig_expect_close(&r, t, r.fd, &r.in, WS_CLOSE_GOING_AWAY);
    rig_frame(&r, r.fd, WS_CLOSE, true, SLICE("\x03\xe9"));
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK(t, r.in.ended && r.in.bytes.len == 0);
    frame_share_unref(share);
    rig_fini(&r, t);
}
