/* Makes C of the status page: embed_page HTML CSS JS > page.c. Style and script go into their empty elements, and the
 * policy that the page is sent with names both by their hash, so that a browser runs these bytes and no others. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LEN_MAX = 60 * 1024 }; /* a page that is looked at over a slow line too */

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "embed_page: %s: %s\n", what, why);
    exit(1);
}

/* The whole file, as a text. */
static void read_file(const char *path, char text[PAGE_LEN_MAX + 1])
{
    FILE *f = fopen(path, "rb");
    size_t len;

    if (!f) die(path, "cannot be read");
    len = fread(text, 1, PAGE_LEN_MAX + 1, f);
    if (len > PAGE_LEN_MAX) die(path, "longer than the whole page may be");
    (void)fclose(f);
    text[len] = '\0';
}

/* 'sha256-…' of a source as CSP writes it: base64. */
static void put_hash(const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE], base64[4 * EVP_MAX_MD_SIZE];
    unsigned len;

    if (!EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL)) die("SHA-256", "failed");
    (void)EVP_EncodeBlock(base64, digest, (int)len);
    (void)printf("'sha256-%s'", (char *)base64);
}

/* As numbers: a text of that length is more than C promises to take. */
static void put_bytes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) (void)printf("%s%u,", i % 32 ? "" : "\n    ", (unsigned char)text[i]);
}

/* What stands up to and including `mark`, then the source; returns what follows. */
static const char *put_with(const char *html, const char *mark, const char *source)
{
    const char *found = strstr(html, mark);

    if (!found) die(mark, "is not in the page");
    put_bytes(html, (size_t)(found - html) + strlen(mark));
    put_bytes(source, strlen(source));
    return found + strlen(mark);
}

int main(int argc, char **argv)
{
    static char html[PAGE_LEN_MAX + 1], css[PAGE_LEN_MAX + 1], js[PAGE_LEN_MAX + 1];
    const char *rest;
    size_t len;

    if (argc != 4) die("usage", "embed_page HTML CSS JS");
    read_file(argv[1], html);
    read_file(argv[2], css);
    read_file(argv[3], js);
    len = strlen(html) + strlen(css) + strlen(js);
    if (len > PAGE_LEN_MAX) die("the page", "longer than 60 KB");
    if (strstr(css, "</style") || strstr(js, "</script") || strstr(js, "<!--")) die("the page", "a source would end its element");
    (void)printf("/* Made by tools/embed_page.c from web/. */\n#include \"app/page.h\"\n\nstatic const uint8_t html[] = {");
    rest = put_with(html, "<style>", css);
    rest = put_with(rest, "<script>", js);
    put_bytes(rest, strlen(rest));
    (void)printf("};\n\nconst struct slice page_html = {html, sizeof html};\n\n"
                 "static const char headers[] =\n    \"Cache-Control: no-store\\r\\nVary: Accept\\r\\nX-Content-Type-Options: nosniff\\r\\n\"\n"
                 "    \"Referrer-Policy: no-referrer\\r\\nContent-Security-Policy: default-src 'none'; script-src ");
    put_hash(js);
    (void)printf("; style-src ");
    put_hash(css);
    (void)printf("; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                 "require-trusted-types-for 'script'; trusted-types 'none'\\r\\n\";\n\n"
                 "const struct slice page_headers = {(const uint8_t *)headers, sizeof headers - 1};\n");
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
