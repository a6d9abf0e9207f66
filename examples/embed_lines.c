/* The smallest host: each line of standard input is a hook, as JSON.
 *
 *   {"hook":"on_new_block","arg":{"number":1,"hash":"0x…","parentHash":"0x…"}}
 *
 * Build: cc embed_lines.c $(pkg-config --cflags --libs fanatico). Prints its port; ends with its input. */
#include <fanatico/hooks.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    struct fan_server_options options = {.ws_host = "127.0.0.1", .ws_port = FAN_PORT_FREE, .http_port = FAN_PORT_NONE, .chain_id = 1337};
    static char line[1 << 20];
    unsigned long number = 0;
    struct fan_error err;
    fan_server *server;

    if (fan_server_new(&options, &server, &err)) return fprintf(stderr, "%s\n", err.text), 2;
    if (fan_server_start(server, &err)) {
        fprintf(stderr, "%s\n", err.text);
        fan_server_free(server);
        return 2;
    }
    printf("ws://127.0.0.1:%u\n", (unsigned)fan_server_ws_port(server));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        number++;
        if (fan_chain_hook_json(server, line, strlen(line), &err)) printf("line %lu: %s\n", number, err.text);
        else printf("line %lu: ok\n", number);
        fflush(stdout);
    }
    fan_server_drain(server);
    fan_server_free(server);
    return 0;
}
