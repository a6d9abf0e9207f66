/* From a seed to what will happen. */
#include "sim.h"

struct dice {
    uint64_t state;
};

uint64_t sim_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t roll(struct dice *d, uint64_t below)
{
    d->state += 0x9e3779b97f4a7c15u;
    return sim_mix(d->state) % below;
}

static uint64_t between(struct dice *d, uint64_t from, uint64_t to)
{
    return from + roll(d, to - from + 1);
}

const char *sim_action_name(enum sim_action a)
{
    static const char *const name[DO_COUNT] = {[DO_CONNECT] = "connect",
                                               [DO_SUBSCRIBE] = "subscribe",
                                               [DO_UNSUBSCRIBE] = "unsubscribe",
                                               [DO_BATCH] = "batch",
                                               [DO_ECHO] = "echo",
                                               [DO_LATER] = "later",
                                               [DO_STALL] = "stall",
                                               [DO_SLOW] = "slow",
                                               [DO_READ] = "read",
                                               [DO_CLOSE] = "close",
                                               [DO_FIN] = "fin",
                                               [DO_RESET] = "reset",
                                               [DO_PING] = "ping",
                                               [DO_BLOCKS] = "blocks",
                                               [DO_REORG] = "reorg",
                                               [DO_REVERT] = "revert",
                                               [DO_PENDING] = "pending",
                                               [DO_SYNCING] = "syncing"};

    return name[a];
}

const char *sim_fault_name(enum sim_fault_kind k)
{
    static const char *const name[FAULT_COUNT] = {
        [FAULT_SHORT_WRITE] = "short write",
        [FAULT_WRITE_AGAIN] = "EAGAIN on write",
        [FAULT_WRITE_INTERRUPTED] = "EINTR on write",
        [FAULT_WRITE_RESET] = "ECONNRESET on write",
        [FAULT_SHORT_READ] = "short read",
        [FAULT_READ_AGAIN] = "EAGAIN on read",
        [FAULT_READ_RESET] = "ECONNRESET on read",
        [FAULT_ALLOCATION] = "failing allocation",
        [FAULT_WATCH] = "ENOMEM from epoll_ctl",
        [FAULT_ACCEPT] = "EMFILE from accept",
        [FAULT_PAUSE] = "sleeping worker",
    };

    return name[k];
}

/* How often each comes, of a thousand. */
static const struct {
    enum sim_action action;
    unsigned weight;
} weights[] = {
    {DO_CONNECT, 60}, {DO_SUBSCRIBE, 150}, {DO_UNSUBSCRIBE, 60}, {DO_BATCH, 70},  {DO_ECHO, 40},    {DO_LATER, 40},
    {DO_STALL, 25},   {DO_SLOW, 25},       {DO_READ, 60},        {DO_CLOSE, 12},  {DO_FIN, 8},      {DO_RESET, 8},
    {DO_PING, 12},    {DO_BLOCKS, 230},    {DO_REORG, 60},       {DO_REVERT, 15}, {DO_PENDING, 90}, {DO_SYNCING, 35},
};

static enum sim_action choose_action(struct dice *d)
{
    uint64_t at = roll(d, 1000);

    for (size_t i = 0; i < COUNT_OF(weights); i++) {
        if (at < weights[i].weight) return weights[i].action;
        at -= weights[i].weight;
    }
    return DO_BLOCKS;
}

static void make_steps(struct dice *d, struct sim_plan *p)
{
    uint64_t now_ms = 1;
    unsigned hurry = (unsigned)between(d, 1, 400); /* the mean pause */

    p->step_count = between(d, 40, SIM_STEPS_MAX);
    for (size_t i = 0; i < p->step_count; i++) {
        struct sim_step *s = &p->steps[i];

        *s = (struct sim_step){.at_ms = now_ms,
                               .action = i < p->clients ? DO_CONNECT : choose_action(d),
                               .client = i < p->clients ? (uint32_t)i : (uint32_t)roll(d, p->clients),
                               .a = (uint32_t)roll(d, UINT32_MAX),
                               .b = (uint32_t)roll(d, UINT32_MAX),
                               .c = (uint32_t)roll(d, UINT32_MAX)};
        if (roll(d, 3)) now_ms += roll(d, 2 * hurry + 1);
    }
    p->end_ms = now_ms + 100;
}

/* Calls of a kind in a run are some hundreds: low numbers are as likely as high ones of ten times their size. */
static uint64_t choose_nth(struct dice *d, uint64_t most)
{
    uint64_t top = 10;

    while (top < most && roll(d, 3)) top *= 4;
    return between(d, 1, top < most ? top : most);
}

static void make_faults(struct dice *d, struct sim_plan *p)
{
    static const unsigned most[FAULT_COUNT] = {
        [FAULT_SHORT_WRITE] = 800, [FAULT_WRITE_AGAIN] = 800, [FAULT_WRITE_INTERRUPTED] = 800,
        [FAULT_WRITE_RESET] = 800, [FAULT_SHORT_READ] = 400,  [FAULT_READ_AGAIN] = 400,
        [FAULT_READ_RESET] = 400,  [FAULT_ALLOCATION] = 4000, [FAULT_WATCH] = 30,
        [FAULT_ACCEPT] = 30,       [FAULT_PAUSE] = 400,
    };
    bool gentle = roll(d, 4) == 0; /* nothing that ends a connection: streams are then followed to the end */

    p->fault_count = roll(d, SIM_FAULTS_MAX + 1);
    for (size_t i = 0; i < p->fault_count; i++) {
        struct sim_fault *f = &p->faults[i];

        do {
            f->kind = (enum sim_fault_kind)roll(d, FAULT_COUNT);
        } while (gentle && (f->kind == FAULT_WRITE_RESET || f->kind == FAULT_READ_RESET ||
                            f->kind == FAULT_ALLOCATION || f->kind == FAULT_WATCH));
        f->nth = choose_nth(d, most[f->kind]);
        /* The first calls are the server's start, which few runs should end with. */
        if (roll(d, 30)) f->nth += f->kind == FAULT_ALLOCATION ? 60 : f->kind == FAULT_WATCH ? 6 : 0;
        f->amount = (uint32_t)between(d, 1, f->kind == FAULT_PAUSE ? 2500 : 900);
        f->off = false;
    }
}

void plan_make(uint64_t seed, struct sim_plan *out)
{
    struct dice d = {sim_mix(seed)};

    *out = (struct sim_plan){.seed = seed};
    out->workers = between(&d, 1, SIM_WORKERS_MAX);
    out->clients = between(&d, 1, SIM_CLIENTS_MAX);
    out->tight = roll(&d, 3) == 0;
    out->options = (struct conn_options){
        .websockets_max = 64,
        .http_max = 64,
        .ping_interval_ms = between(&d, 1000, 10000),
        .ping_timeout_ms = between(&d, 3000, 6000), /* no sleep is as long: a pong is read late, never too late */
        .notify_age_max_ms = between(&d, 4000, 8000),
        .linger_ms = between(&d, 500, 5000),
        .handshake_timeout_ms = 60000, /* sleeping workers add up */
        .http_idle_timeout_ms = 20000,
        .in_flight_max = between(&d, 1, 20),
        .notify_bytes_max = out->tight ? between(&d, 600, 16000) : between(&d, 256 << 10, 400 << 10),
        .output_bytes_max = out->tight ? between(&d, 8000, 200000) : between(&d, 600 << 10, 2 << 20),
    };
    make_steps(&d, out);
    make_faults(&d, out);
    out->options.deflate_piece_len = between(&d, 300, 9000); /* drawn last: old seeds stay what they were */
}
