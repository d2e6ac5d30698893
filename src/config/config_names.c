#include "config/config_names.h"

#include <stdlib.h>

#include "base/check.h"

#define PATH_LEN_MAX 160 /* of the tables' own names, all known to be shorter */

/* The arena of a load is as large as any valid configuration needs. */
static void *must(void *memory)
{
    if (!memory) check_failed("out of memory for the configuration", __FILE__, __LINE__);
    return memory;
}

static size_t count_rows(const struct config_table *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) count += t->rows[i].type == CONFIG_BLOCK ? count_rows(t->rows[i].table) : 1;
    return count;
}

static struct slice join(struct arena *a, struct slice prefix, struct slice path)
{
    const bool dot = prefix.len && path.len;
    char *out = must(arena_alloc(a, prefix.len + path.len + 2));
    if (prefix.len) memcpy(out, prefix.ptr, prefix.len);
    if (dot) out[prefix.len] = '.';
    if (path.len) memcpy(out + prefix.len + dot, path.ptr, path.len);
    const size_t len = prefix.len + dot + path.len;
    out[len] = '\0';
    CHECK(len < PATH_LEN_MAX);
    return slice_of(out, len);
}

static char env_char(char c)
{
    if (c >= 'a' && c <= 'z') return (char)(c - 'a' + 'A');
    return c == '.' || c == '-' ? '_' : c;
}

static struct slice env_of(struct arena *a, struct slice path)
{
    char *out = must(arena_alloc(a, path.len + 1));
    for (size_t i = 0; i < path.len; i++) out[i] = env_char(path.ptr[i]);
    out[path.len] = '\0';
    return slice_of(out, path.len);
}

static void add_rows(struct config_names *n, struct arena *a, const struct config_table *t, struct slice prefix,
                     bool is_part)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct config_option *row = &t->rows[i];
        const struct slice path = join(a, prefix, slice_from_cstr(row->path));
        const bool part = is_part || row->state == CONFIG_PART;
        if (row->type == CONFIG_BLOCK) {
            add_rows(n, a, row->table, path, part);
            continue;
        }
        CHECK(n->count < n->cap_);
        n->items[n->count++] = (struct config_name){ path, env_of(a, path), row, part ? CONFIG_PART : row->state };
    }
}

static int compare_names(const void *a, const void *b)
{
    return slice_compare(((const struct config_name *)a)->path, ((const struct config_name *)b)->path);
}

struct config_names *config_names_new(struct arena *a, const struct config_table *table)
{
    struct config_names *n = must(arena_alloc(a, sizeof *n));
    n->count = 0;
    n->cap_ = count_rows(table);
    n->items = must(arena_alloc(a, n->cap_ * sizeof *n->items));
    add_rows(n, a, table, (struct slice){ 0 }, false);
    qsort(n->items, n->count, sizeof *n->items, compare_names);
    return n;
}

/* Index of the first name that is not before path. */
static size_t lower_bound(const struct config_names *n, struct slice path)
{
    size_t low = 0, high = n->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (slice_compare(n->items[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct config_name *config_names_find(const struct config_names *names, struct slice path)
{
    const size_t at = lower_bound(names, path);
    return at < names->count && slice_eq(names->items[at].path, path) ? &names->items[at] : NULL;
}

static bool is_below(struct slice text, struct slice prefix, char separator)
{
    return text.len > prefix.len && slice_starts_with(text, prefix) && text.ptr[prefix.len] == separator;
}

bool config_names_is_section(const struct config_names *names, struct slice path)
{
    for (size_t at = lower_bound(names, path); at < names->count; at++) {
        const struct slice name = names->items[at].path;
        if (!slice_starts_with(name, path)) return false;
        if (is_below(name, path, '.')) return true;
    }
    return false;
}

const struct config_name *config_names_find_env(const struct config_names *names, struct slice env)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct config_name *name = &names->items[i];
        if (slice_eq(name->env, env)) return name;
        if (name->option->type == CONFIG_ANY && is_below(env, name->env, '_')) return name;
    }
    return NULL;
}

/* Levenshtein's distance, two rows of its table; given up with a number over limit as
 * soon as it must be that. */
static unsigned distance(struct slice a, struct slice b, unsigned limit)
{
    unsigned rows[2][PATH_LEN_MAX + 1], *above = rows[0], *here = rows[1];
    if ((a.len > b.len ? a.len - b.len : b.len - a.len) > limit) return limit + 1;
    for (unsigned j = 0; j <= b.len; j++) above[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned least = here[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned best = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (here[j - 1] + 1 < best) best = here[j - 1] + 1;
            here[j] = best;
            if (best < least) least = best;
        }
        if (least > limit) return limit + 1;
        unsigned *swap = above;
        above = here;
        here = swap;
    }
    return above[b.len];
}

/* Names of version 5 were flat and mostly the end of today's ("allowed_origins"): such a
 * one counts as one letter wrong. */
static unsigned unlikeness(struct slice wanted, struct slice name, unsigned limit)
{
    if (slice_eq(wanted, name)) return 0;
    if (name.len > wanted.len && name.ptr[name.len - wanted.len - 1] == '_' &&
        slice_eq(slice_from(name, name.len - wanted.len), wanted))
        return 1;
    return distance(wanted, name, limit);
}

/* Of two that are equally near, what works is meant rather than what is not built. */
static bool is_likelier(const struct config_name *a, const struct config_name *b)
{
    const bool a_built = a->state == CONFIG_BUILT, b_built = b->state == CONFIG_BUILT;
    return a_built != b_built ? a_built : a->path.len < b->path.len;
}

const struct config_name *config_names_nearest(const struct config_names *names, struct slice path)
{
    char env[PATH_LEN_MAX];
    if (path.len == 0 || path.len >= sizeof env) return NULL;
    for (size_t i = 0; i < path.len; i++) env[i] = env_char(path.ptr[i]);
    /* further off than a third is another word altogether */
    unsigned best = (unsigned)path.len / 3;
    const struct config_name *found = NULL;
    for (size_t i = 0; i < names->count; i++) {
        const struct config_name *name = &names->items[i];
        const unsigned far = unlikeness(slice_of(env, path.len), name->env, best);
        if (far > best || (far == best && found && !is_likelier(name, found))) continue;
        best = far;
        found = name;
    }
    return found;
}
