/* Strangers choose the bytes of an import. Property: whatever they are, importing ends with a status, the head is a
 * block that is whole, and importing the same bytes once more changes nothing. */
#include <stdlib.h>

#include "local/local.h"

static struct local *open_chain(void)
{
    struct arena_home home;
    struct arena a;
    struct genesis g;
    struct local *l = NULL;
    struct fan_address account = {{1}};
    struct fan_u256 wei = {{1000000, 0, 0, 0}};

    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (genesis_dev(1337, (enum fork)FORK_NEWEST, &account, 1, &wei, 30000000, 0, &a, &g)) abort();
    if (local_open(&(struct local_options){.genesis = &g}, &l, NULL)) abort();
    arena_home_fini(&home);
    return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct local *l = open_chain();
    struct local_import_result first, second;
    struct fan_error err = {{0}};
    struct block *head = NULL;
    enum fan_status s = local_import_bytes(l, slice_of(data, size), &first, &err);

    assert(!s == !err.text[0]); /* a failure has words */
    assert(local_import_bytes(l, slice_of(data, size), &second, NULL) == s);
    assert(second.blocks == 0 && second.head_number == first.head_number);
    assert(local_chain(l)->ops->head(local_chain(l), &head) == FAN_OK);
    assert(head->has_receipts && head->header.number == first.head_number);
    block_unref(head);
    local_close(l);
    return 0;
}
