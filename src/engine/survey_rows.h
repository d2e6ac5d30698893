/* survey_rows: which connections a survey wants, and what it writes of what it finds. For
 * survey.c only. */
#ifndef XSHATHRA_ENGINE_SURVEY_ROWS_H
#define XSHATHRA_ENGINE_SURVEY_ROWS_H

#include "engine/client_parts.h"
#include "engine/survey.h"
#include "json/json_writer.h"

struct survey {
    struct mail mail;
    struct engine_task task;
    struct survey_request request; /* its slices point behind the struct */
    struct survey_place at;
    struct handle handle;
    uint32_t operation;
    struct buf out;
    struct json_writer json; /* of out */
    uint32_t count;          /* rows on the page */
    bool has_more;           /* the page ends before the end */
    struct space_counts sums;
    /* the home worker's, while the survey is away */
    bool is_released, is_back;
    char bytes[];
};

bool survey_wants(const struct survey *s, const struct client *c);
void survey_write_begin(struct survey *s);
void survey_write_client(struct survey *s, const struct client *c);
void survey_write_channel(struct survey *s, struct engine *e, struct slice name, uint32_t subscribers, bool is_map);
void survey_add_counts(struct survey *s, struct engine *e);
void survey_write_node(struct survey *s, struct engine *e);
void survey_write_end(struct survey *s, struct engine *e);

#endif
