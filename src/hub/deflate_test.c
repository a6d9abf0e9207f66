/* Compressed notifications: what each client inflates is what the others get as it is, and each payload is compressed
 * once in the process for each size of window. */
#include "base/test.h"
#include "hub/test_server.h"

/* One client without compression, and one for each window, 8 to 15. */
enum { CLIENTS = 9, EVENTS = 20, WORKERS = 2 };

/* The id's place in a notification. */
static char *id_in(char *text)
{
    char *at = strstr(text, "\"subscription\":\"");

    return at ? at + strlen("\"subscription\":\"") : NULL;
}

static bool same_but_for_the_id(struct client *a, struct client *b)
{
    char *id_a = id_in(a->text), *id_b = id_in(b->text);

    if (!id_a || !id_b || memcmp(id_a, id_b, FRAME_ID_LEN) == 0) return false;
    memcpy(id_b, id_a, FRAME_ID_LEN);
    return strcmp(a->text, b->text) == 0;
}

TEST(every_window_inflates_to_the_same_notification_compressed_once, t)
{
    static struct client clients[CLIENTS];
    struct test_server s;
    uint64_t deflated = 0;

    REQUIRE(t, test_server_init(&s, WORKERS, NULL, NULL));
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_init_deflate(&clients[i], test_server_connect(&s, i % WORKERS), i ? 7 + i : 0);
        test_server_settle(&s);
        REQUIRE(t, client_upgraded(&clients[i], 1000));
        client_send(&clients[i], "heads");
        client_send(&clients[i], "logs");
        client_send(&clients[i], "receipts");
        test_server_settle(&s);
        for (int j = 0; j < 3; j++) CHECK(t, client_next(&clients[i], 0) && strlen(clients[i].text) == FRAME_ID_LEN);
    }
    for (uint64_t n = 1; n <= EVENTS; n++) {
        test_publish_block(&s.chain, n, 3);
        test_server_settle(&s);
        for (int part = 0; part < 5; part++) { /* a header, three logs, the receipts */
            CHECK(t, client_next(&clients[0], 0));
            for (size_t i = 1; i < CLIENTS; i++)
                CHECK(t, client_next(&clients[i], 0) && same_but_for_the_id(&clients[0], &clients[i]));
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) CHECK_EQ(t, clients[i].compressed, i ? 5 * EVENTS : 0);
    for (size_t i = 0; i < WORKERS; i++) deflated += counter_get(&conn_set_stats(s.workers[i].conns)->frames_deflated);
    /* Both workers have clients of every second window, so each payload is compressed for eight windows in all. */
    CHECK_EQ(t, deflated, (uint64_t)5 * EVENTS * 8);
    for (size_t i = 0; i < CLIENTS; i++) client_fini(&clients[i]);
    test_server_fini(&s);
}

/* Workers that run, all with the same windows: still once for each in the process. */
TEST(workers_at_once_compress_each_payload_once, t)
{
    enum { EACH = 4, THREADS = 4 };
    static struct client clients[EACH * THREADS];
    struct test_server s;
    uint64_t deflated = 0;

    REQUIRE(t, test_server_init(&s, THREADS, NULL, NULL));
    test_server_start(&s);
    for (unsigned i = 0; i < EACH * THREADS; i++) {
        client_init_deflate(&clients[i], test_server_connect(&s, i % THREADS), i / THREADS % 2 ? 15 : 10);
        REQUIRE(t, client_upgraded(&clients[i], 5000));
        client_send(&clients[i], "heads");
        CHECK(t, client_next(&clients[i], 5000));
    }
    for (uint64_t n = 1; n <= EVENTS; n++) test_publish_block(&s.chain, n, 1);
    for (uint64_t n = 1; n <= EVENTS; n++) {
        char number[40];

        (void)snprintf(number, sizeof number, "\"number\":\"0x%llx\"", (unsigned long long)n);
        for (size_t i = 0; i < EACH * THREADS; i++)
            CHECK(t, client_next(&clients[i], 5000) && strstr(clients[i].text, number));
    }
    test_server_stop(&s);
    for (size_t i = 0; i < EACH * THREADS; i++) CHECK_EQ(t, clients[i].compressed, EVENTS);
    for (size_t i = 0; i < THREADS; i++) deflated += counter_get(&conn_set_stats(s.workers[i].conns)->frames_deflated);
    CHECK_EQ(t, deflated, (uint64_t)EVENTS * 2);
    for (size_t i = 0; i < EACH * THREADS; i++) client_fini(&clients[i]);
    test_server_fini(&s);
}
