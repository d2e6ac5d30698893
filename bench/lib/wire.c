#include "bench/lib/wire.h"

#include <stdio.h>

void wire_digits(char out[static WIRE_DIGITS], uint32_t number)
{
    for (int i = WIRE_DIGITS - 1; i >= 0; i--, number /= 10) out[i] = (char)('0' + number % 10);
}

int wire_channel_index(const char *at, size_t len)
{
    if (len < WIRE_CHANNEL_LEN || at[WIRE_NAMESPACE_LEN] != ':') return -1;
    uint64_t number;
    if (!slice_to_u64(slice_of(at + WIRE_NAMESPACE_LEN + 1, WIRE_DIGITS), &number)) return -1;
    if (number >= WIRE_CHANNELS_MAX) return -1;
    return (int)number + (at[0] == WIRE_HISTORY[0] ? WIRE_CHANNELS_MAX : 0);
}

struct slice wire_payload(void)
{
    static char payload[WIRE_PAYLOAD_LEN + 1];
    static const char start[] = "{\"text\":\"";
    if (payload[0] == 0) {
        int len = snprintf(payload, sizeof(payload), "%s", start);
        for (; len < WIRE_PAYLOAD_LEN - 2; len++) payload[len] = (char)('a' + len % 26);
        payload[WIRE_PAYLOAD_LEN - 2] = '"';
        payload[WIRE_PAYLOAD_LEN - 1] = '}';
    }
    return slice_of(payload, WIRE_PAYLOAD_LEN);
}
