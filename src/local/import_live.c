/* An import while the server is up: a letter that comes back until the file is through. */
#include <stdlib.h>

#include "base/clock.h"
#include "local/node.h"

/* How long others wait for the writer: for blocks being imported, or for a file that gives none. */
enum { TURN_MS = 20 };

struct live_import {
    struct letter letter;
    struct import import;
    local_import_done *done;
};

static void end(struct live_import *v, enum fan_status s, const struct fan_error *err)
{
    struct local *l = v->import.local;
    struct local_import_result result;
    enum fan_status kept = FAN_OK;

    import_end(&v->import, &result);
    if (l->keep) kept = keep_imported(l->keep, atomic_load(&l->imported_number), NULL);
    (void)kept; /* where it failed, the keeper says why, and after a restart safe and finalized follow from the head */
    l->importing = false;
    l->due_ns = clock_monotonic_ns() + l->interval_ms * 1000000u;
    v->done(v->import.watch.ctx, s, &result, err);
    if (l->automine && builder_automine(l, NULL)) builder_count_failure(l); /* what was sent meanwhile */
    free(v);
}

static void turn(struct letter *letter)
{
    struct live_import *v = CONTAINER_OF(letter, struct live_import, letter);
    struct local *l = v->import.local;
    uint64_t until = clock_monotonic_ms() + TURN_MS;
    struct fan_error err = {{0}};
    enum fan_status s = FAN_OK;

    if (atomic_load(&l->stopping)) s = fan_error_set(&err, FAN_ECLOSED, "interrupted");
    while (!s && clock_monotonic_ms() < until && intake_ready(v->import.in, TURN_MS)) s = import_one(&v->import, &err);
    if (s)
        end(v, s == FAN_ENOTFOUND ? FAN_OK : s, &err);
    else
        mailbox_post(&l->box, &v->letter);
}

/* The first turn: from here on the head is the writer's. */
static void first(struct letter *letter)
{
    struct live_import *v = CONTAINER_OF(letter, struct live_import, letter);
    struct local_import_watch watch = v->import.watch;

    v->import.local->importing = true;
    import_begin(&v->import, v->import.local, v->import.in, &watch);
    letter->run = turn;
    turn(letter);
}

enum fan_status local_import_start(struct local *l, const char *path, const struct local_import_watch *watch,
                                   local_import_done *done)
{
    struct live_import *v = calloc(1, sizeof *v);
    enum fan_status s;

    assert(l->started && !l->importing);
    if (!v) return FAN_ENOMEM;
    s = intake_open_file(path, config_of(l), &l->index, &v->import.in);
    if (s) {
        free(v);
        return s;
    }
    v->import.local = l;
    if (watch) v->import.watch = *watch;
    v->done = done;
    v->letter.run = first;
    mailbox_post(&l->box, &v->letter);
    return FAN_OK;
}
