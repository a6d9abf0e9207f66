/* The outbox alone, against a plain list of bytes: whatever is put, packed, sent in pieces, cut or dropped, what leaves
 * is what was put, in order, and nothing is counted that is not there. */
#include "conn/outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

enum { FRAMES = 24, CLIENTS = 3, IDS = 40 };

static uint64_t seed;
static uint32_t roll(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % below;
}

/* One connection's outbox, and beside it the bytes that must leave. */
struct client {
    struct outbox out;
    struct buf expected;
    size_t sent, frames; /* of expected; waiting notifications, put since the last cut */
    struct {
        size_t end; /* in expected, of each entry or frame */
    } unit[20000];
    size_t unit_count;
};

static void note(struct client *c, struct slice a, struct slice b, struct slice tail)
{
    buf_put(&c->expected, a);
    buf_put(&c->expected, b);
    buf_put(&c->expected, tail);
    c->unit[c->unit_count++].end = c->expected.len;
}

static void put_one(struct test *t, struct client *c, struct out_pool *p, struct frame_share *f, uint64_t now_ms)
{
    uint8_t id[FRAME_ID_LEN + 1];

    (void)snprintf((char *)id, sizeof id, "0x%032x", roll(IDS));
    if (roll(4))
        CHECK(t, outbox_pack_notification(&c->out, p, f, id, now_ms));
    else
        CHECK(t, outbox_put_notification(&c->out, p, f, id, now_ms, false));
    note(c, frame_peek_head(f->frame), slice_of(id, frame_has_hole(f->frame) ? FRAME_ID_LEN : 0),
         frame_peek_tail(f->frame));
}

/* The socket takes some of it. */
static void send_some(struct test *t, struct client *c, struct out_pool *p)
{
    static struct iovec parts[OUT_PARTS_MAX];
    size_t len, at = c->sent, take, count = outbox_gather(&c->out, p, OUT_SEND_LEN_MAX, parts, &len);

    for (size_t i = 0; i < count; i++) {
        REQUIRE(t, at + parts[i].iov_len <= c->expected.len);
        CHECK(t, memcmp(parts[i].iov_base, c->expected.at + at, parts[i].iov_len) == 0);
        at += parts[i].iov_len;
    }
    CHECK_EQ(t, at - c->sent, len);
    CHECK((t), len > 0 || c->sent == c->expected.len);
    take = len == 0 ? 0 : roll(3) ? len - roll((uint32_t)len) : len;
    outbox_sent(&c->out, p, take);
    c->sent += take;
}

/* What stays after a cut: the unit in progress. */
static void cut(struct client *c, struct out_pool *p)
{
    size_t end = c->sent, i = 0;

    outbox_cut(&c->out, p);
    while (i < c->unit_count && c->unit[i].end < c->sent) i++;
    if (i < c->unit_count && c->unit[i].end > c->sent && (i ? c->unit[i - 1].end : 0) < c->sent) end = c->unit[i].end;
    c->expected.len = end;
    c->unit_count = i;
    if (end > (i ? c->unit[i - 1].end : 0)) c->unit[c->unit_count++].end = end;
}

static void run(struct test *t, struct frame_share *const *share)
{
    static struct client clients[CLIENTS];
    struct out_pool p;
    uint64_t age_ms;

    memset(clients, 0, sizeof clients);
    out_pool_init(&p);
    for (int step = 0; step < 3000; step++) {
        struct client *c = &clients[roll(CLIENTS)];

        switch (roll(8)) {
        case 0:
            send_some(t, c, &p);
            break;
        case 1:
            if (roll(40) == 0) cut(c, &p);
            break;
        case 2:
            CHECK(t, outbox_put_copy(&c->out, &p, SLICE("reply "), SLICE("body"), 0));
            note(c, SLICE("reply "), SLICE("body"), SLICE(""));
            break;
        default:
            /* As the hub does: everyone gets a frame before the next begins. */
            for (size_t i = 0, f = roll(FRAMES); i < CLIENTS; i++)
                if (roll(2)) put_one(t, &clients[i], &p, share[f], (uint64_t)step);
        }
        CHECK_EQ(t, c->out.bytes, c->expected.len - c->sent);
        CHECK(t, outbox_behind(&c->out, &p) <= c->out.notify_bytes);
        if (outbox_oldest_ms(&c->out, &p, (uint64_t)step, &age_ms)) CHECK(t, age_ms <= (uint64_t)step);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        if (i) /* the first goes with all it has */
            while (!outbox_empty(&clients[i].out)) send_some(t, &clients[i], &p);
        outbox_clear(&clients[i].out, &p);
        buf_fini(&clients[i].expected);
    }
    CHECK_EQ(t, p.waiting, 0);
    CHECK_EQ(t, p.journal.first, p.journal.next);
    for (size_t i = 0; i < FRAMES; i++) CHECK_EQ(t, share[i]->count, 1);
    out_pool_fini(&p);
}

TEST(what_leaves_is_what_was_put_however_it_was_kept, t)
{
    struct frame_share *share[FRAMES];

    for (size_t i = 0; i < FRAMES; i++) {
        uint8_t tail[200];
        struct frame *f;
        enum fan_status s;

        memset(tail, 'a' + (int)i, sizeof tail);
        s = i % 5 == 0 ? frame_new_plain(slice_of(tail, 30 + i), &f)
                       : frame_new_text(SLICE("head"), slice_of(tail, 1 + 8 * i), &f);
        REQUIRE(t, !s);
        share[i] = frame_share_new(f);
        REQUIRE(t, share[i] != NULL);
    }
    for (uint64_t i = 1; i <= 40 && !t->failed; i++) {
        seed = i * 0x9e3779b97f4a7c15u;
        run(t, share);
        if (t->failed) printf("  with seed %" PRIu64 "\n", i);
    }
    for (size_t i = 0; i < FRAMES; i++) frame_share_unref(share[i]);
}

/* The reason for packs: a stalled reader's backlog must cost little beside the shared frames. */
TEST(ten_thousand_waiting_notifications_of_two_streams_cost_a_stalled_reader_24_kilobytes, t)
{
    static const uint8_t id[2][FRAME_ID_LEN + 1] = {"0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                                    "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    enum { COUNT = 10000 };
    static struct frame_share *share[COUNT];
    struct outbox out[2] = {0};
    struct out_pool p;
    int64_t frames = 0;

    out_pool_init(&p);
    for (size_t i = 0; i < COUNT; i++) {
        struct frame *f;

        REQUIRE(t, !frame_new_text(SLICE("head"), SLICE("tail"), &f));
        frames += (int64_t)frame_len(f);
        share[i] = frame_share_new(f);
        REQUIRE(t, share[i] != NULL);
        for (size_t k = 0; k < 2; k++) CHECK(t, outbox_pack_notification(&out[k], &p, share[i], id[i % 2], 0));
    }
    CHECK(t, p.waiting - frames <= 2 * 24 * 1024);
    for (size_t k = 0; k < 2; k++) outbox_clear(&out[k], &p);
    CHECK_EQ(t, p.waiting, 0);
    for (size_t i = 0; i < COUNT; i++) frame_share_unref(share[i]);
    out_pool_fini(&p);
}

/* What is one part is a send(), which is cheaper than a sendmsg(); among others each is two parts. */
TEST(a_notification_alone_is_one_part, t)
{
    static const uint8_t id[FRAME_ID_LEN + 1] = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static struct out_pool p;
    static const struct {
        size_t tail, notifications, sent, parts;
    } row[] = {{10, 1, 0, 1},
               {OUT_WHOLE_MAX, 1, 0, 1},
               {OUT_WHOLE_MAX + 1, 1, 0, 2},
               {1000, 2, 0, 4},
               {1000, 1, 7, 2} /* begun already: the rest */,
               {1000, 1, 500, 1}};
    struct iovec parts[OUT_PARTS_MAX];
    uint8_t tail[OUT_WHOLE_MAX + 1], expected[2 * OUT_WHOLE_MAX];

    memset(tail, 't', sizeof tail);
    out_pool_init(&p);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct outbox o = {0};
        struct frame_share *share;
        struct frame *f;
        struct slice head, end;
        size_t len, at = 0, count;

        REQUIRE(t, !frame_new_text(SLICE("head"), slice_of(tail, row[i].tail), &f));
        head = frame_peek_head(f);
        end = frame_peek_tail(f);
        share = frame_share_new(f);
        REQUIRE(t, share != NULL);
        for (size_t k = 0; k < row[i].notifications; k++)
            CHECK(t, outbox_put_notification(&o, &p, share, id, 0, false));
        memcpy(expected, head.at, head.len);
        memcpy(expected + head.len, id, FRAME_ID_LEN);
        memcpy(expected + head.len + FRAME_ID_LEN, end.at, end.len);
        outbox_sent(&o, &p, row[i].sent);
        count = outbox_gather(&o, &p, OUT_SEND_LEN_MAX, parts, &len);
        CHECK_EQ(t, count, row[i].parts);
        CHECK_EQ(t, len, row[i].notifications * frame_len(f) - row[i].sent);
        for (size_t k = 0; row[i].notifications == 1 && k < count; at += parts[k++].iov_len)
            CHECK(t, memcmp(parts[k].iov_base, expected + row[i].sent + at, parts[k].iov_len) == 0);
        outbox_clear(&o, &p);
        frame_share_unref(share);
    }
    out_pool_fini(&p);
}

/* Two workers, one frame: its bytes count once, whoever lets go last. */
TEST(a_frame_that_waits_in_two_workers_counts_once, t)
{
    static const uint8_t id[FRAME_ID_LEN + 1] = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct out_pool p[2];
    struct outbox out[2] = {0};
    struct frame_share *share[2];
    struct frame *f;
    int64_t len;

    REQUIRE(t, !frame_new_text(SLICE("head"), SLICE("tail"), &f));
    len = (int64_t)frame_len(f);
    for (size_t i = 0; i < 2; i++) {
        out_pool_init(&p[i]);
        share[i] = frame_share_new(i ? frame_ref(f) : f);
        REQUIRE(t, share[i] != NULL);
        CHECK(t, outbox_put_notification(&out[i], &p[i], share[i], id, 0, false));
    }
    CHECK_EQ(t, p[0].waiting + p[1].waiting, len + 2 * (int64_t)sizeof(struct out_entry));
    outbox_clear(&out[0], &p[0]);
    CHECK_EQ(t, p[0].waiting + p[1].waiting, len + (int64_t)sizeof(struct out_entry));
    outbox_clear(&out[1], &p[1]);
    CHECK_EQ(t, p[0].waiting + p[1].waiting, 0);
    for (size_t i = 0; i < 2; i++) {
        frame_share_unref(share[i]);
        out_pool_fini(&p[i]);
    }
}

/* Answers come in crowds: a client asks for its hundred subscriptions at once. */
TEST(short_replies_share_a_block, t)
{
    static struct out_pool p;
    struct outbox o = {0};
    struct iovec parts[OUT_PARTS_MAX];
    uint8_t reply[80], all[8000];
    size_t len, at = 0, count;

    out_pool_init(&p);
    for (size_t i = 0; i < 100; i++) {
        memset(reply, (int)i, sizeof reply);
        REQUIRE(t, outbox_put_copy(&o, &p, slice_of(reply, 10), slice_of(reply + 10, sizeof reply - 10), 7));
    }
    CHECK_EQ(t, o.bytes, sizeof all);
    CHECK_EQ(t, p.waiting, 9 * (OUT_BLOCK_LEN + (int64_t)sizeof(struct out_entry))); /* twelve in each */
    count = outbox_gather(&o, &p, OUT_SEND_LEN_MAX, parts, &len);
    CHECK_EQ(t, count, 9);
    CHECK_EQ(t, len, sizeof all);
    for (size_t i = 0; i < count; at += parts[i++].iov_len) memcpy(all + at, parts[i].iov_base, parts[i].iov_len);
    for (size_t i = 0; i < sizeof all; i++) CHECK_EQ(t, all[i], i / sizeof reply);
    outbox_sent(&o, &p, 1000); /* the first block, and half a reply of the second */
    REQUIRE(t, outbox_put_copy(&o, &p, slice_of(reply, 0), slice_of(reply, sizeof reply), 7));
    outbox_cut(&o, &p);
    CHECK_EQ(t, o.bytes, 2 * 960 - 1000); /* what was begun leaves whole, the last to come went with the rest */
    outbox_clear(&o, &p);
    CHECK_EQ(t, p.waiting, 0);
    out_pool_fini(&p);
}
