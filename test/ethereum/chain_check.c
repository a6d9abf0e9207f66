/* chain_check: chains that go-ethereum made, through our import; and tampered blocks, of which go-ethereum has said
 * whether it takes them.
 *
 * usage: chain_check DIR…, each with genesis.json, chain.rlp, mutants.rlp and verdicts.json (chains/main.go). Before
 * block N is imported, each tampered block of that number is; where go-ethereum refuses it so must we, and the head
 * must not move. One JSON object a folder on standard output; exit code 1 when anything differed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/hex.h"
#include "local/local.h"

struct chain_case {
    const char *dir;
    struct arena_home home;
    struct arena arena;
    struct genesis genesis;
    struct slice blocks, mutants;
    struct json verdicts;
    struct local *local;
    uint64_t refused, taken, same_words, wrong;
};

static struct slice read_whole(struct chain_case *c, const char *name)
{
    char path[4096];
    FILE *f;
    struct buf b;
    struct slice out;

    (void)snprintf(path, sizeof path, "%s/%s", c->dir, name);
    f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(2);
    }
    buf_init(&b, 0);
    while (buf_reserve(&b, 1 << 16)) {
        size_t got = fread(b.at + b.len, 1, 1 << 16, f);

        if (!got) break;
        b.len += got;
    }
    (void)fclose(f);
    out = arena_dup(&c->arena, buf_peek(&b));
    buf_fini(&b);
    return out;
}

static void must(enum fan_status s, const struct chain_case *c, const char *what, const struct fan_error *err)
{
    if (!s) return;
    (void)fprintf(stderr, "%s: %s: %s: %s\n", c->dir, what, fan_status_text(s), err->text);
    exit(2);
}

static void reopen(struct chain_case *c, struct slice before)
{
    const struct local_options options = {.genesis = &c->genesis};
    struct local_import_result result;
    struct fan_error err = {""};

    local_close(c->local);
    c->local = NULL;
    must(local_open(&options, &c->local, &err), c, "genesis", &err);
    if (before.len) must(local_import_bytes(c->local, before, &result, &err), c, "blocks before", &err);
}

/* One tampered block on top of the blocks before it. */
static void try_mutant(struct chain_case *c, struct json verdict, struct slice block, struct slice before)
{
    struct local_import_result result = {0};
    struct fan_error err = {""};
    struct slice theirs = json_str(json_get(verdict, "error"), &c->arena);
    enum fan_status s = local_import_bytes(c->local, block, &result, &err);
    bool taken = !s && result.blocks == 1;

    c->taken += taken;
    c->refused += !taken;
    if (theirs.len && memmem(err.text, strlen(err.text), theirs.at, theirs.len)) c->same_words++;
    if (taken != (theirs.len == 0)) {
        c->wrong++;
        (void)fprintf(stderr, "%s: block %.*s, %.*s: ours %s, geth %.*s\n", c->dir,
                      SLICE_ARGS(json_raw(json_get(verdict, "block"))),
                      SLICE_ARGS(json_str_raw(json_get(verdict, "field"))), taken ? "taken" : err.text,
                      theirs.len ? (int)theirs.len : 5, theirs.len ? (const char *)theirs.at : "taken");
    }
    if (taken) reopen(c, before);
}

static void head_hash(const struct chain_case *c, uint64_t number, char out[65])
{
    struct chain *chain = local_chain(c->local);
    struct block *b;

    if (chain->ops->block_by_number(chain, number, &b)) return;
    hex_encode(slice_of(b->hash.bytes, sizeof b->hash.bytes), out);
    block_unref(b);
}

static void run(struct chain_case *c)
{
    struct rlp r = rlp_of(c->blocks);
    struct json mutants = json_get(c->verdicts, "mutants"), next = json_first(mutants);
    struct local_import_result result = {0};
    struct fan_error err = {""};
    uint64_t number = 1, lengths = 0;
    char head[65] = {0};

    reopen(c, slice_of(NULL, 0));
    for (; rlp_more(&r); number++) {
        struct slice before = slice_first(c->blocks, c->blocks.len - r.rest.len), block = rlp_raw(&r);

        for (; !json_is(next, JSON_MISSING); next = json_next(next)) {
            uint64_t of, len;

            must(json_read_number_u64(json_get(next, "block"), &of), c, "verdict", &err);
            must(json_read_number_u64(json_get(next, "length"), &len), c, "verdict", &err);
            if (of != number) break;
            try_mutant(c, next, slice_first(slice_from(c->mutants, lengths), len), before);
            lengths += len;
        }
        if (local_import_bytes(c->local, block, &result, &err) || result.head_number != number) {
            (void)fprintf(stderr, "%s: geth's block %" PRIu64 " refused: %s\n", c->dir, number, err.text);
            c->wrong++;
            break;
        }
    }
    head_hash(c, number - 1, head);
    (void)printf("{\"blocks\":%" PRIu64 ",\"head\":\"0x%s\",\"refused\":%" PRIu64 ",\"taken\":%" PRIu64
                 ",\"sameWords\":%" PRIu64 ",\"wrong\":%" PRIu64 "}\n",
                 number - 1, head, c->refused, c->taken, c->same_words, c->wrong);
}

int main(int argc, char **argv)
{
    int code = 0;

    for (int i = 1; i < argc; i++) {
        struct chain_case c = {.dir = argv[i]};
        struct fan_error err = {""};

        arena_home_init(&c.home, 0);
        c.arena = arena_of(&c.home);
        must(genesis_parse(read_whole(&c, "genesis.json"), &c.arena, &c.genesis, &err), &c, "genesis.json", &err);
        c.blocks = read_whole(&c, "chain.rlp");
        c.mutants = read_whole(&c, "mutants.rlp");
        must(json_parse(read_whole(&c, "verdicts.json"), JSON_DEPTH_MAX, &c.arena, &c.verdicts, &err), &c,
             "verdicts.json", &err);
        run(&c);
        if (c.wrong) code = 1;
        local_close(c.local);
        arena_home_fini(&c.home);
    }
    return code;
}
