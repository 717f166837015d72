/* sim/scenario/scenario_field_internal.h - shared by the readers of fields. Each returns false
 * after it has reported an error. `key` is what the message calls the value. */
#ifndef SIM_SCENARIO_FIELD_INTERNAL_H
#define SIM_SCENARIO_FIELD_INTERNAL_H

#include "sim/scenario/scenario_field.h"

/* Reports that a value has the wrong type; always false. */
bool wrong_type(struct field_reader *reader, const struct doc_value *value, const char *key,
                const char *expected);
bool read_quantity(struct field_reader *reader, const struct unit_system *system,
                   const struct doc_value *value, const char *key, int64_t *out);
bool check_range(struct field_reader *reader, const struct field *field,
                 const struct doc_value *value, int64_t number);
bool name_is_valid(const char *text);
void props_append(struct props *props, const char *key, const char *text);
bool read_timing(struct field_reader *reader, const struct field *field,
                 const struct doc_value *value, struct timing *out);
bool read_dist(struct field_reader *reader, const struct field *field,
               const struct doc_value *value, struct dist_spec *out);
bool read_targets(struct field_reader *reader, const struct field *field,
                  const struct doc_value *value, struct targets *out);

#endif
