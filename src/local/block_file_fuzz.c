/* Any bytes in a file, gzip'd or not: items lie within it one behind the other, and to ask again at the end is to hear
 * the same. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "local/block_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    char path[32];
    struct block_file *f;
    struct slice item;
    struct fan_error err = {{0}};
    uint64_t offset = 0;
    size_t count = 0, again = 0;
    enum fan_status s, end;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    (void)snprintf(path, sizeof path, "/dev/fd/%d", fd);
    if (block_file_open(path, &f, &err)) abort();
    for (; !(s = block_file_next(f, &item, &err)); count++) {
        assert(item.len >= 1 && item.at[0] >= 0xc0);
        assert(block_file_offset(f) == offset);
        offset += item.len;
    }
    assert(s == FAN_ENOTFOUND || err.text[0]);
    if (block_file_rewind(f)) {
        while (!(end = block_file_next(f, &item, NULL))) again++;
        assert(again == count && end == s);
    }
    block_file_close(f);
    (void)close(fd);
    return 0;
}
