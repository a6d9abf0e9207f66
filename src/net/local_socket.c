#include "net/local_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static enum fan_status fail(struct fan_error *err, const char *path)
{
    return fan_error_set(err, FAN_ESYSTEM, "%s: %s", path, strerror(errno));
}

/* Makes room at the path: a socket that nobody listens on any more is left over from a process that was killed. */
static enum fan_status clear_path(const struct sockaddr_un *name, bool takeover, struct fan_error *err)
{
    struct stat about;
    int fd;
    bool dead;

    if (lstat(name->sun_path, &about)) return FAN_OK;
    if (!S_ISSOCK(about.st_mode))
        return fan_error_set(err, FAN_EINVAL, "%s: there is a file that is no socket", name->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fail(err, name->sun_path);
    dead = connect(fd, (const struct sockaddr *)name, sizeof *name) && errno == ECONNREFUSED;
    (void)close(fd);
    if (!dead && !takeover) return fan_error_set(err, FAN_EEXIST, "%s: another process listens there", name->sun_path);
    return unlink(name->sun_path) && errno != ENOENT ? fail(err, name->sun_path) : FAN_OK;
}

enum fan_status local_socket_open(const struct local_socket_options *options, struct local_socket *out,
                                  struct fan_error *err)
{
    struct local_socket s = {.fd = -1, .name.sun_family = AF_UNIX};
    int type = SOCK_STREAM | SOCK_CLOEXEC | (options->blocking ? 0 : SOCK_NONBLOCK);
    enum fan_status status;
    struct stat about;

    *out = s;
    if (!*options->path) return fan_error_set(err, FAN_EINVAL, "the path of a socket is empty");
    if (strlen(options->path) >= sizeof s.name.sun_path)
        return fan_error_set(err, FAN_EINVAL, "%s: the path of a socket has at most %zu bytes", options->path,
                             sizeof s.name.sun_path - 1);
    memcpy(s.name.sun_path, options->path, strlen(options->path));
    status = clear_path(&s.name, options->takeover, err);
    if (status) return status;
    s.fd = socket(AF_UNIX, type, 0);
    if (s.fd < 0) return fail(err, options->path);
    /* The file takes over the mode that the socket has when it is bound, so it is never open wider. */
    if (fchmod(s.fd, options->mode) || bind(s.fd, (const struct sockaddr *)&s.name, sizeof s.name)) {
        status = errno == EADDRINUSE
                     ? fan_error_set(err, FAN_EEXIST, "%s: another process listens there", options->path)
                     : fail(err, options->path);
        (void)close(s.fd);
        return status;
    }
    /* Only then what the umask took is given back. */
    if (chmod(options->path, options->mode) || lstat(options->path, &about) || listen(s.fd, BACKLOG)) {
        status = fail(err, options->path);
        (void)unlink(options->path);
        (void)close(s.fd);
        return status;
    }
    s.open = true;
    s.device = about.st_dev;
    s.file = about.st_ino;
    *out = s;
    return FAN_OK;
}

void local_socket_hide(struct local_socket *s)
{
    struct stat about;

    if (s->open && !lstat(s->name.sun_path, &about) && about.st_dev == s->device && about.st_ino == s->file)
        (void)unlink(s->name.sun_path);
}

void local_socket_close(struct local_socket *s)
{
    local_socket_hide(s);
    if (s->open) (void)close(s->fd);
    s->open = false;
}
