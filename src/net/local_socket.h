/* local_socket: a Unix socket that this machine's processes find under a path.
 *
 * The file is its guard: it has its mode from the first moment, and whoever may open it may come in. A file that is
 * left over from a process that was killed is replaced; one behind which somebody answers is an error, unless he is to
 * be taken over from (he keeps the clients he has). Closing removes the file, if it is still ours.
 *
 * Not here: who is accepted and what is said (net/listen.h, conn/, app/feed.h). Spec: unix(7). Any thread. */
#ifndef NET_LOCAL_SOCKET_H
#define NET_LOCAL_SOCKET_H

#include <sys/stat.h>
#include <sys/un.h>

#include "base/base.h"

struct local_socket {
    bool open;
    int fd; /* listening */
    struct sockaddr_un name;
    dev_t device; /* of the file, to know it by */
    ino_t file;
};

struct local_socket_options {
    const char *path;
    mode_t mode;   /* of the file */
    bool blocking; /* accept() waits */
    bool takeover; /* replace the file though somebody listens behind it */
};

/* FAN_EEXIST: another process listens there; FAN_EINVAL: the path is too long, or a file that is no socket;
 * FAN_ESYSTEM: else. err names the path and why; *out is then not open. */
FAN_MUST_CHECK enum fan_status local_socket_open(const struct local_socket_options *options, struct local_socket *out,
                                                 struct fan_error *err);
/* Removes the file, if it is still ours: from then on nobody finds us. One never opened (zeroed) is fine. */
void local_socket_hide(struct local_socket *s);
/* That, and closes the socket. */
void local_socket_close(struct local_socket *s);

#endif
