/* Signals, the log, and what systemd wants to hear: what main's thread does while others serve (serve.h). */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "notify.h"
#include "serve.h"

/* ---- before ---- */

/* Every client is a descriptor: take as many as the system lets us. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* what stands then stands */
}

void serve_prepare(struct serve *how, const struct options *o)
{
    sigset_t blocked;

    how->hangups = o->has_tls_cert || o->has_log_file || notify_wanted();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write() */
    (void)sigemptyset(&how->ends);
    (void)sigaddset(&how->ends, SIGINT);
    (void)sigaddset(&how->ends, SIGTERM);
    blocked = how->ends;
    if (how->hangups) (void)sigaddset(&blocked, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL); /* before any thread starts, so that all inherit it */
    raise_descriptors();
}

enum fan_status serve_log(const struct options *o, bool few, struct fan_error *err)
{
    static const char *const names[LOG_LEVEL_COUNT] = {"error", "warn", "info", "debug"};
    const char *level = few && !o->has_log_level ? "warn" : o->log_level;
    bool json = strcmp(o->log_format, "json") == 0;
    int most = 0;

    while (most < LOG_LEVEL_COUNT && strcmp(level, names[most]) != 0) most++;
    if (most == LOG_LEVEL_COUNT)
        return fan_error_set(err, FAN_EINVAL, "--log-level: \"%s\" is not error, warn, info or debug", level);
    if (!json && strcmp(o->log_format, "text") != 0)
        return fan_error_set(err, FAN_EINVAL, "--log-format: \"%s\" is not text or json", o->log_format);
    if (o->has_log_file && !o->check_config) {
        struct fan_error why = {""};
        enum fan_status s = log_to_file(o->log_file, &why);

        if (s) return fan_error_set(err, s, "--log-file: %s", why.text);
    }
    log_set((enum log_level)most, json ? LOG_JSON : LOG_TEXT);
    return FAN_OK;
}

/* ---- meanwhile ---- */

/* The next signal; 0: none came in that time (0: no limit). */
static int next_signal(const sigset_t *awaited, uint64_t wait_ms, siginfo_t *info)
{
    const struct timespec wait = {.tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    int number = wait_ms ? sigtimedwait(awaited, info, &wait) : sigwaitinfo(awaited, info);

    return number > 0 ? number : 0;
}

static void hung_up(const struct serve_watch *w)
{
    struct fan_error err = {""};

    if (log_reopen(&err)) log_error("log", "SIGHUP: the file stays", LOG_WITH(log_str("error", err.text)));
    else if (log_has_file()) log_info("log", "SIGHUP: opened anew", NULL);
    if (w->hangup) w->hangup(w->ctx);
}

void serve_say_renewed(const struct fan_error *err)
{
    if (err) log_error("tls", "SIGHUP: the old certificate stays", LOG_WITH(log_str("error", err->text)));
    else log_info("tls", "SIGHUP: the certificate was read again; new connections get it", NULL);
}

void serve_wait(const struct serve *how, const struct serve_watch *w)
{
    uint64_t pulse_ms = notify_watchdog_ms();
    sigset_t awaited = how->ends;
    siginfo_t info;
    char name[16];
    int number;

    if (how->hangups) (void)sigaddset(&awaited, SIGHUP);
    while ((number = next_signal(&awaited, pulse_ms, &info)) == 0 || number == SIGHUP) {
        if (number == SIGHUP) hung_up(w);
        if (pulse_ms && (!w->alive || w->alive(w->ctx))) notify_systemd("WATCHDOG=1");
    }
    notify_systemd("STOPPING=1");
    (void)snprintf(name, sizeof name, "SIG%s", sigabbrev_np(number));
    log_warn("server", "ending",
             LOG_WITH(log_str("signal", name), log_u64("process", info.si_code == SI_USER ? (uint64_t)info.si_pid : 0)));
}

void serve_delay(const struct options *o, const struct serve *how)
{
    siginfo_t info;

    if (!o->drain_delay_ms) return;
    log_info("server", "not ready any more", LOG_WITH(log_u64("delay_ms", o->drain_delay_ms)));
    (void)next_signal(&how->ends, o->drain_delay_ms, &info);
}
