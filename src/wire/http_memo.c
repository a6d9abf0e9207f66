#include "wire/http_memo.h"

#include <stdlib.h>

enum { ONCE = 4 };

struct once {
    size_t len;
    uint8_t bytes[HTTP_MEMO_LEN_MAX];
};

struct http_memo {
    struct http_known *known[HTTP_MEMO_HEADS];
    size_t count, last, oldest; /* last: the one found last */
    struct once once[ONCE];     /* by length, so that two that take turns do not displace each other */
};

struct http_memo *http_memo_new(void)
{
    return calloc(1, sizeof(struct http_memo));
}

static void known_free(struct http_known *k)
{
    if (!k) return;
    free(k->headers);
    free(k);
}

void http_memo_free(struct http_memo *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->count; i++) known_free(m->known[i]);
    free(m);
}

static inline bool begins(struct slice in, const struct http_known *k)
{
    return in.len >= k->len && memcmp(in.at, k->bytes, k->len) == 0;
}

const struct http_known *http_memo_find(struct http_memo *m, struct slice in)
{
    if (!m->count) return NULL;
    if (begins(in, m->known[m->last])) return m->known[m->last];
    for (size_t i = 0; i < m->count; i++)
        if (begins(in, m->known[i])) {
            m->last = i;
            return m->known[i];
        }
    return NULL;
}

/* What lies in the head lies in our copy; what does not (the path of an empty one) stays. */
static void move(struct slice *s, struct slice from, const uint8_t *to)
{
    if (s->at >= from.at && s->at <= from.at + from.len) s->at = to + (s->at - from.at);
}

static void move_request(struct http_request *r, struct slice from, const uint8_t *to)
{
    struct slice *const lent[] = {&r->target,       &r->path,   &r->query,      &r->host,        &r->origin,
                                  &r->content_type, &r->ws_key, &r->ws_version, &r->ws_protocol, &r->ws_extensions};

    for (size_t i = 0; i < COUNT_OF(lent); i++) move(lent[i], from, to);
}

static struct http_known *known_new(struct slice head, const struct http_request *r, uint64_t body_len)
{
    struct http_known *k = calloc(1, sizeof *k + head.len);

    if (!k) return NULL;
    k->headers = calloc(r->header_count ? r->header_count : 1, sizeof *k->headers);
    if (!k->headers) {
        free(k);
        return NULL;
    }
    k->len = head.len;
    k->body_len = body_len;
    k->request = *r;
    k->request.body = slice_of(NULL, 0);
    k->request.headers = k->headers;
    memcpy(k->bytes, head.at, head.len);
    for (size_t i = 0; i < r->header_count; i++) {
        k->headers[i] = r->headers[i];
        move(&k->headers[i].name, head, k->bytes);
        move(&k->headers[i].value, head, k->bytes);
    }
    move_request(&k->request, head, k->bytes);
    return k;
}

void http_memo_add(struct http_memo *m, struct slice head, const struct http_request *r, uint64_t body_len)
{
    struct once *once = &m->once[head.len % ONCE];
    struct http_known *k;

    if (head.len > HTTP_MEMO_LEN_MAX || http_find(r, "authorization")) return;
    if (once->len != head.len || memcmp(once->bytes, head.at, head.len) != 0) {
        once->len = head.len;
        memcpy(once->bytes, head.at, head.len);
        return;
    }
    k = known_new(head, r, body_len);
    if (!k) return;
    if (m->count < HTTP_MEMO_HEADS) {
        m->last = m->count;
        m->known[m->count++] = k;
        return;
    }
    known_free(m->known[m->oldest]);
    m->last = m->oldest;
    m->known[m->oldest] = k;
    m->oldest = (m->oldest + 1) % HTTP_MEMO_HEADS;
}
