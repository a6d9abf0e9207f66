/* A host with a small chain of its own, told by structs from two threads: blocks with a log each, a reorg every tenth
 * block, the head moved back at the end. Prints its port, waits for a line on standard input, runs COUNT blocks, prints
 * what the library counted, and ends with its input. Usage: embed_chain COUNT */
#include <fanatico/hooks.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    fan_server *server;
    unsigned long count;
    int failed;
};

/* Not a real hash: a branch and a number are enough to be unique here. */
static struct fan_hash hash_of(unsigned char branch, unsigned long number)
{
    struct fan_hash h = {{branch}};

    for (int i = 0; i < 8; i++) h.bytes[31 - i] = (unsigned char)(number >> 8 * i);
    return h;
}

static unsigned char branch_of(unsigned long number)
{
    return number % 10 == 0 ? 2 : 1; /* every tenth block was replaced */
}

static enum fan_status block_at(fan_server *server, unsigned char branch, unsigned long number, struct fan_error *err)
{
    struct fan_block b = {.hash = hash_of(branch, number),
                          .parent_hash = hash_of(branch_of(number - 1), number - 1),
                          .number = number,
                          .given = FAN_BLOCK_TIMESTAMP | FAN_BLOCK_GAS_LIMIT | FAN_BLOCK_GAS_USED | FAN_BLOCK_BASE_FEE | FAN_BLOCK_BENEFICIARY,
                          .timestamp = 1700000000 + number,
                          .gas_limit = 30000000,
                          .gas_used = 21000,
                          .base_fee_wei = {{1000000000}}};
    struct fan_hash topic = hash_of(9, number % 3);
    struct fan_log l = {.address = {{0xaa}},
                        .topics = &topic,
                        .topic_count = 1,
                        .data = (const uint8_t *)&number,
                        .data_len = 1,
                        .given = FAN_LOG_BLOCK_HASH | FAN_LOG_BLOCK_NUMBER | FAN_LOG_INDEX | FAN_LOG_TRANSACTION_HASH | FAN_LOG_TRANSACTION_INDEX,
                        .block_hash = b.hash,
                        .block_number = number,
                        .transaction_hash = hash_of(7, number)};
    enum fan_status status;

    if (number % 2) { /* logs may come before their block or after it */
        status = fan_chain_announce_logs(server, &l, 1, err);
        return status ? status : fan_chain_announce_block(server, &b, err);
    }
    status = fan_chain_announce_block(server, &b, err);
    return status ? status : fan_chain_announce_logs(server, &l, 1, err);
}

static void *tell_blocks(void *arg)
{
    struct run *run = arg;
    struct fan_error err;

    for (unsigned long n = 1; n <= run->count && !run->failed; n++) {
        run->failed = block_at(run->server, 1, n, &err) != FAN_OK;
        if (!run->failed && n % 10 == 0) run->failed = block_at(run->server, 2, n, &err) != FAN_OK; /* takes its place */
    }
    if (run->failed) fprintf(stderr, "%s\n", err.text);
    return NULL;
}

static void *tell_pending(void *arg)
{
    struct run *run = arg;
    struct fan_error err;

    for (unsigned long n = 1; n <= run->count; n++) {
        struct fan_hash hash = hash_of(5, n);

        if (fan_chain_announce_pending(run->server, &hash, &err)) fprintf(stderr, "%s\n", err.text);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct fan_server_options options = {.ws_host = "127.0.0.1", .ws_port = FAN_PORT_FREE, .http_port = FAN_PORT_NONE, .chain_id = 1337};
    struct run run = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100};
    struct fan_syncing syncing = {.syncing = true, .starting_block = 0, .current_block = 1, .highest_block = run.count};
    struct fan_server_stats stats;
    struct fan_hash back;
    struct fan_error err;
    pthread_t blocks, pending;

    if (fan_server_new(&options, &run.server, &err)) return fprintf(stderr, "%s\n", err.text), 2;
    if (fan_chain_announce_syncing(run.server, &syncing, &err) != FAN_ECLOSED) return 3; /* nothing runs yet */
    if (fan_server_start(run.server, &err)) {
        fprintf(stderr, "%s\n", err.text);
        fan_server_free(run.server);
        return 2;
    }
    printf("ws://127.0.0.1:%u\n", (unsigned)fan_server_ws_port(run.server));
    fflush(stdout);
    (void)getchar();
    if (fan_chain_announce_syncing(run.server, &syncing, &err)) fprintf(stderr, "%s\n", err.text);
    if (pthread_create(&blocks, NULL, tell_blocks, &run) || pthread_create(&pending, NULL, tell_pending, &run)) return 2;
    pthread_join(blocks, NULL);
    pthread_join(pending, NULL);
    back = hash_of(branch_of(run.count - 2), run.count - 2);
    if (fan_chain_move_head(run.server, &back, &err)) fprintf(stderr, "%s\n", err.text);
    syncing.syncing = false;
    if (fan_chain_announce_syncing(run.server, &syncing, &err)) fprintf(stderr, "%s\n", err.text);
    fan_server_stats(run.server, &stats);
    printf("blocks %llu logs %llu pending %llu\n", (unsigned long long)stats.blocks, (unsigned long long)stats.logs, (unsigned long long)stats.pending);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    fan_server_drain(run.server);
    fan_server_free(run.server);
    return run.failed;
}
