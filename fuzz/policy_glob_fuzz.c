/* Fuzz target: a pattern, a NUL byte, a text. Whatever they are, reading and matching stays inside both and comes to
 * an end; a text without letters matches in lower case exactly where it matches as it is. */
#include "base/check.h"
#include "policy/policy.h"
#include "policy/policy_glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool has_letters(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] | 0x20) >= 'a' && (s.ptr[i] | 0x20) <= 'z') return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice all = slice_of((const char *)data, len);
    ptrdiff_t nul = slice_index(all, '\0');
    struct slice pattern = nul < 0 ? all : slice_head(all, (size_t)nul);
    struct slice text = nul < 0 ? slice_head(all, 0) : slice_from(all, (size_t)nul + 1);
    if (!policy_glob_valid(pattern)) return 0;
    CHECK(pattern.len <= POLICY_GLOB_LEN_MAX);
    bool as_it_is = policy_glob_match(pattern, text);
    bool lower = policy_glob_match_lower(pattern, text);
    CHECK(has_letters(text) || as_it_is == lower);
    return 0;
}
