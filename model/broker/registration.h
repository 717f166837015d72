/* broker/registration.h - a broker makes itself known to every name server, and keeps doing so.
 *
 * A round is one registration with all name servers, side by side: at start, 10 s later and each
 * period from then on (a fixed-rate schedule that skips nothing, base/fixed_rate.h), when a topic
 * is created by an administrator (only that topic, "increment") or by a message. Each round ends
 * when every name server has answered, failed, or used up its time. Source: broker.md 6,
 * namesrv.md 18.3, BrokerController.java registerBrokerAll, BrokerOuterAPI.java.
 *
 * Differs from Apache, all for the same reason (a name server that is dead or hangs holds up
 * nothing but itself; INC-12): the schedule counts from the start, not from the end of the first
 * round; rounds do not wait for each other; the first good answer is used when it arrives, not when
 * its round ends; with forceRegister=false the first name server that wants a registration starts
 * it; a topic's creation is answered without waiting for its registration. The quirk
 * serialRegistration brings back the lock: rounds wait for each other, creations for their round.
 *
 * The body is encoded once per data version and kept; all rounds and name servers share it.
 * Differs: 5.3.3 stamps the (unused) mapping version with the time of each encoding, so ours keeps
 * the time of the data version's first encoding. */
#ifndef MODEL_BROKER_REGISTRATION_H
#define MODEL_BROKER_REGISTRATION_H

#include "model/base/fixed_rate.h"
#include "model/broker/topics.h"
#include "model/client/name_servers.h"

struct registrar {
    struct env *env;
    const struct broker_config *config;
    struct topics *topics;
    struct remoting *remoting;
    struct name_servers *servers;
    struct list rounds;        /* under way, in order of start */
    struct list waiting;       /* quirk serialRegistration: behind the one under way */
    uint32_t scheduled_rounds; /* begun by the schedule, the one at start included */
    struct buf body;           /* of the whole table */
    int64_t body_counter;      /* the data version of `body`; -1: none yet */
    int64_t body_timestamp;
    int32_t body_crc;
    /* What the last good answer told a slave; both in `master_text`. */
    char *master_text;
    struct span master_addr;
    struct span master_ha_addr;
};

void registrar_init(struct registrar *registrar, struct env *env,
                    const struct broker_config *config, struct topics *topics,
                    struct remoting *remoting, struct name_servers *servers);
/* Cancels all rounds (their `done` is not called) and frees. */
void registrar_deinit(struct registrar *registrar);

typedef void registration_done_fn(void *ctx);

/* The round of the schedule (and of the start): all topics, the order table is asked for, forced or
 * not as configured; `forced` forces it. `done` comes once, before return or later; also when
 * nothing could be sent. */
void registration_scheduled(struct registrar *registrar, bool forced, uint64_t late_ns,
                            registration_done_fn *done, void *ctx);

/* An administrator changed `topic`: one round with it alone and the new data version. `done` (may
 * be NULL) as above. RMQ_E_NOMEM: nothing is sent, done is not called; the next scheduled round
 * makes up for it. */
int registration_topic_changed(struct registrar *registrar, const struct topic_config *topic,
                               registration_done_fn *done, void *ctx) RMQ_CHECK_RESULT;

/* A message created `topic`. 4.9: all topics, oneway. 5.3: as by an administrator (observed:
 * 5.3.3-broker-boot, row 11; 4.9.7-broker-boot, row 3). RMQ_E_NOMEM as above. */
int registration_topic_auto_created(struct registrar *registrar,
                                    const struct topic_config *topic) RMQ_CHECK_RESULT;

/* Says goodbye (104) to every name server, side by side, 3 s at most; ends every round first.
 * Differs: Apache asks one after the other. `done` comes once, before return or later. */
struct unregistration {
    size_t open;
    registration_done_fn *done;
    void *ctx;
};
void registration_withdraw(struct registrar *registrar, struct unregistration *unregistration,
                           registration_done_fn *done, void *ctx);

#endif
