#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/test.h"
#include "net/os.h"

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) (void)close(fds[i]);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? fd : -1;
}

/* The first socket takes SO_REUSEPORT on only when it listens already; it must deal in the others all the same. */
TEST(workers_share_a_free_port_and_all_get_connections, t)
{
    enum { WORKERS = 4, CLIENTS = 200 };
    int fds[WORKERS], clients[CLIENTS];
    size_t got[WORKERS] = {0}, sum = 0;
    uint16_t port = 0;
    struct fan_error err = {""};

    REQUIRE(t, listen_open(&(struct listen_options){.host = "127.0.0.1"}, WORKERS, fds, &port, &err) == FAN_OK);
    CHECK(t, port != 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(port);
        REQUIRE(t, clients[i] >= 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        for (int fd; (fd = accept4(fds[i], NULL, NULL, SOCK_CLOEXEC)) >= 0; got[i]++) (void)close(fd);
        CHECK(t, got[i] > 0);
        sum += got[i];
    }
    CHECK_EQ(t, sum, CLIENTS);
    close_all(clients, CLIENTS);
    close_all(fds, WORKERS);
}

TEST(a_taken_port_is_named_and_only_a_takeover_shares_it, t)
{
    int first[2], second[2];
    uint16_t port;
    struct fan_error err = {""};
    char expected[64];

    REQUIRE(t, listen_open(&(struct listen_options){.host = "127.0.0.1"}, 2, first, &port, &err) == FAN_OK);
    CHECK_EQ(t, listen_open(&(struct listen_options){.host = "127.0.0.1", .port = port}, 2, second, NULL, &err),
             FAN_EEXIST);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u: address already in use", (unsigned)port);
    CHECK_STR(t, slice_str(err.text), expected);
    CHECK_EQ(t, listen_open(&(struct listen_options){.port = port}, 1, second, NULL, &err), FAN_EEXIST);
    (void)snprintf(expected, sizeof expected, "0.0.0.0:%u: address already in use", (unsigned)port);
    CHECK_STR(t, slice_str(err.text), expected);
    REQUIRE(t, listen_open(&(struct listen_options){.host = "127.0.0.1", .port = port, .takeover = true}, 2, second,
                           NULL, &err) == FAN_OK);
    close_all(first, 2);
    close_all(second, 2);
    /* Nobody is left: the port is free at once, whatever lingers in TIME_WAIT. */
    REQUIRE(t,
            listen_open(&(struct listen_options){.host = "127.0.0.1", .port = port}, 2, first, NULL, &err) == FAN_OK);
    close_all(first, 2);
}

static int listens_left;

static int listen_twice(void *ctx, int fd, int backlog)
{
    if (listens_left-- > 0) return OS_REAL.listen(ctx, fd, backlog);
    errno = ENOBUFS;
    return -1;
}

static int no_name(void *ctx, int fd, struct sockaddr *address, socklen_t *len)
{
    (void)ctx;
    (void)fd;
    (void)address;
    (void)len;
    errno = ENOBUFS;
    return -1;
}

/* Whoever frees what was half put together closes what is there: a number that was closed already may by then be
 * somebody else's. */
TEST(what_could_not_be_opened_whole_leaves_no_numbers, t)
{
    for (int i = 0; i < 2; i++) {
        struct os os = OS_REAL;
        const struct listen_options options = {.host = "127.0.0.1", .os = &os};
        struct fan_error err = {""};
        int fds[3] = {-1, -1, -1};

        listens_left = 2;
        os.listen = listen_twice;
        if (i) os.getsockname = no_name;
        CHECK_EQ(t, listen_open(&options, 3, fds, NULL, &err), FAN_ESYSTEM);
        for (size_t k = 0; k < COUNT_OF(fds); k++) CHECK_EQ(t, fds[k], -1);
    }
}

TEST(a_host_that_is_not_ours_is_an_error_with_its_name, t)
{
    static const char *const hosts[] = {"192.0.2.1", "no.such.host.invalid", "256.1.1.1", "[::1"};
    int fd;

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct fan_error err = {""};

        CHECK(t, listen_open(&(struct listen_options){.host = hosts[i], .port = 8545}, 1, &fd, NULL, &err) != FAN_OK);
        CHECK(t, strstr(err.text, hosts[i]) && strlen(err.text) > strlen(hosts[i]) + 8);
    }
}

TEST(ipv6_listens_with_or_without_brackets_and_takes_ipv4_on_all, t)
{
    static const char *const hosts[] = {"::1", "[::1]", "::", "localhost"};
    struct fan_error err = {""};
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_v6 = probe >= 0 && bind(probe, (struct sockaddr *)&here, sizeof here) == 0;

    if (probe >= 0) (void)close(probe);
    if (!has_v6) SKIP(t, "no IPv6 on this machine");
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        int fd, client;
        uint16_t port;

        REQUIRE(t, listen_open(&(struct listen_options){.host = hosts[i]}, 1, &fd, &port, &err) == FAN_OK);
        client = connect_to(port);
        CHECK_EQ(t, client >= 0, i >= 2);
        if (client >= 0) (void)close(client);
        (void)close(fd);
    }
}

static int accepted_count;

static void accepted(void *ctx, int fd)
{
    struct listener *s = ctx;

    (void)close(fd);
    if (++accepted_count == 3) listener_stop(s);
}

TEST(a_listener_may_be_stopped_while_it_accepts, t)
{
    struct loop *loop;
    struct listener s = {0};
    int fd, clients[5];
    uint16_t port;
    struct fan_error err;

    listener_stop(&s); /* never started */
    REQUIRE(t, loop_new(NULL, &loop) == FAN_OK);
    REQUIRE(t, listen_open(&(struct listen_options){.host = "127.0.0.1"}, 1, &fd, &port, &err) == FAN_OK);
    REQUIRE(t, listener_start(&s, loop, fd, accepted, &s) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(clients); i++) clients[i] = connect_to(port);
    for (int i = 0; i < 5; i++) loop_turn(loop, 0);
    CHECK_EQ(t, accepted_count, 3);
    close_all(clients, COUNT_OF(clients));
    loop_free(loop);
}
