#include "wire/http.h"

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
const struct slice HTTP_CONTINUE_RESPONSE = {(const uint8_t *)CONTINUE, sizeof CONTINUE - 1};

const char *http_status_phrase(unsigned status)
{
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Unknown";
    }
}

static void put_number(struct buf *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    buf_put(out, slice_of(digits + at, sizeof digits - at));
}

static void put_header(struct buf *out, struct slice name_and_colon, struct slice value)
{
    buf_put(out, name_and_colon);
    buf_put(out, value);
    buf_put(out, SLICE("\r\n"));
}

void http_put_head(struct buf *out, const struct http_response *r)
{
    if (r->status == 200) {
        buf_put(out, SLICE("HTTP/1.1 200 OK\r\n"));
    } else {
        buf_put(out, SLICE("HTTP/1.1 "));
        put_number(out, r->status);
        buf_put_byte(out, ' ');
        buf_put_str(out, http_status_phrase(r->status));
        buf_put(out, SLICE("\r\n"));
    }
    if (r->content_type.len) put_header(out, SLICE("Content-Type: "), r->content_type);
    if (r->status >= 200 && r->status != 204) {
        buf_put(out, SLICE("Content-Length: "));
        put_number(out, r->body_len);
        buf_put(out, SLICE("\r\n"));
    }
    if (r->date.len) put_header(out, SLICE("Date: "), r->date);
    buf_put(out, r->more);
    if (r->cors_origin.len) {
        put_header(out, SLICE("Access-Control-Allow-Origin: "), r->cors_origin);
        buf_put(out, SLICE("Vary: Origin\r\n"));
    }
    if (r->preflight)
        buf_put(out, SLICE("Access-Control-Allow-Methods: POST, GET, OPTIONS\r\n"
                           "Access-Control-Allow-Headers: Content-Type, Authorization, *\r\n"
                           "Access-Control-Max-Age: 86400\r\n"));
    if (r->status == 401) buf_put(out, SLICE("WWW-Authenticate: Bearer\r\n"));
    if (r->status == 405) buf_put(out, SLICE("Allow: POST, GET, OPTIONS\r\n"));
    if (r->status == 426) {
        buf_put(out, SLICE("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"));
        buf_put(out, r->close ? SLICE("Connection: Upgrade, close\r\n") : SLICE("Connection: Upgrade\r\n"));
    } else if (r->close) {
        buf_put(out, SLICE("Connection: close\r\n"));
    } else if (r->minor == 0) {
        buf_put(out, SLICE("Connection: keep-alive\r\n"));
    }
    buf_put(out, SLICE("\r\n"));
}

void http_put_refusal(struct buf *out, struct http_verdict v, struct slice cors_origin)
{
    struct http_response r = {.status = v.status,
                              .content_type = SLICE("text/plain; charset=utf-8"),
                              .body_len = strlen(v.why) + 1,
                              .close = true,
                              .minor = 1,
                              .cors_origin = cors_origin};

    http_put_head(out, &r);
    buf_put_str(out, v.why);
    buf_put_byte(out, '\n');
}

/* Years count from March, so that the leap day is the last of one; eras are 400 years of 146,097 days. */
void http_date(uint64_t unix_s, char out[HTTP_DATE_LEN])
{
    static const char weekdays[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t days = unix_s / 86400, second = unix_s % 86400;
    uint64_t since_march_0 = days + 719468, era = since_march_0 / 146097, day_of_era = since_march_0 % 146097;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t march_month = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * march_month + 2) / 5 + 1;
    uint64_t month = march_month < 10 ? march_month + 2 : march_month - 10; /* January is 0 */
    uint64_t year = era * 400 + year_of_era + (month < 2 ? 1 : 0);
    const uint64_t fields[][2] = {
        {5, day},         {12, year / 100 % 100}, {14, year % 100}, {17, second / 3600}, {20, second / 60 % 60},
        {23, second % 60}};

    memcpy(out, "Thu, 00 Jan 0000 00:00:00 GMT", HTTP_DATE_LEN);
    memcpy(out, weekdays + 3 * (days % 7), 3);
    memcpy(out + 8, months + 3 * month, 3);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        out[fields[i][0]] = (char)('0' + fields[i][1] / 10);
        out[fields[i][0] + 1] = (char)('0' + fields[i][1] % 10);
    }
}
