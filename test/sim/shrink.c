/* Makes a failing plan small: leaves out faults, then steps, in ever smaller pieces, and keeps whatever still fails.
 * Each try is a process of its own, since what fails may be an assertion or a sanitizer. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

enum { TRY_SECONDS = 60 };

bool sim_fails_apart(const struct sim_plan *plan, enum sim_plant plant, bool verbose)
{
    static struct sim_world world;
    int status;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child < 0) abort();
    if (child == 0) {
        if (!verbose) {
            int nowhere = open("/dev/null", O_WRONLY);

            (void)dup2(nowhere, 1);
            (void)dup2(nowhere, 2);
        }
        (void)alarm(TRY_SECONDS);
        (void)sim_run(plan, verbose, plant, &world);
        (void)fflush(NULL);
        _exit(world.failed);
    }
    while (waitpid(child, &status, 0) < 0) {
    }
    return status != 0;
}

static bool *off_of(struct sim_plan *p, bool steps, size_t at)
{
    return steps ? &p->steps[at].off : &p->faults[at].off;
}

/* False: nothing could be left out. */
static bool leave_out(struct sim_plan *p, enum sim_plant plant, bool steps)
{
    size_t count = steps ? p->step_count : p->fault_count;
    bool any = false;

    for (size_t piece = count; piece > 0; piece /= 2) {
        for (size_t from = 0; from < count; from += piece) {
            struct sim_plan *tried = malloc(sizeof *tried);
            bool changed = false;

            if (!tried) abort();
            *tried = *p;
            for (size_t i = from; i < from + piece && i < count; i++) {
                changed = changed || !*off_of(tried, steps, i);
                *off_of(tried, steps, i) = true;
            }
            if (changed && sim_fails_apart(tried, plant, false)) {
                *p = *tried;
                any = true;
            }
            free(tried);
        }
    }
    return any;
}

void sim_shrink(struct sim_plan *plan, enum sim_plant plant)
{
    do {
        (void)leave_out(plan, plant, false);
    } while (leave_out(plan, plant, true));
}
