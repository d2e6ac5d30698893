#include "policy/policy_glob.h"

#include "policy/policy.h"

/* The pattern becomes a small program, and the text runs through all of its states at
 * once (Thompson's way), so that no pattern makes the matcher try one text twice. */

enum op {
    OP_RUNE,  /* one given character */
    OP_ANY,   /* any one character */
    OP_STAR,  /* any run of characters, also none */
    OP_CLASS, /* one character of the class whose text begins at `arg` in the pattern */
    OP_SPLIT, /* go on with the next instruction and with `arg` */
    OP_JUMP,  /* go on with `arg` */
    OP_MATCH,
};

struct instruction {
    enum op op;
    uint32_t arg;
};

/* A '{' and a ',' make at most two instructions each. */
#define PROGRAM_LEN_MAX (2 * POLICY_GLOB_LEN_MAX + 2)
#define NESTING_MAX     8

/* An alternative that is being read. */
struct group {
    uint16_t split;     /* its last OP_SPLIT, to be aimed at the next alternative */
    uint16_t last_jump; /* list of OP_JUMPs that wait for the end, linked through arg */
};

struct compiler {
    struct slice pattern;
    size_t at;
    struct instruction *program;
    uint16_t len;
    struct group groups[NESTING_MAX];
    size_t depth;
};

#define NO_JUMP UINT16_MAX

/* The next character of s from *at on. A byte that begins no valid sequence counts as
 * a character of its own, which equals only itself. */
#define RAW_BYTE 0x110000u
static uint32_t take_rune(struct slice s, size_t *at)
{
    const unsigned char first = (unsigned char)s.ptr[*at];
    const size_t need = first < 0x80 ? 0 : first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 ? 2 : 1;
    *at += 1;
    if (need == 0) return first;
    if (first < 0xc2 || first >= 0xf5 || s.len - *at < need) return RAW_BYTE | first;
    uint32_t rune = first & (0x3fu >> need);
    for (size_t i = 0; i < need; i++) {
        const unsigned char next = (unsigned char)s.ptr[*at + i];
        if ((next & 0xc0) != 0x80) return RAW_BYTE | first;
        rune = rune << 6 | (next & 0x3f);
    }
    *at += need;
    return rune;
}

static void emit(struct compiler *c, enum op op, uint32_t arg)
{
    c->program[c->len++] = (struct instruction){ op, arg };
}

/* A character of a class or a plain one, with a backslash before it taken away. */
static bool take_literal(struct slice s, size_t *at, uint32_t *rune)
{
    if (*at >= s.len) return false;
    *rune = take_rune(s, at);
    if (*rune != '\\') return true;
    if (*at >= s.len) return false;
    *rune = take_rune(s, at);
    return true;
}

static bool take_range(struct slice s, size_t *at, uint32_t *low, uint32_t *high)
{
    if (!take_literal(s, at, low)) return false;
    *high = *low;
    if (*at + 1 >= s.len || s.ptr[*at] != '-' || s.ptr[*at + 1] == ']') return true;
    *at += 1;
    return take_literal(s, at, high);
}

/* Pass over the class; its text is read again at each match. */
static bool compile_class(struct compiler *c)
{
    emit(c, OP_CLASS, (uint32_t)c->at);
    if (c->at < c->pattern.len && c->pattern.ptr[c->at] == '!') c->at++;
    size_t count = 0;
    for (; c->at < c->pattern.len && c->pattern.ptr[c->at] != ']'; count++) {
        uint32_t low, high;
        if (!take_range(c->pattern, &c->at, &low, &high) || low > high) return false;
    }
    if (c->at >= c->pattern.len || count == 0) return false;
    c->at++;
    return true;
}

static bool class_has(struct slice pattern, size_t at, uint32_t rune)
{
    const bool negated = pattern.ptr[at] == '!';
    bool found = false;
    if (negated) at++;
    while (!found && pattern.ptr[at] != ']') {
        uint32_t low = 0, high = 0;
        if (!take_range(pattern, &at, &low, &high)) break;
        found = low <= rune && rune <= high;
    }
    return found != negated;
}

static bool open_group(struct compiler *c)
{
    if (c->depth == NESTING_MAX) return false;
    c->groups[c->depth++] = (struct group){ c->len, NO_JUMP };
    emit(c, OP_SPLIT, 0);
    return true;
}

static void next_alternative(struct compiler *c)
{
    struct group *g = &c->groups[c->depth - 1];
    emit(c, OP_JUMP, g->last_jump);
    g->last_jump = (uint16_t)(c->len - 1);
    c->program[g->split].arg = c->len;
    g->split = c->len;
    emit(c, OP_SPLIT, 0);
}

static void close_group(struct compiler *c)
{
    struct group *g = &c->groups[--c->depth];
    /* the last alternative has no other beside it */
    c->program[g->split] = (struct instruction){ OP_JUMP, g->split + 1u };
    for (uint16_t jump = g->last_jump; jump != NO_JUMP;) {
        const uint16_t before = (uint16_t)c->program[jump].arg;
        c->program[jump].arg = c->len;
        jump = before;
    }
}

static bool compile_literal(struct compiler *c)
{
    uint32_t rune;
    if (!take_literal(c->pattern, &c->at, &rune)) return false;
    emit(c, OP_RUNE, rune);
    return true;
}

static bool compile_one(struct compiler *c)
{
    const char next = c->pattern.ptr[c->at];
    if (next == '}' || next == ',') {
        if (c->depth == 0) return compile_literal(c);
        c->at++;
        if (next == ',')
            next_alternative(c);
        else
            close_group(c);
        return true;
    }
    if (next != '*' && next != '?' && next != '[' && next != '{') return compile_literal(c);
    c->at++;
    if (next == '[') return compile_class(c);
    if (next == '{') return open_group(c);
    emit(c, next == '*' ? OP_STAR : OP_ANY, 0);
    return true;
}

/* program has room for PROGRAM_LEN_MAX. Returns its length, 0 for a malformed pattern. */
static uint16_t compile(struct slice pattern, struct instruction *program)
{
    if (pattern.len > POLICY_GLOB_LEN_MAX) return 0;
    struct compiler c = { .pattern = pattern, .program = program };
    while (c.at < pattern.len) {
        if (!compile_one(&c)) return 0;
    }
    emit(&c, OP_MATCH, 0);
    return c.depth == 0 ? c.len : 0;
}

/* Places in the program that the text has reached; each once. */
struct places {
    uint16_t items[PROGRAM_LEN_MAX];
    uint16_t count;
    bool has[PROGRAM_LEN_MAX];
};

/* Only as much as the program needs: a short pattern may meet very many names. */
static void places_init(struct places *p, uint16_t program_len)
{
    p->count = 0;
    memset(p->has, 0, program_len * sizeof p->has[0]);
}

static void places_clear(struct places *p)
{
    for (uint16_t i = 0; i < p->count; i++) p->has[p->items[i]] = false;
    p->count = 0;
}

static void places_add(struct places *p, uint32_t at)
{
    if (p->has[at]) return;
    p->has[at] = true;
    p->items[p->count++] = (uint16_t)at;
}

/* Follow what takes no character; places_add() appends to the list that is walked. */
static void places_close(struct places *p, const struct instruction *program)
{
    for (uint16_t i = 0; i < p->count; i++) {
        const uint16_t at = p->items[i];
        const struct instruction *in = &program[at];
        if (in->op == OP_STAR || in->op == OP_SPLIT) places_add(p, at + 1u);
        if (in->op == OP_SPLIT || in->op == OP_JUMP) places_add(p, in->arg);
    }
}

static void step(const struct places *from, struct places *to, const struct instruction *program, struct slice pattern,
                 uint32_t rune)
{
    for (uint16_t i = 0; i < from->count; i++) {
        const uint16_t at = from->items[i];
        const struct instruction *in = &program[at];
        if (in->op == OP_STAR) places_add(to, at);
        if (in->op == OP_ANY || (in->op == OP_RUNE && in->arg == rune) ||
            (in->op == OP_CLASS && class_has(pattern, in->arg, rune)))
            places_add(to, at + 1u);
    }
}

static bool has_match(const struct places *p, const struct instruction *program)
{
    for (uint16_t i = 0; i < p->count; i++) {
        if (program[p->items[i]].op == OP_MATCH) return true;
    }
    return false;
}

static bool match(struct slice pattern, struct slice text, bool lower)
{
    struct instruction program[PROGRAM_LEN_MAX];
    struct places a, b, *now = &a, *next = &b;
    const uint16_t program_len = compile(pattern, program);
    if (program_len == 0) return false;
    places_init(now, program_len);
    places_init(next, program_len);
    places_add(now, 0);
    places_close(now, program);
    for (size_t at = 0; at < text.len && now->count > 0;) {
        uint32_t rune = take_rune(text, &at);
        if (lower && rune >= 'A' && rune <= 'Z') rune += 'a' - 'A';
        places_clear(next);
        step(now, next, program, pattern, rune);
        places_close(next, program);
        struct places *swap = now;
        now = next;
        next = swap;
    }
    return has_match(now, program);
}

bool policy_glob_valid(struct slice pattern)
{
    struct instruction program[PROGRAM_LEN_MAX];
    return compile(pattern, program) > 0;
}

bool policy_glob_match(struct slice pattern, struct slice text)
{
    return match(pattern, text, false);
}

bool policy_glob_match_lower(struct slice pattern, struct slice text)
{
    return match(pattern, text, true);
}

bool policy_origin_allowed(const struct policy_string_list *patterns, struct slice origin)
{
    if (origin.len == 0) return true;
    for (size_t i = 0; i < patterns->count; i++) {
        if (policy_glob_match_lower(slice_from_cstr(patterns->items[i]), origin)) return true;
    }
    return false;
}
