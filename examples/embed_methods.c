/* A host that answers JSON-RPC itself: one method at once, one later from a thread of its own, one with an error, and a
 * fallback for everything else. Prints its HTTP port; ends with its standard input. */
#include <fanatico/fanatico.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void get_balance(void *ctx, fan_call *call)
{
    static const char balance[] = "\"0xde0b6b3a7640000\"";

    (void)ctx;
    (void)fan_call_answer(call, balance, strlen(balance), NULL);
}

/* Says what it was asked, a tenth of a second later: no thread of the library waits for it. */
static void *answer_later(void *arg)
{
    fan_call *call = arg;
    size_t len;
    const char *params = fan_call_params(call, &len);

    usleep(100000);
    (void)fan_call_answer(call, params, len, NULL);
    return NULL;
}

static void slow_echo(void *ctx, fan_call *call)
{
    pthread_t thread;

    (void)ctx;
    if (pthread_create(&thread, NULL, answer_later, call)) {
        fan_call_fail(call, -32000, "no thread", NULL, 0);
        return;
    }
    pthread_detach(thread);
}

static void reverts(void *ctx, fan_call *call)
{
    static const char data[] = "\"0x08c379a0\"";

    (void)ctx;
    fan_call_fail(call, 3, "execution reverted", data, strlen(data));
}

static void not_json(void *ctx, fan_call *call)
{
    struct fan_error err;

    (void)ctx;
    if (fan_call_answer(call, "{", 1, &err)) fprintf(stderr, "%s\n", err.text);
}

static void everything_else(void *ctx, fan_call *call)
{
    const char *who = ctx;
    char text[300];
    size_t len;
    const char *name = fan_call_method(call, &len);

    snprintf(text, sizeof text, "\"%s: %.*s\"", who, (int)(len < 100 ? len : 100), name);
    (void)fan_call_answer(call, text, strlen(text), NULL);
}

int main(void)
{
    static const struct {
        const char *name;
        fan_method *method;
    } methods[] = {{"eth_getBalance", get_balance}, {"host_slowEcho", slow_echo}, {"eth_call", reverts}, {"host_notJson", not_json}};
    struct fan_server_options options = {.http_port = FAN_PORT_FREE, .ws_port = FAN_PORT_NONE, .chain_id = 1337};
    struct fan_error err;
    fan_server *server;
    enum fan_status status = fan_server_new(&options, &server, &err);

    if (status) return fprintf(stderr, "%s\n", err.text), 2;
    for (size_t i = 0; !status && i < sizeof methods / sizeof methods[0]; i++)
        status = fan_server_method(server, methods[i].name, methods[i].method, NULL, &err);
    if (!status) status = fan_server_fallback(server, everything_else, (void *)"host", &err);
    if (!status && fan_server_method(server, "eth_subscribe", get_balance, NULL, &err) != FAN_EEXIST) status = FAN_EINTERNAL;
    if (!status) status = fan_server_start(server, &err);
    if (!status) {
        printf("http://127.0.0.1:%u\n", (unsigned)fan_server_http_port(server));
        fflush(stdout);
        while (getchar() != EOF) {
        }
        usleep(200000); /* every call has been answered before the server goes */
        fan_server_drain(server);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    fan_server_free(server);
    return status ? 2 : 0;
}
