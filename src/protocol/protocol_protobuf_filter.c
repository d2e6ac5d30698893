#include "protocol/protocol_protobuf_filter.h"

#include "base/utf8.h"
#include "json/json_writer.h"
#include "protocol/protocol_protobuf_wire.h"

/* Field numbers of FilterNode. */
enum { NODE_OP = 1, NODE_KEY, NODE_CMP, NODE_VAL, NODE_VALS, NODE_NODES };

static const struct slice names[] = {
    [NODE_OP] = { "op", 2 },   [NODE_KEY] = { "key", 3 },   [NODE_CMP] = { "cmp", 3 },
    [NODE_VAL] = { "val", 3 }, [NODE_VALS] = { "vals", 4 }, [NODE_NODES] = { "nodes", 5 },
};

/* The next field that the schema knows; false at the end, and when r has failed. */
static bool next_field(struct wire_reader *r, uint32_t *number, struct slice *value)
{
    enum wire_type type;
    while (r->at < r->end && wire_tag(r, number, &type)) {
        if (*number > NODE_NODES) {
            if (!wire_skip(r, type)) return false;
        } else if (type != WIRE_BYTES) {
            return wire_fail(r, "a field has the wrong wire type");
        } else {
            return wire_bytes(r, value);
        }
    }
    return false;
}

/* A first look at the whole node: its single texts, and whether there are lists. */
static const char *survey(struct slice node, struct slice texts[], bool has[])
{
    struct wire_reader r = wire_reader_of(node);
    struct slice value;
    uint32_t number;
    while (next_field(&r, &number, &value)) {
        if (number != NODE_NODES && !utf8_valid(value)) return "a string is not valid UTF-8";
        has[number] = true;
        texts[number] = value; /* the last one counts */
    }
    return r.error;
}

static const char *write_node(struct json_writer *w, struct slice node, int depth);

/* The elements of one list, wherever in the node they stand. */
static const char *write_list(struct json_writer *w, struct slice node, uint32_t wanted, int depth)
{
    struct wire_reader r = wire_reader_of(node);
    const char *error = NULL;
    struct slice value;
    uint32_t number;
    json_write_name(w, names[wanted]);
    json_write_array_begin(w);
    while (!error && next_field(&r, &number, &value)) {
        if (number != wanted) continue;
        if (wanted == NODE_NODES)
            error = write_node(w, value, depth + 1);
        else
            json_write_string(w, value);
    }
    json_write_array_end(w);
    return error;
}

static const char *write_node(struct json_writer *w, struct slice node, int depth)
{
    struct slice texts[NODE_NODES + 1] = { 0 };
    bool has[NODE_NODES + 1] = { false };
    if (depth == PROTOCOL_FILTER_DEPTH_MAX) return "a filter is too deep";
    const char *error = survey(node, texts, has);
    if (error) return error;
    json_write_object_begin(w);
    for (uint32_t number = NODE_OP; number <= NODE_VAL; number++) {
        if (!has[number]) continue;
        json_write_name(w, names[number]);
        json_write_string(w, texts[number]);
    }
    for (uint32_t number = NODE_VALS; number <= NODE_NODES && !error; number++)
        if (has[number]) error = write_list(w, node, number, depth);
    json_write_object_end(w);
    return error;
}

const char *protocol_protobuf_filter_json(struct slice node, struct buf *json)
{
    struct json_writer w = json_writer_to(json);
    return write_node(&w, node, 0);
}
