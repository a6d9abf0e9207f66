#include "api/fee_history.h"

#include "chain/remote.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/u256.h"

/* What one block adds to the columns. */
struct row {
    uint64_t base_fee, next_base_fee, blob_fee, next_blob_fee;
    double gas_ratio, blob_ratio;
    struct fan_u256 *rewards;
};

const char *fee_history_percentiles(struct fee_history *h, struct json list, struct arena *a, struct fan_error *why)
{
    double *out;
    size_t i = 0;

    h->percentile_count = json_count(list);
    if (h->percentile_count > FEE_PERCENTILES_MAX) return "invalid reward percentile: over the query limit 100";
    out = ARENA_ARRAY(a, h->percentile_count, double);
    if (h->percentile_count && !out) return "out of memory";
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        char *text = arena_cstr(a, json_raw(v));

        if (!text) return "out of memory";
        if (!json_is(v, JSON_NUMBER)) {
            (void)snprintf(why->text, sizeof why->text, "item %zu: want a number, got %s", i,
                           json_kind_name(json_kind(v)));
            return why->text;
        }
        out[i] = strtod(text, NULL);
        if (out[i] < 0 || out[i] > 100) {
            (void)snprintf(why->text, sizeof why->text, "invalid reward percentile: %f", out[i]);
            return why->text;
        }
        if (i && out[i] <= out[i - 1]) {
            (void)snprintf(why->text, sizeof why->text, "invalid reward percentile: #%zu:%f >= #%zu:%f", i - 1,
                           out[i - 1], i, out[i]);
            return why->text;
        }
    }
    h->percentiles = out;
    return NULL;
}

/* ---- rewards ---- */

struct tip {
    struct fan_u256 wei;
    uint64_t gas_used;
    size_t index;
};

static int by_tip(const void *x, const void *y)
{
    const struct tip *a = x, *b = y;
    int order = u256_cmp(&a->wei, &b->wei);

    if (order) return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

enum fan_status fee_history_rewards(const struct fee_history *h, const struct block *b, struct arena scratch,
                                    struct fan_u256 *out)
{
    struct tip *tips;
    uint64_t gas, threshold;
    size_t at = 0;

    memset(out, 0, h->percentile_count * sizeof *out);
    if (!b->tx_count || !b->has_receipts) return FAN_OK;
    tips = ARENA_ARRAY(&scratch, b->tx_count, struct tip);
    if (!tips) return FAN_ENOMEM;
    for (size_t i = 0; i < b->tx_count; i++) {
        struct fan_u256 base = u256_of(b->header.base_fee_wei),
                        price = tx_effective_gas_price(&b->txs[i], b->header.base_fee_wei);

        if (!u256_sub(&price, &base, &tips[i].wei)) tips[i].wei = u256_of(0);
        tips[i].gas_used = b->receipts[i].gas_used;
        tips[i].index = i;
    }
    qsort(tips, b->tx_count, sizeof *tips, by_tip);
    gas = tips[0].gas_used;
    for (size_t i = 0; i < h->percentile_count; i++) {
        threshold = (uint64_t)((double)b->header.gas_used * h->percentiles[i] / 100);
        while (gas < threshold && at + 1 < b->tx_count) gas += tips[++at].gas_used;
        out[i] = tips[at].wei;
    }
    return FAN_OK;
}

/* ---- one block ---- */

static enum fan_status fill_row(const struct fee_history *h, const struct chain_config *c, const struct block *b,
                                struct arena *a, struct row *out)
{
    const struct header *header = &b->header;
    bool london = header->extent >= HEADER_LONDON;
    struct blob_params blobs;

    *out = (struct row){0};
    out->base_fee = london ? header->base_fee_wei : 0;
    if (london || fork_at(c, header->number + 1, header->timestamp) >= FORK_LONDON)
        out->next_base_fee = header_next_base_fee(header, london);
    if (header->gas_limit) out->gas_ratio = (double)header->gas_used / (double)header->gas_limit;
    if (header->extent >= HEADER_CANCUN && blob_params_at(c, header->timestamp, &blobs)) {
        uint64_t excess = next_excess_blob_gas(fork_at(c, header->number, header->timestamp), &blobs,
                                               header->excess_blob_gas, header->blob_gas_used, header->base_fee_wei);

        out->blob_fee = blob_base_fee(header->excess_blob_gas, blobs.update_fraction);
        out->next_blob_fee = blob_base_fee(excess, blobs.update_fraction);
        if (blobs.max) out->blob_ratio = (double)header->blob_gas_used / (double)(blobs.max * 131072);
    }
    if (!h->percentile_count) return FAN_OK;
    out->rewards = ARENA_ARRAY(a, h->percentile_count, struct fan_u256);
    return out->rewards ? fee_history_rewards(h, b, *a, out->rewards) : FAN_ENOMEM;
}

void fee_history_put_ratio(struct json_writer *w, double v)
{
    char text[40];

    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    json_put_raw(w, slice_str(text));
}

/* ---- the columns ---- */

static void put_column(struct json_writer *w, const char *key, const struct row *rows, size_t count,
                       uint64_t (*value)(const struct row *), uint64_t (*next)(const struct row *))
{
    json_put_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) json_put_u64(w, value(&rows[i]));
    json_put_u64(w, next(&rows[count - 1]));
    json_end_array(w);
}

static uint64_t base_fee_of(const struct row *r)
{
    return r->base_fee;
}

static uint64_t next_base_fee_of(const struct row *r)
{
    return r->next_base_fee;
}

static uint64_t blob_fee_of(const struct row *r)
{
    return r->blob_fee;
}

static uint64_t next_blob_fee_of(const struct row *r)
{
    return r->next_blob_fee;
}

static void put_rows(const struct fee_history *h, uint64_t oldest, const struct row *rows, size_t count,
                     struct json_writer *w)
{
    json_begin_object(w);
    json_put_key(w, "oldestBlock");
    json_put_u64(w, oldest);
    if (h->percentile_count && count) {
        json_put_key(w, "reward");
        json_begin_array(w);
        for (size_t i = 0; i < count; i++) {
            json_begin_array(w);
            for (size_t k = 0; k < h->percentile_count; k++) json_put_u256(w, &rows[i].rewards[k]);
            json_end_array(w);
        }
        json_end_array(w);
    }
    if (count) put_column(w, "baseFeePerGas", rows, count, base_fee_of, next_base_fee_of);
    json_put_key(w, "gasUsedRatio");
    if (count) {
        json_begin_array(w);
        for (size_t i = 0; i < count; i++) fee_history_put_ratio(w, rows[i].gas_ratio);
        json_end_array(w);
        put_column(w, "baseFeePerBlobGas", rows, count, blob_fee_of, next_blob_fee_of);
        json_put_key(w, "blobGasUsedRatio");
        json_begin_array(w);
        for (size_t i = 0; i < count; i++) fee_history_put_ratio(w, rows[i].blob_ratio);
        json_end_array(w);
    } else {
        json_put_null(w);
    }
    json_end_object(w);
}

enum fan_status fee_history_put(const struct fee_history *h, struct chain *chain, const struct block *last,
                                struct arena *a, struct json_writer *w)
{
    const struct chain_config *config = chain->ops->config(chain);
    uint64_t count = last ? min_u64(h->block_count, last->header.number + 1) : 0,
             oldest;
    struct row *rows;
    enum fan_status s = FAN_OK;

    if (chain->ops->remote && last) { /* blocks before a fork are not here: the history begins behind it */
        struct chain_remote *r = chain->ops->remote(chain);

        if (r) count = min_u64(count, last->header.number - r->block->header.number);
        chain_remote_unref(r);
    }
    oldest = count ? last->header.number + 1 - count : 0;
    rows = ARENA_ARRAY(a, count, struct row);
    if (count && !rows) return FAN_ENOMEM;
    for (uint64_t i = 0; i < count && !s; i++) {
        struct block *b = NULL;

        if (oldest + i == last->header.number) {
            s = fill_row(h, config, last, a, &rows[i]);
            break;
        }
        s = chain->ops->block_by_number(chain, oldest + i, &b);
        if (!s) s = fill_row(h, config, b, a, &rows[i]);
        block_unref(b);
    }
    if (!s) put_rows(h, oldest, rows, count, w);
    return s;
}
