/* Two processes with one store would each believe to be its only writer, so the folder is taken by flock(), which the
 * kernel lets go of when its holder ends in whatever way. The pid in the file is for people. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/parts.h"

static enum fan_status busy(const char *dir, int fd, struct fan_error *err)
{
    char pid[16] = {0};
    ssize_t got = pread(fd, pid, sizeof pid - 1, 0);
    long holder = got > 0 ? strtol(pid, NULL, 10) : 0;

    if (holder > 0)
        return fan_error_set(err, FAN_EEXIST, "%s is in use by process %ld; end it first, or name another folder", dir,
                             holder);
    return fan_error_set(err, FAN_EEXIST, "%s is in use by another process; end it first, or name another folder", dir);
}

enum fan_status store_lock(const char *dir, int *out_fd, struct fan_error *err)
{
    char path[PATH_MAX], pid[24];
    int fd, len = snprintf(path, sizeof path, "%s/LOCK", dir);

    if (len < 0 || (size_t)len >= sizeof path) return fan_error_set(err, FAN_EIO, "%.200s…: the path is too long", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        enum fan_status s =
            errno == EWOULDBLOCK ? busy(dir, fd, err) : fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));

        (void)close(fd);
        return s;
    }
    len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* On a full disk the number may be missing; the lock holds all the same. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) != len) errno = 0;
    *out_fd = fd;
    return FAN_OK;
}
