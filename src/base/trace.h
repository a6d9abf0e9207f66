/* trace: what happened last, in a ring for each thread.
 *
 * TRACE(hub, publish, number, matches) writes four words into the calling thread's ring; nothing
 * is formatted until somebody asks. The rings are dumped on SIGUSR2 and when an assertion
 * fails, newest last, so one block can be followed from receipt to last send. Each TRACE is also a
 * USDT probe `fanatico:room_event` where <sys/sdt.h> is there. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/base.h"

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__ /* its macros leave the dots empty */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define TRACE_PROBE(room, event, a, b) DTRACE_PROBE2(fanatico, room##_##event, a, b)
#endif
#endif
#ifndef TRACE_PROBE
#define TRACE_PROBE(room, event, a, b) ((void)0)
#endif

#define TRACE(room, event, a, b)                                                                   \
    do {                                                                                           \
        TRACE_PROBE(room, event, (uint64_t)(a), (uint64_t)(b));                                    \
        trace_put(#room "." #event, (uint64_t)(a), (uint64_t)(b));                                 \
    } while (0)

/* Any thread; `name` must be static. Takes a ring from a fixed set on a thread's first call;
 * a thread that finds none free is not traced. */
void trace_put(const char *name, uint64_t a, uint64_t b);
/* Writes every ring to fd, oldest first within a thread. Safe in a signal handler. */
void trace_dump(int fd);
/* Dumps on SIGUSR2 and on SIGABRT. Once, at start. */
void trace_install(void);

#endif
