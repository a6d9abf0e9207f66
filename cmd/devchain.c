#include "devchain.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "eth/sign.h"

enum {
    ACCOUNTS_MAX = 10000,
    GAS_LIMIT_MIN = 5000 /* of any header, or nobody would import its blocks: Yellow Paper, section 4.3.4 */
};

enum fan_status read_file(const char *path, struct arena *a, struct slice *out, struct fan_error *err)
{
    struct stat about;
    uint8_t *bytes = NULL;
    size_t got = 0;
    FILE *f = fopen(path, "rb");

    if (!f) return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    if (fstat(fileno(f), &about) == 0 && S_ISREG(about.st_mode)) {
        bytes = arena_bytes(a, (size_t)about.st_size + 1);
        if (bytes) got = fread(bytes, 1, (size_t)about.st_size, f);
    }
    if (!bytes || got != (size_t)about.st_size) {
        (void)fclose(f);
        return fan_error_set(err, FAN_EIO, "%s: cannot be read as a file", path);
    }
    (void)fclose(f);
    *out = slice_of(bytes, got);
    return FAN_OK;
}

static size_t word_count(const char *text)
{
    size_t count = 0;

    while (*text) {
        text += strspn(text, " ");
        count += *text != 0;
        text += strcspn(text, " ");
    }
    return count;
}

/* What would start a chain that nobody meant. */
static enum fan_status check(const struct options *o, struct fan_error *err)
{
    size_t words = word_count(o->mnemonic);
    const char *decided = o->has_chain_id    ? "chain-id"
                          : o->has_hardfork  ? "hardfork"
                          : o->has_balance   ? "balance"
                          : o->has_timestamp ? "timestamp"
                                             : NULL;

    if (words < 12 || words > 24 || words % 3)
        return fan_error_set(err, FAN_EINVAL, "--mnemonic: 12, 15, 18, 21 or 24 words, not %zu", words); /* BIP-39 */
    if (o->chain_id == 0) return fan_error_set(err, FAN_EINVAL, "--chain-id: at least 1"); /* 0 protects from no replay */
    if (o->gas_limit < GAS_LIMIT_MIN)
        return fan_error_set(err, FAN_EINVAL, "--gas-limit: at least %d", GAS_LIMIT_MIN);
    if (o->no_mining && o->block_time_ms)
        return fan_error_set(err, FAN_EINVAL, "--block-time and --no-mining exclude each other");
    if (o->has_genesis && decided)
        return fan_error_set(err, FAN_EINVAL, "--%s: the file that --genesis names decides it", decided);
    return FAN_OK;
}

static enum fan_status derive(struct devchain *d, const struct options *o, struct arena *a, struct fan_error *err)
{
    if (o->accounts > ACCOUNTS_MAX) return fan_error_set(err, FAN_EINVAL, "--accounts: at most %d", ACCOUNTS_MAX);
    d->account_count = (size_t)o->accounts;
    d->accounts = ARENA_ARRAY(a, d->account_count, struct fan_address);
    d->secrets = arena_array(a, d->account_count, sizeof *d->secrets);
    if (!d->accounts || !d->secrets) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    for (size_t i = 0; i < d->account_count; i++) {
        enum fan_status s = sign_mnemonic_key(slice_str(o->mnemonic), (uint32_t)i, d->secrets[i]);

        if (!s) s = sign_address(d->secrets[i], &d->accounts[i]);
        if (s) return fan_error_set(err, s, "--mnemonic: account %zu cannot be derived: %s", i, fan_status_text(s));
    }
    return FAN_OK;
}

enum fan_status devchain_init(struct devchain *d, const struct options *o, struct fan_error *err)
{
    struct arena a;
    struct slice text;
    enum fork newest;
    enum fan_status s;

    *d = (struct devchain){0};
    arena_home_init(&d->memory, 0);
    arena_home_init(&d->kept, 0);
    a = arena_of(&d->memory);
    s = check(o, err);
    if (!s) s = derive(d, o, &a, err);
    if (s) return s;
    if (o->has_genesis) {
        d->from_file = true;
        s = read_file(o->genesis, &a, &text, err);
        if (s) return s;
        struct fan_error why = {""};

        s = genesis_parse(text, &a, &d->genesis, &why);
        return s ? fan_error_set(err, s, "%s: %s", o->genesis, why.text) : FAN_OK;
    }
    if (!fork_by_name(slice_str(o->hardfork), &newest)) return fan_error_set(err, FAN_EINVAL, "--hardfork: \"%s\" is no fork known here", o->hardfork);
    return devchain_genesis(d, o, o->chain_id, newest, &a, &d->genesis, err);
}

enum fan_status devchain_genesis(const struct devchain *d, const struct options *o, uint64_t chain_id, enum fork newest,
                                 struct arena *a, struct genesis *out, struct fan_error *err)
{
    enum fan_status s = genesis_dev(chain_id, newest, d->accounts, d->account_count, &o->balance, o->gas_limit,
                                    o->has_timestamp ? o->timestamp : clock_wall_s(), a, out);

    return s ? fan_error_set(err, s, "%s", fan_status_text(s)) : FAN_OK;
}

void devchain_fini(struct devchain *d)
{
    arena_home_fini(&d->memory);
    arena_home_fini(&d->kept);
    *d = (struct devchain){0};
}
