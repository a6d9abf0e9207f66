/* sim: runs seeds, or one seed with its timeline.
 *
 *   sim --seeds N [--from K]     N seeds from K on; the first that fails is replayed, shrunk and named
 *   sim --seed 0x…               replays one: timeline, and when it fails the fewest faults that make it fail
 *   sim --allocations N          one seed's every allocation fails once, a run for each; N seeds
 *   sim --plants                 drops, swaps and doubles a notification on its way to the checker: each must be caught
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static struct sim_world world;
static struct sim_plan plan;
static char line[80]; /* of the run under way, for a crash */

/* ---- crashes ---- */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void say_line(void)
{
    (void)!write(2, line, strlen(line));
}

static void crashed(int number)
{
    say_line();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void watch_for_crashes(void)
{
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(say_line);
    (void)signal(SIGABRT, crashed);
    (void)signal(SIGALRM, crashed);
    if (!__sanitizer_set_death_callback) (void)signal(SIGSEGV, crashed);
}

static void begin(uint64_t seed)
{
    (void)snprintf(line, sizeof line, "\nmake sim SEED=0x%016llx\n", (unsigned long long)seed);
    (void)alarm(120); /* a loop that spins inside the server */
    plan_make(seed, &plan);
}

/* ---- replaying ---- */

static void show_what_is_left(void)
{
    size_t faults = 0, steps = 0;

    for (size_t i = 0; i < plan.step_count; i++) steps += !plan.steps[i].off;
    for (size_t i = 0; i < plan.fault_count; i++) faults += !plan.faults[i].off;
    (void)printf("fewest faults: %zu, in %zu steps\n", faults, steps);
    for (size_t i = 0; i < plan.fault_count; i++)
        if (!plan.faults[i].off)
            (void)printf("  %s, call %llu, %u\n", sim_fault_name(plan.faults[i].kind),
                         (unsigned long long)plan.faults[i].nth, plan.faults[i].amount);
}

static int replay(enum sim_plant plant)
{
    line[0] = 0; /* whoever sees this knows the seed */
    (void)alarm(0);
    if (!sim_fails_apart(&plan, plant, false)) {
        (void)sim_fails_apart(&plan, plant, true);
        (void)printf("seed 0x%016llx: nothing is wrong\n", (unsigned long long)plan.seed);
        return 0;
    }
    sim_shrink(&plan, plant);
    (void)sim_fails_apart(&plan, plant, true);
    show_what_is_left();
    (void)printf("make sim SEED=0x%016llx\n", (unsigned long long)plan.seed);
    return 1;
}

/* ---- many ---- */

static int run_seeds(uint64_t from, uint64_t count)
{
    uint64_t notifications = 0, failures = 0, slow = 0, ends = 0, turns = 0;

    for (uint64_t i = 0; i < count; i++) {
        begin(sim_mix(from + i));
        if (!sim_run(&plan, false, PLANT_NONE, &world)) {
            (void)printf("seed %llu of %llu: %s\nmake sim SEED=0x%016llx\n", (unsigned long long)i + 1,
                         (unsigned long long)count, world.why, (unsigned long long)plan.seed);
            return replay(PLANT_NONE);
        }
        notifications += world.notifications;
        failures += memory_failures();
        slow += world.slow_ends;
        ends += world.ends;
        turns += world.turns;
    }
    (void)printf("%llu seeds from %llu: %llu turns, %llu notifications checked, %llu ends (%llu slow), %llu failed "
                 "allocations; no hole, no duplicate, no disorder\n",
                 (unsigned long long)count, (unsigned long long)from, (unsigned long long)turns,
                 (unsigned long long)notifications, (unsigned long long)ends, (unsigned long long)slow,
                 (unsigned long long)failures);
    /* A run that checks nothing proves nothing. */
    return count < 100 || (notifications > 100 * count && failures > 0 && slow > 0) ? 0 : 1;
}

/* The plan's faults give way to one allocation, each in turn. */
static int run_allocations(uint64_t from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t last = 0, nth = 0;

        do {
            begin(sim_mix(from + i));
            if (plan.step_count > 60) plan.step_count = 60;
            plan.fault_count = nth ? 1 : 0;
            plan.faults[0] = (struct sim_fault){.kind = FAULT_ALLOCATION, .nth = nth};
            if (!sim_run(&plan, false, PLANT_NONE, &world)) {
                (void)printf("allocation %llu fails: %s\n", (unsigned long long)nth, world.why);
                (void)sim_fails_apart(&plan, PLANT_NONE, true);
                return 1;
            }
            if (!nth) last = world.calls[FAULT_ALLOCATION];
        } while (nth++ < last);
        (void)printf("seed 0x%016llx: each of %llu allocations has failed\n", (unsigned long long)plan.seed,
                     (unsigned long long)last);
    }
    return 0;
}

static int run_plants(uint64_t from, uint64_t count)
{
    static const char *const name[] = {
        [PLANT_DROP] = "dropped", [PLANT_SWAP] = "swapped with the next", [PLANT_TWICE] = "doubled"};
    int wrong = 0;

    for (int plant = PLANT_DROP; plant <= PLANT_TWICE; plant++) {
        uint64_t planted = 0, caught = 0;

        for (uint64_t i = 0; i < count; i++) {
            begin(sim_mix(from + i));
            (void)sim_run(&plan, false, (enum sim_plant)plant, &world);
            planted += world.planted;
            caught += world.planted && world.failed;
            if (world.planted == world.failed) continue;
            (void)printf("seed 0x%016llx: a notification %s is not seen (%s)\n", (unsigned long long)plan.seed,
                         name[plant], world.why);
        }
        (void)printf("a notification %s: planted in %llu of %llu runs, caught in %llu\n", name[plant],
                     (unsigned long long)planted, (unsigned long long)count, (unsigned long long)caught);
        if (planted != caught || planted < count / 2) wrong = 1;
    }
    return wrong;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value;

    errno = 0;
    value = text ? strtoull(text, &end, 0) : 0;
    if (!text || errno || end == text || *end) {
        (void)fprintf(stderr, "sim: %s is no number\n", text ? text : "nothing");
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    uint64_t from = 1;

    watch_for_crashes();
    if (argc == 5 && strcmp(argv[3], "--from") == 0) from = number(argv[4]);
    if (argc >= 3 && strcmp(argv[1], "--seeds") == 0) return run_seeds(from, number(argv[2]));
    if (argc >= 3 && strcmp(argv[1], "--allocations") == 0) return run_allocations(from, number(argv[2]));
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        begin(number(argv[2]));
        return replay(PLANT_NONE);
    }
    if (argc == 2 && strcmp(argv[1], "--plants") == 0) return run_plants(from, 100);
    (void)fprintf(stderr, "sim --seeds N [--from K] | --seed 0x… | --allocations N [--from K] | --plants\n");
    return 2;
}
