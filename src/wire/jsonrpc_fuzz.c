#include <stdlib.h>

#include "wire/jsonrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Property: whatever comes, there is either one error or at least one item, and a reply to each item is JSON that holds
 * its id. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena a;
    struct jsonrpc_message m;
    struct buf reply;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (jsonrpc_parse(slice_of(data, size), NULL, &a, &m) != FAN_OK) abort();
    assert((m.error.code == 0) == (m.count > 0));
    assert(m.count <= JSONRPC_BATCH_MAX);
    buf_init(&reply, 0);
    for (size_t i = 0; i < m.count; i++) {
        const struct jsonrpc_request *r = &m.items[i];
        struct json parsed;

        assert(r->id.len <= JSONRPC_ID_LEN_MAX);
        assert(r->error.code || r->method.len);
        buf_reset(&reply);
        jsonrpc_put_error(&reply, r->id, r->error.code, r->method, slice_of(NULL, 0));
        if (json_parse(buf_peek(&reply), 0, &a, &parsed, NULL) != FAN_OK) abort();
        assert(slice_eq(json_raw(json_get(parsed, "id")), r->id.len ? r->id : JSONRPC_NULL));
    }
    buf_fini(&reply);
    arena_home_fini(&home);
    return 0;
}
