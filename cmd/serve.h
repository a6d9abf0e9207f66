/* serve: a chain behind its ports, from the ready file to the last goodbye, for the commands that do so.
 *
 * Thread: main's. serve_prepare() comes before any thread is started. */
#ifndef CMD_SERVE_H
#define CMD_SERVE_H

#include <signal.h>

#include "local/local.h"
#include "options.h"

struct serve {
    sigset_t ends; /* blocked everywhere: whoever asks us to end is met in serve() */
    bool hangups;  /* SIGHUP is met there too */
    bool dev;      /* a development chain: its methods, and its name in front */
    /* Prints what the user should know once the ports accept; not with --silent. */
    void (*banner)(void *ctx, const struct options *o, const struct block *genesis, const struct chain_remote *remote,
                   const char *http, const char *ws);
    /* The end has begun, and nobody shall wait for anything outside any more; perhaps more than once. May be NULL. */
    void (*ending)(void *ctx);
    void *ctx;
};

struct serve_watch {
    void (*hangup)(void *ctx); /* NULL: nothing to read anew but the log */
    bool (*alive)(void *ctx);  /* for systemd's watchdog; NULL: we are */
    void *ctx;
};

/* Signals, descriptors. Where the options name a file that may be read or opened anew, or systemd
 * started us, SIGHUP does not end us. */
void serve_prepare(struct serve *how, const struct options *o);
/* Serves until a signal comes; then the writer has stopped. Returns the exit code, having complained. */
int serve(const struct options *o, const struct serve *how, struct local *local);
/* The log as the options have it. few: warnings alone, when they say nothing. FAN_EINVAL, FAN_EIO. */
FAN_MUST_CHECK enum fan_status serve_log(const struct options *o, bool few, struct fan_error *err);
/* Waits until somebody ends us, and says who, since an end that nobody remembers having asked for is hard to find out
 * about. Each SIGHUP opens the log's file anew and calls hangup. All these signals are blocked by serve_prepare(). */
void serve_wait(const struct serve *how, const struct serve_watch *w);
/* The first part of the end: for --drain-delay, or until another signal comes, all goes on. */
void serve_delay(const struct options *o, const struct serve *how);
/* What SIGHUP did to the certificate, for the log: err is NULL where it was replaced. */
void serve_say_renewed(const struct fan_error *err);
/* Where --ipcpath lies: a bare name is one in --datadir, as in geth. NULL: not asked for. Static memory. */
const char *serve_ipc_path(const struct options *o);
/* The ready file: written beside and renamed, so that whoever waits for it never reads half of it. */
struct serve_ports {
    uint16_t http, ws, metrics; /* metrics 0: none of its own */
};
FAN_MUST_CHECK enum fan_status serve_ready(const char *path, const struct serve_ports *ports, struct fan_error *err);
/* --check-config: what can be known without ports and threads. */
int serve_check(const struct options *o, bool dev);

#endif
