/* A sentence and a path somebody typed. Property: a sentence that is accepted is words with one space between them and
 * none around, since keys are derived of its very bytes; a path that is accepted, written again, means the same. */
#include <stdio.h>

#include "eth/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sentence(struct slice text)
{
    struct fan_error err = {""};
    enum fan_status s = sign_mnemonic_check(text, &err);

    assert(!s == !err.text[0]);
    if (s) return;
    assert(text.at[0] != ' ' && text.at[text.len - 1] != ' ');
    for (size_t i = 0; i < text.len; i++) {
        assert(text.at[i] == ' ' || (text.at[i] >= 'a' && text.at[i] <= 'z'));
        assert(text.at[i] != ' ' || text.at[i + 1] != ' ');
    }
}

static void path(struct slice text)
{
    struct sign_path first = {.len = 0}, again = {.len = 0};
    struct fan_error err = {""};
    enum fan_status s = sign_path_read(text, &first, &err);
    char written[SIGN_PATH_MAX * 12 + 2] = "m";
    size_t len = 1;

    assert(!s == !err.text[0]);
    if (s) return;
    assert(first.given && first.len < SIGN_PATH_MAX);
    for (size_t i = 0; i < first.len; i++)
        len += (size_t)snprintf(written + len, sizeof written - len, "/%u%s", first.child[i] & 0x7fffffff,
                                first.child[i] >> 31 ? "'" : "");
    s = sign_path_read(slice_of(written, len), &again, NULL);
    assert(!s && again.len == first.len);
    for (size_t i = 0; i < first.len; i++) assert(again.child[i] == first.child[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sentence(slice_of(data, size));
    path(slice_of(data, size));
    return 0;
}
