#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
    uint8_t *p = out;

    while (len) {
        ssize_t got = getrandom(p, len, 0);

        if (got < 0) {
            if (errno == EINTR) continue;
            abort();
        }
        p += got;
        len -= (size_t)got;
    }
}
