#include <stdlib.h>

#include "policy/policy.h"

static int compare_with_namespace(const void *name, const void *item)
{
    const struct policy_namespace *ns = item;
    return slice_compare(*(const struct slice *)name, slice_from_cstr(ns->name));
}

static const struct policy_namespace *find_in(const struct policy_namespace *items, size_t count, struct slice name)
{
    return count == 0 ? NULL : bsearch(&name, items, count, sizeof *items, compare_with_namespace);
}

static const struct policy_namespace *find_namespace(const struct policy *p, uint32_t space, struct slice name)
{
    const struct policy_namespace *own = NULL;
    const struct policy_project *project = p->has_own_namespaces_ ? policy_project_by_space(p, space) : NULL;
    if (project) own = find_in(project->namespaces.items, project->namespaces.count, name);
    return own ? own : find_in(p->deployment->namespaces, p->deployment->namespace_count, name);
}

/* Index of the first boundary, or -1; an empty boundary is never found. */
static ptrdiff_t find_boundary(struct slice name, struct slice boundary)
{
    if (boundary.len == 0 || name.len < boundary.len) return -1;
    const char *at = memmem(name.ptr, name.len, boundary.ptr, boundary.len);
    return at ? at - name.ptr : -1;
}

static void answer(bool *private_out, bool is_private, struct slice *rest_out, struct slice rest)
{
    if (private_out) *private_out = is_private;
    if (rest_out) *rest_out = rest;
}

/* Who may subscribe there is no matter of options. */
static const struct policy_channel_options console_options = { .history_meta_ttl_ms = 1 };

const struct policy_channel_options *policy_channel_resolve(const struct policy *p, uint32_t space,
                                                            struct slice channel, bool *private_channel,
                                                            struct slice *rest)
{
    if (space == POLICY_CONSOLE_SPACE) {
        answer(private_channel, false, rest, channel);
        return &console_options;
    }
    const struct policy_deployment *d = p->deployment;
    const struct slice prefix = slice_from_cstr(d->private_prefix);
    const struct slice boundary = slice_from_cstr(d->namespace_boundary);
    const bool is_private = prefix.len > 0 && slice_starts_with(channel, prefix);
    const struct slice name = is_private ? slice_from(channel, prefix.len) : channel;
    const ptrdiff_t at = find_boundary(name, boundary);
    if (at < 0) {
        /* without a namespace the rest is the whole name, private prefix included */
        answer(private_channel, is_private, rest, channel);
        return &d->without_namespace.options;
    }
    answer(private_channel, is_private, rest, slice_from(name, (size_t)at + boundary.len));
    if (at == 0) return &d->without_namespace.options;
    const struct policy_namespace *ns = find_namespace(p, space, slice_head(name, (size_t)at));
    return ns ? &ns->options : NULL;
}
