/* load/load.c - the loads of one node: orders by word, the node's configured ones, their end. */
#include "model/load/load_internal.h"

#include "model/base/check.h"
#include "model/events.h"

int load_set_create(struct client *client, struct env *env, struct load_set **out) {
    struct load_set *set = env_alloc(env, sizeof *set);
    if (set == NULL)
        return RMQ_E_NOMEM;
    *set = (struct load_set){.env = env, .client = client};
    list_init(&set->loads);
    *out = set;
    return RMQ_OK;
}

/* ---- common members -------------------------------------------------------------------------- */

static struct load *find(const struct load_set *set, struct span name) {
    LIST_EACH(&set->loads, link, next) {
        struct load *load = LIST_ENTRY(link, struct load, link);
        if (span_equal(span_of_text(load->name), name))
            return load;
    }
    return NULL;
}

int load_init(struct load *load, struct load_set *set, const struct load_kind *kind,
              const struct props *order, const char *fallback_key) {
    struct span name = props_get(order, "name");
    if (span_is_absent(name))
        name = props_get(order, fallback_key);
    if (name.len == 0 || name.len > LOAD_NAME_MAX)
        return RMQ_E_INVALID;
    if (find(set, name) != NULL)
        return RMQ_E_EXISTS;
    load->set = set;
    load->kind = kind;
    memcpy(load->name, name.data, name.len);
    load->name[name.len] = 0;
    list_append(&set->loads, &load->link);
    return RMQ_OK;
}

void load_ended(struct load *load, int code, struct span detail) {
    struct load_set *set = load->set;
    event_command_done(set->env, span_of_text(load->kind->word), span_of_text(load->name), code,
                       detail);
    list_remove(&load->link);
    load->kind->free(load);
    if (set->stopped != NULL && list_is_empty(&set->loads)) {
        void (*stopped)(void *ctx) = set->stopped;
        set->stopped = NULL;
        stopped(set->stopped_ctx);
    }
}

struct dist load_dist(struct settings *settings, const char *key, uint64_t fallback) {
    struct dist dist = {.kind = DIST_CONSTANT, .min = fallback};
    struct span text = props_get(settings->props, key);
    if (!span_is_absent(text) && dist_parse(text, &dist) != RMQ_OK)
        settings_refuse(settings, span_of_text(key), RMQ_E_INVALID);
    return dist;
}

static bool is_among(struct span word, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_equal(word, span_of_text(words[i])))
            return true;
    return false;
}

int load_foreign_keys(const struct props *order, const char *const *own, size_t own_count,
                      struct props *out) {
    for (size_t i = 0; i < order->count; i++) {
        struct span key = order->entries[i].key;
        if (is_among(key, own, own_count))
            continue;
        int err = props_set(out, key, order->entries[i].value);
        if (err != RMQ_OK)
            return err;
    }
    return RMQ_OK;
}

/* ---- orders ---------------------------------------------------------------------------------- */

/* stop-load, suspend-load, resume-load */
static int order_existing(struct load_set *set, struct span word, const struct props *order) {
    struct load *load = find(set, props_get(order, "name"));
    if (load == NULL)
        return RMQ_E_NOT_FOUND;
    bool stop = span_equal(word, SPAN_LITERAL("stop-load"));
    if (!stop && load->kind->suspend == NULL)
        return RMQ_E_INVALID;
    if (!stop)
        load->kind->suspend(load, span_equal(word, SPAN_LITERAL("suspend-load")));
    event_command_done(set->env, word, span_of_text(load->name), RMQ_OK, SPAN_NONE);
    if (stop)
        load->kind->stop(load);
    return RMQ_OK;
}

bool load_is_order(struct span word) {
    static const char *const WORDS[] = {"produce", "consume", "stop-load", "suspend-load",
                                        "resume-load"};
    return is_among(word, WORDS, sizeof WORDS / sizeof WORDS[0]);
}

int load_order(struct load_set *set, const struct props *order) {
    struct span word = props_get(order, "do");
    int err;
    if (span_equal(word, SPAN_LITERAL("produce")))
        err = produce_begin(set, order);
    else if (span_equal(word, SPAN_LITERAL("consume")))
        err = consume_begin(set, order);
    else
        err = load_is_order(word) ? order_existing(set, word, order) : RMQ_E_INVALID;
    if (err != RMQ_OK)
        env_log(set->env, ENV_LOG_ERROR, "load: order %.*s: %s", (int)word.len,
                word.data == NULL ? "" : (const char *)word.data, rmq_err_text(err));
    return err;
}

/* "key=value,key=value" as properties. */
static int parse_line(struct span line, struct props *out) {
    struct span pair;
    while (span_next_part(&line, ',', &pair)) {
        const uint8_t *equals = memchr(pair.data, '=', pair.len);
        if (equals == NULL || equals == pair.data)
            return RMQ_E_INVALID;
        size_t key_len = (size_t)(equals - pair.data);
        int err = props_set(out, span_of(pair.data, key_len), span_from(pair, key_len + 1));
        if (err != RMQ_OK)
            return err;
    }
    return RMQ_OK;
}

int load_configured(struct load_set *set, const struct props *config) {
    for (int64_t n = 1;; n++) {
        char key[32] = "load.";
        size_t len = 5 + format_i64(key + 5, n);
        struct span line = props_get_span(config, span_of(key, len));
        if (span_is_absent(line))
            return RMQ_OK;
        struct props order;
        props_init(&order, set->env);
        int err = parse_line(line, &order);
        if (err == RMQ_OK)
            err = load_order(set, &order);
        props_deinit(&order);
        if (err != RMQ_OK) {
            env_log(set->env, ENV_LOG_ERROR, "client: value of %.*s: %s", (int)len, key,
                    rmq_err_text(err));
            return err;
        }
    }
}

void load_stop_all(struct load_set *set, void (*stopped)(void *ctx), void *ctx) {
    if (list_is_empty(&set->loads)) {
        stopped(ctx);
        return;
    }
    set->stopped = stopped;
    set->stopped_ctx = ctx;
    struct list *link = set->loads.next;
    while (link != &set->loads) { /* stop may end this load, and with the last one the set */
        struct list *next = link->next;
        bool last = next == &set->loads;
        struct load *load = LIST_ENTRY(link, struct load, link);
        load->kind->stop(load);
        if (last)
            return;
        link = next;
    }
}

void load_set_free(struct load_set *set) {
    if (set == NULL)
        return;
    LIST_EACH(&set->loads, link, next) {
        struct load *load = LIST_ENTRY(link, struct load, link);
        load->kind->free(load);
    }
    env_free(set->env, set);
}

/* ---- slots ----------------------------------------------------------------------------------- */

void load_slots_init(struct load_slots *slots) {
    list_init(&slots->free);
    list_init(&slots->busy);
}

void *load_slots_take(struct load_slots *slots, struct load *load, size_t bytes) {
    struct load_slot *slot;
    if (!list_is_empty(&slots->free)) {
        slot = LIST_ENTRY(slots->free.next, struct load_slot, link);
        list_remove(&slot->link);
    } else {
        slot = env_alloc(load->set->env, bytes);
        if (slot == NULL)
            return NULL;
        memset(slot, 0, bytes);
        slot->load = load;
        list_init(&slot->link);
    }
    list_append(&slots->busy, &slot->link);
    return slot;
}

void load_slots_give_back(struct load_slots *slots, struct load_slot *slot) {
    env_timer_stop(slot->load->set->env, &slot->timer);
    list_remove(&slot->link);
    list_append(&slots->free, &slot->link);
}

static void free_list(struct list *list, struct env *env) {
    LIST_EACH(list, link, next) {
        struct load_slot *slot = LIST_ENTRY(link, struct load_slot, link);
        env_timer_stop(env, &slot->timer);
        env_free(env, slot);
    }
}

void load_slots_deinit(struct load_slots *slots, struct env *env) {
    free_list(&slots->busy, env);
    free_list(&slots->free, env);
}
