/* api_answer: the answers of both API families, and what a method needs to give
 * one now or later. For the files of src/api only; api.h is the way in.
 *
 * The engine family answers as Centrifugo does (rows API-05 to API-07); the project
 * family answers {"error":{"code":"…","message":"…"}} with the HTTP status that fits.
 * Each function that returns an outcome ends the method: return what it returns. */
#ifndef XSHATHRA_API_API_ANSWER_H
#define XSHATHRA_API_API_ANSWER_H

#include "api/api.h"
#include "engine/effects.h"
#include "json/json_writer.h"
#include "protocol/protocol_codes.h"

/* What a value may show of itself in a message, in bytes. */
#define API_QUOTE_MAX 64u

#define API_JSON       SLICE("application/json")
#define API_TEXT_PLAIN SLICE("text/plain; charset=utf-8")

/* ---- engine family ---- */

/* {"result":{…}}: write the members between the two. */
struct json_writer api_result_begin(struct api_call *call);
enum api_outcome api_result_end(struct api_call *call, struct json_writer *w);
/* {"result":{}} */
enum api_outcome api_result_empty(struct api_call *call);
/* An error of the list in protocol_codes.h, with its own message. */
enum api_outcome api_error(struct api_call *call, uint32_t code);
/* The same with this HTTP status and message, for errors of the request as a whole. */
enum api_outcome api_error_with(struct api_call *call, int http_status, uint32_t code, struct slice message);
/* What a broker's or an effect's status means; not for OK. OVERLOADED is HTTP 503. */
enum api_outcome api_error_status(struct api_call *call, enum status status);
uint32_t api_code_of_status(enum status status);
/* {"code":…,"message":…} as the next value. */
void api_write_error(struct json_writer *w, uint32_t code, struct slice message);
/* 200 with the JSON that has been written to the body. */
enum api_outcome api_json_end(struct api_call *call);
/* A body that is not JSON, as Go's http package gives it. */
enum api_outcome api_plain(struct api_call *call, int http_status, struct slice text);
/* A status and nothing else. */
enum api_outcome api_bare(struct api_call *call, int http_status);

/* ---- project family ---- */

/* parts: part_count pieces of the sentence, one after the other; a piece that
 * begins at an odd index is a value of the caller: it is put in quotes, and cut. */
enum api_outcome api_project_error(struct api_call *call, int http_status, const char *code, const struct slice *parts,
                                   size_t part_count);
#define API_PROJECT_ERROR(call, http_status, code, ...)                                                                \
    api_project_error((call), (http_status), (code), (const struct slice[]){ __VA_ARGS__ },                            \
                      sizeof((const struct slice[]){ __VA_ARGS__ }) / sizeof(struct slice))

/* ---- both ---- */

/* A header of the answer beside its content type; static text, at most API_HEADERS_MAX. */
void api_header(struct api_call *call, struct slice name, struct slice value);
/* The answer to OPTIONS where POST is the method: 204 with Allow. */
enum api_outcome api_options(struct api_call *call);

/* At most API_QUOTE_MAX bytes of a value, cut between characters. */
struct slice api_quote(struct slice value, bool *is_cut);

struct broker_context api_broker_context(struct api_call *call);
/* A new number for an answer that may be pending. */
struct broker_ticket api_ticket(struct api_call *call);
/* After a broker call: go on with completed now, or when the answer comes. completed
 * may keep the result's contents by setting its owns_ to BROKER_RESULT_PLAIN. */
enum api_outcome api_after(struct api_call *call, enum broker_answer answer, struct broker_result *result,
                           enum api_outcome (*completed)(struct api_call *call, struct broker_result *result));
/* Long work: next is called in a later turn. */
enum api_outcome api_again(struct api_call *call, enum api_outcome (*next)(struct api_call *call));
/* Start the effect and answer {"result":{}} when it has happened everywhere. */
enum api_outcome api_run_effect(struct api_call *call, struct effect_request *effect);
/* A command begins now; and it has ended, with its state, and is counted. */
void api_command_begin(struct api_call *call, unsigned metric_method);
void api_command_end(struct api_call *call);
/* Nothing that was waited for concerns this call any more. */
void api_forget(struct api_call *call);
/* Zeroed, in the arena; NULL when memory is out. */
void *api_state_new(struct api_call *call, size_t len);

#endif
