/* A state file comes from somebody's anvil. Property: it is read into accounts, or refused with words. */
#include "api/state_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct genesis_account *accounts = NULL;
    const struct where at = {.key = "state"};
    struct arena_home home;
    struct arena arena;
    struct params p;
    size_t count = 0, bytes = 0;

    arena_home_init(&home, 64u << 20);
    arena = arena_of(&home);
    p = params_of((struct json){0}, &arena, 0);
    state_read_json(&p, &at, slice_of(data, size), &accounts, &count);
    assert((p.code != 0) == (p.error.text[0] != 0));
    for (size_t i = 0; !p.code && i < count; i++) {
        bytes += accounts[i].code.len + 32 * accounts[i].slot_count;
        for (size_t k = 0; k < accounts[i].code.len; k++) bytes += accounts[i].code.at[k] == 0; /* it is there */
        for (size_t k = 0; k < accounts[i].slot_count; k++) bytes += accounts[i].slots[k].slot.limb[0] & 1;
    }
    assert(p.code || bytes <= 64 * size);
    arena_home_fini(&home);
    return 0;
}
