/* feed: hooks that come as lines, from other processes through a Unix socket, or from a pipe.
 *
 *   {"hook":"on_new_block","arg":{…}}\n          one hook a line; empty lines are nothing
 *   ◄── {"line":3,"error":"block: hash: is missing"}\n     what a line that does not fit is answered with
 *
 * Each feeder has a thread that waits for its lines, and is told about them in order; a wrong line is answered with its
 * number and the reason, and the next one is read; so is one longer than FEED_LINE_MAX, which is passed over. Feeders
 * do not wait for subscribers, so nothing builds up behind them. The socket can be used by its owner and group alone.
 *
 * Thread: feed_open() and feed_close() by the owner; the rest are threads of its own.
 * Not here: what a hook means (hooks.c). */
#ifndef APP_FEED_H
#define APP_FEED_H

#include "base/slice.h"

enum { FEED_LINE_MAX = 16 << 20, FEEDERS_MAX = 64 };

struct feed;

/* Takes one line, without its end. On failure err is what the feeder is told. Any feeder's thread, several at once. */
typedef enum fan_status feed_line(void *ctx, const char *line, size_t len, struct fan_error *err);

/* Listens at the path; what lies there is replaced only when it is a socket that nobody listens on any more, or with
 * takeover, whose feeders then stay with the predecessor until it closes. FAN_EEXIST: somebody does; FAN_EINVAL: the path
 * is too long, or no socket; FAN_ESYSTEM. err names the path and why. */
FAN_MUST_CHECK enum fan_status feed_open(const char *path, bool takeover, feed_line *each, void *ctx, struct feed **out,
                                         struct fan_error *err);
/* Ends the feeders' connections, joins their threads, removes the socket. NULL is fine. */
void feed_close(struct feed *f);

/* Reads lines of a descriptor until its end, on the caller's thread; answers go to answer_fd. FAN_EIO: reading failed;
 * FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status feed_read(int fd, int answer_fd, feed_line *each, void *ctx);

#endif
