#include "engine/rules.h"

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80) return false;
    return true;
}

static struct slice option(const char *text)
{
    return slice_from_cstr(text);
}

/* Row CH-05: the part after the last user boundary is a list of users. */
static bool has_user_part(const struct policy_deployment *d, struct slice channel, struct slice *users)
{
    struct slice boundary = option(d->user_boundary);
    if (boundary.len == 0) return false;
    for (size_t i = channel.len; i >= boundary.len; i--) {
        size_t start = i - boundary.len;
        if (memcmp(channel.ptr + start, boundary.ptr, boundary.len) == 0) {
            *users = slice_from(channel, i);
            return true;
        }
    }
    return false;
}

uint32_t rules_resolve(const struct policy *p, uint32_t space, struct slice channel, bool check_name,
                       struct rules_channel *out)
{
    struct rules_channel c = { 0 };
    c.options = policy_channel_resolve(p, space, channel, &c.is_private, &c.rest);
    if (!c.options) return CLIENT_ERROR_UNKNOWN_CHANNEL;
    struct slice users;
    c.is_user_limited = c.options->allow_user_limited_channels && has_user_part(p->deployment, channel, &users);
    if (check_name) {
        const struct policy_regex *regex = c.options->channel_regex;
        bool fits = regex ? policy_regex_match(regex, c.rest) : is_ascii(channel);
        if (!fits) return CLIENT_ERROR_BAD_REQUEST;
    }
    *out = c;
    return 0;
}

static bool user_is_listed(const struct policy_deployment *d, struct slice channel, struct slice user)
{
    struct slice users;
    if (!has_user_part(d, channel, &users)) return false;
    struct slice separator = option(d->user_separator);
    while (separator.len > 0) {
        const char *at = users.len ? memmem(users.ptr, users.len, separator.ptr, separator.len) : NULL;
        if (!at) break;
        if (slice_eq(slice_of(users.ptr, (size_t)(at - users.ptr)), user)) return true;
        users = slice_from(users, (size_t)(at - users.ptr) + separator.len);
    }
    return slice_eq(users, user);
}

uint32_t rules_subscribe(const struct policy *p, const struct rules_channel *c, struct slice channel,
                         const struct rules_identity *who)
{
    if (c->is_private) return CLIENT_ERROR_PERMISSION_DENIED;
    const struct policy_permission *allow = &c->options->subscribe;
    if (c->is_user_limited) {
        if (user_is_listed(p->deployment, channel, who->user)) return 0;
    } else if (allow->client && (who->user.len > 0 || allow->anonymous)) {
        return 0;
    }
    return p->deployment->insecure ? 0 : CLIENT_ERROR_PERMISSION_DENIED;
}

bool rules_has_access(const struct policy *p, const struct policy_permission *permission,
                      const struct rules_identity *who)
{
    if (p->deployment->insecure) return true;
    if (who->user.len == 0 && !permission->anonymous) return false;
    return permission->client || (permission->subscriber && who->subscribed);
}

uint32_t rules_allow(const struct policy *p, const struct rules_channel *c, enum rules_operation operation,
                     const struct rules_identity *who)
{
    const struct policy_channel_options *o = c->options;
    const struct policy_permission *permission = NULL;
    switch (operation) {
    case RULES_PUBLISH: permission = &o->publish; break;
    case RULES_HISTORY:
        if (!policy_history_on(o)) return CLIENT_ERROR_NOT_AVAILABLE;
        permission = &o->history_access;
        break;
    case RULES_PRESENCE:
        if (!o->presence) return CLIENT_ERROR_NOT_AVAILABLE;
        permission = &o->presence_access;
        break;
    case RULES_MAP_PUBLISH: permission = &o->map.publish; break;
    case RULES_MAP_REMOVE: permission = &o->map.remove; break;
    }
    return rules_has_access(p, permission, who) ? 0 : CLIENT_ERROR_PERMISSION_DENIED;
}

static bool starts_object(struct slice json)
{
    while (json.len > 0 && strchr(" \t\r\n", json.ptr[0])) json = slice_from(json, 1);
    return json.len > 0 && json.ptr[0] == '{';
}

bool rules_data_fits(const struct policy_channel_options *o, struct slice data, bool is_json)
{
    switch (o->data_format) {
    case POLICY_FORMAT_BINARY: return true;
    case POLICY_FORMAT_NOT_EMPTY: return data.len > 0;
    case POLICY_FORMAT_JSON: return data.len > 0 && is_json;
    case POLICY_FORMAT_JSON_OBJECT: return is_json && starts_object(data);
    }
    return false;
}
