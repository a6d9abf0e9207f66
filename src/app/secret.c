#include "app/secret.h"

#include <errno.h>
#include <stdio.h>

enum { FILE_LEN_MAX = 256 };

enum fan_status secret_read(const char *option, const char *path, uint8_t out[JWT_SECRET_LEN], struct fan_error *err)
{
    char text[FILE_LEN_MAX];
    FILE *f = fopen(path, "re");
    size_t len;
    bool failed;

    if (!f)
        return fan_error_set(err, FAN_EIO, "%s: %s: %s (openssl rand -hex 32 > %s makes one)", option, path,
                             strerror(errno), path);
    len = fread(text, 1, sizeof text, f);
    failed = ferror(f);
    (void)fclose(f);
    if (failed) return fan_error_set(err, FAN_EIO, "%s: %s: cannot be read", option, path);
    if (len < sizeof text && jwt_secret_parse(slice_of(text, len), out)) return FAN_OK;
    return fan_error_set(err, FAN_EINVAL, "%s: %s: a secret is 32 bytes, as 64 hex digits (openssl rand -hex 32)",
                         option, path);
}
