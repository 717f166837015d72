/* namesrv/notify.c - NOTIFY_MIN_BROKER_ID_CHANGE (905, 5.3), namesrv.md 15.4: tells the brokers of
 * a name, over connections of the name server's own, who has the smallest id now. As 5.3.3 sends it
 * the header does not name the broker (observed: 5.3.3-brokeracting-failover). */
#include "model/namesrv/namesrv_internal.h"

static void send_to(struct namesrv *ns, const struct route_addr *to,
                    const struct header_min_broker_id_change *header) {
    struct wire_command request;
    wire_command_init(&request, REQUEST_NOTIFY_MIN_BROKER_ID_CHANGE);
    buf_clear(&ns->fields);
    if (buf_reserve(&ns->fields, HEADER_SCRATCH_BYTES) != RMQ_OK ||
        header_encode(&HEADER_min_broker_id_change, header, &request, &ns->fields) != RMQ_OK)
        return;
    RMQ_IGNORE(remoting_oneway(&ns->remoting, route_live_addr(to->live), &request),
               "oneway: brokers ask again by themselves each second");
}

void namesrv_notify_min_id(void *ctx, const struct route_broker *broker, struct span offline_addr,
                           struct span ha_addr) {
    struct namesrv *ns = ctx;
    if (!ns->config.notify_min_broker_id_changed)
        return;
    const struct route_addr *smallest =
        LIST_ENTRY(broker->addrs.next, struct route_addr, in_broker);
    struct header_min_broker_id_change header = {
        .min_broker_id = smallest->id,
        .has_min_broker_id = true,
        .min_broker_addr = route_live_addr(smallest->live),
        .offline_broker_addr = offline_addr,
        .ha_broker_addr = ha_addr,
    };
    bool is_alone = broker->addrs.next == broker->addrs.prev;
    bool to_all = !span_is_absent(offline_addr) || is_alone;
    LIST_EACH(&broker->addrs, link, next) {
        const struct route_addr *addr = LIST_ENTRY(link, struct route_addr, in_broker);
        if (to_all || addr != smallest)
            send_to(ns, addr, &header);
    }
}
