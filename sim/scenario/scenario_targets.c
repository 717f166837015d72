/* sim/scenario/scenario_targets.c - which nodes: reading, looking names up, drawing some of them.
 */
#include "sim/scenario/scenario_targets.h"

#include <inttypes.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_field_internal.h"

#define EXPECTED                                                                            \
    "a node, a pattern such as \"broker-*\", an array of them, or {\"random\": 2, \"of\": " \
    "\"broker-*\"}"

static bool add_pattern(struct field_reader *reader, const struct field *field,
                        const struct doc_value *value, struct targets *out) {
    if (value->kind != DOC_STRING || value->text[0] == 0)
        return wrong_type(reader, value, field->key, EXPECTED);
    out->patterns[out->pattern_count++] = value;
    return true;
}

static bool add_patterns(struct field_reader *reader, const struct field *field,
                         const struct doc_value *value, struct targets *out) {
    size_t room = value->kind == DOC_ARRAY ? value->count : 1;
    out->patterns = pool_alloc(reader->pool, (room + 1) * sizeof(const struct doc_value *));
    if (value->kind != DOC_ARRAY)
        return add_pattern(reader, field, value, out);
    if (value->count == 0)
        return wrong_type(reader, value, field->key, EXPECTED ", at least one");
    for (const struct doc_value *item = value->first; item != NULL; item = item->next)
        if (!add_pattern(reader, field, item, out))
            return false;
    return true;
}

struct random_spec {
    const struct doc_value *at;
    const struct doc_value *of;
    int64_t random;
    uint32_t share_ppm;
};
static const struct field RANDOM_FIELDS[] = {
    {.key = "random",
     .type = FIELD_COUNT,
     .offset = offsetof(struct random_spec, random),
     .min = 1,
     .max = 65000,
     .about = "how many of them, drawn per seed"},
    {.key = "random_share",
     .type = FIELD_RATIO,
     .offset = offsetof(struct random_spec, share_ppm),
     .about = "which share of them, drawn per seed; at least one"},
    {.key = "of",
     .type = FIELD_ANY,
     .offset = offsetof(struct random_spec, of),
     .required = true,
     .about = "a node, a pattern or an array of them"},
};
const struct record_type TARGETS_RANDOM_TYPE = {
    .name = "random nodes",
    .about = "Some of the nodes, drawn per seed before the run.",
    .fields = RANDOM_FIELDS,
    .field_count = 3,
    .bytes = sizeof(struct random_spec)};

bool read_targets(struct field_reader *reader, const struct field *field,
                  const struct doc_value *value, struct targets *out) {
    *out = (struct targets){.at = value};
    if (value->kind != DOC_OBJECT)
        return add_patterns(reader, field, value, out);
    size_t before = reader->errors->count;
    struct random_spec spec;
    record_read(reader, &TARGETS_RANDOM_TYPE, value, &spec);
    if (reader->errors->count != before)
        return false;
    if (record_has(value, "random") == record_has(value, "random_share"))
        return wrong_type(reader, value, field->key, "either \"random\" or \"random_share\"");
    out->drawn = true;
    out->random = spec.random;
    out->share_ppm = spec.share_ppm;
    return add_patterns(reader, field, spec.of, out);
}

/* ---- names ----------------------------------------------------------------------------------- */

bool pattern_matches(const char *pattern, const char *text) {
    const char *star = NULL, *mark = NULL; /* last '*', and where its run began */
    while (*text != 0) {
        if (*pattern == '*') {
            star = ++pattern;
            mark = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++mark;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

static void unknown_node(struct field_reader *reader, const struct doc_value *pattern,
                         const struct node_names *nodes) {
    struct nearest nearest;
    nearest_begin(&nearest, pattern->text);
    for (size_t i = 0; i < nodes->count; i++) {
        nearest_offer(&nearest, nodes->names[i]);
        nearest_offer(&nearest, nodes->hosts[i]);
    }
    if (strchr(pattern->text, '*') != NULL)
        doc_error(reader->errors, pattern,
                  "no %s matches \"%.60s\"; expected the pattern of a %s of this cluster%s",
                  nodes->what, pattern->text, nodes->what, nearest_hint(&nearest));
    else
        doc_error(reader->errors, pattern, "unknown %s \"%.60s\"; expected a %s of this cluster%s",
                  nodes->what, pattern->text, nodes->what, nearest_hint(&nearest));
}

bool targets_look_up(struct field_reader *reader, struct targets *targets,
                     const struct node_names *nodes) {
    bool *member = pool_alloc(reader->pool, nodes->count + 1);
    /* An effective scenario names thousands of nodes one by one: numbers are compared first. */
    uint64_t *hashes = pool_alloc(reader->pool, (2 * nodes->count + 1) * sizeof *hashes);
    for (size_t i = 0; i < nodes->count; i++) {
        hashes[2 * i] = draw_owner(nodes->names[i]);
        hashes[2 * i + 1] = draw_owner(nodes->hosts[i]);
    }
    for (size_t p = 0; p < targets->pattern_count; p++) {
        const char *pattern = targets->patterns[p]->text;
        bool exact = strchr(pattern, '*') == NULL;
        uint64_t hash = draw_owner(pattern);
        size_t found = 0;
        for (size_t i = 0; i < nodes->count; i++) {
            if (exact && hashes[2 * i] != hash && hashes[2 * i + 1] != hash)
                continue;
            if (pattern_matches(pattern, nodes->names[i]) ||
                pattern_matches(pattern, nodes->hosts[i])) {
                member[i] = true;
                found++;
            }
        }
        if (found == 0) {
            unknown_node(reader, targets->patterns[p], nodes);
            return false;
        }
    }
    targets->candidates = pool_alloc(reader->pool, nodes->count * sizeof *targets->candidates);
    targets->chosen = pool_alloc(reader->pool, nodes->count * sizeof *targets->chosen);
    targets->keys = pool_alloc(reader->pool, nodes->count * sizeof *targets->keys);
    for (size_t i = 0; i < nodes->count; i++)
        if (member[i])
            targets->candidates[targets->candidate_count++] = (uint16_t)i;
    memcpy(targets->chosen, targets->candidates,
           targets->candidate_count * sizeof *targets->chosen);
    targets->chosen_count = targets->candidate_count;
    if (!targets->drawn || targets->random <= (int64_t)targets->candidate_count)
        return true;
    const struct doc_value *at = record_at(targets->at, "random");
    doc_error(reader->errors, at,
              "\"random\" is %s, out of range; expected 1 to %zu, the nodes "
              "that match",
              at->text, targets->candidate_count);
    return false;
}

/* ---- draws ----------------------------------------------------------------------------------- */

static size_t wanted(const struct targets *targets) {
    if (targets->random > 0)
        return (size_t)targets->random;
    uint64_t share = ((uint64_t)targets->candidate_count * targets->share_ppm + 500000) / 1000000;
    return share == 0 ? 1 : (size_t)share;
}

/* A list of names has the order of the nodes, and what is drawn is written as one. */
static void sort_nodes(uint16_t *nodes, size_t count) {
    for (size_t i = 1; i < count; i++) {
        uint16_t node = nodes[i];
        size_t at = i;
        for (; at > 0 && nodes[at - 1] > node; at--)
            nodes[at] = nodes[at - 1];
        nodes[at] = node;
    }
}

/* The candidates whose own draws are the smallest: taking one away leaves the others' as they were.
 */
void targets_draw(struct targets *targets, uint64_t seed, uint64_t owner,
                  const struct node_names *nodes) {
    if (!targets->drawn)
        return;
    size_t count = wanted(targets);
    RMQ_ASSERT(count <= targets->candidate_count);
    uint64_t *keys = targets->keys;
    targets->chosen_count = 0;
    for (size_t i = 0; i < targets->candidate_count; i++) {
        uint16_t node = targets->candidates[i];
        uint64_t key =
            draw(seed, DRAW_PARAMETER, draw_owner_pair(owner, draw_owner(nodes->names[node])), 0);
        size_t at = targets->chosen_count;
        if (at == count && key >= keys[at - 1])
            continue;
        if (at == count)
            at--;
        else
            targets->chosen_count++;
        for (; at > 0 && keys[at - 1] > key; at--) {
            keys[at] = keys[at - 1];
            targets->chosen[at] = targets->chosen[at - 1];
        }
        keys[at] = key;
        targets->chosen[at] = node;
    }
    sort_nodes(targets->chosen, targets->chosen_count);
}
