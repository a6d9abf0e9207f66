#include "net/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"

enum { SENDERS = 4, LETTERS = 2000 };

struct counted {
    struct letter letter;
    unsigned sender, number;
};

static struct counted letters[SENDERS][LETTERS];
static struct loop *loop;
static unsigned next_of[SENDERS], received, disorder;

static void count(struct letter *l)
{
    struct counted *c = CONTAINER_OF(l, struct counted, letter);

    if (c->number != next_of[c->sender]++) disorder++;
    if (++received == SENDERS * LETTERS) loop_stop(loop);
}

static void *send_all(void *arg)
{
    struct counted *mine = arg;

    for (unsigned i = 0; i < LETTERS; i++) mailbox_post(loop_mailbox(loop), &mine[i].letter);
    return NULL;
}

TEST(letters_of_many_threads_all_come_in_their_senders_order, t)
{
    pthread_t threads[SENDERS];

    REQUIRE(t, loop_new(NULL, &loop) == FAN_OK);
    for (unsigned i = 0; i < SENDERS; i++) {
        for (unsigned j = 0; j < LETTERS; j++) letters[i][j] = (struct counted){{.run = count}, i, j};
        REQUIRE(t, pthread_create(&threads[i], NULL, send_all, letters[i]) == 0);
    }
    loop_run(loop);
    for (unsigned i = 0; i < SENDERS; i++) (void)pthread_join(threads[i], NULL);
    CHECK_EQ(t, received, SENDERS * LETTERS);
    CHECK_EQ(t, disorder, 0);
    loop_free(loop);
}

static void *stop_it(void *arg)
{
    loop_stop(arg);
    return NULL;
}

TEST(a_loop_stops_from_another_thread_or_before_it_ran, t)
{
    pthread_t thread;

    REQUIRE(t, loop_new(NULL, &loop) == FAN_OK);
    loop_stop(loop);
    loop_run(loop);
    REQUIRE(t, pthread_create(&thread, NULL, stop_it, loop) == 0);
    loop_run(loop);
    (void)pthread_join(thread, NULL);
    loop_free(loop);
}

struct pair {
    struct loop_fd watch;
    struct pair *other;
    unsigned calls;
};

static void remove_other(struct loop_fd *self, uint32_t events)
{
    struct pair *p = CONTAINER_OF(self, struct pair, watch);

    (void)events;
    p->calls++;
    if (!p->other) return;
    loop_fd_remove(loop, &p->other->watch);
    p->other = NULL;
}

/* Both are ready in one turn; whichever comes first removes the other, which then must not be told. */
TEST(what_was_removed_is_not_told_even_in_the_same_turn, t)
{
    struct pair a = {.watch = {.ready = remove_other}}, b = {.watch = {.ready = remove_other}};
    int fds[2];

    REQUIRE(t, loop_new(NULL, &loop) == FAN_OK);
    REQUIRE(t, socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    a.watch.fd = fds[0];
    b.watch.fd = fds[1];
    a.other = &b;
    b.other = &a;
    CHECK_EQ(t, loop_fd_add(loop, &a.watch, EPOLLOUT), FAN_OK);
    CHECK_EQ(t, loop_fd_add(loop, &b.watch, EPOLLOUT), FAN_OK);
    loop_turn(loop, 0);
    CHECK_EQ(t, a.calls + b.calls, 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    loop_free(loop);
}

struct ticker {
    struct loop_timer timer;
    uint64_t at_ms;
};

static void tick(struct loop_timer *self)
{
    CONTAINER_OF(self, struct ticker, timer)->at_ms = loop_now_ms(loop);
    loop_stop(loop);
}

static unsigned hook_runs;

static void hook(struct loop_hook *self)
{
    hook_runs++;
    loop_hook_remove(loop, self);
}

TEST(a_timer_wakes_the_loop_not_early_and_hooks_run_each_turn, t)
{
    struct ticker k = {.timer = {.fire = tick}};
    struct loop_hook once = {.run = hook}, twice = {.run = hook};
    uint64_t start;

    REQUIRE(t, loop_new(NULL, &loop) == FAN_OK);
    loop_hook_add(loop, &once);
    loop_hook_add(loop, &twice);
    start = loop_now_ms(loop);
    loop_timer_arm(loop, &k.timer, start + 30);
    loop_run(loop);
    CHECK(t, k.at_ms >= start + 30);
    CHECK_EQ(t, hook_runs, 2);
    loop_free(loop);
}
