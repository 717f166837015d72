/* daemon/config.c - see config.h. */
#include "real/daemon/config.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/broker/config_keys.h"
#include "model/env.h"
#include "model/namesrv/config.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

/* What the steps below share. */
struct loading {
    struct daemon_config *config;
    const struct daemon_options *options;
    const char *file; /* absolute; "" without -c */
    unsigned errors;
};

static struct span get(const struct loading *loading, const char *key) {
    return props_get(&loading->config->props, key);
}

static uint32_t line_of(const struct loading *loading, const char *key) {
    const struct props *props = &loading->config->props;
    for (size_t i = 0; i < props->count; i++) {
        if (span_equal(props->entries[i].key, span_of_text(key)))
            return props->entries[i].line;
    }
    return 0;
}

/* What the file has stays one of its entries, so that request 25 writes it back (as Apache does).
 */
static void set(struct loading *loading, const char *key, const char *value) {
    if (props_set_line(&loading->config->props, span_of_text(key), span_of_text(value),
                       line_of(loading, key)) != RMQ_OK)
        abort();
}

/* "mqbroker: FILE:LINE: ", without a place for what is not from the file. */
static void print_place(const struct loading *loading, uint32_t line) {
    fprintf(stderr, "%s: ", loading->options->program);
    if (line > 0)
        fprintf(stderr, "%s:%u: ", loading->options->config_file, (unsigned)line);
}

static void refuse(struct loading *loading, const char *key, const char *expected) {
    struct span value = get(loading, key);
    print_place(loading, line_of(loading, key));
    fprintf(stderr, "%s=%.*s: %s\n", key, (int)value.len, (const char *)value.data, expected);
    loading->errors++;
}

/* ---- the file -------------------------------------------------------------------------------- */

static char *read_whole(const char *path, size_t *len) {
    FILE *file = fopen(path, "rbe");
    char *text = file == NULL ? NULL : malloc(FILE_BYTES_MAX + 1);
    if (text != NULL)
        *len = fread(text, 1, FILE_BYTES_MAX + 1, file);
    int err = errno;
    if (text != NULL && (ferror(file) != 0 || *len > FILE_BYTES_MAX)) {
        free(text);
        text = NULL;
        err = *len > FILE_BYTES_MAX ? EFBIG : err;
    }
    if (file != NULL)
        (void)fclose(file);
    errno = err;
    return text;
}

/* Blanks behind a number or a word are not meant; Java's Properties keeps them. */
static void trim_values(struct daemon_config *config) {
    for (size_t i = 0; i < config->props.count; i++) {
        struct props_entry *entry = &config->props.entries[i];
        const struct key_row *row = key_table_find(config->table, entry->key);
        while (row != NULL && row->type != KEY_TEXT && entry->value.len > 0 &&
               (entry->value.data[entry->value.len - 1] == ' ' ||
                entry->value.data[entry->value.len - 1] == '\t'))
            entry->value.len--;
    }
}

static int read_config_file(struct loading *loading) {
    const char *path = loading->options->config_file;
    size_t len = 0, line = 0;
    char *text = read_whole(path, &len);
    if (text == NULL) {
        fprintf(stderr, "%s: %s: %s\n", loading->options->program, path, strerror(errno));
        return DAEMON_EXIT_FAILED;
    }
    int err = props_parse(&loading->config->props, span_of(text, len), &line);
    free(text);
    if (err != RMQ_OK) {
        print_place(loading, (uint32_t)line);
        fprintf(stderr, "%s\n",
                err == RMQ_E_INVALID ? "expected four hexadecimal digits behind \\u"
                                     : rmq_err_text(err));
        return DAEMON_EXIT_CONFIG;
    }
    trim_values(loading->config);
    return -1;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static void on_finding(void *ctx, enum key_finding finding, const struct props_entry *entry,
                       struct span text) {
    struct loading *loading = ctx;
    bool is_error = key_finding_is_error(finding);
    print_place(loading, entry->line);
    fprintf(stderr, "%s%.*s\n", is_error ? "" : "warning: ", (int)text.len,
            (const char *)text.data);
    loading->errors += is_error;
}

static bool is_address(struct span text) {
    size_t colon = text.len;
    uint64_t port;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    return colon > 1 && span_to_u64(span_from(text, colon), &port) == RMQ_OK && port > 0 &&
           port <= 65535;
}

/* Apache splits at ';' and wants a host and a port of each. */
static bool check_name_servers(struct span list) {
    struct span rest = list, part;
    size_t count = 0;
    while (span_next_part(&rest, ';', &part)) {
        count++;
        if (!is_address(part))
            return false;
    }
    return count > 0 || list.len == 0;
}

static void check_paths(struct loading *loading) {
    static const char *const PATHS[] = {"storePathRootDir", "storePathCommitLog", "kvConfigPath",
                                        "configStorePath"};
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        struct span path = get(loading, PATHS[i]);
        if (span_is_absent(path))
            continue;
        if (memchr(path.data, ',', path.len) != NULL && i == 1)
            refuse(loading, PATHS[i], "several commit log paths are not built yet: expected one");
        else if (path.len == 0 || path.data[0] != '/' || path.data[path.len - 1] == '/')
            refuse(loading, PATHS[i], "expected an absolute path that does not end with '/'");
    }
}

static void check_quirks(struct loading *loading) {
    const struct props *props = &loading->config->props;
    if (span_equal(get(loading, "allowQuirks"), SPAN_LITERAL("true")))
        return;
    for (size_t i = 0; i < props->count; i++) {
        const struct props_entry *entry = &props->entries[i];
        if (!span_starts_with(entry->key, SPAN_LITERAL("quirk.")))
            continue;
        print_place(loading, entry->line);
        fprintf(stderr, "%.*s: brings a known defect back; expected allowQuirks=true beside it\n",
                (int)entry->key.len, (const char *)entry->key.data);
        loading->errors++;
    }
}

/* Who relies on an address server would get a broker that registers nowhere. */
static void check_address_server(struct loading *loading) {
    static const char KEY[] = "fetchNamesrvAddrByAddressServer";
    if (span_equal(get(loading, KEY), SPAN_LITERAL("true")) && get(loading, "namesrvAddr").len == 0)
        refuse(
            loading, KEY,
            "asking an address server is not built yet: expected namesrvAddr, -n or NAMESRV_ADDR "
            "beside it");
}

/* The broker says so, too, without the line. */
static void check_access(struct loading *loading) {
    if (span_equal(get(loading, "aclEnable"), SPAN_LITERAL("true")) &&
        get(loading, "rocketmqHome").len == 0)
        refuse(loading, "aclEnable",
               "expected rocketmqHome (or $ROCKETMQ_HOME) beside it, the folder whose "
               "conf/plain_acl.yml has the accounts");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static const char *home(void) {
    const char *path = getenv("HOME");
    if (path != NULL && path[0] == '/')
        return path;
    const struct passwd *self = getpwuid(getuid());
    return self != NULL && self->pw_dir != NULL ? self->pw_dir : "/";
}

static void set_below_home(struct loading *loading, const char *key, const char *rest) {
    char path[PATH_MAX];
    const char *base = home();
    (void)snprintf(path, sizeof path, "%s%s", strcmp(base, "/") == 0 ? "" : base, rest);
    set(loading, key, path);
}

/* What depends on this machine; the file may say otherwise. */
static void set_machine_defaults(struct loading *loading) {
    char name[256] = "DEFAULT_BROKER";
    const char *servers = getenv("NAMESRV_ADDR");
    const char *serialization = getenv("ROCKETMQ_SERIALIZE_TYPE");
    if (serialization != NULL)
        set(loading, "rocketmq.serialize.type", serialization);
    if (loading->options->kind == DAEMON_NAMESRV) {
        set_below_home(loading, "kvConfigPath", "/namesrv/kvConfig.json");
        set_below_home(loading, "configStorePath", "/namesrv/namesrv.properties");
        return;
    }
    if (servers != NULL && servers[0] != 0)
        set(loading, "namesrvAddr", servers);
    const char *rocketmq_home = getenv("ROCKETMQ_HOME");
    if (rocketmq_home != NULL && rocketmq_home[0] != 0)
        set(loading, "rocketmqHome", rocketmq_home);
    RMQ_IGNORE(gethostname(name, sizeof name - 1), "the name stays");
    set(loading, "brokerName", name);
    set_below_home(loading, "storePathRootDir", "/store");
}

static void set_options(struct loading *loading) {
    bool is_broker = loading->options->kind == DAEMON_BROKER;
    if (loading->options->name_servers != NULL && is_broker)
        set(loading, "namesrvAddr", loading->options->name_servers);
    if (loading->file[0] != 0)
        set(loading, is_broker ? "brokerConfigPath" : "configStorePath", loading->file);
    if (loading->options->metrics_port != NULL)
        set(loading, "metricsPort", loading->options->metrics_port);
}

static int check(struct loading *loading) {
    struct daemon_config *config = loading->config;
    struct span servers = get(loading, "namesrvAddr");
    int64_t port = 0, limit = 0;
    config->profile_5_3 = span_equal(get(loading, "profile"), SPAN_LITERAL("5.3"));
    if (key_table_check(config->table, config->props.env, &config->props, config->profile_5_3,
                        on_finding, loading) != RMQ_OK)
        abort();
    check_paths(loading);
    check_quirks(loading);
    check_address_server(loading);
    check_access(loading);
    if (loading->errors == 0 && !check_name_servers(servers)) {
        printf("The Name Server Address[%.*s] illegal, please set it as follows, "
               "\"127.0.0.1:9876;192.168.0.1:9876\"\n",
               (int)servers.len, (const char *)servers.data);
        loading->errors++;
    }
    RMQ_IGNORE(props_get_i64(&config->props, "metricsPort", 0, &port), "checked above");
    config->metrics_port = (uint16_t)port;
    RMQ_IGNORE(props_get_i64(&config->props, "memoryLimitBytes", 0, &limit), "checked above");
    config->memory_limit =
        limit > 0 ? (uint64_t)limit : env_memory_bytes(config->props.env) / 4 * 3;
    return loading->errors == 0 ? -1 : DAEMON_EXIT_CONFIG;
}

int daemon_config_load(struct daemon_config *config, struct env *env,
                       const struct daemon_options *options) {
    char file[PATH_MAX] = "";
    struct loading loading = {.config = config, .options = options, .file = file};
    *config = (struct daemon_config){.table = options->kind == DAEMON_BROKER ? &BROKER_KEYS
                                                                             : &NAMESRV_KEYS};
    props_init(&config->props, env);
    set_machine_defaults(&loading);
    if (options->config_file != NULL) {
        int status = read_config_file(&loading);
        if (status >= 0)
            return status;
        if (realpath(options->config_file, file) == NULL)
            file[0] = 0;
    }
    set_options(&loading);
    return check(&loading);
}

void daemon_config_print(const struct daemon_config *config, bool important) {
    struct buf text;
    buf_init(&text, config->props.env);
    key_table_write(config->table, &config->props, config->profile_5_3, important, &text);
    (void)fwrite(text.data, 1, text.len, stdout);
    buf_deinit(&text);
}
