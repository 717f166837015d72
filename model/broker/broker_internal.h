/* broker/broker_internal.h - the parts of one broker, shared by broker.c and admin.c. */
#ifndef MODEL_BROKER_BROKER_INTERNAL_H
#define MODEL_BROKER_BROKER_INTERNAL_H

#include "model/broker/registration.h"
#include "model/broker/side_traffic.h"

/* Invariants: B1: while `stopping`, no worker runs and no round is under way. B2: parts are torn
 * down in the reverse order of their start; broker_free copes with every prefix of it. */
struct broker {
    struct env *env;
    struct broker_config config;
    struct topics topics;
    struct remoting remoting;
    bool remoting_up;
    bool stopping;
    struct name_servers servers;
    struct registrar registrar;
    struct fixed_rate worker; /* registrations, and 5.3's 106 */
    struct fixed_rate_task tasks[2];
    struct name_server_call metadata;
    struct acting_traffic *acting; /* 5.3 with enableSlaveActingMaster */
    struct list creations;         /* quirk serialRegistration: answers that wait (admin.c) */
    struct unregistration goodbye;
};

/* Handles every request that arrives (remoting_handler). */
void broker_on_request(void *ctx, struct channel *channel, const struct wire_command *request);
/* A connection ended: answers that waited for it are dropped. */
void broker_forget_channel(struct broker *broker, const struct channel *channel);
/* Drops all answers that wait. */
void broker_forget_creations(struct broker *broker);

/* Role command create-topic; command.done follows. RMQ_E_INVALID: arguments not understood. */
int broker_command_create_topic(struct broker *broker, const struct props *command);

#endif
