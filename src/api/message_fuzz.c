/* Parameters come from strangers. Property: whatever the JSON, reading it as a call ends either without a code, or with
 * a code and words; and what was read without one can be filled into a call or is refused in words. */
#include "api/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena arena;
    struct json list;

    arena_home_init(&home, 1 << 20);
    arena = arena_of(&home);
    if (json_parse(slice_of(data, size), JSON_DEPTH_MAX, &arena, &list, NULL) == FAN_OK) {
        struct params p = params_of(list, &arena, 4);
        struct chain_call call = {0};
        struct fan_error words = {0};
        struct message m;

        message_read(&p, &m);
        (void)params_block(&p, 1);
        message_read_overrides(&p, 2, &call);
        message_read_block_overrides(&p, 3, &call);
        assert((p.code != 0) == (p.error.text[0] != '\0'));
        if (!p.code && !message_for_call(&m, 31337, size & 1, 50000000, &call, &words)) assert(words.text[0] != '\0');
    }
    arena_home_fini(&home);
    return 0;
}
