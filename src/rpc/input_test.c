/* What messages take while they wait for their answer: it is the connection's and the process's; both have limits. */

#include "rpc/test_gate.h"
#include "rpc/test_server.h"

enum { MESSAGES = 6, LONG = 700000 };

static const struct rpc_method methods[] = {{"t_gate", RPC_POOL, 0, wait_at_gate}};
static const struct rpc_options options = {.pool_threads = MESSAGES};

/* So long a message, whose answer waits. The socket takes it once its other end reads. */
static char *long_message(void)
{
    static const char begin[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\",\"params\":[\"", end[] = "\"]}";
    char *text = malloc(LONG + 1);

    if (!text) abort();
    memset(text, 'x', LONG);
    memcpy(text, begin, sizeof begin - 1);
    memcpy(text + LONG - (sizeof end - 1), end, sizeof end);
    return text;
}

struct sender {
    struct websocket *w;
    const char *text;
};

static void *send_all(void *arg)
{
    const struct sender *s = arg;

    for (int i = 0; i < MESSAGES; i++) websocket_send(s->w, s->text);
    return NULL;
}

/* A message takes twice its length here, so two of 700 KB are more than the longest message may: the third is not read
 * before one of them has its answer. */
TEST(long_messages_in_flight_pause_reading_and_all_are_answered, t)
{
    static struct websocket w;
    struct server s;
    struct sender sender = {&w, long_message()};
    pthread_t thread;

    REQUIRE(t, server_init_with(&s, methods, COUNT_OF(methods), &options, NULL,
                                &(struct conn_options){.message_len_max = 2000000}));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    gate_close();
    REQUIRE(t, !pthread_create(&thread, NULL, send_all, &sender));
    gate_await(2);
    (void)usleep(100000);
    CHECK_EQ(t, atomic_load(&at_gate), 2);
    gate_open();
    for (int i = 0; i < MESSAGES; i++)
        CHECK_STR(t, websocket_next(&w), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"passed\"}");
    (void)pthread_join(thread, NULL);
    CHECK_EQ(t, atomic_load(&at_gate), MESSAGES);
    websocket_fini(&w);
    server_fini(&s);
    free((char *)(uintptr_t)sender.text);
}

/* The process may hold one of them beside one that comes in: who brings the second is told to come later, whoever asks
 * for little is answered, and when the first has its answer there is room again, also where its client did not wait for
 * it. */
TEST(long_messages_in_flight_are_input_of_the_process, t)
{
    static const char small[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}";
    static struct websocket w[3];
    struct server s;
    char *text = long_message();

    REQUIRE(t, server_init_with(&s, methods, COUNT_OF(methods), &options, NULL,
                                &(struct conn_options){.input_bytes_max = 3000000}));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(w); i++) REQUIRE(t, websocket_init(&w[i], server_connect(&s)));
        gate_close();
        websocket_send(&w[0], text);
        gate_await(1);
        websocket_send(&w[1], text);
        CHECK_STR(t, websocket_next(&w[1]), "(closed)");
        websocket_send(&w[2], small);
        gate_await(2);
        if (round == 0) websocket_fini(&w[0]);
        gate_open();
        if (round == 1) CHECK_STR(t, websocket_next(&w[0]), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"passed\"}");
        CHECK_STR(t, websocket_next(&w[2]), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"passed\"}");
        for (size_t i = round == 0; i < COUNT_OF(w); i++) websocket_fini(&w[i]);
    }
    server_fini(&s);
    free(text);
}
