/* api_publication: what publish, broadcast and the project's publish share: the
 * fields of a publication, its checks, and the request to the broker. For the files
 * of src/api only. */
#ifndef XSHATHRA_API_API_PUBLICATION_H
#define XSHATHRA_API_API_PUBLICATION_H

#include "api/api_request.h"

/* Tags go with each delivery; the keys below are remembered for minutes. */
#define API_TAG_KEY_LEN_MAX         256u
#define API_TAG_VALUE_LEN_MAX       4096u
#define API_IDEMPOTENCY_KEY_LEN_MAX 256u
#define API_VERSION_EPOCH_LEN_MAX   256u

struct api_publication {
    struct slice data, b64data; /* as sent */
    struct api_tags tags;
    struct slice idempotency_key, version_epoch;
    uint64_t version;
    bool skip_history, delta;
    /* set by api_publication_prepare() */
    struct slice bytes; /* what is published */
    bool bytes_are_json;
};

/* Rows of a field table for the publication that is the member `member` of struct `owner`. */
#define API_PUBLICATION_FIELDS(owner, member)                                                                          \
    { .name = SLICE_INIT("data"), .type = API_RAW, .offset = offsetof(owner, member.data), .allowed = "JSON" },        \
        { .name = SLICE_INIT("b64data"),                                                                               \
          .type = API_TEXT,                                                                                            \
          .offset = offsetof(owner, member.b64data),                                                                   \
          .allowed = "a base64 string" },                                                                              \
        { .name = SLICE_INIT("skip_history"),                                                                          \
          .type = API_BOOL,                                                                                            \
          .offset = offsetof(owner, member.skip_history),                                                              \
          .allowed = "true or false" },                                                                                \
        { .name = SLICE_INIT("tags"),                                                                                  \
          .type = API_TAGS,                                                                                            \
          .offset = offsetof(owner, member.tags),                                                                      \
          .allowed = "an object of at most 64 strings" },                                                              \
        { .name = SLICE_INIT("idempotency_key"),                                                                       \
          .type = API_TEXT,                                                                                            \
          .offset = offsetof(owner, member.idempotency_key),                                                           \
          .allowed = "a string of at most 256 bytes" },                                                                \
        { .name = SLICE_INIT("delta"),                                                                                 \
          .type = API_BOOL,                                                                                            \
          .offset = offsetof(owner, member.delta),                                                                     \
          .allowed = "true or false" },                                                                                \
        { .name = SLICE_INIT("version"),                                                                               \
          .type = API_U64,                                                                                             \
          .offset = offsetof(owner, member.version),                                                                   \
          .allowed = "an integer from 0 to 18446744073709551615" },                                                    \
    {                                                                                                                  \
        .name = SLICE_INIT("version_epoch"), .type = API_TEXT, .offset = offsetof(owner, member.version_epoch),        \
        .allowed = "a string of at most 256 bytes"                                                                     \
    }

enum api_publication_problem {
    API_PUBLICATION_FINE,
    API_PUBLICATION_NO_MEMORY,
    API_PUBLICATION_BASE64, /* b64data is not base64 */
    API_PUBLICATION_TAG_LEN,
    API_PUBLICATION_IDEMPOTENCY_LEN,
    API_PUBLICATION_EPOCH_LEN,
    API_PUBLICATION_NO_CHANNEL, /* missing or too long */
    API_PUBLICATION_UNKNOWN_CHANNEL,
    API_PUBLICATION_NOT_STREAM, /* a namespace of another subscription type */
    API_PUBLICATION_FORMAT,     /* not what publication_data_format wants */
    API_PUBLICATION_TOO_LARGE,  /* would fill more than half of a client's output queue */
};

/* What does not depend on the channel. */
enum api_publication_problem api_publication_prepare(struct api_call *call, struct api_publication *p);
enum api_publication_problem api_publication_check(struct api_call *call, const struct api_publication *p,
                                                   struct slice channel, struct rules_channel *resolved);
/* Bytes of data, tags and channel name. */
size_t api_publication_len(const struct api_publication *p, struct slice channel);
/* The largest publication, in bytes of data, tags and channel name. */
size_t api_publication_len_max(const struct policy *p);
/* The engine family's code for a problem. */
uint32_t api_publication_code(enum api_publication_problem problem);

/* Give a checked publication to the broker. */
enum broker_answer api_publication_send(struct api_call *call, const struct api_publication *p, struct slice channel,
                                        const struct rules_channel *resolved, struct broker_result *result);
/* The members of a publish result, nothing without history; counts one that was suppressed. */
void api_publication_result(const struct api_call *call, struct json_writer *w,
                            const struct broker_publish_result *result);

#endif
