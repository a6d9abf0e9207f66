/* kit: the few things every program of the bench needs, so that each of them stays one readable file.
 *
 * They are test programs on one machine: whatever fails ends them with a line on standard error. Sockets are IPv4 on
 * 127.0.0.1 and do not block once they are connected. Thread: any. */
#ifndef BENCH_KIT_H
#define BENCH_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2))); /* exit code 2 */

/* As many open files as the kernel lets us have. */
void raise_open_files(void);

/* A listening socket; port 0 takes a free one. reuse: several threads share the port. *out_port: what it became. */
int listen_on(uint16_t port, int reuse, uint16_t *out_port);
/* A connected socket with TCP_NODELAY. receive_bytes: SO_RCVBUF, 0 leaves the kernel's. */
int connect_to(uint16_t port, int receive_bytes);

/* What a process has used so far: nanoseconds on a processor, ended threads included; resident bytes. 0 for pid 0. */
uint64_t process_cpu_ns(int pid);
uint64_t process_resident(int pid);
/* Memory the kernel holds for all TCP sockets of the machine, in bytes. */
uint64_t kernel_tcp_bytes(void);

uint64_t option_number(const char *name, const char *text, uint64_t max);

/* What every generator of requests is told. In its table of long options LOAD_OPTIONS come first. */
struct load_options {
    uint16_t port;
    int pid; /* the server's, for its processor time; 0: not asked for */
    uint64_t connections, milliseconds;
};
#define LOAD_OPTIONS                                                                                                   \
    {"port", required_argument, NULL, 'p'}, {"connections", required_argument, NULL, 'c'},                             \
        {"milliseconds", required_argument, NULL, 'm'},                                                                \
    {                                                                                                                  \
        "pid", required_argument, NULL, 'i'                                                                            \
    }
/* Takes one of them, as getopt_long() gave it. False: it is none. */
bool load_option(struct load_options *to, int option, const char *text);

int by_u32(const void *a, const void *b); /* for qsort() */

#endif
