/* broker/live_config.h - the configuration of a running broker: requests 26 and 25.
 *
 * 26 (GET_BROKER_CONFIG) answers every key that has a value, "key=value\n", and the data version of
 * the configuration in the field `version`. 25 (UPDATE_BROKER_CONFIG) takes such lines. All of it
 * is checked first, then done: keys of effect KEY_NOW (config_keys.c) act at once, others are kept
 * for the next start and logged. brokerPermission counts the topics' data version up and registers
 * at once, which is how a broker is drained: unlike a permission that was wiped at the name servers
 * (205), it comes back by nothing but another 25. What was changed is written to the file of
 * `brokerConfigPath` (without it <storePathRootDir>/config/broker.properties, as Apache), durably,
 * with what that file held. Source: AdminBrokerProcessor.java, Configuration.java.
 *
 * Differs: a value that does not parse, an unknown key and one of what is not built (KEY_FENCED)
 * are refused with code 1, with what was expected, and nothing is changed; Apache ignores the first
 * silently and keeps the others. Only keys that were set by somebody are written to the file, not
 * all with their defaults. Keys that select this implementation's behaviour (profile, allowQuirks,
 * quirk.*) are black-listed. */
#ifndef MODEL_BROKER_LIVE_CONFIG_H
#define MODEL_BROKER_LIVE_CONFIG_H

#include "model/base/props.h"
#include "model/wire/body.h"
#include "model/wire/remoting.h"

struct broker;
struct live_save;

struct live_config {
    struct broker *broker;
    struct props given; /* at start, and changes since; lines > 0 are the file's */
    struct data_version version;
    struct live_save *save; /* from the first change on */
};

/* Copies `given`. RMQ_E_NOMEM. */
int live_config_init(struct live_config *live, struct broker *broker,
                     const struct props *given) RMQ_CHECK_RESULT;
/* Does nothing for one that is all zero. */
void live_config_deinit(struct live_config *live);
/* `done` when the file is as the configuration is, or cannot be saved now; may be before return. */
void live_config_settle(struct live_config *live, void (*done)(void *ctx, int status), void *ctx);

/* Requests 26 and 25. */
void broker_on_get_config(struct broker *broker, struct channel *channel,
                          const struct wire_command *request);
void broker_on_update_config(struct broker *broker, struct channel *channel,
                             const struct wire_command *request);

#endif
