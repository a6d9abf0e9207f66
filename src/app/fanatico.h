/* fanatico: the inside of the library's server, for the files that implement fanatico.h and hooks.h. */
#ifndef APP_FANATICO_H
#define APP_FANATICO_H

#include <stdatomic.h>
#include <sys/types.h>

#include "app/front.h"
#include "app/server.h"
#include "chain/host.h"
#include "fanatico/hooks.h"
#include "upstream/client.h"

struct host_method {
    char *name; /* NULL: the fallback */
    fan_method *run;
    void *ctx;
};

enum server_state { SERVER_NEW, SERVER_RUNNING, SERVER_STOPPED };

struct fan_server {
    atomic_int state; /* enum server_state */
    pid_t pid;        /* of the process that started it: after fork() its threads are there, not in the child */
    struct host *host;
    struct server *server; /* from the start on */
    struct server_options options;
    char *texts[6];          /* hosts, version, paths of the sockets, ours */
    struct client *upstream, *upstream_far; /* NULL: none; for clients of this machine, and for others */
    atomic_bool upstream_lost; /* as the log has it */
    struct feed *feed;       /* likewise */
    struct front front;
    bool has_chain_id, has_version;
    struct host_method *methods;
    size_t method_count;
    struct host_method fallback;
    struct rpc_method *rows; /* what rpc is given: the library's and the host's */
    size_t row_count;
};

/* FAN_OK: hooks may announce. FAN_EINVAL: s is NULL; FAN_ECLOSED: it is not running, or runs in the process that this
 * one was forked from. Any thread. */
FAN_MUST_CHECK enum fan_status fanatico_running(const fan_server *s, struct fan_error *err);

#endif
