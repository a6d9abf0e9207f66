#include "wire/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Addresses come in headers that a stranger may have written. Property: what is read can be written and read again, to
 * the same, and is in the network of its own address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct network n;
    struct address a, again;
    char text[ADDRESS_TEXT_MAX];

    if (address_parse(in, &a)) {
        bool read;

        address_text(&a, text);
        read = address_parse(slice_str(text), &again);
        assert(read && memcmp(a.ip, again.ip, sizeof a.ip) == 0 && a.port == again.port);
        a.port = 0;
        address_text(&a, text);
        read = network_parse(slice_str(text), &n);
        assert(read && network_holds(&n, &a));
        (void)read;
    }
    if (network_parse(in, &n)) assert(n.bits <= 128);
    return 0;
}
