#include "app/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/state_json.h"

enum { NAME_MAX_LEN = 4096 };

/* The file that path means. */
static void name_of(const char *path, char out[NAME_MAX_LEN])
{
    struct stat about;
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);

    (void)snprintf(out, NAME_MAX_LEN, folder ? "%s/state.json" : "%s", path);
}

static enum fan_status read_whole(const char *name, struct arena *a, struct slice *out, struct fan_error *err)
{
    struct stat about;
    FILE *f = fopen(name, "rb");
    uint8_t *bytes;
    size_t got;

    if (!f) return fan_error_set(err, errno == ENOENT ? FAN_ENOTFOUND : FAN_EIO, "%.200s: %s", name, strerror(errno));
    if (fstat(fileno(f), &about) || !S_ISREG(about.st_mode)) {
        (void)fclose(f);
        return fan_error_set(err, FAN_EIO, "%.200s: cannot be read as a file", name);
    }
    bytes = arena_bytes(a, (size_t)about.st_size + 1);
    got = bytes ? fread(bytes, 1, (size_t)about.st_size, f) : 0;
    (void)fclose(f);
    if (!bytes) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    *out = slice_of(bytes, got);
    return FAN_OK;
}

enum fan_status state_file_load(struct chain *c, const char *path, bool missing_is_fine, struct fan_error *err)
{
    const struct genesis_account *accounts = NULL;
    struct arena_home home;
    struct params p;
    struct where at = {.key = "state"};
    struct slice text;
    struct arena a;
    char name[NAME_MAX_LEN];
    size_t count = 0;
    enum fan_status s;

    name_of(path, name);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    p = params_of((struct json){0}, &a, 0);
    s = read_whole(name, &a, &text, err);
    if (!s) state_read_json(&p, &at, text, &accounts, &count);
    if (!s && p.code) s = fan_error_set(err, FAN_EFORMAT, "%.200s: %.200s", name, p.error.text);
    if (!s) {
        s = c->dev->load_state(c, accounts, count);
        if (s) (void)fan_error_set(err, s, "%.200s: %s", name, fan_status_text(s));
    }
    arena_home_fini(&home);
    return s == FAN_ENOTFOUND && missing_is_fine ? FAN_OK : s;
}

enum fan_status state_file_save(struct chain *c, const char *path, struct fan_error *err)
{
    char name[NAME_MAX_LEN], beside[NAME_MAX_LEN + 24];
    struct json_writer w;
    struct buf b;
    enum fan_status s;
    FILE *f;
    bool whole;

    name_of(path, name);
    (void)snprintf(beside, sizeof beside, "%s.%ld", name, (long)getpid());
    buf_init(&b, 0);
    w = json_writer_of(&b);
    s = state_put_json(c, &w);
    if (s) {
        buf_fini(&b);
        return fan_error_set(err, s, "%.200s: the state could not be written out: %s", name, fan_status_text(s));
    }
    f = fopen(beside, "wb");
    whole = f && fwrite(b.at, 1, b.len, f) == b.len;
    if (f && fclose(f)) whole = false;
    if (!whole || rename(beside, name)) {
        s = fan_error_set(err, FAN_EIO, "%.200s: %s", name, strerror(errno));
        (void)unlink(beside);
    }
    buf_fini(&b);
    return s;
}
