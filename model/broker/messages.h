/* broker/messages.h - the requests a broker sends to name servers.
 *
 * Field order as in the captures (4.9.7-broker-boot, 5.3.3-broker-boot, 5.3.3-brokeracting-boot).
 * A message lives on the stack: it carries the memory of its number texts and may be sent to any
 * number of name servers. */
#ifndef MODEL_BROKER_MESSAGES_H
#define MODEL_BROKER_MESSAGES_H

#include "model/broker/topics.h"
#include "model/wire/header.h"

struct broker_message {
    struct wire_command command;
    struct buf numbers; /* over `memory`: large enough, never grows */
    struct buf version; /* over `version_memory` */
    uint8_t memory[HEADER_SCRATCH_BYTES];
    uint8_t version_memory[128];
};

/* 103 with `body` as it is on the wire, and its CRC. 4.9 marks a compressed body, 5.3 never does.
 */
void broker_message_register(struct broker_message *message, struct env *env,
                             const struct broker_config *config, struct span body,
                             int32_t body_crc);
/* 104 (or the header of 322): broker id, cluster, address, name. */
void broker_message_identity(struct broker_message *message, struct env *env,
                             const struct broker_config *config, int32_t code);
/* 322, with the data version as body. */
void broker_message_version_query(struct broker_message *message, struct env *env,
                                  const struct broker_config *config, const struct topics *topics);
/* 901 (without the address) and 904 (with it). */
void broker_message_member(struct broker_message *message, struct env *env,
                           const struct broker_config *config, int32_t code);
/* 105 of the member topic. */
void broker_message_member_route(struct broker_message *message, struct env *env,
                                 const struct broker_config *config);

/* Fills `body` (cleared first) with the registration body of all topics, or of `topic` alone:
 * narrowed to brokerPermission, compressed if so configured. RMQ_E_NOMEM. */
int broker_message_body(struct env *env, const struct broker_config *config,
                        const struct topics *topics, struct buf *body) RMQ_CHECK_RESULT;
int broker_message_topic_body(struct env *env, const struct broker_config *config,
                              const struct topics *topics, const struct topic_config *topic,
                              struct buf *body) RMQ_CHECK_RESULT;

#endif
