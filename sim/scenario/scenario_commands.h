/* sim/scenario/scenario_commands.h - the orders that nodes understand, so that a scenario can be
 * checked. Their meaning: model/broker/broker.h, model/client/client.h. */
#ifndef SIM_SCENARIO_COMMANDS_H
#define SIM_SCENARIO_COMMANDS_H

#include "sim/scenario/scenario.h"

#define COMMAND_ARGUMENTS_MAX 8
struct command_info {
    enum scenario_role role;
    const char *name;
    const char *about;
    const char *required[COMMAND_ARGUMENTS_MAX]; /* end with NULL */
    const char *optional[COMMAND_ARGUMENTS_MAX];
};
extern const struct command_info COMMANDS[];
extern const size_t COMMAND_COUNT;
extern const char *const ROLE_NAMES[]; /* "name server", "broker", "client" */

/* Checks a command that `nodes` are to do, and builds what they are given: "do" and the arguments.
 * A text "@NODE" among the arguments becomes that node's address. */
void command_check(struct scenario *scenario, struct field_reader *reader,
                   const struct doc_value *command_at, const char *command,
                   const struct targets *nodes, const struct doc_value *at,
                   const struct props *arguments, struct props *out);
/* "10.1.0.1:10911": where the node (index) listens. */
const char *scenario_address(struct scenario *scenario, size_t node);

#endif
