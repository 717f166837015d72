/* sim/world/order.c - orders to a node, and the properties that come with them: start, stop,
 * command.
 *
 * An order is an item like any other: it waits for a busy or stopped process, and is void when the
 * incarnation it was given to has died. */
#include "sim/world/world_internal.h"

static uint8_t *put_text(uint8_t *at, struct span text) {
    uint32_t len = (uint32_t)text.len;
    memcpy(at, &len, sizeof len);
    if (len > 0) {
        memcpy(at + sizeof len, text.data, len);
    }
    return at + sizeof len + len;
}

static const uint8_t *get_text(const uint8_t *at, struct span *text) {
    uint32_t len;
    memcpy(&len, at, sizeof len);
    *text = span_of(at + sizeof len, len);
    return at + sizeof len + len;
}

uint8_t *props_pack(struct world *world, const struct props *props) {
    size_t bytes = 0;
    for (size_t i = 0; i < props->count; i++) {
        bytes += 2 * sizeof(uint32_t) + props->entries[i].key.len + props->entries[i].value.len;
    }
    uint8_t *packed = world_need(world, bytes), *at = packed;
    for (size_t i = 0; i < props->count; i++) {
        at = put_text(put_text(at, props->entries[i].key), props->entries[i].value);
    }
    return packed;
}

void props_unpack(const uint8_t *packed, struct props_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        packed = get_text(get_text(packed, &entries[i].key), &entries[i].value);
        entries[i].line = 0;
    }
}

static struct order *order_new(struct env *node, enum order_kind kind, uint32_t incarnation,
                               const uint8_t *packed, size_t count) {
    struct order *order = world_need(node->world, sizeof *order + count * sizeof order->entries[0]);
    order->item.kind = ITEM_ORDER;
    order->node = node;
    order->kind = (uint16_t)kind;
    order->incarnation = incarnation;
    order->entry_count = (uint16_t)count;
    props_unpack(packed, order->entries, count);
    return order;
}

static struct order *start_order(struct env *node) {
    return order_new(node, ORDER_START, node->incarnation, node->config, node->config_count);
}

void order_free(struct world *world, struct order *order) {
    world_free(world, order->packed);
    world_free(world, order);
}

void order_arrives(struct world *world, struct order *order) {
    struct env *node = order->node;
    if (order->incarnation == 0) { /* the start that the node's configuration asks for */
        if (node->up || node->host->off) {
            order_free(world, order);
            return;
        }
        order_free(world, order);
        node_boot(node);
        order = start_order(node);
    }
    if (!node->up || node->incarnation != order->incarnation) {
        order_free(world, order);
        return;
    }
    node_arrive(node, &order->item);
}

/* A role refused an order: that it did not understand it is known to the world only. */
static void record_refusal(struct env *node, struct order *order, int err) {
    struct props props = {.entries = order->entries, .count = order->entry_count};
    const struct event_value values[] = {{EVENT_TEXT, props_get(&props, "do"), 0},
                                         {EVENT_TEXT, SPAN_LITERAL(""), 0},
                                         {EVENT_INT, SPAN_NONE, (uint64_t)(int64_t)err},
                                         {EVENT_TEXT, span_of_text(rmq_err_text(err)), 0}};
    world_record(node->world, node, EVENT_command_done, values, 4);
}

void order_handle(struct world *world, struct order *order) {
    static const int STEPS[] = {STEP_START, STEP_STOP, STEP_COMMAND};
    struct env *node = order->node;
    node_begin(node, &order->item, STEPS[order->kind]);
    if (world_wants_steps()) {
        uint64_t number =
            order->kind == ORDER_COMMAND ? world->counts.commands : order->incarnation;
        world_record_step(world, node, STEPS[order->kind], &number, 1);
    }
    struct props props = {.entries = order->entries, .count = order->entry_count};
    int err = RMQ_OK;
    switch ((enum order_kind)order->kind) {
    case ORDER_START:
        node->exiting = node->role->start(node, &props, &node->state) != RMQ_OK || node->exiting;
        break;
    case ORDER_STOP:
        node->role->stop(node->state);
        break;
    case ORDER_COMMAND:
        world->counts.commands++;
        err = node->role->command(node->state, &props);
        break;
    }
    node_end(node);
    if (err != RMQ_OK) {
        record_refusal(node, order, err);
    }
    order_free(world, order);
}

bool world_start(struct world *world, node_id id) {
    struct env *node = node_get(world, id);
    if (node->up || node->host->off) {
        return false;
    }
    node_boot(node);
    world_queue(world, &start_order(node)->item, world_now(world));
    return true;
}

void order_start_at(struct env *node, uint64_t at_ns) {
    struct order *order = order_new(node, ORDER_START, 0, NULL, 0);
    uint64_t now = world_now(node->world);
    world_queue(node->world, &order->item, at_ns > now ? at_ns : now);
}

bool world_stop(struct world *world, node_id id) {
    struct env *node = node_get(world, id);
    if (!node->up) {
        return false;
    }
    struct order *order = order_new(node, ORDER_STOP, node->incarnation, NULL, 0);
    world_queue(world, &order->item, world_now(world));
    return true;
}

bool world_command(struct world *world, node_id id, const struct props *command) {
    struct env *node = node_get(world, id);
    if (!node->up || node->role->command == NULL) {
        return false;
    }
    uint8_t *packed = props_pack(world, command);
    struct order *order = order_new(node, ORDER_COMMAND, node->incarnation, packed, command->count);
    order->packed = packed;
    world_queue(world, &order->item, world_now(world));
    return true;
}
