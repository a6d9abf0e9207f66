/* The library as its hosts misuse it, and from as many threads as they like; examples/ and test/library/ use it well.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "fanatico/hooks.h"

/* ---- a server, and who asks it ---- */

static const struct fan_server_options quiet = {
    .http_port = FAN_PORT_FREE, .ws_port = FAN_PORT_NONE, .workers = 2, .call_threads = 2, .chain_id = 7};

static fan_server *started(struct test *t, fan_method *fallback, void *ctx)
{
    struct fan_error err = {""};
    fan_server *s = NULL;

    if (fan_server_new(&quiet, &s, &err) || (fallback && fan_server_fallback(s, fallback, ctx, &err)) ||
        fan_server_start(s, &err)) {
        test_fail(t, __FILE__, __LINE__, "%s", err.text);
        fan_server_free(s);
        return NULL;
    }
    return s;
}

static int connect_to(const fan_server *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(fan_server_http_port(s))};
    const struct timeval patience = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void say(int fd, const void *bytes, size_t len)
{
    (void)!send(fd, bytes, len, MSG_NOSIGNAL);
}

/* One call over HTTP, and all that comes back, as a text that the next call overwrites. */
static const char *ask(const fan_server *s, const char *method)
{
    static _Thread_local char answer[4096];
    char body[256], request[512];
    int fd = connect_to(s);
    size_t len = 0;
    ssize_t got;

    (void)snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":[1]}", method);
    (void)snprintf(request, sizeof request,
                   "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    say(fd, request, strlen(request));
    while (len < sizeof answer - 1 && (got = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0)
        len += (size_t)got;
    answer[len] = 0;
    (void)close(fd);
    return answer;
}

/* A WebSocket that subscribes to newHeads; -1: no answer. */
static int subscriber(const fan_server *s)
{
    static const char hello[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}";
    const uint8_t head[6] = {0x81, 0x80 | (sizeof text - 1)}; /* its mask is zero */
    char got[1024] = "";
    size_t len = 0;
    int fd = connect_to(s);

    say(fd, hello, sizeof hello - 1);
    say(fd, head, sizeof head);
    say(fd, text, sizeof text - 1);
    while (len < sizeof got - 1 && !strstr(got, "\"result\":\"0x")) {
        ssize_t more = recv(fd, got + len, sizeof got - 1 - len, 0);

        if (more <= 0) break;
        for (ssize_t i = 0; i < more; i++, len++) /* a length may be a zero byte */
            if (!got[len]) got[len] = ' ';
        got[len] = 0;
    }
    return fd;
}

/* A block on the one before it. */
static enum fan_status tell(fan_server *s, unsigned number, struct fan_error *err)
{
    char json[256];

    (void)snprintf(json, sizeof json, "{\"number\":%u,\"hash\":\"0x01%062x\",\"parentHash\":\"0x01%062x\"}", number,
                   number, number - 1);
    return fan_chain_announce_block_json(s, json, strlen(json), err);
}

static void echo(void *ctx, fan_call *call)
{
    size_t len;
    const char *params = fan_call_params(call, &len);

    (void)ctx;
    (void)fan_call_answer(call, params, len, NULL);
}

/* ---- tests ---- */

TEST(what_is_null_is_told_and_nothing_falls_over, t)
{
    const struct fan_hash hash = {{1}};
    struct fan_server_stats stats = {.blocks = 9};
    struct fan_error err = {""};
    fan_server *s;

    CHECK_EQ(t, fan_server_new(NULL, NULL, &err), FAN_EINVAL);
    CHECK_EQ(t, fan_server_start(NULL, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "server: is NULL");
    CHECK_EQ(t, fan_server_method(NULL, "x", echo, NULL, NULL), FAN_EINVAL);
    CHECK_EQ(t, fan_server_fallback(NULL, echo, NULL, NULL), FAN_EINVAL);
    CHECK_EQ(t, fan_chain_announce_block_json(NULL, "{}", 2, NULL), FAN_EINVAL);
    CHECK_EQ(t, fan_chain_hook_json(NULL, "{}", 2, NULL), FAN_EINVAL);
    CHECK_EQ(t, fan_chain_move_head(NULL, &hash, NULL), FAN_EINVAL);
    CHECK_EQ(t, fan_server_reload_tls(NULL, NULL), FAN_EINVAL);
    CHECK_EQ(t, fan_server_http_port(NULL), 0);
    fan_server_stats(NULL, &stats);
    CHECK_EQ(t, stats.blocks, 0);
    fan_server_drain(NULL);
    fan_server_stop(NULL);
    fan_server_free(NULL);

    s = started(t, NULL, NULL);
    REQUIRE(t, s);
    CHECK_EQ(t, fan_chain_announce_block(s, NULL, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "block: is NULL");
    CHECK_EQ(t, fan_chain_announce_logs(s, NULL, 1, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "logs: is NULL");
    CHECK_EQ(t, fan_chain_announce_syncing(s, NULL, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "syncing: is NULL");
    CHECK_EQ(t, fan_chain_move_head(s, NULL, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "head: is NULL");
    CHECK_EQ(t, fan_chain_announce_pending(s, NULL, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "pending transaction: is NULL");
    CHECK_EQ(t, fan_chain_announce_logs(s, NULL, 0, &err), FAN_OK);
    CHECK_EQ(t, fan_chain_announce_block_json(s, NULL, 5, &err), FAN_EFORMAT);
    CHECK_EQ(t, fan_chain_hook_json(s, NULL, 0, NULL), FAN_EFORMAT);
    CHECK_EQ(t, fan_chain_announce_logs(s, &(struct fan_log){.topic_count = 2}, 1, &err), FAN_EFORMAT);
    CHECK_STR(t, slice_str(err.text), "logs[0]: topics: is missing");
    CHECK_EQ(t, fan_chain_announce_logs(s, &(struct fan_log){.topics = &hash, .topic_count = SIZE_MAX}, 1, &err),
             FAN_EFORMAT);
    CHECK_EQ(t, fan_chain_announce_logs(s, &(struct fan_log){.data_len = 9}, 1, &err), FAN_EFORMAT);
    CHECK_EQ(t,
             fan_chain_announce_block(s, &(struct fan_block){.given = FAN_BLOCK_EXTRA_DATA, .extra_data_len = 3}, &err),
             FAN_EFORMAT);
    CHECK_EQ(t, fan_chain_announce_block(s, &(struct fan_block){.given = FAN_BLOCK_LOGS_BLOOM}, &err), FAN_EFORMAT);
    fan_server_free(s);
}

/* `--tls-cert "$CERT"` with nothing in it must not become a server without TLS. */
TEST(who_asks_for_safety_gets_it_or_an_error, t)
{
    static const struct {
        struct fan_server_options options;
        enum fan_status status;
        const char *said;
    } row[] = {
        {{.tls_cert = "", .tls_key = ""}, FAN_EINVAL, "tls_cert: "},
        {{.tls_cert = ""}, FAN_EINVAL, "tls_key: which file? tls_cert needs it"},
        {{.jwt_secret_path = ""}, FAN_EIO, "jwt_secret_path: "},
        {{.jwt_namespaces = "eth"}, FAN_EINVAL, "jwt_namespaces: signed with which secret? (jwt_secret_path)"},
        {{.proxy_protocol = true}, FAN_EINVAL, "proxy_protocol: from whom? trusted_proxies names the proxies"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_error err = {""};
        fan_server *s = NULL;

        CHECK_EQ(t, fan_server_new(&row[i].options, &s, &err), row[i].status);
        CHECK_STR(t, slice_first(slice_str(err.text), strlen(row[i].said)), row[i].said);
        CHECK(t, !s);
    }
}

TEST(a_life_in_the_wrong_order_is_told, t)
{
    struct fan_error err = {""};
    struct fan_server_stats stats;
    fan_server *s = NULL;

    REQUIRE(t, !fan_server_new(&quiet, &s, &err));
    CHECK_EQ(t, tell(s, 1, &err), FAN_ECLOSED);
    fan_server_drain(s);
    CHECK_EQ(t, fan_server_http_port(s), 0);
    REQUIRE(t, !fan_server_start(s, &err));
    CHECK(t, fan_server_http_port(s) != 0);
    CHECK_EQ(t, fan_server_ws_port(s), 0);
    CHECK_EQ(t, fan_server_start(s, &err), FAN_ECLOSED);
    CHECK_EQ(t, fan_server_method(s, "x", echo, NULL, &err), FAN_ECLOSED);
    CHECK_EQ(t, tell(s, 1, &err), FAN_OK);
    fan_server_drain(s);
    fan_server_drain(s);
    fan_server_stop(s);
    fan_server_stop(s);
    fan_server_drain(s);
    CHECK_EQ(t, tell(s, 2, &err), FAN_ECLOSED);
    fan_server_stats(s, &stats);
    CHECK_EQ(t, stats.blocks, 1);
    CHECK_EQ(t, fan_server_start(s, &err), FAN_ECLOSED);
    fan_server_free(s);
}

enum { FEEDERS = 16, BLOCKS = 60 };

static void *feeder(void *arg)
{
    fan_server *s = arg;
    struct fan_server_stats stats;
    struct fan_hash hash = {{9}};
    char log[256];

    for (unsigned n = 1; n <= BLOCKS; n++) {
        struct fan_error err = {""};

        /* Who is behind tells what is known; who is ahead of the others tells what is new. */
        if (tell(s, n, &err)) return strdup(err.text);
        (void)snprintf(log, sizeof log,
                       "{\"address\":\"0x%040x\",\"blockNumber\":%u,\"transactionHash\":\"0x%064x\",\"logIndex\":0}",
                       7u, n, n);
        if (fan_chain_announce_logs_json(s, log, strlen(log), &err)) return strdup(err.text);
        if (fan_chain_announce_pending(s, &hash, &err)) return strdup(err.text);
        if (fan_chain_announce_syncing(s, &(struct fan_syncing){.syncing = n % 2}, &err)) return strdup(err.text);
        fan_server_stats(s, &stats);
    }
    return NULL;
}

/* What a start that failed had put together is gone, also from the chain's list of who hears of blocks. */
TEST(a_start_that_failed_may_be_tried_again, t)
{
    char folder[] = "/tmp/fanatico-test-XXXXXX", room[64], feed[80];
    struct fan_server_options options = quiet;
    struct fan_error err = {""};
    struct fan_server_stats stats;
    fan_server *s;

    REQUIRE(t, mkdtemp(folder));
    (void)snprintf(room, sizeof room, "%s/room", folder);
    (void)snprintf(feed, sizeof feed, "%s/feed", room);
    options.feed_path = feed;
    REQUIRE(t, fan_server_new(&options, &s, &err) == FAN_OK);
    for (int i = 0; i < 3; i++) CHECK_EQ(t, fan_server_start(s, &err), FAN_ESYSTEM);
    CHECK_EQ(t, mkdir(room, 0700), 0);
    CHECK_EQ(t, fan_server_start(s, &err), FAN_OK);
    CHECK_EQ(t, fan_chain_announce_block(s, &(struct fan_block){.number = 1, .hash = {{1}}}, &err), FAN_OK);
    fan_server_stats(s, &stats);
    CHECK_EQ(t, stats.blocks, 1);
    fan_server_free(s);
    CHECK_EQ(t, rmdir(room), 0);
    CHECK_EQ(t, rmdir(folder), 0);
}

TEST(sixteen_threads_tell_one_chain_and_a_subscriber_hears_each_block_once, t)
{
    fan_server *s = started(t, NULL, NULL);
    struct fan_server_stats stats;
    pthread_t threads[FEEDERS];
    static char heard[1 << 20];
    size_t len = 0, heads = 0;
    ssize_t got;
    int fd;

    REQUIRE(t, s);
    fd = subscriber(s);
    for (size_t i = 0; i < FEEDERS; i++) CHECK_EQ(t, pthread_create(&threads[i], NULL, feeder, s), 0);
    for (size_t i = 0; i < FEEDERS; i++) {
        void *trouble = NULL;

        CHECK_EQ(t, pthread_join(threads[i], &trouble), 0);
        if (trouble) test_fail(t, __FILE__, __LINE__, "%s", (char *)trouble);
        free(trouble);
    }
    fan_server_stats(s, &stats);
    CHECK_EQ(t, stats.blocks, BLOCKS);
    CHECK_EQ(t, stats.logs, BLOCKS);
    CHECK_EQ(t, stats.pending, FEEDERS * BLOCKS);
    CHECK_EQ(t, stats.repeated, 2 * (FEEDERS - 1) * BLOCKS);
    CHECK_EQ(t, stats.waiting_logs, 0);
    fan_server_stop(s); /* what was told before has left, or lies in the socket */
    while (len < sizeof heard && (got = recv(fd, heard + len, sizeof heard - len, 0)) > 0) len += (size_t)got;
    for (const char *at = heard; (at = memmem(at, len - (size_t)(at - heard), "\"parentHash\"", 12)) != NULL; at++)
        heads++;
    CHECK_EQ(t, heads, BLOCKS);
    (void)close(fd);
    fan_server_free(s);
}

/* A method that announces, and asks for statistics. */
static void announces(void *ctx, fan_call *call)
{
    fan_server **s = ctx;
    struct fan_server_stats stats;
    enum fan_status status = tell(*s, 1, NULL);

    fan_server_stats(*s, &stats);
    fan_call_fail(call, status ? 1 : 42, "announced", "\"0x1\"", 5);
}

TEST(a_method_may_call_hooks, t)
{
    struct fan_server_stats stats;
    struct fan_error err = {""};
    fan_server *s = NULL;

    REQUIRE(t, !fan_server_new(&quiet, &s, &err));
    REQUIRE(t, !fan_server_method(s, "host_tell", announces, &s, &err));
    REQUIRE(t, !fan_server_start(s, &err));
    CHECK(t, strstr(ask(s, "host_tell"), "\"error\":{\"code\":42,\"message\":\"announced\",\"data\":\"0x1\"}") != NULL);
    fan_server_stats(s, &stats);
    CHECK_EQ(t, stats.blocks, 1);
    fan_server_free(s);
}

/* Whose call it is, and whether that is this machine's own, as an error's words. */
static void whose(void *ctx, fan_call *call)
{
    char text[64], cut[4] = "xxx";
    bool local = fan_call_client(call, text, sizeof text);

    (void)ctx;
    (void)fan_call_client(call, cut, sizeof cut);
    *strchr(text, ':') = 0; /* the port is any */
    strcat(strcat(text, local ? " local " : " far "), cut);
    fan_call_fail(call, fan_call_client(call, NULL, 0), text, NULL, 0);
}

TEST(a_method_is_told_whose_call_it_is, t)
{
    fan_server *s = started(t, whose, NULL);

    REQUIRE(t, s);
    CHECK(t, strstr(ask(s, "host_who"), "{\"code\":1,\"message\":\"127.0.0.1 local 127\"}") != NULL);
    fan_server_free(s);
}

/* One that answers what is no JSON. */
static void no_json(void *ctx, fan_call *call)
{
    struct fan_error err = {""};

    *(enum fan_status *)ctx = fan_call_answer(call, NULL, 7, &err);
}

TEST(an_answer_that_is_null_is_no_json, t)
{
    enum fan_status status = FAN_OK;
    fan_server *s = started(t, no_json, &status);

    REQUIRE(t, s);
    CHECK(t, strstr(ask(s, "anything"),
                    "\"code\":-32603,\"message\":\"Internal error: the method's answer is no JSON\"") != NULL);
    fan_server_free(s);
    CHECK_EQ(t, status, FAN_EFORMAT);
}

static void stops(void *ctx, fan_call *call)
{
    (void)call;
    fan_server_stop(*(fan_server **)ctx);
}
static void drains(void *ctx, fan_call *call)
{
    (void)call;
    fan_server_drain(*(fan_server **)ctx);
}
static void frees(void *ctx, fan_call *call)
{
    (void)call;
    fan_server_free(*(fan_server **)ctx);
}

/* It would wait for itself for ever; so it says so at once. */
TEST(a_method_that_ends_its_server_is_an_assertion, t)
{
    static fan_method *const ends[] = {stops, drains, frees};

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        pid_t child = fork();
        int status = 0;

        if (child == 0) {
            const struct rlimit none = {0, 0};
            fan_server *s = NULL;

            (void)setrlimit(RLIMIT_CORE, &none);
            (void)alarm(60);
            (void)signal(SIGABRT, SIG_DFL);
            (void)!freopen("/dev/null", "w", stderr); /* the assertion's words are not this run's */
            if (fan_server_new(&quiet, &s, NULL) || fan_server_method(s, "host_end", ends[i], &s, NULL) ||
                fan_server_start(s, NULL))
                _exit(3);
            (void)ask(s, "host_end");
            (void)pause();
            _exit(4);
        }
        CHECK_EQ(t, waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            test_fail(t, __FILE__, __LINE__, "%zu: the process ended with %x, not with SIGABRT", i, (unsigned)status);
    }
}

TEST(after_fork_the_child_is_told_and_harms_nobody, t)
{
    fan_server *s = started(t, echo, NULL);
    struct fan_server_stats stats;
    int status = 0;
    pid_t child;

    REQUIRE(t, s);
    CHECK_EQ(t, tell(s, 1, NULL), FAN_OK);
    child = fork();
    if (child == 0) {
        struct fan_error err = {""};
        enum fan_status told = tell(s, 2, &err);

        (void)alarm(60);
        fan_server_stats(s, &stats);
        fan_server_drain(s);
        fan_server_stop(s);
        fan_server_free(s);
        _exit(told == FAN_ECLOSED && strstr(err.text, "was forked from") && !stats.blocks ? 0 : 1);
    }
    CHECK_EQ(t, waitpid(child, &status, 0), child);
    CHECK_EQ(t, status, 0);
    CHECK_EQ(t, tell(s, 2, NULL), FAN_OK);
    CHECK(t, strstr(ask(s, "host_echo"), "\"result\":[1]") != NULL);
    fan_server_stats(s, &stats);
    CHECK_EQ(t, stats.blocks, 2);
    fan_server_free(s);
}

TEST(a_server_that_was_made_before_fork_starts_in_the_child, t)
{
    fan_server *s = NULL;
    int status = 0;
    pid_t child;

    REQUIRE(t, !fan_server_new(&quiet, &s, NULL));
    child = fork();
    if (child == 0) {
        (void)alarm(60);
        if (fan_server_start(s, NULL) || tell(s, 1, NULL)) _exit(1);
        fan_server_drain(s);
        fan_server_free(s);
        _exit(0);
    }
    CHECK_EQ(t, waitpid(child, &status, 0), child);
    CHECK_EQ(t, status, 0);
    fan_server_free(s);
}
