#include "app/front.h"

#include <stdlib.h>

#include "app/names.h"

enum { CERT, KEY, HTTP_PREFIX, WS_PREFIX, PROXIES, PROXY_PROTOCOL };

static const char *name_of(bool flags, int which)
{
    static const char *const names[][2] = {{"tls_cert", "--tls-cert"},
                                           {"tls_key", "--tls-key"},
                                           {"http_rpcprefix", "--http-rpcprefix"},
                                           {"ws_rpcprefix", "--ws-rpcprefix"},
                                           {"trusted_proxies", "--trusted-proxies"},
                                           {"proxy_protocol", "--proxy-protocol"}};

    return names[which][flags];
}

static bool given(const char *text)
{
    return text && *text;
}

static enum fan_status load(const struct front *f, struct tls_identity **out, struct fan_error *err)
{
    const struct tls_files files = {name_of(f->flags, CERT), f->texts[CERT], name_of(f->flags, KEY), f->texts[KEY]};

    return tls_identity_load(&files, out, err);
}

static enum fan_status open_tls(struct front *f, struct fan_error *err)
{
    bool cert = f->texts[CERT] != NULL, key = f->texts[KEY] != NULL;

    if (!cert && !key) return FAN_OK;
    if (cert != key)
        return fan_error_set(err, FAN_EINVAL, "%s: which file? %s needs it", name_of(f->flags, cert ? KEY : CERT),
                             name_of(f->flags, cert ? CERT : KEY));
    return load(f, &f->tls, err);
}

static enum fan_status read_proxies(struct front *f, const struct front_options *o, size_t *out_count,
                                    struct fan_error *err)
{
    const char *option = name_of(f->flags, PROXIES);
    struct names names;
    enum fan_status s = names_split(&names, option, o->trusted_proxies, err);

    static_assert((int)FRONT_NETWORKS_MAX >= (int)NAMES_MAX, "a network for each name");
    if (s) return s;
    for (size_t i = 0; !s && i < names.count; i++)
        if (!network_parse(slice_str(names.names[i]), &f->proxies[i]))
            s = fan_error_set(err, FAN_EINVAL, "%s: \"%s\" is no network (10.0.0.0/8, 2001:db8::/32, or an address)",
                              option, names.names[i]);
    *out_count = names.count;
    if (!s && o->proxy_protocol && !names.count)
        s = fan_error_set(err, FAN_EINVAL, "%s: from whom? %s names the proxies", name_of(f->flags, PROXY_PROTOCOL),
                          option);
    names_fini(&names);
    return s;
}

/* A prefix is a path: it begins with a slash, and nothing in it could end a path. */
static enum fan_status check_prefix(const struct front *f, int which, struct fan_error *err)
{
    const char *text = f->texts[which];

    if (!text || (text[0] == '/' && !strpbrk(text, "?# \t\r\n"))) return FAN_OK;
    return fan_error_set(err, FAN_EINVAL, "%s: \"%s\" is no path (it begins with / and has neither ? nor #)",
                         name_of(f->flags, which), text);
}

static enum fan_status copy(struct front *f, int which, const char *text, struct fan_error *err)
{
    if (!given(text)) return FAN_OK;
    f->texts[which] = strdup(text);
    return f->texts[which] ? FAN_OK : fan_error_set(err, FAN_ENOMEM, "out of memory");
}

enum fan_status front_open(struct front *f, const struct front_options *o, struct conn_options *out,
                           struct fan_error *err)
{
    size_t proxy_count = 0;
    enum fan_status s;

    *f = (struct front){.flags = o->flags};
    s = copy(f, CERT, o->tls_cert, err);
    if (!s) s = copy(f, KEY, o->tls_key, err);
    if (!s) s = copy(f, HTTP_PREFIX, o->http_rpcprefix, err);
    if (!s) s = copy(f, WS_PREFIX, o->ws_rpcprefix, err);
    if (!s) s = check_prefix(f, HTTP_PREFIX, err);
    if (!s) s = check_prefix(f, WS_PREFIX, err);
    if (!s) s = read_proxies(f, o, &proxy_count, err);
    if (!s) s = open_tls(f, err);
    if (s) {
        front_fini(f);
        return s;
    }
    out->tls = f->tls;
    out->trusted_proxies = f->proxies;
    out->trusted_proxy_count = proxy_count;
    out->proxy_protocol = o->proxy_protocol;
    out->http_rpcprefix = f->texts[HTTP_PREFIX];
    out->ws_rpcprefix = f->texts[WS_PREFIX];
    return FAN_OK;
}

void front_fini(struct front *f)
{
    for (size_t i = 0; i < COUNT_OF(f->texts); i++) free(f->texts[i]);
    tls_identity_unref(f->tls);
    *f = (struct front){0};
}

enum fan_status front_reload(const struct front *f, struct tls_identity **out, struct fan_error *err)
{
    if (!f->tls) return fan_error_set(err, FAN_EINVAL, "%s: there is none", name_of(f->flags, CERT));
    return load(f, out, err);
}
