/* namesrv/config.h - configuration of a name server: one table of keys with type and defaults.
 *
 * The current values are kept as text, because request 319 gives them all; those that the name
 * server looks at are members too. Which keys exist, and what each does: namesrv.h. */
#ifndef MODEL_NAMESRV_CONFIG_H
#define MODEL_NAMESRV_CONFIG_H

#include "model/base/key_table.h"
#include "model/wire/frame.h"

extern const struct key_table NAMESRV_KEYS;

struct namesrv_config {
    struct props values; /* every key that has a value, extra ones too */
    bool profile_5_3;
    unsigned quirks;
    enum wire_serialization serialization;
    /* Read at start only: */
    uint16_t listen_port;
    uint64_t idle_close_ns;
    uint64_t scan_first_ns;
    uint64_t scan_period_ns;
    bool reject_live_conflict;
    /* Act at once when request 318 changes them: */
    bool order_message_enable;
    bool return_order_topic_config;
    bool support_acting_master;
    bool notify_min_broker_id_changed;
    bool enable_all_topic_list;
    bool enable_topic_list;
    bool need_wait_for_service;
    int64_t wait_seconds_for_service;
    bool delete_topic_with_registration;
};

/* Defaults of the profile, then `given`. RMQ_E_INVALID after a log line that names the key;
 * RMQ_E_NOMEM. Nothing is left allocated then. */
int namesrv_config_init(struct namesrv_config *config, struct env *env,
                        const struct props *given) RMQ_CHECK_RESULT;
void namesrv_config_deinit(struct namesrv_config *config);
/* Request 318: known keys change, and have a line from then on (files.h writes those); unknown ones
 * and values that do not parse are ignored. RMQ_E_STATE: `changes` touch the black list;
 * RMQ_E_RANGE: *bad is one that switches on what is not built (Apache keeps it for its next start,
 * where ours would refuse it). Nothing changed then. RMQ_E_NOMEM: perhaps some did. */
int namesrv_config_update(struct namesrv_config *config, const struct props *changes,
                          const struct props_entry **bad) RMQ_CHECK_RESULT;

#endif
