/* wire: the bytes on which the load client and the floor agree: names of channels,
 * the payload, the fixed WebSocket key. Everything has a fixed width, so that the
 * floor can answer with canned bytes.
 *
 * Pure but for wire_payload(), which is written once at start-up. One thread. */
#ifndef XSHATHRA_BENCH_WIRE_H
#define XSHATHRA_BENCH_WIRE_H

#include <stdint.h>

#include "base/slice.h"

/* "live:000042" in a namespace without history, "hist:000042" in one with it. */
#define WIRE_NAMESPACE_LEN 4
#define WIRE_DIGITS        6
#define WIRE_CHANNEL_LEN   (WIRE_NAMESPACE_LEN + 1 + WIRE_DIGITS)
#define WIRE_CHANNELS_MAX  20000
#define WIRE_INDEX_MAX     (2 * WIRE_CHANNELS_MAX)
#define WIRE_LIVE          "live"
#define WIRE_HISTORY       "hist" /* 10 publications */
#define WIRE_RECOVERY      "rcvr" /* 100 */
#define WIRE_CLIENTS       "clnt" /* where clients may publish */
#define WIRE_PRESENCE      "prsc"
#define WIRE_PAYLOAD_LEN   128
/* How far behind a client is that recovers. */
#define WIRE_RECOVERED 50

/* The example of RFC 6455 section 1.3: a fixed key makes the answer a constant. */
#define WIRE_WS_KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define WIRE_WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* Writes the digits of number, with leading zeros. */
void wire_digits(char out[static WIRE_DIGITS], uint32_t number);
/* An index below WIRE_INDEX_MAX that is another one for each channel, its number modulo
 * WIRE_CHANNELS_MAX being that of the name; -1 when at is no such name. */
int wire_channel_index(const char *at, size_t len);
/* A JSON object of exactly WIRE_PAYLOAD_LEN bytes; static. */
struct slice wire_payload(void);

#endif
