#include <stdio.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"
#include "policy/policy.h"

/* Configured patterns meet text that a peer chose. A backtracking matcher needs bounds
 * on its steps, its depth and its memory (KB); a name that passes them does not match. */
#define MATCH_LIMIT   100000
#define DEPTH_LIMIT   1000
#define HEAP_LIMIT_KB 1024
/* What the library takes. */
#define GROUP_NAME_MAX 32

struct policy_regex {
    pcre2_code *code;
    pcre2_match_context *limits; /* only read while matching, so threads may share it */
};

/* As Go's regexp reads a pattern: UTF-8, `$` only at the very end, newline is LF. */
#define OPTIONS (PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C)

static pcre2_code *compile(struct slice pattern, int *error, size_t *error_at)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        *error = PCRE2_ERROR_NOMEMORY;
        *error_at = 0;
        return NULL;
    }
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    PCRE2_SPTR text = (PCRE2_SPTR)(pattern.ptr ? pattern.ptr : "");
    pcre2_code *code = pcre2_compile(text, pattern.len, OPTIONS, error, error_at, context);
    pcre2_compile_context_free(context);
    return code;
}

static pcre2_match_context *new_limits(void)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!limits) return NULL;
    (void)pcre2_set_match_limit(limits, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(limits, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(limits, HEAP_LIMIT_KB);
    return limits;
}

static void explain(int error, size_t error_at, char *out, size_t len)
{
    char text[128] = "";
    (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
    if (len) (void)snprintf(out, len, "%s at character %zu", text, error_at + 1);
}

struct policy_regex *policy_regex_new(struct slice pattern, char *error_out, size_t error_len)
{
    int error = PCRE2_ERROR_NOMEMORY;
    size_t error_at = 0;
    struct policy_regex *r = mem_alloc_zero(sizeof *r);
    if (r) r->code = compile(pattern, &error, &error_at);
    if (r && r->code) r->limits = new_limits();
    if (r && r->limits) return r;
    if (r && r->code) error = PCRE2_ERROR_NOMEMORY;
    explain(error, error_at, error_out, error_len);
    policy_regex_free(r);
    return NULL;
}

void policy_regex_free(struct policy_regex *r)
{
    if (!r) return;
    pcre2_match_context_free(r->limits);
    pcre2_code_free(r->code);
    mem_free(r);
}

/* 0 or more: there is a match. */
static int match(const struct policy_regex *r, struct slice subject, pcre2_match_data *data)
{
    PCRE2_SPTR text = (PCRE2_SPTR)(subject.ptr ? subject.ptr : "");
    return pcre2_match(r->code, text, subject.len, 0, 0, data, r->limits);
}

bool policy_regex_match(const struct policy_regex *r, struct slice subject)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data) return false;
    const int result = match(r, subject, data);
    pcre2_match_data_free(data);
    return result >= 0;
}

/* The number of a named group, or -1. */
static int group_number(const struct policy_regex *r, struct slice name)
{
    char text[GROUP_NAME_MAX + 1];
    if (name.len == 0 || name.len > GROUP_NAME_MAX) return -1;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)text);
}

bool policy_regex_group(const struct policy_regex *r, struct slice subject, struct slice name, struct slice *out)
{
    const int number = group_number(r, name);
    pcre2_match_data *data = number > 0 ? pcre2_match_data_create_from_pattern(r->code, NULL) : NULL;
    const bool matches = data && match(r, subject, data) >= 0;
    if (matches) {
        const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(data) + 2 * (size_t)number;
        const bool took_part = bounds[0] != PCRE2_UNSET && bounds[1] >= bounds[0];
        *out = took_part ? slice_of(subject.ptr + bounds[0], bounds[1] - bounds[0]) : (struct slice){ 0 };
    }
    pcre2_match_data_free(data);
    return matches;
}
