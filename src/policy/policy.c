#include "policy/policy.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/mem_part.h"

/* Salts keep the two tables from sharing their collisions. */
enum salt { SALT_PROJECT = 1, SALT_KEY = 2 };

struct policy_deployment *policy_deployment_new(void)
{
    struct policy_deployment *d = mem_must_alloc_zero(sizeof *d);
    atomic_init(&d->refs_, 1);
    return d;
}

struct policy_deployment *policy_deployment_ref(struct policy_deployment *d)
{
    /* relaxed: whoever takes a reference already has one */
    (void)atomic_fetch_add_explicit(&d->refs_, 1, memory_order_relaxed);
    return d;
}

/* True for the last one. acq_rel: what other threads read comes before the free. */
static bool drop(atomic_uint *refs)
{
    const unsigned before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    return before == 1;
}

static void string_list_deinit(struct policy_string_list *list)
{
    for (size_t i = 0; i < list->count; i++) mem_free(list->items[i]);
    mem_free(list->items);
}

static void token_options_deinit(struct policy_token_options *t)
{
    char *const owned[] = { t->hmac_secret_key, t->hmac_previous_secret_key, t->rsa_public_key, t->ecdsa_public_key,
                            t->audience,        t->audience_regex,           t->issuer,         t->issuer_regex,
                            t->user_id_claim,   t->jwks_public_endpoint };
    for (size_t i = 0; i < ARRAY_COUNT(owned); i++) mem_free(owned[i]);
    policy_regex_free(t->audience_matcher);
    policy_regex_free(t->issuer_matcher);
}

/* A pattern that does not compile was refused when the configuration was checked. */
static void token_options_seal(struct policy_token_options *t)
{
    char error[1];
    if (t->audience_regex && t->audience_regex[0] && !t->audience_matcher)
        t->audience_matcher = policy_regex_new(slice_from_cstr(t->audience_regex), error, sizeof error);
    if (t->issuer_regex && t->issuer_regex[0] && !t->issuer_matcher)
        t->issuer_matcher = policy_regex_new(slice_from_cstr(t->issuer_regex), error, sizeof error);
}

static void namespace_deinit(struct policy_namespace *ns)
{
    policy_regex_free(ns->options.channel_regex);
    mem_free(ns->options.map_clients_prefix);
    mem_free(ns->options.map_users_prefix);
    mem_free(ns->name);
}

void policy_namespaces_free(struct policy_namespaces *list)
{
    for (size_t i = 0; i < list->count; i++) namespace_deinit(&list->items[i]);
    mem_free(list->items);
    *list = (struct policy_namespaces){ 0 };
}

static void deployment_free(struct policy_deployment *d)
{
    char *const owned[] = { d->api_key,         d->user_id_http_header, d->personal_channel_namespace,
                            d->rpc_ping_method, d->private_prefix,      d->namespace_boundary,
                            d->user_boundary,   d->user_separator };
    for (size_t i = 0; i < ARRAY_COUNT(owned); i++) mem_free(owned[i]);
    for (size_t i = 0; i < d->namespace_count; i++) namespace_deinit(&d->namespaces[i]);
    namespace_deinit(&d->without_namespace);
    mem_free(d->namespaces);
    token_options_deinit(&d->token);
    token_options_deinit(&d->subscription_token);
    string_list_deinit(&d->allowed_origins);
    string_list_deinit(&d->trusted_proxies);
    mem_free(d);
}

void policy_deployment_unref(struct policy_deployment *d)
{
    if (d && drop(&d->refs_)) deployment_free(d);
}

static int compare_namespaces(const void *a, const void *b)
{
    const struct policy_namespace *left = a, *right = b;
    return slice_compare(slice_from_cstr(left->name), slice_from_cstr(right->name));
}

void policy_deployment_seal(struct policy_deployment *d)
{
    token_options_seal(&d->token);
    token_options_seal(&d->subscription_token);
    if (d->namespace_count) qsort(d->namespaces, d->namespace_count, sizeof *d->namespaces, compare_namespaces);
}

static uint64_t hash_id(struct slice id)
{
    return hash_bytes(id, SALT_PROJECT);
}
static uint64_t hash_key(const uint8_t *hash)
{
    return hash_bytes(slice_of(hash, POLICY_KEY_HASH_LEN), SALT_KEY);
}

static void must_insert(struct map *m, struct map_node *node)
{
    if (map_insert(m, node) != STATUS_OK) check_failed("out of memory for a new policy", __FILE__, __LINE__);
}

static int compare_spaces(const void *a, const void *b, void *projects)
{
    const struct policy_project *all = projects;
    const uint32_t left = all[*(const uint32_t *)a].space, right = all[*(const uint32_t *)b].space;
    return (left > right) - (left < right);
}

static void index_projects(struct policy *p)
{
    p->projects_by_space_ = mem_must_alloc((p->project_count + 1) * sizeof *p->projects_by_space_);
    mem_part_add(MEM_POLICY, p->projects_by_space_);
    for (size_t i = 0; i < p->project_count; i++) {
        struct policy_project *project = &p->projects[i];
        p->has_own_namespaces_ |= project->namespaces.count > 0;
        project->node_.hash = hash_id(slice_from_cstr(project->id));
        must_insert(&p->projects_by_id_, &project->node_);
        p->projects_by_space_[i] = (uint32_t)i;
    }
    qsort_r(p->projects_by_space_, p->project_count, sizeof *p->projects_by_space_, compare_spaces, p->projects);
}

static void index_keys(struct policy *p)
{
    for (size_t i = 0; i < p->key_count; i++) {
        struct policy_key *key = &p->keys[i];
        CHECK(key->project < p->project_count);
        key->node_.hash = hash_key(key->hash);
        must_insert(&p->keys_by_hash_, &key->node_);
    }
}

struct policy *policy_new(uint64_t version, struct policy_deployment *deployment, struct policy_project *projects,
                          size_t project_count, struct policy_key *keys, size_t key_count)
{
    struct policy *p = mem_must_alloc_zero(sizeof *p);
    atomic_init(&p->refs_, 1);
    p->version = version;
    p->deployment = deployment;
    p->projects = projects;
    mem_part_add(MEM_POLICY, projects);
    p->project_count = project_count;
    p->keys = keys;
    mem_part_add(MEM_POLICY, keys);
    p->key_count = key_count;
    map_init(&p->projects_by_id_);
    map_init(&p->keys_by_hash_);
    index_projects(p);
    index_keys(p);
    return p;
}

struct policy *policy_ref(struct policy *p)
{
    (void)atomic_fetch_add_explicit(&p->refs_, 1, memory_order_relaxed);
    return p;
}

void policy_unref(struct policy *p)
{
    if (!p || !drop(&p->refs_)) return;
    for (size_t i = 0; i < p->project_count; i++) {
        string_list_deinit(&p->projects[i].allowed_origins);
        policy_namespaces_free(&p->projects[i].namespaces);
    }
    map_deinit(&p->projects_by_id_);
    map_deinit(&p->keys_by_hash_);
    policy_deployment_unref(p->deployment);
    mem_part_free(MEM_POLICY, p->projects_by_space_);
    mem_part_free(MEM_POLICY, p->projects);
    mem_part_free(MEM_POLICY, p->keys);
    mem_free(p);
}

const struct policy_project *policy_project_by_id(const struct policy *p, struct slice id)
{
    for (struct map_node *n = map_first(&p->projects_by_id_, hash_id(id)); n; n = map_next_same(n)) {
        const struct policy_project *project = container_of(n, struct policy_project, node_);
        if (slice_eq(slice_from_cstr(project->id), id)) return project;
    }
    return NULL;
}

const struct policy_project *policy_project_by_space(const struct policy *p, uint32_t space)
{
    size_t low = 0, high = p->project_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct policy_project *project = &p->projects[p->projects_by_space_[middle]];
        if (project->space == space) return project;
        if (project->space < space)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct policy_key *policy_key_by_hash(const struct policy *p, const uint8_t hash[static POLICY_KEY_HASH_LEN])
{
    for (struct map_node *n = map_first(&p->keys_by_hash_, hash_key(hash)); n; n = map_next_same(n)) {
        const struct policy_key *key = container_of(n, struct policy_key, node_);
        if (memcmp(key->hash, hash, POLICY_KEY_HASH_LEN) == 0) return key;
    }
    return NULL;
}
