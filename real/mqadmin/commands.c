/* mqadmin/commands.c - the list of commands. A new one is a row of the table in its file. */
#include <strings.h>

#include "real/mqadmin/admin.h"

static const struct command_table *const TABLES[] = {
    &TOPIC_CHANGE_COMMANDS, &TOPIC_COMMANDS,   &GROUP_COMMANDS,      &PROGRESS_COMMANDS,
    &STATUS_COMMANDS,       &OFFSET_COMMANDS,  &CONNECTION_COMMANDS, &BROKER_COMMANDS,
    &CLEAN_COMMANDS,        &CLUSTER_COMMANDS, &STATS_COMMANDS,      &NAMESRV_COMMANDS,
    &QUERY_COMMANDS,        &READ_COMMANDS,    &SEND_COMMANDS,       &QUEUE_COMMANDS,
    &ACCESS_COMMANDS,
};
#define TABLE_COUNT (sizeof(TABLES) / sizeof(TABLES[0]))

const struct command *command_find(const char *name, const char **nearest) {
    const char *words[128];
    size_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        for (size_t j = 0; j < TABLES[i]->count; j++) {
            const struct command *command = &TABLES[i]->commands[j];
            if (strcasecmp(command->name, name) == 0)
                return command;
            words[count++] = command->name;
        }
    }
    *nearest = nearest_word(name, (const void *)words, count, sizeof(words[0]));
    return NULL;
}

void command_each(void (*each)(void *ctx, const struct command *command), void *ctx) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        for (size_t j = 0; j < TABLES[i]->count; j++) {
            each(ctx, &TABLES[i]->commands[j]);
        }
    }
}
