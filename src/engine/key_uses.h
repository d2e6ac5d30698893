/* key_uses: when keys of projects were used, as one worker has seen it since it was last asked.
 *
 * Use: key_uses_note(&e->key_uses, key->id, now_s); … count = key_uses_take(&e->key_uses, rows, KEY_USES_MAX)
 * A use is one look at a fixed place: no memory, no lock, no write to a disk. Two keys in one
 * place push each other out, and then the later one counts. Owned by one worker. */
#ifndef XSHATHRA_ENGINE_KEY_USES_H
#define XSHATHRA_ENGINE_KEY_USES_H

#include "policy/policy.h"

#define KEY_USES_MAX 256 /* a power of two */

struct key_use {
    char id[POLICY_KEY_ID_MAX]; /* "" = none */
    int64_t at_s;
};

struct key_uses {
    struct key_use places_[KEY_USES_MAX];
    bool is_any; /* something to take */
};

void key_uses_note(struct key_uses *uses, const struct policy_key *key, int64_t now_s);
/* Moves all to out; how many there were. */
size_t key_uses_take(struct key_uses *uses, struct key_use out[static KEY_USES_MAX]);

#endif
