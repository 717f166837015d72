/* broker/schedule_file.c - delayOffset.json (store.md 10.4): what was delivered and is flushed. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/quirks.h"
#include "model/wire/body_config.h"

#define NS_PER_MS UINT64_C(1000000)
#define SAVE_NS (10000 * NS_PER_MS) /* flushDelayOffsetInterval */
#define FLUSH_LOOK_NS (1000 * NS_PER_MS)

static int write_table(const struct schedule *schedule, struct json_writer *json, bool now) {
    const struct data_version version = {.counter = schedule->version_counter,
                                         .timestamp = schedule->version_timestamp};
    delay_table_begin(json, &version, schedule->broker->config.profile_5_3);
    for (int32_t i = 0; schedule->levels != NULL && i < STORE_DELAY_LEVELS_MAX; i++) {
        const struct schedule_level *level = schedule->levels[i];
        int64_t offset = level == NULL ? -1 : now ? level->delivered : level->saved;
        if (offset < 0)
            continue;
        json_key_i64(json, i + 1);
        json_number(json, offset);
    }
    delay_table_end(json);
    return RMQ_OK;
}

static int schedule_write(void *ctx, struct json_writer *json) {
    return write_table(ctx, json, false);
}

int schedule_write_compact(const struct schedule *schedule, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    int err = write_table(schedule, &json, true);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

/* Levels that are not configured any more keep their offsets. */
static int on_level(void *ctx, int32_t number, int64_t offset) {
    struct schedule *schedule = ctx;
    if (number < 1 || number > STORE_DELAY_LEVELS_MAX || offset < 0) {
        env_log(schedule->env, ENV_LOG_WARN, "delayOffset.json: level %d with offset %lld is left",
                (int)number, (long long)offset);
        return RMQ_OK;
    }
    struct schedule_level *level = schedule_level(schedule, number);
    if (level == NULL)
        return RMQ_E_NOMEM;
    level->next = level->delivered = level->marked = level->saved = offset;
    return RMQ_OK;
}

/* Parses twice: a text that is not whole changes nothing. */
static int schedule_read(void *ctx, struct span text, size_t *error_offset) {
    struct schedule *schedule = ctx;
    struct data_version version;
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, schedule->env);
    int err = delay_table_decode(text, &scratch, NULL, NULL, &version, &error);
    if (err == RMQ_OK)
        err = delay_table_decode(text, &scratch, on_level, schedule, &version, &error);
    buf_deinit(&scratch);
    *error_offset = error.offset;
    if (err == RMQ_OK && !version.timestamp_missing) {
        schedule->version_counter = version.counter;
        schedule->version_timestamp = version.timestamp;
    }
    return err;
}

void schedule_file_init(struct schedule *schedule) {
    static const struct config_table TABLE = {
        .file_name = "delayOffset.json", .write = schedule_write, .read = schedule_read};
    const struct broker_config *config = &schedule->broker->config;
    config_file_init(&schedule->file, schedule->env, &TABLE, schedule, config->config_dir,
                     quirk_on(config->quirks, QUIRK_UNSYNCED_CONFIG));
}

/* ---- saving: first the copies are durable, then the offsets ---------------------------------- */

static bool is_unsaved(const struct schedule *schedule) {
    for (int32_t i = 0; schedule->levels != NULL && i < STORE_DELAY_LEVELS_MAX; i++) {
        const struct schedule_level *level = schedule->levels[i];
        if (level != NULL && level->delivered != level->saved && level->delivered > 0)
            return true;
    }
    return false;
}

static void mark(struct schedule *schedule) {
    schedule->marked_physical = store_next_physical(schedule->broker->store);
    for (int32_t i = 0; i < STORE_DELAY_LEVELS_MAX; i++) {
        struct schedule_level *level = schedule->levels[i];
        if (level != NULL)
            level->marked = level->delivered;
    }
}

/* Whether all that was marked is flushed; it is in the file's content then. */
static bool take_marked(struct schedule *schedule) {
    if (store_flushed_physical(schedule->broker->store) < schedule->marked_physical &&
        !env_plant(schedule->env, PLANT_DELAY_SAVE_AHEAD))
        return false;
    schedule->marked_physical = -1;
    for (int32_t i = 0; i < STORE_DELAY_LEVELS_MAX; i++) {
        struct schedule_level *level = schedule->levels[i];
        if (level != NULL && level->marked > 0)
            level->saved = level->marked;
    }
    schedule->version_counter++;
    schedule->version_timestamp = env_wall_ms(schedule->env);
    config_file_save(&schedule->file);
    return true;
}

static void on_save(struct env *env, struct env_timer *timer) {
    struct schedule *schedule = RMQ_CONTAINER_OF(timer, struct schedule, save);
    uint64_t again_ns = FLUSH_LOOK_NS;
    if (schedule->marked_physical < 0)
        mark(schedule);
    if (take_marked(schedule))
        again_ns = is_unsaved(schedule) ? SAVE_NS : 0;
    if (again_ns > 0)
        env_timer_start(env, &schedule->save, again_ns, on_save);
}

void schedule_save_later(struct schedule *schedule) {
    if (schedule->running && !env_timer_armed(&schedule->save) && is_unsaved(schedule))
        env_timer_start(schedule->env, &schedule->save, SAVE_NS, on_save);
}

void schedule_stop(struct schedule *schedule) {
    schedule->running = false;
    env_timer_stop(schedule->env, &schedule->timer);
    env_timer_stop(schedule->env, &schedule->save);
}

void schedule_save_last(struct schedule *schedule, config_file_fn *done, void *ctx) {
    RMQ_ASSERT(!schedule->running);
    if (is_unsaved(schedule)) {
        mark(schedule);
        if (!take_marked(schedule))
            env_log(schedule->env, ENV_LOG_ERROR,
                    "delayOffset.json: not all is flushed, some delayed messages come again");
    }
    config_file_settle(&schedule->file, done, ctx);
}
