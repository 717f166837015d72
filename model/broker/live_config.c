/* broker/live_config.c - see live_config.h. */
#include "model/broker/live_config.h"

#include "model/base/check.h"
#include "model/base/config_file.h"
#include "model/broker/broker_internal.h"
#include "model/broker/config_keys.h"
#include "model/quirks.h"

/* The file, from the first change on: most brokers never need it. */
struct live_save {
    struct config_file file;
    struct config_table table;
    size_t dir_len;
    char path[ENV_PATH_MAX]; /* directory, NUL, name, NUL */
};

int live_config_init(struct live_config *live, struct broker *broker, const struct props *given) {
    *live = (struct live_config){.broker = broker};
    props_init(&live->given, broker->env);
    live->version.timestamp = env_wall_ms(broker->env);
    return props_copy(&live->given, given);
}

void live_config_deinit(struct live_config *live) {
    if (live->broker == NULL)
        return;
    if (live->save != NULL)
        config_file_deinit(&live->save->file);
    env_free(live->broker->env, live->save);
    props_deinit(&live->given);
    *live = (struct live_config){0};
}

/* ---- 26 -------------------------------------------------------------------------------------- */

/* Defaults that the table cannot know. */
static int put_computed(struct props *values, const struct broker_config *config) {
    struct span name = config->name, cluster = config->cluster;
    char digits[DECIMAL_BYTES_MAX];
    int err = props_set(values, SPAN_LITERAL("brokerName"), name);
    if (err == RMQ_OK)
        err = props_set(values, SPAN_LITERAL("brokerClusterName"), cluster);
    struct span addresses[] = {config->addr, config->ha_addr};
    static const char *const IPS[] = {"brokerIP1", "brokerIP2"};
    static const char *const PORTS[] = {"listenPort", "haListenPort"};
    for (size_t i = 0; i < 2; i++) {
        size_t colon = addresses[i].len;
        while (colon > 0 && addresses[i].data[colon - 1] != ':')
            colon--;
        RMQ_ASSERT(colon > 0);
        if (err == RMQ_OK)
            err = props_set(values, span_of_text(IPS[i]), span_of(addresses[i].data, colon - 1));
        if (err == RMQ_OK)
            err = props_set(values, span_of_text(PORTS[i]), span_from(addresses[i], colon));
    }
    if (err == RMQ_OK)
        err = props_set(values, SPAN_LITERAL("brokerId"),
                        span_of(digits, format_i64(digits, config->broker_id)));
    return err;
}

static int write_all(const struct live_config *live, struct buf *out) {
    const struct broker_config *config = &live->broker->config;
    struct props values;
    props_init(&values, live->broker->env);
    int err = props_copy(&values, &live->given);
    if (err == RMQ_OK)
        err = put_computed(&values, config);
    if (err == RMQ_OK)
        key_table_write(&BROKER_KEYS, &values, config->profile_5_3, false, out);
    props_deinit(&values);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

void broker_on_get_config(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct buf body, version;
    struct json_writer json;
    buf_init(&body, broker->env);
    buf_init(&version, broker->env);
    json_writer_init(&json, &version, JSON_STYLE_FASTJSON);
    data_version_write(&json, &broker->live.version, broker->config.profile_5_3);
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    int err = write_all(&broker->live, &body);
    if (err == RMQ_OK && !buf_failed(&version))
        err = wire_field_add(&response, SPAN_LITERAL("version"), buf_span(&version));
    if (err != RMQ_OK || buf_failed(&version)) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
    } else {
        response.body = buf_span(&body);
        answer(&broker->remoting, &asker, &response);
    }
    buf_deinit(&version);
    buf_deinit(&body);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* What the file held, and what was changed. */
static int write_file(void *ctx, struct buf *out) {
    const struct live_config *live = ctx;
    for (size_t i = 0; i < live->given.count; i++) {
        struct props_entry entry = live->given.entries[i];
        struct props one = {.entries = &entry, .count = 1};
        if (entry.line > 0)
            props_write(&one, out);
    }
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

/* RMQ_E_NOMEM, RMQ_E_LIMIT: the path is too long. */
static int make_save(struct live_config *live) {
    static const char NAME[] = "broker.properties";
    struct broker *broker = live->broker;
    struct span path = props_get(&live->given, "brokerConfigPath");
    if (live->save != NULL)
        return RMQ_OK;
    if (path.len + sizeof NAME + broker->config.config_dir.len + 16 > ENV_PATH_MAX)
        return RMQ_E_LIMIT;
    struct live_save *save = env_alloc(broker->env, sizeof *save);
    if (save == NULL)
        return RMQ_E_NOMEM;
    memset(save, 0, sizeof *save);
    struct buf text = {.data = (uint8_t *)save->path, .capacity = sizeof save->path};
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    bool given = slash > 0 && slash < path.len;
    buf_put_span(&text,
                 given ? span_of(path.data, slash > 1 ? slash - 1 : 1) : broker->config.config_dir);
    save->dir_len = text.len;
    buf_put_u8(&text, 0);
    save->table.file_name = save->path + text.len;
    buf_put_span(&text, given ? span_from(path, slash) : span_of_text(NAME));
    save->table.write_text = write_file;
    config_file_init(&save->file, broker->env, &save->table, live,
                     span_of(save->path, save->dir_len),
                     quirk_on(broker->config.quirks, QUIRK_UNSYNCED_CONFIG));
    live->save = save;
    return RMQ_OK;
}

void live_config_settle(struct live_config *live, void (*done)(void *ctx, int status), void *ctx) {
    if (live->save == NULL)
        done(ctx, RMQ_OK);
    else
        config_file_settle(&live->save->file, done, ctx);
}

/* ---- 25 -------------------------------------------------------------------------------------- */

static bool list_names(struct span list, struct span key) {
    struct span part;
    while (span_next_part(&list, ';', &part)) {
        if (span_equal(part, key))
            return true;
    }
    return false;
}

static bool is_black_listed(const struct live_config *live, struct span key) {
    return list_names(SPAN_LITERAL("brokerConfigPath;rocketmqHome;configBlackList;profile;"
                                   "allowQuirks;topics"),
                      key) ||
           span_starts_with(key, SPAN_LITERAL("quirk.")) ||
           list_names(props_get(&live->given, "configBlackList"), key);
}

/* False: the outcome says what is wrong with it. */
static bool check_change(const struct live_config *live, const struct props_entry *change,
                         struct outcome *outcome) {
    if (is_black_listed(live, change->key)) {
        outcome_init(outcome, RESPONSE_NO_PERMISSION);
        outcome_text(outcome, "Can not update config in black list.");
        return false;
    }
    const struct key_row *row = key_table_find(&BROKER_KEYS, change->key);
    if (row != NULL && key_value_is_good(row, change->value))
        return true;
    outcome_init(outcome, RESPONSE_SYSTEM_ERROR);
    outcome_span(outcome, change->key);
    if (row == NULL) {
        outcome_text(outcome, ": unknown key");
        return false;
    }
    char text[160];
    struct buf expected = {.data = (uint8_t *)text, .capacity = sizeof text};
    key_expectation(row, &expected);
    outcome_text(outcome, "=");
    outcome_span(outcome, change->value);
    outcome_text(outcome, row->effect == KEY_FENCED ? ": not built yet: expected " : ": expected ");
    outcome_span(outcome, buf_span(&expected));
    return false;
}

/* Of the members that KEY_NOW stands for. */
static void take_live(struct broker_config *to, const struct broker_config *from) {
    to->permission = from->permission;
    to->auto_create_topic = from->auto_create_topic;
    to->auto_create_group = from->auto_create_group;
    to->notify_ids_changed = from->notify_ids_changed;
    to->send_wait_ms = from->send_wait_ms;
    to->pull_wait_ms = from->pull_wait_ms;
    to->send_capacity = from->send_capacity;
    to->pull_capacity = from->pull_capacity;
    to->pull_threads = from->pull_threads;
    to->short_polling_ms = from->short_polling_ms;
    to->query_max = from->query_max;
    to->accept_sends_ms = from->accept_sends_ms;
    to->fast_failure = from->fast_failure;
    to->long_polling = from->long_polling;
    to->slave_read = from->slave_read;
    to->trace_on = from->trace_on;
    to->store_replies = from->store_replies;
    to->reject_transactions = from->reject_transactions;
    to->force_register = from->force_register;
    to->timeout_ms = from->timeout_ms;
    to->offsets_save_ms = from->offsets_save_ms;
    to->property_filter = from->property_filter;
    to->filter_retry = from->filter_retry;
    to->filter_clean_ms = from->filter_clean_ms;
}

/* Reads `values` as a start would, and takes what acts at once. The store's configuration is large,
 * so it is not on the stack. */
static int apply(struct broker *broker, const struct props *values) {
    struct span bad_key;
    struct broker_config fresh;
    struct store_config *store = env_alloc(broker->env, sizeof *store);
    int err = store == NULL ? RMQ_E_NOMEM : store_config_read(values, store, &bad_key);
    if (err == RMQ_OK)
        err = broker_config_read(broker->env, values, &fresh);
    if (err == RMQ_OK) {
        take_live(&broker->config, &fresh);
        broker_config_free(broker->env, &fresh);
        store_reconfigure(broker->store, store);
        broker->page_cache_busy_ms = store->page_cache_busy_ms;
        broker->max_message_bytes = store->max_message_bytes;
    }
    env_free(broker->env, store);
    return err;
}

static void on_registered(void *ctx) {
    RMQ_ASSERT(ctx != NULL); /* the next scheduled round makes up for what failed */
}

static void take_changes(struct live_config *live, const struct props *changes) {
    struct broker *broker = live->broker;
    bool registers = false;
    for (size_t i = 0; i < changes->count; i++) {
        const struct props_entry *change = &changes->entries[i];
        const struct key_row *row = key_table_find(&BROKER_KEYS, change->key);
        bool now = row->effect == KEY_NOW;
        registers |= span_equal(change->key, SPAN_LITERAL("brokerPermission"));
        env_log(broker->env, now ? ENV_LOG_INFO : ENV_LOG_WARN, "updateBrokerConfig: %.*s=%.*s%s",
                (int)change->key.len, (const char *)change->key.data, (int)change->value.len,
                (const char *)change->value.data,
                now                        ? ""
                : row->effect == KEY_START ? ": needs restart"
                                           : ": this key has no effect here");
    }
    live->version.counter++;
    live->version.timestamp = env_wall_ms(broker->env);
    config_file_save(&live->save->file);
    if (registers) {
        topics_touch(&broker->topics);
        registration_scheduled(&broker->registrar, true, 0, on_registered, broker);
    }
}

/* All of it, or nothing and RMQ_E_INVALID with the outcome; RMQ_E_NOMEM, RMQ_E_LIMIT. */
static int update(struct live_config *live, const struct props *changes, struct outcome *outcome) {
    struct broker *broker = live->broker;
    struct props merged;
    for (size_t i = 0; i < changes->count; i++) {
        if (!check_change(live, &changes->entries[i], outcome))
            return RMQ_E_INVALID;
    }
    int err = make_save(live);
    if (err != RMQ_OK)
        return err;
    props_init(&merged, broker->env);
    err = props_copy(&merged, &live->given);
    if (err == RMQ_OK)
        err = props_copy(&merged, changes);
    if (err == RMQ_OK)
        err = apply(broker, &merged);
    if (err != RMQ_OK) {
        props_deinit(&merged);
        outcome_init(outcome, RESPONSE_SYSTEM_ERROR);
        outcome_text(outcome, "the values do not go together: ");
        outcome_text(outcome, rmq_err_text(err));
        return err;
    }
    props_deinit(&live->given);
    live->given = merged;
    take_changes(live, changes);
    return RMQ_OK;
}

void broker_on_update_config(struct broker *broker, struct channel *channel,
                             const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    struct props changes;
    size_t line = 0;
    props_init(&changes, broker->env);
    outcome_init(&outcome, RESPONSE_SUCCESS);
    int err = RMQ_OK;
    if (!span_is_absent(request->body))
        err = props_parse(&changes, request->body, &line);
    if (err != RMQ_OK) {
        outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
        outcome_text(&outcome, "string2Properties error");
    } else if (changes.count > 0) {
        err = update(&broker->live, &changes, &outcome);
        if (err != RMQ_OK && outcome.code == RESPONSE_SUCCESS) {
            outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
            outcome_text(&outcome, rmq_err_text(err));
        }
    }
    props_deinit(&changes);
    answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
}
