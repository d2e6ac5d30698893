#include "auth/claims.h"

#include "auth/claims_list.h"
#include "auth/member_reader.h"
#include "base/base64.h"
#include "base/check.h"

#define CONNECTION   (1u << AUTH_CONNECTION)
#define SUBSCRIPTION (1u << AUTH_SUBSCRIPTION)

/* What the payload says, before one claim is weighed against another. */
struct said {
    struct claims claims;
    struct claims_attached attached;
    struct claims_list channels, subs;
};

static void read_time(struct member_reader *m, void *target);
static void read_expire_at(struct member_reader *m, void *target);
static void read_project_id(struct member_reader *m, void *target);
static void read_audience(struct member_reader *m, void *target);

#define CLAIM(field) offsetof(struct said, claims.field)

static const struct member payload_members[] = {
    { "sub", member_read_text, CLAIM(user), "sub is not a string" },
    { "exp", read_time, CLAIM(exp), "exp is not a number of seconds" },
    { "nbf", read_time, CLAIM(nbf), "nbf is not a number of seconds" },
    { "iat", read_time, CLAIM(iat), "iat is not a number of seconds" },
    { "expire_at", read_expire_at, CLAIM(has_expire_at) - offsetof(struct claims, has_expire_at),
      "expire_at is not a whole number of seconds" },
    { "jti", member_read_text, CLAIM(jti), "jti is not a string" },
    { "iss", member_read_text, CLAIM(iss), "iss is not a string" },
    { "aud", read_audience, CLAIM(aud) - offsetof(struct claims, aud), "aud is not a string or an array of strings" },
    { "channel", member_read_text, CLAIM(channel), "channel is not a string" },
    { "projectId", read_project_id, CLAIM(project_id) - offsetof(struct claims, project_id),
      "projectId is not a string", 0, true },
    { "info", member_read_raw, offsetof(struct said, attached.info), "" },
    { "b64info", member_read_text, offsetof(struct said, attached.b64info), "b64info is not a string" },

    { "channels", claims_list_read_channels, offsetof(struct said, channels), "channels is not an array of strings",
      CONNECTION },
    { "subs", claims_list_read_subs, offsetof(struct said, subs), "subs is not an object of objects", CONNECTION },
    { "meta", member_read_raw, CLAIM(meta), "", CONNECTION },

    { "client", member_read_text, CLAIM(client), "client is not a string", SUBSCRIPTION },
    { "data", member_read_raw, offsetof(struct said, attached.data), "", SUBSCRIPTION },
    { "b64data", member_read_text, offsetof(struct said, attached.b64data), "b64data is not a string", SUBSCRIPTION },
    { "override", claims_override_read, offsetof(struct said, attached.override), "override is not an object",
      SUBSCRIPTION },
};

/* A double may be far outside of what an integer holds. */
static struct claims_time time_of(double seconds)
{
    if (seconds >= (double)CLAIMS_TIME_MAX) return (struct claims_time){ .s = CLAIMS_TIME_MAX, .is_set = true };
    if (seconds <= -(double)CLAIMS_TIME_MAX) return (struct claims_time){ .s = -CLAIMS_TIME_MAX, .is_set = true };
    int64_t whole = (int64_t)seconds;
    if ((double)whole > seconds) whole--;
    return (struct claims_time){ .s = whole, .is_set = true, .has_fraction = (double)whole != seconds };
}

/* A number as JSON writes it, and nothing around it. */
static bool number_in_text(struct slice text, double *out)
{
    struct json_reader r;
    struct slice number;
    json_reader_init(&r, text, 1);
    struct json_reader again = r;
    return json_number(&r, &number) && slice_eq(number, text) && json_double(&again, out);
}

static void read_time(struct member_reader *m, void *target)
{
    double seconds;
    struct slice text = { 0 };
    bool good;
    if (json_take_null(&m->json)) {
        *(struct claims_time *)target = (struct claims_time){ 0 };
        return;
    }
    if (json_peek(&m->json) == JSON_STRING) {
        member_read_text(m, &text);
        good = json_ok(&m->json) && number_in_text(text, &seconds);
    } else {
        good = member_reader_expect(m, JSON_NUMBER) && json_double(&m->json, &seconds);
    }
    if (good)
        *(struct claims_time *)target = time_of(seconds);
    else
        member_reader_fail(m, STATUS_MALFORMED, m->complaint);
}

static void read_expire_at(struct member_reader *m, void *target)
{
    struct claims *claims = target;
    int64_t s;
    if (json_take_null(&m->json)) {
        claims->has_expire_at = false;
    } else if (json_i64(&m->json, &s)) {
        claims->has_expire_at = true;
        claims->expire_at_s = s > CLAIMS_TIME_MAX ? CLAIMS_TIME_MAX : s < -CLAIMS_TIME_MAX ? -CLAIMS_TIME_MAX : s;
    } else {
        member_reader_fail(m, STATUS_MALFORMED, m->complaint);
    }
}

static void read_project_id(struct member_reader *m, void *target)
{
    struct claims *claims = target;
    if (json_take_null(&m->json)) return;
    member_read_text(m, &claims->project_id);
    claims->has_project_id = true;
}

static void read_audience(struct member_reader *m, void *target)
{
    struct claims *claims = target;
    if (json_peek(&m->json) == JSON_ARRAY) {
        claims->aud = claims_list_read_texts(m, CLAIMS_NULL_REFUSED, &claims->aud_count);
        return;
    }
    struct slice *only = member_reader_expect(m, JSON_STRING) ? member_reader_alloc(m, sizeof *only) : NULL;
    if (!only) return;
    member_read_text(m, only);
    claims->aud = only;
    claims->aud_count = 1;
}

/* The text of a value as Centrifugo takes a user from it: a string's content, and a
 * number, boolean, object or array as it is written. */
static enum status user_from(struct json_reader *r, struct arena *arena, struct slice *out)
{
    struct json_string text;
    if (json_take_null(r)) {
        *out = (struct slice){ 0 };
        return STATUS_OK;
    }
    if (json_peek(r) == JSON_STRING) return json_string(r, &text) ? json_string_decode(text, arena, out) : STATUS_OK;
    json_raw(r, out);
    return STATUS_OK;
}

static bool key_is(struct json_string key, struct slice name)
{
    if (!key.escaped) return slice_eq(key.raw, name);
    return name.len <= JSON_NAME_MAX && json_string_eq(key, name);
}

/* Its own walk over the payload, which is known to be good, so that the claim may also
 * be one that the table reads. The first of a repeated member counts here. */
static enum status find_user(struct slice payload, struct slice name, struct arena *arena, struct slice *out)
{
    struct json_reader r;
    struct json_string key;
    json_reader_init(&r, payload, CLAIMS_DEPTH_MAX);
    *out = (struct slice){ 0 };
    if (json_peek(&r) != JSON_OBJECT || !json_object_begin(&r)) return STATUS_OK;
    while (json_object_next(&r, &key)) {
        if (key_is(key, name)) return user_from(&r, arena, out);
        json_skip(&r);
    }
    return STATUS_OK;
}

/* `subs` wins over `channels`; both only occur in a connection token. */
static void choose_subs(struct said *said)
{
    const struct claims_list *chosen = said->subs.count > 0 ? &said->subs : &said->channels;
    said->claims.subs = chosen->subs;
    said->claims.sub_count = chosen->count;
}

static void attach(struct member_reader *m, struct said *said)
{
    struct claims *claims = &said->claims;
    claims->override = said->attached.override;
    claims->info_is_broken = !claims_choose_bytes(m, said->attached.info, said->attached.b64info, &claims->info);
    if (!claims_choose_bytes(m, said->attached.data, said->attached.b64data, &claims->data))
        member_reader_fail(m, STATUS_MALFORMED, "b64data is not base64");
}

enum status claims_parse(struct slice payload, const struct claims_options *options, struct arena *arena,
                         struct claims *out, const char **why)
{
    struct said said = { 0 };
    struct member_reader m;
    member_reader_init(&m, payload, CLAIMS_DEPTH_MAX, arena);
    m.groups = 1u << options->kind;
    m.complaint = "the token's payload is not a JSON object";
    if (!json_take_null(&m.json)) member_reader_object(&m, payload_members, ARRAY_COUNT(payload_members), &said);
    if (json_ok(&m.json)) attach(&m, &said);
    enum status status = member_reader_finish(&m, "the token's payload is not valid JSON", why);
    if (status != STATUS_OK) return status;
    choose_subs(&said);
    if (options->user_id_claim.len > 0 &&
        find_user(payload, options->user_id_claim, arena, &said.claims.user) != STATUS_OK) {
        *why = "memory was out for the token's claims";
        return STATUS_NO_MEMORY;
    }
    *out = said.claims;
    return STATUS_OK;
}

bool claims_time_reached(struct claims_time t, int64_t now_s)
{
    return t.is_set && (now_s > t.s || (now_s == t.s && !t.has_fraction));
}

int64_t claims_expire_at(const struct claims *claims)
{
    if (!claims->has_expire_at) return claims->exp.is_set ? claims->exp.s : 0;
    return claims->expire_at_s > 0 ? claims->expire_at_s : 0;
}
