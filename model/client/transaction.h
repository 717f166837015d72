/* client/transaction.h - transactional sends: prepared, decided by the application, asked for by
 * brokers (client.md 12; DefaultMQProducerImpl.java sendMessageInTransaction, endTransaction,
 * checkTransactionState).
 *
 * A message with outgoing.prepared is sent like any other (sync). Its done tells the application
 * that the half message is stored: then it runs its local transaction, now or later, and tells the
 * outcome by transaction_end; after a status that is not OK (10, 11, 12) that is ROLLBACK, and
 * after an error there is nothing to end. Events: a prepared send ends with transaction.prepared
 * and send.failed, error "prepared", code 0: whether the message will be seen is not decided.
 *
 * Differs: Java runs the local transaction inside the send; here the application does, so that one
 * that takes time blocks nothing. */
#ifndef MODEL_CLIENT_TRANSACTION_H
#define MODEL_CLIENT_TRANSACTION_H

#include "model/client/producer.h"

enum transaction_decision { DECIDED_UNKNOWN = 0, DECIDED_COMMIT = 8, DECIDED_ROLLBACK = 12 };

/* A broker asks what became of `message` (plain body; spans end with the call); *number is for the
 * event, 0: none. */
typedef enum transaction_decision transaction_check_fn(void *ctx, const struct message *message,
                                                       uint64_t *number);
/* Who answers (39); NULL: nobody, the broker asks again. Needed before a prepared send, which fails
 * with RMQ_E_STATE without. */
void producer_set_checker(struct producer *producer, transaction_check_fn *check, void *ctx);

/* Tells the broker that stored `send` (done, RMQ_OK) what was decided; one-way. With `tell` false
 * only the event comes: a decision that is lost. Errors of remoting_oneway, RMQ_E_NOT_FOUND: the
 * broker's master is not known. The broker will ask. */
int transaction_end(struct producer *producer, const struct send *send, uint64_t number,
                    enum transaction_decision decision, bool tell) RMQ_CHECK_RESULT;

/* Request 39, for any producer of the client. */
struct channel;
struct wire_command;
void client_on_check_transaction(struct client *client, struct channel *channel,
                                 const struct wire_command *request);

#endif
