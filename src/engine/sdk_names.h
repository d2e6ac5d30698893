/* sdk_names: names and versions of SDKs as connections tell them, each pair kept once, so that
 * a connection carries one byte of it.
 *
 * Use: c->sdk = sdk_names_take(&e->sdks, name, version); … sdk_names_drop(&e->sdks, c->sdk);
 * Hostile: texts are cut to SDK_TEXT_MAX, and no more than SDK_NAMES_MAX pairs are kept; who
 * comes when all are in use is one of "others". Owned by one worker. */
#ifndef XSHATHRA_ENGINE_SDK_NAMES_H
#define XSHATHRA_ENGINE_SDK_NAMES_H

#include "base/slice.h"

#define SDK_TEXT_MAX  32
#define SDK_NAMES_MAX 254
#define SDK_NONE      0   /* it has told neither */
#define SDK_OTHER     255 /* it is not known which */

struct sdk_names {
    struct sdk_name *items_; /* owned; NULL until the first one */
    uint32_t count_;         /* items below this were in use once */
};

void sdk_names_init(struct sdk_names *t);
void sdk_names_deinit(struct sdk_names *t);
uint8_t sdk_names_take(struct sdk_names *t, struct slice name, struct slice version);
void sdk_names_drop(struct sdk_names *t, uint8_t sdk);
/* Borrowed until the table changes. */
struct slice sdk_names_name(const struct sdk_names *t, uint8_t sdk);
struct slice sdk_names_version(const struct sdk_names *t, uint8_t sdk);

#endif
