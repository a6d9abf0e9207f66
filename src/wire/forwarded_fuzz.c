#include "wire/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Headers that a stranger may have written. Property: whatever they say, the client is an address, and what a stranger
 * puts to the left of an address that is no proxy's changes nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[] = {"X-Forwarded-For", "Forwarded"};
    struct network trusted;
    uint8_t longer[600];
    struct slice ours, value;
    bool standard;

    if (size < 1 || size > 400 || !network_parse(SLICE("10.0.0.0/8"), &trusted)) return 0;
    standard = data[0] & 1;
    value = slice_of(data + 1, size - 1);
    ours = standard ? SLICE(", for=203.0.113.7") : SLICE(", 203.0.113.7");
    memcpy(longer, value.at, value.len);
    memcpy(longer + value.len, ours.at, ours.len);
    for (int k = 0; k < 2; k++) {
        struct http_header h = {.name = slice_str(name[standard]),
                                .value = k ? slice_of(longer, value.len + ours.len) : value};
        struct http_request r = {.headers = &h, .header_count = 1};
        struct address a;
        bool secure = false, read = address_parse(SLICE("10.0.0.1"), &a);
        char text[ADDRESS_TEXT_MAX];

        assert(read);
        (void)read;
        forwarded_read(&r, &trusted, 1, &a, &secure);
        assert(a.kind == ADDRESS_IP);
        if (!k) continue;
        address_text(&a, text);
        assert(strcmp(text, "203.0.113.7") == 0);
    }
    return 0;
}
