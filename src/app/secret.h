/* secret: the key that tokens are signed with, from a file, as geth keeps it. */
#ifndef APP_SECRET_H
#define APP_SECRET_H

#include "wire/jwt.h"

/* 64 hex digits, with or without 0x. option is what err calls it by. FAN_EIO: the file cannot be read; FAN_EINVAL:
 * it holds something else; err says how to make one. */
FAN_MUST_CHECK enum fan_status secret_read(const char *option, const char *path, uint8_t out[JWT_SECRET_LEN],
                                           struct fan_error *err);

#endif
