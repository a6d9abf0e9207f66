#include "app/front.h"

#include <stdlib.h>

#include "app/secret.h"

/* The first four are also places in front.texts. */
enum option {
    CERT,
    KEY,
    HTTP_PREFIX,
    WS_PREFIX,
    PROXIES,
    PROXY_PROTOCOL,
    VHOSTS,
    CORS,
    ORIGINS,
    HTTP_API,
    WS_API,
    SECRET,
    GUARDED
};

static const char *name_of(bool flags, enum option which)
{
    static const char *const names[][2] = {{"tls_cert", "--tls-cert"},
                                           {"tls_key", "--tls-key"},
                                           {"http_rpcprefix", "--http-rpcprefix"},
                                           {"ws_rpcprefix", "--ws-rpcprefix"},
                                           {"trusted_proxies", "--trusted-proxies"},
                                           {"proxy_protocol", "--proxy-protocol"},
                                           {"http_vhosts", "--http-vhosts"},
                                           {"http_corsdomain", "--http-corsdomain"},
                                           {"ws_origins", "--ws-origins"},
                                           {"http_api", "--http-api"},
                                           {"ws_api", "--ws-api"},
                                           {"jwt_secret_path", "--jwt-secret"},
                                           {"jwt_namespaces", "--jwt-namespaces"}};

    return names[which][flags];
}

static bool given(const char *text)
{
    return text && *text;
}

/* ---- who is welcome ---- */

static enum fan_status read_hosts(struct front *f, const struct front_options *o, struct conn_options *out,
                                  struct fan_error *err)
{
    enum fan_status s = names_split(&f->vhosts, name_of(f->flags, VHOSTS), o->http_vhosts, err);

    if (!s) s = names_split(&f->cors_origins, name_of(f->flags, CORS), o->http_corsdomain, err);
    if (!s) s = names_split(&f->ws_origins, name_of(f->flags, ORIGINS), o->ws_origins, err);
    out->vhosts = f->vhosts.names;
    out->vhost_count = f->vhosts.count;
    out->cors_origins = f->cors_origins.names;
    out->cors_origin_count = f->cors_origins.count;
    out->ws_origins = f->ws_origins.names;
    out->ws_origin_count = f->ws_origins.count;
    return s;
}

static enum fan_status namespaces(const struct front_options *o, enum option which, const char *text, struct names *n,
                                  struct rpc_names *out, struct fan_error *err)
{
    const char *option = name_of(o->flags, which);
    enum fan_status s = names_split(n, option, text, err);

    if (!s && o->api_only) s = names_check_namespaces(n, option, api_tables, api_table_counts, api_table_count, err);
    *out = (struct rpc_names){n->names, n->count};
    return s;
}

/* Which methods answer whom. */
static enum fan_status read_access(struct front *f, const struct front_options *o, struct server_options *out,
                                   struct fan_error *err)
{
    enum fan_status s = namespaces(o, HTTP_API, o->http_api, &f->http_api, &out->rpc.only[CONN_HTTP], err);

    if (!s) s = namespaces(o, WS_API, o->ws_api, &f->ws_api, &out->rpc.only[CONN_WEBSOCKET], err);
    if (s) return s;
    if (!o->jwt_secret) {
        if (!given(o->jwt_namespaces)) return FAN_OK;
        return fan_error_set(err, FAN_EINVAL, "%s: signed with which secret? (%s)", name_of(o->flags, GUARDED),
                             name_of(o->flags, SECRET));
    }
    out->has_jwt_secret = true;
    s = secret_read(name_of(o->flags, SECRET), o->jwt_secret, out->jwt_secret, err);
    if (s) return s;
    return namespaces(o, GUARDED, given(o->jwt_namespaces) ? o->jwt_namespaces : "*", &f->guarded, &out->rpc.guarded,
                      err);
}

/* ---- TLS, proxies, paths ---- */

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
static enum fan_status check_prefix(const struct front *f, enum option which, struct fan_error *err)
{
    const char *text = f->texts[which];

    if (!text || (text[0] == '/' && !strpbrk(text, "?# \t\r\n"))) return FAN_OK;
    return fan_error_set(err, FAN_EINVAL, "%s: \"%s\" is no path (it begins with / and has neither ? nor #)",
                         name_of(f->flags, which), text);
}

static enum fan_status copy(struct front *f, enum option which, const char *text, struct fan_error *err)
{
    if (!text) return FAN_OK;
    f->texts[which] = strdup(text);
    return f->texts[which] ? FAN_OK : fan_error_set(err, FAN_ENOMEM, "out of memory");
}

enum fan_status front_open(struct front *f, const struct front_options *o, struct server_options *out,
                           struct fan_error *err)
{
    size_t proxy_count = 0;
    enum fan_status s;

    *f = (struct front){.flags = o->flags};
    s = read_hosts(f, o, &out->conn, err);
    if (!s) s = read_access(f, o, out, err);
    if (!s) s = copy(f, CERT, o->tls_cert, err);
    if (!s) s = copy(f, KEY, o->tls_key, err);
    if (!s) s = copy(f, HTTP_PREFIX, given(o->http_rpcprefix) ? o->http_rpcprefix : NULL, err);
    if (!s) s = copy(f, WS_PREFIX, given(o->ws_rpcprefix) ? o->ws_rpcprefix : NULL, err);
    if (!s) s = check_prefix(f, HTTP_PREFIX, err);
    if (!s) s = check_prefix(f, WS_PREFIX, err);
    if (!s) s = read_proxies(f, o, &proxy_count, err);
    if (!s) s = open_tls(f, err);
    if (s) {
        front_fini(f);
        return s;
    }
    out->conn.tls = f->tls;
    out->conn.trusted_proxies = f->proxies;
    out->conn.trusted_proxy_count = proxy_count;
    out->conn.proxy_protocol = o->proxy_protocol;
    out->conn.http_rpcprefix = f->texts[HTTP_PREFIX];
    out->conn.ws_rpcprefix = f->texts[WS_PREFIX];
    return FAN_OK;
}

void front_fini(struct front *f)
{
    struct names *lists[] = {&f->vhosts, &f->cors_origins, &f->ws_origins, &f->http_api, &f->ws_api, &f->guarded};

    for (size_t i = 0; i < COUNT_OF(lists); i++) names_fini(lists[i]);
    for (size_t i = 0; i < COUNT_OF(f->texts); i++) free(f->texts[i]);
    tls_identity_unref(f->tls);
    *f = (struct front){0};
}

enum fan_status front_reload(const struct front *f, struct tls_identity **out, struct fan_error *err)
{
    if (!f->tls) return fan_error_set(err, FAN_EINVAL, "%s: there is none", name_of(f->flags, CERT));
    return load(f, out, err);
}
