/* test_disk: a disk that fails when it is told to: the writes of whatever library is loaded into this test, LMDB's
 * among them, come here first, since a program's own functions stand in front of libc's.
 *
 * Include it in one file of a test. Thread: any. */
#ifndef STORE_TEST_DISK_H
#define STORE_TEST_DISK_H

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"

static _Atomic long calls, fails_at; /* writes and fsyncs so far; the one that fails, 0: none */
static _Atomic int fails_with;       /* an errno, or 0: cut short */

static bool fails(void)
{
    return ++calls == fails_at;
}

/* What came of a write of len bytes that is to fail; -1 with errno, or the half that is to be written. */
static ssize_t failed(size_t len)
{
    if (!fails_with && len > 1) return (ssize_t)(len / 2);
    errno = fails_with ? fails_with : ENOSPC;
    return -1;
}

#define STANDS_IN __attribute__((visibility("default")))

STANDS_IN ssize_t pwrite(int fd, const void *at, size_t len, off_t offset);
STANDS_IN ssize_t pwrite64(int fd, const void *at, size_t len, off_t offset);
STANDS_IN ssize_t pwritev(int fd, const struct iovec *v, int count, off_t offset);
STANDS_IN ssize_t pwritev64(int fd, const struct iovec *v, int count, off_t offset);
STANDS_IN int fdatasync(int fd);
STANDS_IN int fsync(int fd);

ssize_t pwrite(int fd, const void *at, size_t len, off_t offset)
{
    if (fails()) {
        ssize_t half = failed(len);

        if (half < 0) return half;
        len = (size_t)half;
    }
    return syscall(SYS_pwrite64, fd, at, len, offset);
}

ssize_t pwrite64(int fd, const void *at, size_t len, off_t offset)
{
    return pwrite(fd, at, len, offset);
}

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t offset)
{
    if (fails()) {
        ssize_t half = failed((size_t)count);

        if (half < 0) return half;
        count = (int)half;
    }
    return syscall(SYS_pwritev, fd, v, count, offset, 0L);
}

ssize_t pwritev64(int fd, const struct iovec *v, int count, off_t offset)
{
    return pwritev(fd, v, count, offset);
}

int fdatasync(int fd)
{
    if (!fails()) return (int)syscall(SYS_fdatasync, fd);
    errno = fails_with ? fails_with : EIO;
    return -1;
}

int fsync(int fd)
{
    return fdatasync(fd);
}

#endif
