/* Calls to another node over HTTP: what is sent, what each kind of answer means, when it is tried again. */
#include "upstream/client.h"

#include <sys/eventfd.h>

#include "base/clock.h"
#include "upstream/test_node.h"

static struct test_node node;

struct calling {
    struct client *client;
    struct arena_home memory;
    struct arena arena;
    struct client_reply reply;
    struct fan_error err;
    enum fan_status status;
};

/* A client of the node that runs. */
static void calling_init(struct calling *c, struct client_options o)
{
    char url[64];
    struct fan_error err = {""};

    *c = (struct calling){0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/rpc", node.port);
    o.url = url;
    if (!o.backoff_ms) o.backoff_ms = 1;
    if (client_new(&o, &c->client, &err)) abort();
    arena_home_init(&c->memory, 0);
    c->arena = arena_of(&c->memory);
}

static void calling_fini(struct calling *c)
{
    client_free(c->client);
    arena_home_fini(&c->memory);
}

static enum fan_status call(struct calling *c)
{
    c->err = (struct fan_error){""};
    c->status = client_call(c->client, "eth_x", SLICE("[1]"), &c->arena, &c->reply, &c->err);
    return c->status;
}

#define CHECK_SAYS(t, c, words)                                                                                        \
    do {                                                                                                               \
        if (!strstr((c)->err.text, words)) test_fail(t, __FILE__, __LINE__, "it says: %s", (c)->err.text);             \
    } while (0)

static void start(struct test_node_step a, struct test_node_step b, struct test_node_step c)
{
    node = (struct test_node){.steps = {a, b, c}};
    test_node_start(&node);
}

#define NONE ((struct test_node_step){0})
#define OK   "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":\"0x2a\"}"

TEST(a_call_says_what_it_must_and_the_connection_is_used_again, t)
{
    static const char *const headers[] = {"X-Key: secret", "X-Other: 1"};
    struct calling c;

    start((struct test_node_step){.expects = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_x\",\"params\":[1]}",
                                  .says = OK},
          (struct test_node_step){.expects = "\"id\":2,", .says = OK}, NONE);
    calling_init(&c, (struct client_options){.headers = headers, .header_count = 2});
    CHECK_EQ(t, call(&c), FAN_OK);
    CHECK_STR(t, json_raw(c.reply.result), "\"0x2a\"");
    CHECK_EQ(t, call(&c), FAN_OK);
    CHECK_EQ(t, client_calls(c.client), 2);
    calling_fini(&c);
    test_node_stop(&node, t);
    CHECK_EQ(t, atomic_load(&node.connections), 1);
    CHECK(t, strstr(node.heads, "POST /rpc HTTP/1.1\r\n") == node.heads);
    CHECK(t, strstr(node.heads, "\r\nX-Key: secret\r\nX-Other: 1\r\n") != NULL);
}

TEST(an_error_object_is_the_nodes_answer_and_no_failure_to_be_repeated, t)
{
    struct calling c;

    start((struct test_node_step){.says = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":{\"code\":3,\"message\":"
                                          "\"reverted \\u00fc\",\"data\":\"0x01\"}}"},
          (struct test_node_step){.says =
                                      "HTTP/1.1 400 No\r\nContent-Length: "
                                      "58\r\n\r\n{\"id\":2,\"error\":{\"code\":-32601,\"message\":\"no such thing\"}}",
                                  .bare = true},
          NONE);
    calling_init(&c, (struct client_options){0});
    CHECK_EQ(t, call(&c), FAN_EREJECTED);
    CHECK_EQ(t, (uint64_t)c.reply.code, 3);
    CHECK_STR(t, c.reply.data, "\"0x01\"");
    CHECK_STR(t, slice_str(c.err.text), "reverted \xc3\xbc");
    CHECK_EQ(t, call(&c), FAN_EREJECTED); /* under another status too */
    CHECK_STR(t, slice_str(c.err.text), "no such thing");
    CHECK_EQ(t, (uint64_t)c.reply.code, (uint64_t)-32601);
    calling_fini(&c);
    test_node_stop(&node, t);
}

TEST(what_may_pass_is_tried_again, t)
{
    static const struct test_node_step row[] = {
        {.says = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", .bare = true},
        {.says = "HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\nRetry-After: 0\r\n\r\nslow", .bare = true},
        {.says = "HTTP/1.1 500 Oh\r\nContent-Length: 41\r\n\r\n{\"id\":1,\"error\":{\"code\":1,\"message\":\"x\"}}",
         .bare = true},
        {.says = "{\"id\":1,\"error\":{\"code\":-32005,\"message\":\"daily rate limit reached\"}}"},
        {.says = "{\"id\":1,\"error\":{\"code\":429,\"message\":\"later\"}}"},
        {.says = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":1", .bare = true, .then = NODE_CLOSES},
        {.bare = true, .then = NODE_CLOSES},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct calling c;

        start(row[i], row[i], (struct test_node_step){.says = OK});
        calling_init(&c, (struct client_options){.retries = 2});
        if (call(&c)) test_fail(t, __FILE__, __LINE__, "row %zu: %s", i, c.err.text);
        CHECK_EQ(t, client_calls(c.client), 3);
        calling_fini(&c);
        test_node_stop(&node, t);
    }
}

TEST(and_in_the_end_it_is_said_which_node_what_and_why, t)
{
    struct calling c;

    start((struct test_node_step){.says = "HTTP/1.1 503 Busy\r\nContent-Length: 12\r\n\r\nback at nine",
                                  .bare = true,
                                  .again = true},
          NONE, NONE);
    calling_init(&c, (struct client_options){.retries = 3});
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    CHECK_SAYS(t, &c, "127.0.0.1");
    CHECK_SAYS(t, &c, "/rpc: eth_x: HTTP status 503: back at nine");
    CHECK_EQ(t, client_calls(c.client), 4);
    calling_fini(&c);
    test_node_stop(&node, t);
}

TEST(what_another_try_would_not_mend_is_tried_once, t)
{
    static const struct {
        struct test_node_step step;
        const char *words;
    } row[] = {
        {{.says = "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n<html>nothing</html>", .bare = true},
         "HTTP status 404"},
        {{.says = "HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\nno key!", .bare = true}, "HTTP status 401: no key!"},
        {{.says = "this is no JSON"}, "its answer is no JSON"},
        {{.says = "{\"jsonrpc\":\"2.0\",\"id\":1}"}, "neither result nor error"},
        {{.says = "SSH-2.0-OpenSSH_9\r\n\r\n", .bare = true}, "HTTP"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct calling c;

        start(row[i].step, NONE, NONE);
        calling_init(&c, (struct client_options){0});
        CHECK_EQ(t, call(&c), FAN_EREMOTE);
        CHECK_SAYS(t, &c, row[i].words);
        CHECK(t, !strstr(c.err.text, "html"));
        CHECK_EQ(t, client_calls(c.client), 1);
        calling_fini(&c);
        test_node_stop(&node, t);
    }
}

/* A connection that was closed while it lay idle is the other side's right. */
TEST(a_connection_lost_while_idle_costs_no_try, t)
{
    struct calling c;

    start((struct test_node_step){.says = OK, .then = NODE_CLOSES}, (struct test_node_step){.says = OK}, NONE);
    calling_init(&c, (struct client_options){.no_retries = true});
    CHECK_EQ(t, call(&c), FAN_OK);
    for (int i = 0; i < 100; i++) (void)poll(NULL, 0, 1); /* its FIN may be on the way: both cases are right */
    CHECK_EQ(t, call(&c), FAN_OK);
    calling_fini(&c);
    test_node_stop(&node, t);
    CHECK_EQ(t, atomic_load(&node.connections), 2);
}

TEST(time_is_up_when_it_is_and_a_halt_ends_what_waits, t)
{
    struct calling c;
    int halt = eventfd(0, EFD_CLOEXEC);

    start((struct test_node_step){.then = NODE_HANGS, .again = true}, NONE, NONE);
    calling_init(&c, (struct client_options){.timeout_ms = 30, .retries = 1});
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    CHECK_EQ(t, client_calls(c.client), 2);
    CHECK(t, c.err.text[0]);
    calling_fini(&c);
    calling_init(&c, (struct client_options){.halt_fd = halt});
    REQUIRE(t, write(halt, &(uint64_t){1}, 8) == 8);
    CHECK_EQ(t, call(&c), FAN_EREMOTE); /* 45 s otherwise */
    CHECK_EQ(t, client_calls(c.client), 1);
    calling_fini(&c);
    test_node_stop(&node, t);
    (void)close(halt);
}

TEST(nobody_there_is_hopeless_at_first_and_a_pause_later, t)
{
    struct calling c;

    start((struct test_node_step){.says = OK, .then = NODE_CLOSES}, NONE, NONE);
    calling_init(&c, (struct client_options){.retries = 2});
    CHECK_EQ(t, call(&c), FAN_OK);
    test_node_stop(&node, t);
    CHECK_EQ(t, call(&c), FAN_EREMOTE); /* it was there: it may come back */
    CHECK(t, client_calls(c.client) >= 4);
    calling_fini(&c);
    calling_init(&c, (struct client_options){.retries = 2});
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    CHECK_EQ(t, client_calls(c.client), 1);
    calling_fini(&c);
}

struct changes {
    unsigned lost, back;
    char why[200];
};

static void note_change(void *ctx, const char *url, const char *why)
{
    struct changes *seen = ctx;

    if (why) {
        seen->lost++;
        (void)snprintf(seen->why, sizeof seen->why, "%s %s", url, why);
    } else {
        seen->back++;
    }
}

/* A node that answers badly is there, one that never answered is not lost, and both ends of a loss are told once. */
TEST(a_node_that_is_lost_and_back_is_told_once_each, t)
{
    struct changes seen = {0};
    struct calling c;
    const struct test_node_step good = {.says = OK},
                                broken = {.says = "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", .bare = true};

    node = (struct test_node){.steps = {good, {.says = "no json"}, broken, broken, good, good}};
    test_node_start(&node);
    calling_init(&c, (struct client_options){.no_retries = true, .changed = note_change, .ctx = &seen});
    CHECK_EQ(t, call(&c), FAN_OK);
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    CHECK_EQ(t, seen.lost, 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(t, call(&c), FAN_EREMOTE);
        CHECK_EQ(t, seen.lost, 1);
    }
    CHECK(t, strstr(seen.why, "/rpc HTTP status 500"));
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(t, call(&c), FAN_OK);
        CHECK_EQ(t, seen.back, 1);
    }
    test_node_stop(&node, t);
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    CHECK_EQ(t, seen.lost, 2);
    calling_fini(&c);
    calling_init(&c, (struct client_options){.no_retries = true, .changed = note_change, .ctx = &seen});
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    CHECK_EQ(t, seen.lost, 2);
    calling_fini(&c);
}

TEST(an_answer_beyond_the_limit_is_refused, t)
{
    struct calling c;

    start((struct test_node_step){.says = OK, .again = true}, NONE, NONE);
    calling_init(&c, (struct client_options){.body_len_max = 20, .no_retries = true});
    CHECK_EQ(t, call(&c), FAN_EREMOTE);
    calling_fini(&c);
    calling_init(&c, (struct client_options){.body_len_max = 100, .no_retries = true});
    CHECK_EQ(t, call(&c), FAN_OK);
    calling_fini(&c);
    test_node_stop(&node, t);
}

TEST(bad_urls_and_headers_are_refused_before_anything_is_sent, t)
{
    static const struct {
        const char *url, *header, *words;
    } row[] = {
        {"ftp://x/", NULL, "begins with none of"},
        {"http://127.0.0.1/", "no colon", "\"Name: value\""},
        {"http://127.0.0.1/", ": value", "\"Name: value\""},
        {"http://127.0.0.1/", "A: 1\r\nB: 2", "control character"},
        {"http://127.0.0.1/", "A b: 1", "space in its name"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct client_options o = {.url = row[i].url, .headers = &row[i].header, .header_count = row[i].header != NULL};
        struct fan_error err = {""};
        struct client *c = NULL;

        CHECK_EQ(t, client_new(&o, &c, &err), FAN_EINVAL);
        if (!strstr(err.text, row[i].words)) test_fail(t, __FILE__, __LINE__, "row %zu: %s", i, err.text);
    }
}

enum { THREADS = 8, CALLS = 200 };

static void *call_often(void *arg)
{
    struct client *c = arg;

    for (int i = 0; i < CALLS; i++) {
        struct arena_home home;
        struct arena a;
        struct client_reply reply;
        struct fan_error err;

        arena_home_init(&home, 0);
        a = arena_of(&home);
        if (client_call(c, "eth_x", SLICE("[]"), &a, &reply, &err) || json_raw(reply.result).len != 6) abort();
        arena_home_fini(&home);
    }
    return NULL;
}

TEST(threads_call_at_once_each_over_a_connection_of_its_own, t)
{
    pthread_t threads[THREADS];
    struct calling c;

    start((struct test_node_step){.says = OK, .again = true}, NONE, NONE);
    calling_init(&c, (struct client_options){0});
    for (int i = 0; i < THREADS; i++) REQUIRE(t, !pthread_create(&threads[i], NULL, call_often, c.client));
    for (int i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
    CHECK_EQ(t, client_calls(c.client), THREADS * CALLS);
    calling_fini(&c);
    test_node_stop(&node, t);
    CHECK(t, atomic_load(&node.connections) <= THREADS);
}
