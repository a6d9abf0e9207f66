/* The hooks: a host's structs as JSON, and its JSON to the host's chain. Implements hooks.h. */
#include "fanatico/hooks.h"

#include "app/fanatico.h"

enum { EXTRA_DATA_MAX = 1 << 20, TOPICS_MAX = 4 };

/* ---- as text ---- */

/* A text that is not there is one without a value: told as such. */
static struct slice text_of(const char *json, size_t len)
{
    return json ? slice_of(json, len) : SLICE("");
}

#define JSON_HOOK(name, announce)                                                                                      \
    enum fan_status name(fan_server *s, const char *json, size_t len, struct fan_error *err)                           \
    {                                                                                                                  \
        enum fan_status status = fanatico_running(s, err);                                                             \
        return status ? status : announce(s->host, text_of(json, len), err);                                           \
    }
JSON_HOOK(fan_chain_announce_block_json, host_announce_block)
JSON_HOOK(fan_chain_announce_logs_json, host_announce_logs)
JSON_HOOK(fan_chain_announce_pending_json, host_announce_pending)
JSON_HOOK(fan_chain_announce_syncing_json, host_announce_syncing)

enum fan_status fan_chain_hook_json(fan_server *s, const char *json, size_t len, struct fan_error *err)
{
    static const struct {
        const char *name;
        enum fan_status (*announce)(struct host *h, struct slice json, struct fan_error *err);
    } hooks[] = {
        {"on_new_block", host_announce_block},
        {"on_logs", host_announce_logs},
        {"on_pending_transaction", host_announce_pending},
        {"on_syncing", host_announce_syncing},
    };
    enum fan_status status = fanatico_running(s, err);
    struct arena_home home;
    struct arena a;
    struct json line, hook, arg;
    struct fan_error why = {""};

    if (status) return status;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    status = json_parse(text_of(json, len), JSON_DEPTH_MAX, &a, &line, &why);
    if (status) {
        status = fan_error_set(err, status == FAN_ENOMEM ? status : FAN_EFORMAT, "%s", why.text);
    } else if (!json_is(hook = json_get(line, "hook"), JSON_STRING)) {
        status = fan_error_set(err, FAN_EFORMAT, "hook: a name was expected");
    } else if (json_is(arg = json_get(line, "arg"), JSON_MISSING)) {
        status = fan_error_set(err, FAN_EFORMAT, "arg: is missing");
    } else {
        status = fan_error_set(
            err, FAN_EFORMAT, "hook: %.*s is none of on_new_block, on_logs, on_pending_transaction, on_syncing",
            SLICE_ARGS(slice_first(json_raw(hook), json_raw(hook).len < 60 ? json_raw(hook).len : 60)));
        for (size_t i = 0; i < COUNT_OF(hooks); i++)
            if (json_str_is(hook, hooks[i].name)) {
                if (err) err->text[0] = 0;
                status = hooks[i].announce(s->host, json_raw(arg), err);
                break;
            }
    }
    arena_home_fini(&home);
    return status;
}

/* ---- as structs ---- */

static enum fan_status is_null(struct fan_error *err, const char *what)
{
    return fan_error_set(err, FAN_EINVAL, "%s: is NULL", what);
}

static void put_fixed(struct json_writer *w, const char *key, const void *bytes, size_t len)
{
    json_put_key(w, key);
    json_put_data(w, slice_of(bytes, len));
}

static void put_number(struct json_writer *w, const char *key, uint64_t v)
{
    json_put_key(w, key);
    json_put_u64(w, v);
}

/* An empty text to write a struct into; announce() ends it. */
static struct json_writer begin(struct buf *text)
{
    buf_init(text, 0);
    return json_writer_of(text);
}

/* What was written is announced; an encoding that found no memory is told as such. */
static enum fan_status announce(fan_server *s, struct buf *text,
                                enum fan_status (*to)(struct host *h, struct slice json, struct fan_error *err),
                                struct fan_error *err)
{
    enum fan_status status =
        text->failed ? fan_error_set(err, FAN_ENOMEM, "out of memory") : to(s->host, buf_peek(text), err);

    buf_fini(text);
    return status;
}

static void put_block(struct json_writer *w, const struct fan_block *b)
{
    const struct {
        uint32_t bit;
        const char *key;
        const void *bytes;
        size_t len;
    } fixed[] = {
        {FAN_BLOCK_OMMERS_HASH, "sha3Uncles", &b->ommers_hash, 32},
        {FAN_BLOCK_BENEFICIARY, "miner", &b->beneficiary, 20},
        {FAN_BLOCK_STATE_ROOT, "stateRoot", &b->state_root, 32},
        {FAN_BLOCK_TRANSACTIONS_ROOT, "transactionsRoot", &b->transactions_root, 32},
        {FAN_BLOCK_RECEIPTS_ROOT, "receiptsRoot", &b->receipts_root, 32},
        {FAN_BLOCK_LOGS_BLOOM, "logsBloom", b->logs_bloom, BLOOM_LEN},
        {FAN_BLOCK_EXTRA_DATA, "extraData", b->extra_data, b->extra_data_len},
        {FAN_BLOCK_MIX_HASH, "mixHash", &b->mix_hash, 32},
        {FAN_BLOCK_NONCE, "nonce", b->nonce, 8},
        {FAN_BLOCK_WITHDRAWALS_ROOT, "withdrawalsRoot", &b->withdrawals_root, 32},
        {FAN_BLOCK_PARENT_BEACON_ROOT, "parentBeaconBlockRoot", &b->parent_beacon_root, 32},
        {FAN_BLOCK_REQUESTS_HASH, "requestsHash", &b->requests_hash, 32},
    };
    const struct {
        uint32_t bit;
        const char *key;
        uint64_t value;
    } numbers[] = {
        {FAN_BLOCK_GAS_LIMIT, "gasLimit", b->gas_limit},
        {FAN_BLOCK_GAS_USED, "gasUsed", b->gas_used},
        {FAN_BLOCK_TIMESTAMP, "timestamp", b->timestamp},
        {FAN_BLOCK_BLOB_GAS_USED, "blobGasUsed", b->blob_gas_used},
        {FAN_BLOCK_EXCESS_BLOB_GAS, "excessBlobGas", b->excess_blob_gas},
    };

    json_begin_object(w);
    put_fixed(w, "hash", &b->hash, 32);
    put_fixed(w, "parentHash", &b->parent_hash, 32);
    put_number(w, "number", b->number);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        if (b->given & fixed[i].bit) put_fixed(w, fixed[i].key, fixed[i].bytes, fixed[i].len);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (b->given & numbers[i].bit) put_number(w, numbers[i].key, numbers[i].value);
    if (b->given & FAN_BLOCK_DIFFICULTY) {
        json_put_key(w, "difficulty");
        json_put_u256(w, &b->difficulty);
    }
    if (b->given & FAN_BLOCK_BASE_FEE) {
        json_put_key(w, "baseFeePerGas");
        json_put_u256(w, &b->base_fee_wei);
    }
    json_end_object(w);
}

enum fan_status fan_chain_announce_block(fan_server *s, const struct fan_block *b, struct fan_error *err)
{
    enum fan_status status = fanatico_running(s, err);
    struct json_writer w;
    struct buf text;

    if (status) return status;
    if (!b) return is_null(err, "block");
    if (b->given & FAN_BLOCK_EXTRA_DATA && b->extra_data_len > EXTRA_DATA_MAX)
        return fan_error_set(err, FAN_EFORMAT, "block: extraData: at most %d bytes", EXTRA_DATA_MAX);
    if (b->given & FAN_BLOCK_EXTRA_DATA && b->extra_data_len && !b->extra_data)
        return fan_error_set(err, FAN_EFORMAT, "block: extraData: is missing");
    if (b->given & FAN_BLOCK_LOGS_BLOOM && !b->logs_bloom)
        return fan_error_set(err, FAN_EFORMAT, "block: logsBloom: is missing");
    w = begin(&text);
    put_block(&w, b);
    return announce(s, &text, host_announce_block, err);
}

static void put_log(struct json_writer *w, const struct fan_log *l)
{
    json_begin_object(w);
    put_fixed(w, "address", &l->address, 20);
    json_put_key(w, "topics");
    json_begin_array(w);
    for (size_t i = 0; i < l->topic_count; i++) json_put_hash(w, &l->topics[i]);
    json_end_array(w);
    put_fixed(w, "data", l->data, l->data_len);
    if (l->given & FAN_LOG_BLOCK_NUMBER) put_number(w, "blockNumber", l->block_number);
    if (l->given & FAN_LOG_TRANSACTION_HASH) put_fixed(w, "transactionHash", &l->transaction_hash, 32);
    if (l->given & FAN_LOG_TRANSACTION_INDEX) put_number(w, "transactionIndex", l->transaction_index);
    if (l->given & FAN_LOG_BLOCK_HASH) put_fixed(w, "blockHash", &l->block_hash, 32);
    if (l->given & FAN_LOG_BLOCK_TIMESTAMP) put_number(w, "blockTimestamp", l->block_timestamp);
    if (l->given & FAN_LOG_INDEX) put_number(w, "logIndex", l->index);
    json_end_object(w);
}

enum fan_status fan_chain_announce_logs(fan_server *s, const struct fan_log *logs, size_t count, struct fan_error *err)
{
    enum fan_status status = fanatico_running(s, err);
    struct json_writer w;
    struct buf text;

    if (status) return status;
    if (!logs && count) return is_null(err, "logs");
    for (size_t i = 0; i < count; i++) {
        if ((!logs[i].topics && logs[i].topic_count) || logs[i].topic_count > TOPICS_MAX)
            return fan_error_set(err, FAN_EFORMAT, "logs[%zu]: topics: %s", i,
                                 logs[i].topics ? "at most four were expected" : "is missing");
        if (!logs[i].data && logs[i].data_len) return fan_error_set(err, FAN_EFORMAT, "logs[%zu]: data: is missing", i);
    }
    w = begin(&text);
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) put_log(&w, &logs[i]);
    json_end_array(&w);
    return announce(s, &text, host_announce_logs, err);
}

enum fan_status fan_chain_announce_pending(fan_server *s, const struct fan_hash *tx_hash, struct fan_error *err)
{
    enum fan_status status = fanatico_running(s, err);
    struct json_writer w;
    struct buf text;

    if (status) return status;
    if (!tx_hash) return is_null(err, "pending transaction");
    w = begin(&text);
    json_put_hash(&w, tx_hash);
    return announce(s, &text, host_announce_pending, err);
}

enum fan_status fan_chain_announce_syncing(fan_server *s, const struct fan_syncing *state, struct fan_error *err)
{
    enum fan_status status = fanatico_running(s, err);
    struct json_writer w;
    struct buf text;

    if (status) return status;
    if (!state) return is_null(err, "syncing");
    w = begin(&text);
    if (state->syncing) {
        json_begin_object(&w);
        put_number(&w, "startingBlock", state->starting_block);
        put_number(&w, "currentBlock", state->current_block);
        put_number(&w, "highestBlock", state->highest_block);
        json_end_object(&w);
    } else {
        json_put_bool(&w, false);
    }
    return announce(s, &text, host_announce_syncing, err);
}

enum fan_status fan_chain_move_head(fan_server *s, const struct fan_hash *hash, struct fan_error *err)
{
    enum fan_status status = fanatico_running(s, err);

    if (status) return status;
    return hash ? host_move_head(s->host, hash, err) : is_null(err, "head");
}
