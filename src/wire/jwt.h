/* jwt: tokens that say who signed them (JSON Web Tokens, HS256 alone).
 *
 *   base64url({"alg":"HS256","typ":"JWT"}) . base64url({"iat":1700000000}) . base64url(HMAC-SHA-256 of what is before)
 *
 * Client and server share a secret of 32 bytes; who has it signs a fresh token for each request or connection, as an
 * Ethereum node's consensus client does for its engine API. No other algorithm is taken, least of all `none`, and a
 * token that asks for something we do not know (`crit`) is refused. The MAC is OpenSSL's, compared in constant time.
 *
 * A refusal is words for a person; none of them depends on the secret.
 *
 * Not here: whose token it is and what it opens (conn/http.c, rpc/). Pure functions, any thread.
 * Spec: RFC 7515 (the form), RFC 7518 section 3.2, RFC 7519 (claims); execution-apis, engine/authentication. */
#ifndef WIRE_JWT_H
#define WIRE_JWT_H

#include "codec/json.h"

enum { JWT_SECRET_LEN = 32, JWT_LEN_MAX = 8192, JWT_CLOCK_S = 60 };

/* A secret as geth keeps it in a file: 64 hex digits, with or without 0x, white space around them. */
bool jwt_secret_parse(struct slice text, uint8_t out[JWT_SECRET_LEN]);
/* Form, algorithm and signature. NULL: good, and *out_claims is the payload's object, in the arena; else why not. */
const char *jwt_open(struct slice secret, struct slice token, struct arena *a, struct json *out_claims);
/* The times in it: iat must be there and within 60 s of now; exp and nbf hold where they are. NULL: good. */
const char *jwt_check_times(struct json claims, uint64_t now_s);
/* Both. */
const char *jwt_check(struct slice secret, struct slice token, uint64_t now_s);

#endif
