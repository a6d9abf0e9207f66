#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SECOND_NS 1000000000u

void progress_begin(struct progress *p, const char *verb, bool silent)
{
    *p = (struct progress){.verb = verb, .silent = silent, .terminal = isatty(STDERR_FILENO), .began_ns = clock_monotonic_ns()};
    p->shown_ns = p->began_ns;
}

static void put_left(struct buf *b, double seconds)
{
    if (seconds < 60)
        buf_printf(b, "%.0fs", seconds);
    else if (seconds < 3600)
        buf_printf(b, "%dm%02ds", (int)seconds / 60, (int)seconds % 60);
    else
        buf_printf(b, "%dh%02dm", (int)(seconds / 3600), (int)seconds / 60 % 60);
}

void progress_show(void *ctx, const struct local_import_progress *now)
{
    struct progress *p = ctx;
    uint64_t at = clock_monotonic_ns(), every = p->terminal ? SECOND_NS / 5 : 8 * (uint64_t)SECOND_NS, done = now->blocks + now->passed;
    double window = (double)(at - p->shown_ns) / SECOND_NS, whole = (double)(at - p->began_ns) / SECOND_NS;
    struct buf line;

    if (p->silent || at - p->shown_ns < every) return;
    buf_init(&line, 0);
    if (p->terminal) buf_put_str(&line, "\r\033[K");
    buf_printf(&line, "%s block %" PRIu64, p->verb, now->head_number);
    if (now->count) buf_printf(&line, "  %.0f%%", 100.0 * (double)done / (double)now->count);
    buf_printf(&line, "  %.0f blocks/s  %.1f Mgas/s", (double)(now->blocks - p->blocks_shown) / window,
               (double)(now->gas - p->gas_shown) / window / 1e6);
    if (now->count > done && now->blocks) {
        buf_put_str(&line, "  ");
        put_left(&line, whole / (double)now->blocks * (double)(now->count - done));
        buf_put_str(&line, " left");
    }
    if (!p->terminal) buf_put_byte(&line, '\n');
    if (!line.failed && write(STDERR_FILENO, line.at, line.len) > 0) p->shown = true;
    buf_fini(&line);
    p->shown_ns = at;
    p->blocks_shown = now->blocks;
    p->gas_shown = now->gas;
}

void progress_end(struct progress *p)
{
    if (p->shown && p->terminal && write(STDERR_FILENO, "\r\033[K", 4) < 0) return; /* nobody reads on */
    p->shown = false;
}

void progress_sum(const struct progress *p, uint64_t blocks, uint64_t gas, uint64_t head_number)
{
    double seconds = (double)(clock_monotonic_ns() - p->began_ns) / SECOND_NS;

    if (p->silent) return;
    if (seconds < 0.001) seconds = 0.001;
    (void)printf("%s %" PRIu64 " blocks, head %" PRIu64 " (%.1f s, %.0f blocks/s, %.1f Mgas/s)\n", p->verb, blocks, head_number, seconds,
                 (double)blocks / seconds, (double)gas / seconds / 1e6);
    (void)fflush(stdout);
}
