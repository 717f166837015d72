/* sim/scenario/scenario_internal.h - shared by the stages of loading. Each reports its errors. */
#ifndef SIM_SCENARIO_INTERNAL_H
#define SIM_SCENARIO_INTERNAL_H

#include "sim/scenario/scenario.h"
#include "sim/scenario/scenario_field_internal.h"
#include "sim/scenario/scenario_tables.h"

/* Stage 2 (scenario_set.c): --set arguments and a combination of "vary" go into the tree, then
 * parameters take the place of "$name" texts; "parameters" and "vary" leave the tree. */
void scenario_put_in(struct scenario *scenario, const char *const *sets, size_t set_count,
                     struct scenario_errors *errors);

/* Stage 4 (scenario_nodes.c): groups become nodes on hosts. */
void scenario_expand(struct scenario *scenario, struct field_reader *reader);
/* Stage 5 (scenario_check.c): names are looked up, times compared. */
void scenario_check(struct scenario *scenario, struct field_reader *reader);
/* Stage 6 (scenario_settle.c): finds what is drawn. */
void scenario_find_draws(struct scenario *scenario, struct field_reader *reader);

/* Calls `visit` for each member of the record and of the records inside it. */
typedef void record_visit_fn(void *ctx, const struct field *field, void *member,
                             const struct doc_value *at);
void record_visit(struct field_reader *reader, const struct record_type *type, void *record,
                  record_visit_fn *visit, void *ctx);

/* "timeline[restart].at": a stable name of a value's place; items are called by label, name or
 * "do", else by their index. */
const char *doc_path(struct pool *pool, const struct doc_value *value);

#endif
