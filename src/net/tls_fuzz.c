#include "net/test_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum tls_outcome feed(struct tls_identity *identity, struct slice in, size_t cut)
{
    static uint8_t into[4096 + TLS_FEED_ROOM];
    struct tls_session *s = tls_session_new(identity);
    struct slice part[2] = {slice_first(in, cut), slice_from(in, cut)};
    enum tls_outcome outcome = TLS_GOES_ON;
    struct buf reply = {0};
    size_t len;

    test_tls_must(s != NULL);
    for (size_t i = 0; i < 2; i++) {
        if (outcome == TLS_GOES_ON) outcome = tls_feed(s, part[i], into, &len, &reply);
        assert(len == 0); /* nobody who does not answer us has keys */
    }
    assert(!tls_is_ready(s));
    tls_goodbye(s, &reply);
    buf_fini(&reply);
    tls_session_free(s);
    return outcome;
}

/* What a stranger sends to the TLS port. Property: where TCP cut it changes no verdict, and nothing of it is taken for
 * plaintext. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_identity *identity;
    struct slice in;

    if (size < 2 || size > 4096) return 0;
    if (!identity) identity = test_identity("here");
    in = slice_of(data + 1, size - 1);
    {
        enum tls_outcome whole = feed(identity, in, 0), parts = feed(identity, in, data[0] % in.len);

        assert(whole == parts);
        (void)whole;
        (void)parts;
    }
    return 0;
}
