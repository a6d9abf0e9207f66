/* A whole run: who has the next moment. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

enum { ROUNDS_MAX = 100000, AFTERWARDS = 60, /* moments of as many milliseconds */ GOODBYE_MS = 12000 };

void sim_say(const struct sim_world *w, const char *format, ...)
{
    va_list args;

    if (!w->verbose) return;
    va_start(args, format);
    (void)printf("%8llu.%03llu s  ", (unsigned long long)w->now_ms / 1000, (unsigned long long)w->now_ms % 1000);
    (void)vprintf(format, args);
    (void)putchar('\n');
    va_end(args);
}

void sim_fail(struct sim_world *w, const char *format, ...)
{
    va_list args;
    bool armed;

    if (w->failed) return;
    armed = memory_arm(false);
    w->failed = true;
    va_start(args, format);
    (void)vsnprintf(w->why, sizeof w->why, format, args);
    va_end(args);
    sim_say(w, "WRONG: %s", w->why);
    (void)memory_arm(armed);
}

void sim_do(struct sim_world *w, const struct sim_step *s)
{
    bool armed = memory_arm(false);

    if (s->action >= DO_BLOCKS)
        model_do(w, s);
    else
        client_do(w, &w->clients[s->client], s);
    (void)memory_arm(armed);
}

/* ---- the next moment ---- */

static bool turn_workers(struct sim_world *w)
{
    uint64_t first = sim_mix(w->turns) % w->plan->workers;
    bool moved = false;

    for (size_t n = 0; n < w->plan->workers && !w->failed; n++) {
        uint32_t at = (uint32_t)((n + first) % w->plan->workers);

        if (!net_ready(w, at) && w->workers[at].wake_ms > w->now_ms) continue;
        server_turn(w, at);
        moved = true;
    }
    return moved;
}

static bool turn_writer(struct sim_world *w)
{
    if (w->model.writer_due_ms > w->now_ms) return false;
    w->model.writer_due_ms = UINT64_MAX;
    (void)memory_arm(true);
    (void)mailbox_run(&w->model.writer);
    (void)memory_arm(false);
    return true;
}

/* Until nobody has anything to do at this moment. */
static void settle(struct sim_world *w)
{
    for (size_t rounds = 0;; rounds++) {
        bool moved = turn_workers(w);

        for (size_t i = 0; i < w->plan->clients && !w->failed; i++)
            while (client_read(w, &w->clients[i]) && !w->failed) moved = true;
        if (turn_writer(w)) moved = true;
        if (!moved && w->inside) { /* no worker has called the kernel */
            const struct sim_step *s = w->inside;

            w->inside = NULL;
            sim_do(w, s);
            moved = true;
        }
        if (!moved && !w->failed) check_rest(w);
        if (!moved || w->failed) return;
        if (rounds == ROUNDS_MAX) {
            sim_fail(w, "nobody comes to rest: a loop that spins");
            return;
        }
    }
}

static uint64_t client_wakes_ms(const struct sim_world *w, const struct sim_client *c)
{
    const struct sim_socket *s = &w->sockets[c->socket];

    if (c->state == CLIENT_OFF || c->rate == 0 || c->rate == UINT32_MAX) return UINT64_MAX;
    return s->to_client.len || s->server_fin ? c->reads_ms : UINT64_MAX;
}

/* Lets time go by to until_ms, with everything that happens meanwhile. */
static void advance(struct sim_world *w, uint64_t until_ms)
{
    settle(w);
    while (w->now_ms < until_ms && !w->failed) {
        uint64_t next = min_u64(until_ms, w->model.writer_due_ms);

        for (size_t i = 0; i < w->plan->workers; i++) next = min_u64(next, w->workers[i].wake_ms);
        for (size_t i = 0; i < w->plan->clients; i++) next = min_u64(next, client_wakes_ms(w, &w->clients[i]));
        w->now_ms = max_u64(next, w->now_ms + 1);
        settle(w);
    }
}

static void do_step(struct sim_world *w, const struct sim_step *s)
{
    bool of_chain = s->action >= DO_BLOCKS;

    if (s->off) return;
    if (of_chain && (s->c >> 30) == 0 && !w->inside)
        w->inside = s;
    else
        sim_do(w, s);
}

static void play(struct sim_world *w)
{
    const struct sim_plan *p = w->plan;

    for (size_t i = 0; i < p->step_count && !w->failed; i++) {
        if (p->steps[i].at_ms > w->now_ms) advance(w, p->steps[i].at_ms);
        if (!w->failed) do_step(w, &p->steps[i]);
    }
    advance(w, max_u64(p->end_ms, w->now_ms));
}

/* Everyone reads on, and then everyone has heard everything. */
static void end(struct sim_world *w)
{
    for (size_t i = 0; i < w->plan->clients; i++)
        w->clients[i].rate = w->clients[i].state == CLIENT_OFF ? 0 : UINT32_MAX;
    for (int i = 0; i < AFTERWARDS && !w->failed; i++) advance(w, w->now_ms + AFTERWARDS);
    if (!w->failed) check_all_told(w);
    if (w->failed || w->plan->seed % 4) return;
    sim_say(w, "the server says goodbye");
    server_drain(w);
    advance(w, w->now_ms + GOODBYE_MS);
    for (size_t i = 0; i < w->plan->clients && !w->failed; i++)
        if (w->clients[i].state != CLIENT_OFF) sim_fail(w, "client %zu is still there after goodbye", i);
}

bool sim_run(const struct sim_plan *plan, bool verbose, enum sim_plant plant, struct sim_world *w)
{
    int64_t blocks = memory_blocks();

    memset(w, 0, sizeof *w);
    w->plan = plan;
    w->verbose = verbose;
    w->plant = plant;
    w->now_ms = 1000;
    for (uint32_t i = 0; i < SIM_CLIENTS_MAX; i++) w->clients[i].index = i;
    memory_seed_random(sim_mix(plan->seed));
    memory_watch(w);
    net_init(w);
    model_init(w);
    if (server_open(w)) {
        play(w);
        if (!w->failed) end(w);
        sim_do(w, &(struct sim_step){.action = DO_BLOCKS, .c = 7}); /* the workers have stopped: nobody comes for it */
    } else if (!memory_failures() && !w->calls[FAULT_WATCH]) {
        sim_fail(w, "the server does not start");
    } else {
        sim_say(w, "the server does not start");
    }
    server_close(w);
    model_fini(w);
    net_fini(w);
    for (size_t i = 0; i < SIM_CLIENTS_MAX; i++) client_forget(&w->clients[i]);
    if (memory_blocks() != blocks) sim_fail(w, "%lld blocks of memory are left", (long long)(memory_blocks() - blocks));
    memory_watch(NULL);
    return !w->failed;
}
