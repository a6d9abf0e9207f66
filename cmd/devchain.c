#include "devchain.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "eth/sign.h"

enum {
    EPOCH_MAX = 1000000,
    CODE_SIZE_MAX = 1 << 30,
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

enum fan_status read_genesis(const char *path, struct arena *a, struct genesis *out, struct fan_error *err)
{
    struct fan_error why = {""};
    struct slice text = {0};
    enum fan_status s = read_file(path, a, &text, err);

    if (s) return s;
    s = genesis_parse(text, a, out, &why);
    return s ? fan_error_set(err, s, "%s: %s", path, why.text) : FAN_OK;
}

/* What would start a chain that nobody meant. */
static enum fan_status check(const struct options *o, struct fan_error *err)
{
    const char *decided = o->has_chain_id    ? "chain-id"
                          : o->has_hardfork  ? "hardfork"
                          : o->has_balance   ? "balance"
                          : o->has_timestamp ? "timestamp"
                                             : NULL;

    if (o->has_mnemonic + o->has_mnemonic_random + o->has_mnemonic_seed > 1)
        return fan_error_set(err, FAN_EINVAL, "--mnemonic, --mnemonic-random and --mnemonic-seed-unsafe exclude each other");
    if (strcmp(o->order, "fees") != 0 && strcmp(o->order, "fifo") != 0)
        return fan_error_set(err, FAN_EINVAL, "--order: \"%s\" is not fees or fifo", o->order);
    if (o->has_max_transactions && !o->max_transactions) return fan_error_set(err, FAN_EINVAL, "--max-transactions: at least 1");
    if (o->has_prune_history && !o->prune_history) return fan_error_set(err, FAN_EINVAL, "--prune-history: at least 1");
    if (o->has_prune_history && o->has_datadir)
        return fan_error_set(err, FAN_EINVAL, "--prune-history: not with --datadir, where all states are on disk");
    if (o->has_fork_timeout_anvil && o->has_fork_timeout_ms)
        return fan_error_set(err, FAN_EINVAL, "--timeout and --fork-timeout exclude each other");
    if (o->mixed_mining && !o->block_time_ms) return fan_error_set(err, FAN_EINVAL, "--mixed-mining wants --block-time");
    if (o->has_state && (o->has_load_state || o->has_dump_state))
        return fan_error_set(err, FAN_EINVAL, "--state is --load-state and --dump-state at once");
    if (o->slots_in_an_epoch < 1 || o->slots_in_an_epoch > EPOCH_MAX)
        return fan_error_set(err, FAN_EINVAL, "--slots-in-an-epoch: 1 to %d", EPOCH_MAX);
    if (o->has_code_size_limit && (o->code_size_limit < 1 || o->code_size_limit > CODE_SIZE_MAX))
        return fan_error_set(err, FAN_EINVAL, "--code-size-limit: 1 to %d", CODE_SIZE_MAX);
    if (o->has_datadir && (o->has_code_size_limit || o->disable_code_size_limit))
        return fan_error_set(err, FAN_EINVAL, "--code-size-limit: not with --datadir, since nobody else could import such blocks");
    if (o->chain_id == 0) return fan_error_set(err, FAN_EINVAL, "--chain-id: at least 1"); /* 0 protects from no replay */
    if (o->gas_limit < GAS_LIMIT_MIN)
        return fan_error_set(err, FAN_EINVAL, "--gas-limit: at least %d", GAS_LIMIT_MIN);
    if (o->no_mining && o->block_time_ms)
        return fan_error_set(err, FAN_EINVAL, "--block-time and --no-mining exclude each other");
    if (o->has_genesis && decided)
        return fan_error_set(err, FAN_EINVAL, "--%s: the file that --genesis names decides it", decided);
    return FAN_OK;
}

/* The words between single spaces, checked, or fresh ones. */
static enum fan_status take_words(struct devchain *d, const struct options *o, struct arena *a, struct fan_error *err)
{
    struct fan_error why = {""};
    size_t len = 0;
    enum fan_status s;
    char *words = (char *)arena_bytes(a, strlen(o->mnemonic) + SIGN_MNEMONIC_MAX + 1);

    if (!words) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    d->mnemonic = words;
    if (o->has_mnemonic_random) {
        s = sign_mnemonic_random((size_t)o->mnemonic_random, words);
        return s ? fan_error_set(err, s, "--mnemonic-random: 12, 15, 18, 21 or 24 words, not %llu", (unsigned long long)o->mnemonic_random) : FAN_OK;
    }
    if (o->has_mnemonic_seed) {
        sign_mnemonic_of_seed(o->mnemonic_seed, words);
        return FAN_OK;
    }
    for (const char *p = o->mnemonic; *p; p++) {
        if (*p == ' ' && (!len || words[len - 1] == ' ')) continue;
        words[len++] = *p;
    }
    while (len && words[len - 1] == ' ') len--;
    words[len] = '\0';
    s = sign_mnemonic_check(slice_str(words), &why);
    return s ? fan_error_set(err, FAN_EINVAL, "--mnemonic: %s", why.text) : FAN_OK;
}

static enum fan_status derive(struct devchain *d, const struct options *o, struct arena *a, struct fan_error *err)
{
    struct fan_error why = {""};
    struct sign_path path;
    enum fan_status words = take_words(d, o, a, err);

    if (words) return words;
    if (sign_path_read(slice_str(o->derivation_path), &path, &why))
        return fan_error_set(err, FAN_EINVAL, "--derivation-path: \"%.100s\": %s", o->derivation_path, why.text);
    if (o->accounts > ACCOUNTS_MAX) return fan_error_set(err, FAN_EINVAL, "--accounts: at most %d", ACCOUNTS_MAX);
    d->account_count = (size_t)o->accounts;
    d->accounts = ARENA_ARRAY(a, d->account_count, struct fan_address);
    d->secrets = arena_array(a, d->account_count, sizeof *d->secrets);
    if (!d->accounts || !d->secrets) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    for (size_t i = 0; i < d->account_count; i++) {
        enum fan_status s = sign_mnemonic_key(slice_str(d->mnemonic), &path, (uint32_t)i, d->secrets[i]);

        if (!s) s = sign_address(d->secrets[i], &d->accounts[i]);
        if (s) return fan_error_set(err, s, "--mnemonic: account %zu cannot be derived: %s", i, fan_status_text(s));
    }
    return FAN_OK;
}

enum fan_status devchain_init(struct devchain *d, const struct options *o, struct fan_error *err)
{
    struct arena a;
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
        return read_genesis(o->genesis, &a, &d->genesis, err);
    }
    if (!fork_by_name(slice_str(o->hardfork), &newest)) return fan_error_set(err, FAN_EINVAL, "--hardfork: \"%s\" is no fork known here", o->hardfork);
    return devchain_genesis(d, o, o->chain_id, newest, &a, &d->genesis, err);
}

static void drop_deployer(struct genesis *g)
{
    static const struct fan_address deployer = {{0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88, 0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c}};
    struct genesis_account *accounts = (struct genesis_account *)(uintptr_t)g->accounts; /* genesis_dev() has just made them */
    size_t kept = 0;

    for (size_t i = 0; i < g->account_count; i++)
        if (memcmp(&accounts[i].address, &deployer, sizeof deployer) != 0) accounts[kept++] = accounts[i];
    g->account_count = kept;
}

enum fan_status devchain_genesis(const struct devchain *d, const struct options *o, uint64_t chain_id, enum fork newest,
                                 struct arena *a, struct genesis *out, struct fan_error *err)
{
    enum fan_status s = genesis_dev(chain_id, newest, d->accounts, d->account_count, &o->balance, o->gas_limit,
                                    o->has_timestamp ? o->timestamp : clock_wall_s(), a, out);

    if (s) return fan_error_set(err, s, "%s", fan_status_text(s));
    if (o->no_create2) drop_deployer(out);
    if (o->has_base_fee && newest >= FORK_LONDON) out->header.base_fee_wei = o->base_fee;
    out->config.code_size_max = o->disable_code_size_limit ? CODE_SIZE_MAX : o->code_size_limit;
    return FAN_OK;
}

void devchain_fini(struct devchain *d)
{
    arena_home_fini(&d->memory);
    arena_home_fini(&d->kept);
    *d = (struct devchain){0};
}
