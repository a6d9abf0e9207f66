#include "wire/jsonrpc.h"

#include <stdio.h>

const struct slice JSONRPC_NULL = {(const uint8_t *)"null", 4};
#define NOTIFICATION_HEAD "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\""
const struct slice JSONRPC_NOTIFICATION_HEAD = {(const uint8_t *)NOTIFICATION_HEAD, sizeof NOTIFICATION_HEAD - 1};

static struct jsonrpc_error invalid(struct slice message)
{
    return (struct jsonrpc_error){JSONRPC_INVALID_REQUEST, message};
}

/* Null, a number or a string that is not too long. */
static bool id_is_valid(struct json id, size_t len_max)
{
    enum json_kind k = json_kind(id);

    return (k == JSON_NULL || k == JSON_NUMBER || k == JSON_STRING) && json_raw(id).len <= len_max;
}

/* One walk over the members instead of one for each key; of equal keys the last counts. */
static enum fan_status read_request(struct json v, const struct jsonrpc_limits *limits, struct arena *a,
                                    struct jsonrpc_request *out)
{
    struct json version = {0}, id = {0}, method = {0}, params = {0};
    bool has_id, good_id;

    *out = (struct jsonrpc_request){.id = JSONRPC_NULL};
    if (!json_is(v, JSON_OBJECT)) {
        out->error = invalid(SLICE("Invalid request: a request is an object"));
        return FAN_OK;
    }
    for (struct json m = json_first(v); !json_is(m, JSON_MISSING); m = json_next(m)) {
        if (json_key_is(m, SLICE("jsonrpc")))
            version = m;
        else if (json_key_is(m, SLICE("id")))
            id = m;
        else if (json_key_is(m, SLICE("method")))
            method = m;
        else if (json_key_is(m, SLICE("params")))
            params = m;
    }
    has_id = !json_is(id, JSON_MISSING);
    good_id = has_id && id_is_valid(id, limits->id_len_max);
    if (good_id) out->id = json_raw(id);
    if (json_is(method, JSON_STRING)) {
        out->method = json_str(method, a);
        if (!out->method.at) return FAN_ENOMEM;
    }
    if (json_is(params, JSON_ARRAY) || json_is(params, JSON_OBJECT)) out->params = params;

    if (!json_str_is(version, "2.0"))
        out->error = invalid(SLICE("Invalid request: jsonrpc must be \"2.0\""));
    else if (json_is(method, JSON_MISSING))
        out->error = invalid(SLICE("Invalid request: method is missing"));
    else if (!out->method.len)
        out->error = invalid(SLICE("Invalid request: method must be a string that is not empty"));
    else if (has_id && !good_id)
        out->error = invalid(json_is(id, JSON_STRING) || json_is(id, JSON_NUMBER)
                                 ? SLICE("Invalid request: id is too long")
                                 : SLICE("Invalid request: id must be a string, a number or null"));
    else if (!json_is(out->params, json_kind(params)) && !json_is(params, JSON_NULL))
        out->error = invalid(SLICE("Invalid request: params must be an array or an object"));
    else if (!has_id)
        out->id = slice_of(NULL, 0); /* a good request without an id: a notification */
    return FAN_OK;
}

static enum fan_status whole_error(struct jsonrpc_message *out, struct arena *a, int code, const char *phrase,
                                   const char *detail)
{
    char *text = arena_printf(a, "%s: %s", phrase, detail);

    if (!text) return FAN_ENOMEM;
    *out = (struct jsonrpc_message){.error = {code, slice_str(text)}};
    return FAN_OK;
}

enum fan_status jsonrpc_parse(struct slice body, const struct jsonrpc_limits *limits, struct arena *a,
                              struct jsonrpc_message *out)
{
    struct jsonrpc_limits l = limits ? *limits : (struct jsonrpc_limits){0};
    struct jsonrpc_message message = {0};
    struct json root, v;
    struct fan_error err;
    enum fan_status s;

    if (!l.batch_max) l.batch_max = JSONRPC_BATCH_MAX;
    if (!l.id_len_max) l.id_len_max = JSONRPC_ID_LEN_MAX;
    s = json_parse(body, l.depth_max, a, &root, &err);
    if (s == FAN_ENOMEM) return s;
    if (s == FAN_ELIMIT) return whole_error(out, a, JSONRPC_INVALID_REQUEST, "Invalid request", err.text);
    if (s) return whole_error(out, a, JSONRPC_PARSE_ERROR, "Parse error", err.text);

    message.batch = json_is(root, JSON_ARRAY);
    message.count = message.batch ? json_count(root) : 1;
    if (!message.count) return whole_error(out, a, JSONRPC_INVALID_REQUEST, "Invalid request", "the batch is empty");
    if (message.count > l.batch_max) {
        char detail[96];

        (void)snprintf(detail, sizeof detail, "the batch has %zu items, at most %zu are taken", message.count,
                       l.batch_max);
        return whole_error(out, a, JSONRPC_INVALID_REQUEST, "Invalid request", detail);
    }
    message.items = ARENA_ARRAY(a, message.count, struct jsonrpc_request);
    if (!message.items) return FAN_ENOMEM;
    v = message.batch ? json_first(root) : root;
    for (size_t i = 0; i < message.count; i++, v = json_next(v)) {
        s = read_request(v, &l, a, &message.items[i]);
        if (s) return s;
    }
    *out = message;
    return FAN_OK;
}

void jsonrpc_put_result_begin(struct buf *out, struct slice id)
{
    buf_put(out, SLICE("{\"jsonrpc\":\"2.0\",\"id\":"));
    buf_put(out, id.len ? id : JSONRPC_NULL);
    buf_put(out, SLICE(",\"result\":"));
}

void jsonrpc_put_result_end(struct buf *out)
{
    buf_put(out, SLICE("}"));
}

void jsonrpc_put_result(struct buf *out, struct slice id, struct slice result)
{
    jsonrpc_put_result_begin(out, id);
    buf_put(out, result);
    jsonrpc_put_result_end(out);
}

void jsonrpc_put_error(struct buf *out, struct slice id, int code, struct slice message, struct slice data)
{
    struct json_writer w = json_writer_of(out);

    buf_put(out, SLICE("{\"jsonrpc\":\"2.0\",\"id\":"));
    buf_put(out, id.len ? id : JSONRPC_NULL);
    buf_printf(out, ",\"error\":{\"code\":%d,\"message\":", code);
    json_put_str(&w, message);
    if (data.len) {
        buf_put(out, SLICE(",\"data\":"));
        buf_put(out, data);
    }
    buf_put(out, SLICE("}}"));
}

void jsonrpc_put_notification_tail(struct buf *out, struct slice result)
{
    buf_put(out, SLICE("\",\"result\":"));
    buf_put(out, result);
    buf_put(out, SLICE("}}"));
}
