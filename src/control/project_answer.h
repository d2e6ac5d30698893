/* project_answer: what the control thread answers, as one line of JSON.
 *
 *   {"ok":true,"result":{…}}
 *   {"ok":false,"error":{"code":"…","message":"…"}}
 *   {"ok":false,"error":{…},"result":{…}}   the change is stored, but not yet effective
 *                                           everywhere: keys are shown only this once
 *
 * Times are Unix seconds, 0 = never. Pure; any thread. */
#ifndef XSHATHRA_CONTROL_PROJECT_ANSWER_H
#define XSHATHRA_CONTROL_PROJECT_ANSWER_H

#include "base/arena.h"
#include "base/buf.h"
#include "control/project_service.h"

/* A whole answer, without the newline. result is one JSON value. */
void project_answer_write(struct buf *out, struct slice result);
/* result may be empty: then there is none. */
void project_answer_write_error(struct buf *out, const struct project_error *error, struct slice result);

/* The results. {"id","name","server_api_key","server_key_id","client_api_key","client_key_id"},
 * without the members of a kind that has no new key. */
void project_answer_write_keys(struct buf *out, const struct project_new_keys *keys);
/* {"id","name","space","created_at","archived_at","allowed_origins"}, and for one project
 * (keys not NULL) "keys":[{"key_id","kind","state","created_at","valid_until","revoked_at"}]. */
void project_answer_write_project(struct buf *out, const struct store_project *project, const struct store_key *keys,
                                  size_t key_count, int64_t now_s);

/* "active", "ending" (an end is set and ahead), "expired" or "revoked". */
const char *project_answer_key_state(const struct store_key *key, int64_t now_s);

struct project_answer {
    bool ok;
    struct slice result;              /* raw JSON; empty = none */
    struct slice error_code, message; /* when not ok */
};

/* The slices borrow the line or the arena. False: it is no answer. */
MUST_CHECK bool project_answer_read(struct slice line, struct arena *arena, struct project_answer *out);

#endif
