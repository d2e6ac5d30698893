#include "engine/key_uses.h"

void key_uses_note(struct key_uses *uses, const struct policy_key *key, int64_t now_s)
{
    struct key_use *place = &uses->places_[key->hash[0] & (KEY_USES_MAX - 1)];
    memcpy(place->id, key->id, sizeof place->id);
    place->at_s = now_s;
    uses->is_any = true;
}

size_t key_uses_take(struct key_uses *uses, struct key_use out[static KEY_USES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < KEY_USES_MAX; i++)
        if (uses->places_[i].id[0]) out[count++] = uses->places_[i];
    *uses = (struct key_uses){ 0 };
    return count;
}
