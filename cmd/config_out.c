#include "config_out.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "codec/json.h"

static void put_decimal(struct json_writer *w, const char *key, uint64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    json_put_key(w, key);
    json_put_text(w, text);
}

static void put_wallet(struct json_writer *w, const struct devchain *d, const struct options *o)
{
    json_put_key(w, "available_accounts");
    json_begin_array(w);
    for (size_t i = 0; i < d->account_count; i++) json_put_address(w, &d->accounts[i]);
    json_end_array(w);
    json_put_key(w, "private_keys");
    json_begin_array(w);
    for (size_t i = 0; i < d->account_count; i++) json_put_data(w, slice_of(d->secrets[i], sizeof d->secrets[i]));
    json_end_array(w);
    json_put_key(w, "wallet");
    json_begin_object(w);
    json_put_key(w, "derivation_path");
    json_put_text(w, o->derivation_path);
    json_put_key(w, "mnemonic");
    json_put_text(w, d->mnemonic);
    json_end_object(w);
}

static enum fan_status save(const char *path, struct slice text, struct fan_error *err)
{
    char beside[4096];
    int fd;
    bool whole;

    (void)snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return fan_error_set(err, FAN_EIO, "--config-out: %.200s: %s", path, strerror(errno));
    whole = write(fd, text.at, text.len) == (ssize_t)text.len;
    if (close(fd)) whole = false;
    if (whole && !rename(beside, path)) return FAN_OK;
    (void)fan_error_set(err, FAN_EIO, "--config-out: %.200s: %s", path, strerror(errno));
    (void)unlink(beside);
    return FAN_EIO;
}

enum fan_status config_out_write(const char *path, const struct devchain *d, const struct options *o,
                                 struct chain *chain, struct fan_error *err)
{
    struct chain_fees fees;
    struct json_writer w;
    struct block *head;
    struct buf text;
    enum fan_status s = chain->ops->head(chain, &head);

    if (s) return fan_error_set(err, s, "--config-out: %s", fan_status_text(s));
    chain->ops->fees(chain, &fees);
    buf_init(&text, 0);
    w = json_writer_of(&text);
    json_begin_object(&w);
    put_wallet(&w, d, o);
    put_decimal(&w, "base_fee", head->header.base_fee_wei);
    put_decimal(&w, "gas_price", fees.gas_price_wei);
    put_decimal(&w, "gas_limit", head->header.gas_limit);
    put_decimal(&w, "genesis_timestamp", head->header.timestamp);
    json_end_object(&w);
    buf_put_byte(&text, '\n');
    s = text.failed ? fan_error_set(err, text.failed, "--config-out: out of memory") : save(path, buf_peek(&text), err);
    block_unref(head);
    buf_fini(&text);
    return s;
}
