/* broker/transaction_check.h - half messages that do not end: the broker asks their producers
 * (request 39), and gives up after transactionCheckMax times or after fileReservedTime (store.md
 * 21.4, broker.md 21.2; TransactionalMessageServiceImpl.java check,
 * AbstractTransactionalMessageCheckListener.java).
 *
 * A round comes each transactionCheckInterval after the start, and only while half messages wait.
 * It reads the op messages that are there, then the half messages from the group's offset on: one
 * that is done is passed; one that is younger than transactionTimeOut, or as old as the round, ends
 * it; any other is written again, with its count of checks, and a producer is asked. Then both
 * offsets (group CID_RMQ_SYS_TRANS) move on.
 *
 * Differs from Apache (INC-84):
 *   - all op messages are read before a half message is judged, and what ends meanwhile is known:
 *     what was ended is never asked for
 *   - what is too large with its count of checks is written again without it; what cannot be stored
 * now ends the round, and the offsets are those it has reached. Apache tries again for 60 s, keeps
 * the place, and never checks what is behind (quirk.checkStuck)
 *   - a discarded message that is not stored stays where it is; Apache forgets it
 *   - the message's flag stays; Apache's second copy has flag 0 */
#ifndef MODEL_BROKER_TRANSACTION_CHECK_H
#define MODEL_BROKER_TRANSACTION_CHECK_H

#include "model/env.h"

struct broker;
struct check_round;
struct transaction_check {
    struct broker *broker;
    struct env_timer timer;    /* to the next round; armed only while half messages may wait */
    struct check_round *round; /* NULL: none is under way */
    bool woken;                /* since the round began; its queue may not have it yet */
    uint64_t start_ns;         /* rounds count from there */
    uint32_t asked;            /* connections take turns */
};

/* The broker serves as a master; half messages may wait since an earlier start. */
void transaction_check_start(struct transaction_check *check, struct broker *broker);
/* Ends without a word. Does nothing when never started. */
void transaction_check_stop(struct transaction_check *check);
/* A half message was stored. */
void transaction_check_wake(struct transaction_check *check);
/* The op message of the half message at `queue_offset` was stored. */
void transaction_check_note(struct transaction_check *check, int64_t queue_offset);
/* CHECK_IMMUNITY_TIME_IN_SECONDS, `text`, as ms; `fallback` where it is -1 or no number. */
int64_t transaction_immunity_ms(struct span text, int64_t fallback);

#endif
