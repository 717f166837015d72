/* broker/access.c - the rules in force, and the gate that each request passes. */
#include "model/broker/access.h"

#include <xxhash.h>

#include "model/base/check.h"
#include "model/broker/access_internal.h"
#include "model/events.h"

#define POLL_NS (5000 * UINT64_C(1000000)) /* AclFileWatchService: WATCH_INTERVAL */
#define DEPTH_MAX 8                        /* of folders below conf/acl */
#define DEFAULT_FILE "/plain_acl.yml"
#define FOLDER "/acl"

/* ---- which files ------------------------------------------------------------------------------
 */

void access_default_path(const struct access *access, struct buf *out) {
    buf_put_span(out, access->conf_dir);
    buf_put(out, DEFAULT_FILE, sizeof DEFAULT_FILE); /* with its NUL */
}

static bool ends_with(struct span text, struct span end) {
    return text.len > end.len && span_equal(span_from(text, text.len - end.len), end);
}

/* Appends the paths of all rule files below `dir`, in the order of their names. */
static int list_folder(struct access *access, struct span dir, unsigned depth, struct buf *out) {
    struct buf names;
    buf_init(&names, access->env);
    int err = depth == 0 ? RMQ_E_LIMIT : env_path_list(access->env, dir, &names);
    struct span rest = buf_span(&names), name;
    while (err == RMQ_OK && span_next_part(&rest, '\0', &name)) {
        bool folder = name.data[name.len - 1] == '/';
        if (!folder && !ends_with(name, SPAN_LITERAL(".yml")) &&
            !ends_with(name, SPAN_LITERAL(".yaml")))
            continue;
        struct buf path;
        buf_init(&path, access->env);
        buf_put_span(&path, dir);
        buf_put_u8(&path, '/');
        buf_put_span(&path, folder ? span_of(name.data, name.len - 1) : name);
        if (buf_failed(&path)) {
            err = RMQ_E_NOMEM;
        } else if (folder) {
            err = list_folder(access, buf_span(&path), depth - 1, out);
        } else {
            buf_put_span(out, buf_span(&path));
            buf_put_u8(out, '\0');
        }
        buf_deinit(&path);
    }
    buf_deinit(&names);
    return err == RMQ_E_NOT_FOUND ? RMQ_OK : err;
}

static int list_files(struct access *access, struct buf *out) {
    struct buf folder;
    buf_init(&folder, access->env);
    buf_put_span(&folder, access->conf_dir);
    buf_put_text(&folder, FOLDER);
    int err =
        buf_failed(&folder) ? RMQ_E_NOMEM : list_folder(access, buf_span(&folder), DEPTH_MAX, out);
    buf_deinit(&folder);
    access_default_path(access, out);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

/* A hash that changes when a file comes, goes or is written. */
static uint64_t look(struct access *access, struct span paths) {
    uint64_t hash = XXH3_64bits(paths.data, paths.len);
    struct span path;
    while (span_next_part(&paths, '\0', &path)) {
        struct env_file *file;
        uint64_t facts[2] = {UINT64_MAX, UINT64_MAX};
        if (env_file_open(access->env, path, ENV_OPEN_READ, &file) == RMQ_OK) {
            facts[0] = env_file_size(file);
            facts[1] = (uint64_t)env_file_modified_ms(file);
            env_file_close(file);
        }
        hash = XXH3_64bits_withSeed(facts, sizeof facts, hash);
    }
    return hash;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void read_next(struct access *access);

static void free_files(struct access *access, struct acl_file **files, size_t count) {
    for (size_t i = 0; i < count; i++)
        acl_file_free(files[i]);
    env_free(access->env, files);
}

static void load_free(struct access *access) {
    struct access_load *load = access->load;
    if (load == NULL)
        return;
    read_file_cancel(&load->read);
    free_files(access, load->files, load->count);
    buf_deinit(&load->paths);
    env_free(access->env, load);
    access->load = NULL;
}

static void on_poll(struct env *env, struct env_timer *timer) {
    struct access *access = RMQ_CONTAINER_OF(timer, struct access, poll);
    struct buf paths;
    buf_init(&paths, env);
    env_timer_start(env, &access->poll, POLL_NS, on_poll);
    if (access->load == NULL && list_files(access, &paths) == RMQ_OK &&
        look(access, buf_span(&paths)) != access->seen)
        access_read(access);
    buf_deinit(&paths);
}

/* Puts what was read in force, or leaves what is. */
static void load_end(struct access *access, int status, const struct acl_error *error) {
    struct access_load *load = access->load;
    bool again = load->again;
    access->seen = load->seen;
    if (status == RMQ_OK) {
        size_t accounts = 0;
        free_files(access, access->files, access->count);
        access->files = load->files;
        access->count = load->count;
        load->files = NULL;
        load->count = 0;
        for (size_t i = 0; i < access->count; i++)
            accounts += access->files[i]->account_count;
        event_acl_loaded(access->env, access->count, accounts);
    }
    load_free(access);
    if (again) {
        access_read(access);
        return;
    }
    if (access->loaded != NULL) {
        void (*loaded)(void *ctx, int status) = access->loaded;
        access->loaded = NULL;
        env_timer_start(access->env, &access->poll, POLL_NS, on_poll);
        loaded(access->loaded_ctx, status);
        return;
    }
    if (access->edit != NULL && access->edit->written)
        access_edit_end(access, status, error);
}

static void load_fail(struct access *access, struct span path, int status,
                      const struct acl_error *error) {
    if (error->text[0] != '\0')
        env_log(access->env, ENV_LOG_ERROR, "broker: %.*s:%u:%u: %s", (int)path.len,
                (const char *)path.data, (unsigned)error->line, (unsigned)error->column,
                error->text);
    else
        env_log(access->env, ENV_LOG_ERROR, "broker: %.*s: %s", (int)path.len,
                (const char *)path.data, rmq_err_text(status));
    if (access->loaded == NULL)
        env_log(access->env, ENV_LOG_ERROR, "broker: the access rules stay as they were");
    load_end(access, status, error);
}

static struct span path_at(const struct access_load *load) {
    struct span rest = span_from(buf_span(&load->paths), load->offset), path = SPAN_NONE;
    RMQ_IGNORE(span_next_part(&rest, '\0', &path), "absent behind the last");
    return path;
}

static void on_warning(void *ctx, const struct acl_error *warning) {
    const struct access *access = ctx;
    struct span path = path_at(access->load);
    env_log(access->env, ENV_LOG_WARN, "broker: %.*s:%u:%u: %s", (int)path.len,
            (const char *)path.data, (unsigned)warning->line, (unsigned)warning->column,
            warning->text);
}

/* Accounts of a later file whose key is taken are there, but nothing finds them. */
static void warn_repeated(struct access *access, const struct acl_file *file) {
    for (size_t i = 0; i < file->account_count; i++) {
        for (size_t k = 0; k < access->load->count; k++) {
            struct span key = file->accounts[i].access_key;
            if (acl_file_account(access->load->files[k], key) != NULL)
                env_log(access->env, ENV_LOG_WARN,
                        "broker: %.*s: account %.*s is ignored, an earlier file has it",
                        (int)file->path.len, (const char *)file->path.data, (int)key.len,
                        (const char *)key.data);
        }
    }
}

static void on_read(struct read_file *read, int status) {
    struct access_load *load = RMQ_CONTAINER_OF(read, struct access_load, read);
    struct access *access = load->access;
    struct span path = path_at(load);
    struct acl_error error = {0};
    struct acl_file *file = NULL;
    if (status == RMQ_OK)
        status = acl_file_read(access->env, path, buf_span(&read->content), on_warning, access,
                               &file, &error);
    buf_deinit(&read->content);
    if (status != RMQ_OK) {
        load_fail(access, path, status, &error);
        return;
    }
    warn_repeated(access, file);
    load->files[load->count++] = file;
    load->offset += path.len + 1;
    read_next(access);
}

static void read_next(struct access *access) {
    static const struct acl_error NONE = {0};
    struct access_load *load = access->load;
    struct span path = path_at(load);
    if (span_is_absent(path))
        load_end(access, RMQ_OK, &NONE);
    else
        read_file_start(&load->read, access->env, path, ACL_FILE_BYTES_MAX, on_read);
}

static size_t count_paths(struct span paths) {
    size_t count = 0;
    for (size_t i = 0; i < paths.len; i++)
        count += paths.data[i] == '\0';
    return count;
}

void access_read(struct access *access) {
    static const struct acl_error NONE = {0};
    if (access->load != NULL) {
        access->load->again = true;
        return;
    }
    struct access_load *load = env_alloc(access->env, sizeof *load);
    int err = load == NULL ? RMQ_E_NOMEM : RMQ_OK;
    if (load != NULL) {
        memset(load, 0, sizeof *load);
        load->access = access;
        access->load = load;
        buf_init(&load->paths, access->env);
        err = list_files(access, &load->paths);
    }
    if (err == RMQ_OK) {
        load->seen = look(access, buf_span(&load->paths));
        load->files =
            env_alloc(access->env, count_paths(buf_span(&load->paths)) * sizeof(struct acl_file *));
        err = load->files == NULL ? RMQ_E_NOMEM : RMQ_OK;
    }
    if (err == RMQ_OK)
        read_next(access);
    else if (load != NULL)
        load_fail(access, access->conf_dir, err, &NONE);
    /* else: no memory at all; the poll tries again, an edit waits for it */
}

void access_load(struct access *access, void (*done)(void *ctx, int status), void *ctx) {
    RMQ_ASSERT(access->loaded == NULL && access->count == 0);
    access->loaded = done;
    access->loaded_ctx = ctx;
    access_read(access);
    if (access->load == NULL && access->loaded != NULL) {
        access->loaded = NULL;
        done(ctx, RMQ_E_NOMEM);
    }
}

/* ---- life -------------------------------------------------------------------------------------
 */

int access_create(struct broker *broker, const struct props *config, struct access **out) {
    const struct span conf = SPAN_LITERAL("/conf");
    struct span home = props_get(config, "rocketmqHome");
    *out = NULL;
    if (!span_equal(props_get(config, "aclEnable"), SPAN_LITERAL("true")))
        return RMQ_OK;
    if (home.len == 0) {
        env_log(
            broker->env, ENV_LOG_ERROR,
            "broker: aclEnable=true: expected rocketmqHome (or $ROCKETMQ_HOME), the folder whose "
            "conf/plain_acl.yml has the accounts");
        return RMQ_E_MISSING;
    }
    if (home.len > ENV_PATH_MAX / 2)
        return RMQ_E_LIMIT;
    struct access *access = env_alloc(broker->env, sizeof *access + home.len + conf.len);
    if (access == NULL)
        return RMQ_E_NOMEM;
    memset(access, 0, sizeof *access);
    access->broker = broker;
    access->env = broker->env;
    access->conf_dir = span_of(access + 1, home.len + conf.len);
    span_copy(span_copy((uint8_t *)(access + 1), home), conf);
    buf_init(&access->scratch, broker->env);
    *out = access;
    return RMQ_OK;
}

void access_free(struct access *access) {
    if (access == NULL)
        return;
    env_timer_stop(access->env, &access->poll);
    load_free(access);
    access_edit_free(access);
    free_files(access, access->files, access->count);
    buf_deinit(&access->scratch);
    env_free(access->env, access);
}

void access_forget_channel(struct access *access, const struct channel *channel) {
    if (access != NULL && access->edit != NULL && access->edit->asker.channel == channel)
        access->edit->asker.channel = NULL;
}

uint64_t access_refused(const struct access *access) {
    return access->refused;
}

struct wire_credentials access_credentials(const struct access *access) {
    for (size_t i = 0; i < access->count; i++) {
        for (size_t k = 0; k < access->files[i]->account_count; k++) {
            const struct acl_account *account = &access->files[i]->accounts[k];
            if (account->admin)
                return (struct wire_credentials){.access_key = account->access_key,
                                                 .secret_key = account->secret_key};
        }
    }
    return (struct wire_credentials){0};
}

/* ---- the gate ---------------------------------------------------------------------------------
 */

static void put_reason(struct outcome *outcome, const struct acl_verdict *verdict, int32_t code) {
    static const char *const TEXTS[] = {[ACL_NO_KEY] = "No accessKey is configured",
                                        [ACL_UNKNOWN_KEY] = "No acl config for ",
                                        [ACL_BAD_SIGNATURE] =
                                            "Check signature failed for accessKey=",
                                        [ACL_NOT_ADMIN] = "Need admin permission for request code=",
                                        [ACL_TOPIC_REFUSED] = "No default permission for topic:",
                                        [ACL_GROUP_REFUSED] = "No default permission for group:",
                                        [ACL_BAD_BODY] = "the request's body cannot be read"};
    outcome_text(outcome, TEXTS[verdict->reason]);
    if (verdict->reason == ACL_NOT_ADMIN) {
        outcome_number(outcome, code);
        outcome_text(outcome, ", but accessKey=");
    }
    outcome_span(outcome, verdict->subject);
    if (verdict->reason == ACL_NOT_ADMIN)
        outcome_text(outcome, " is not");
}

bool access_admits(struct access *access, struct channel *channel,
                   const struct wire_command *request) {
    const struct acl_rules rules = {access->files, access->count};
    const struct acl_address from = acl_address_of_peer(channel_peer(channel));
    struct acl_verdict verdict = acl_check(&rules, &from, request, &access->scratch);
    if (acl_allows(&verdict) || env_plant(access->env, PLANT_ACL_OPEN))
        return true;
    static const char PREFIX[] = "org.apache.rocketmq.acl.common.AclException: ";
    struct outcome outcome;
    struct asker asker = asker_of(channel, request);
    outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
    outcome_text(&outcome, PREFIX);
    put_reason(&outcome, &verdict, request->code);
    access->refused++;
    event_acl_refused(access->env, span_of_text(channel_peer(channel)), request->code,
                      span_from(outcome.remark, sizeof PREFIX - 1));
    answer_code(&access->broker->remoting, &asker, outcome.code, outcome.remark);
    return false;
}
