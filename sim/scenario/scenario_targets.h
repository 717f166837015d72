/* sim/scenario/scenario_targets.h - which nodes a fault, a link or a command concerns. */
#ifndef SIM_SCENARIO_TARGETS_H
#define SIM_SCENARIO_TARGETS_H

#include "sim/scenario/scenario_field.h"

/* Names of the cluster's nodes and of the hosts they are on, by index. */
struct node_names {
    const char *what; /* "node or host", for messages */
    const char **names;
    const char **hosts;
    size_t count;
};

/* '*' stands for any run of characters. */
bool pattern_matches(const char *pattern, const char *text);
/* Fills the candidates. False after reporting a name that matches no node. */
bool targets_look_up(struct field_reader *reader, struct targets *targets,
                     const struct node_names *nodes);
/* Chooses for `seed`, when the targets are drawn. */
void targets_draw(struct targets *targets, uint64_t seed, uint64_t owner,
                  const struct node_names *nodes);

#endif
