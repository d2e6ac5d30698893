#include "ws/ws_frame.h"

#include <string.h>

void ws_mask(char *bytes, size_t len, const uint8_t key[static WS_MASK_LEN])
{
    /* Words through memcpy: no alignment is needed, and the compiler makes single loads of it. */
    uint64_t word_key;
    memcpy(&word_key, key, WS_MASK_LEN);
    memcpy((char *)&word_key + WS_MASK_LEN, key, WS_MASK_LEN);

    size_t i = 0;
    for (; len - i >= sizeof(word_key); i += sizeof(word_key)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        word ^= word_key;
        memcpy(bytes + i, &word, sizeof(word));
    }
    for (; i < len; i++) bytes[i] = (char)((uint8_t)bytes[i] ^ key[i % WS_MASK_LEN]);
}
