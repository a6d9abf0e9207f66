#include "wire/deflate_terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a client offers is declined, or answered with something that says the same when it is read as an offer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct deflate_terms terms, again;
    char answer[DEFLATE_ANSWER_MAX];

    if (!deflate_terms_read(slice_of(data, size), &terms)) return 0;
    assert(terms.server_bits >= 8 && terms.server_bits <= 15);
    assert(terms.client_bits == 0 || (terms.client_bits >= 8 && terms.client_bits <= 15));
    if (!deflate_terms_read(slice_of(answer, deflate_terms_write(&terms, answer)), &again)) __builtin_trap();
    assert(again.server_bits == terms.server_bits && again.server_bits_offered == terms.server_bits_offered);
    assert(again.client_bits == terms.client_bits);
    return 0;
}
