/* acl/rules_read.c - plain_acl.yml into an acl_file, through libyaml's tree of nodes. */
#include <yaml.h>

#include "model/acl/rules.h"
#include "model/base/check.h"
#include "model/base/nearest.h"
#include "model/base/sort.h"
#include "model/env.h"

#define EXPECTED_PERMISSION "DENY, PUB, SUB or PUB|SUB"

struct reader {
    yaml_document_t *document;
    struct acl_file *file;
    uint8_t *strings, *strings_end; /* room for the rest of all scalars */
    void (*warn)(void *ctx, const struct acl_error *warning);
    void *ctx;
    struct acl_error *error;
    const char *member; /* being read, for errors */
};

/* ---- errors ---------------------------------------------------------------------------------- */

static void put(struct acl_error *error, const char *text) {
    size_t len = strlen(error->text), more = strlen(text);
    if (more > sizeof error->text - 1 - len)
        more = sizeof error->text - 1 - len;
    memcpy(error->text + len, text, more);
    error->text[len + more] = '\0';
}

static void place(struct acl_error *error, const yaml_mark_t *mark) {
    *error = (struct acl_error){.line = mark->line + 1, .column = mark->column + 1};
}

static int refuse(struct reader *reader, const yaml_node_t *node, const char *expected) {
    place(reader->error, &node->start_mark);
    put(reader->error, reader->member);
    put(reader->error, ": expected ");
    put(reader->error, expected);
    return RMQ_E_INVALID;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static const yaml_node_t *node_at(const struct reader *reader, int index) {
    return yaml_document_get_node(reader->document, index);
}

static struct span raw(const yaml_node_t *node) {
    return span_of(node->data.scalar.value, node->data.scalar.length);
}

static bool is_plain(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const yaml_node_t *node) {
    struct span text = is_plain(node) ? raw(node) : SPAN_LITERAL("x");
    return text.len == 0 || span_equal(text, SPAN_LITERAL("~")) ||
           span_equal(text, SPAN_LITERAL("null")) || span_equal(text, SPAN_LITERAL("Null")) ||
           span_equal(text, SPAN_LITERAL("NULL"));
}

static bool is_one_of(uint8_t byte, struct span bytes) {
    return memchr(bytes.data, byte, bytes.len) != NULL;
}

/* Does YAML 1.1 read this plain text as a number whose decimal form is another text? */
static bool is_other_number(struct span text) {
    bool digits_only = true, number_like = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        bool digit = byte >= '0' && byte <= '9';
        digits_only = digits_only && digit;
        number_like = number_like && (digit || is_one_of(byte, SPAN_LITERAL("_.:+-")));
    }
    if (digits_only)
        return text.len > 1 && text.data[0] == '0';
    bool radix =
        text.len > 2 && text.data[0] == '0' && is_one_of(text.data[1], SPAN_LITERAL("xXbBoO"));
    return number_like || radix;
}

/* A text; absent for null. */
static int read_text(struct reader *reader, const yaml_node_t *node, struct span *out) {
    if (is_null(node)) {
        *out = SPAN_NONE;
        return RMQ_OK;
    }
    if (node->type != YAML_SCALAR_NODE)
        return refuse(reader, node, "a text");
    if (raw(node).len > (size_t)(reader->strings_end - reader->strings)) /* aliases repeat it */
        return refuse(reader, node, "fewer aliases");
    *out = span_of(reader->strings, raw(node).len);
    reader->strings = span_copy(reader->strings, raw(node));
    return RMQ_OK;
}

static int read_key(struct reader *reader, const yaml_node_t *node, struct span *out) {
    if (is_plain(node) && is_other_number(raw(node)))
        return refuse(reader, node, "quotes: YAML reads this as a number, and drops its form");
    int err = read_text(reader, node, out);
    if (err == RMQ_OK && out->len < ACL_KEY_BYTES_MIN)
        return refuse(reader, node, "a text longer than 6");
    return err;
}

static int read_bool(struct reader *reader, const yaml_node_t *node, bool *out) {
    static const char *const TRUE_WORDS[] = {"true", "True", "TRUE", "yes", "Yes",
                                             "YES",  "on",   "On",   "ON"};
    static const char *const FALSE_WORDS[] = {"false", "False", "FALSE", "no", "No",
                                              "NO",    "off",   "Off",   "OFF"};
    if (is_null(node)) {
        *out = false;
        return RMQ_OK;
    }
    for (size_t i = 0; node->type == YAML_SCALAR_NODE && i < 9; i++) {
        bool is_true = span_equal(raw(node), span_of_text(TRUE_WORDS[i]));
        if (is_true || span_equal(raw(node), span_of_text(FALSE_WORDS[i]))) {
            *out = is_true;
            return RMQ_OK;
        }
    }
    return refuse(reader, node, "true or false");
}

static int read_number(struct reader *reader, const yaml_node_t *node, int64_t *out) {
    if (node->type != YAML_SCALAR_NODE || span_to_i64(raw(node), out) != RMQ_OK)
        return refuse(reader, node, "a whole number");
    return RMQ_OK;
}

static struct span trim(struct span text) {
    while (text.len > 0 && text.data[0] == ' ')
        text = span_from(text, 1);
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static int read_permission(struct reader *reader, const yaml_node_t *node, struct span *text,
                           uint8_t *out) {
    int err = read_text(reader, node, text);
    if (err != RMQ_OK || span_is_absent(*text))
        return err;
    *out = acl_permission_parse(trim(*text));
    return *out == 0 ? refuse(reader, node, EXPECTED_PERMISSION) : RMQ_OK;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* The number of items of a list; 0 for null. */
static int list_size(struct reader *reader, const yaml_node_t *node, size_t *count) {
    *count = 0;
    if (is_null(node))
        return RMQ_OK;
    if (node->type != YAML_SEQUENCE_NODE)
        return refuse(reader, node, "a list");
    *count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    return RMQ_OK;
}

static const yaml_node_t *item(const struct reader *reader, const yaml_node_t *list, size_t i) {
    return node_at(reader, list->data.sequence.items.start[i]);
}

static int allocate(struct reader *reader, size_t count, size_t size, void *out) {
    void *memory = count == 0 ? NULL : env_alloc(reader->file->env, count * size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    memcpy(out, &memory, sizeof memory);
    return memory == NULL && count > 0 ? RMQ_E_NOMEM : RMQ_OK;
}

static int read_addresses(struct reader *reader, const yaml_node_t *node, struct span text,
                          struct acl_addresses *out) {
    const char *expected = NULL;
    int err = acl_addresses_add(out, reader->file->env, text, &expected);
    if (err == RMQ_E_INVALID)
        return refuse(reader, node, expected + sizeof "expected " - 1);
    return err;
}

static int read_white_list(struct reader *reader, const yaml_node_t *node) {
    struct acl_file *file = reader->file;
    size_t count;
    int err = list_size(reader, node, &count);
    if (err == RMQ_OK)
        err = allocate(reader, count, sizeof *file->white_texts, &file->white_texts);
    for (size_t i = 0; err == RMQ_OK && i < count; i++) {
        const yaml_node_t *entry = item(reader, node, i);
        err = read_text(reader, entry, &file->white_texts[i]);
        if (err == RMQ_OK)
            err = read_addresses(reader, entry, file->white_texts[i], &file->white);
        file->white_count = i + 1;
    }
    return err;
}

/* "name=permission" */
static int read_grant(struct reader *reader, const yaml_node_t *node, struct acl_grant *out) {
    struct span text;
    int err = read_text(reader, node, &text);
    if (err != RMQ_OK)
        return err;
    const uint8_t *equals = text.len == 0 ? NULL : memchr(text.data, '=', text.len);
    if (equals == NULL)
        return refuse(reader, node, "NAME=PERMISSION");
    size_t len = (size_t)(equals - text.data);
    out->name = trim(span_of(text.data, len));
    out->permission = acl_permission_parse(trim(span_from(text, len + 1)));
    if (out->name.len == 0)
        return refuse(reader, node, "NAME=PERMISSION");
    return out->permission == 0 ? refuse(reader, node, "NAME=" EXPECTED_PERMISSION) : RMQ_OK;
}

static int read_grants(struct reader *reader, const yaml_node_t *node, struct acl_grants *out) {
    int err = list_size(reader, node, &out->count);
    if (err == RMQ_OK)
        err = allocate(reader, out->count, sizeof *out->rows, &out->rows);
    out->given = !is_null(node);
    for (size_t i = 0; err == RMQ_OK && i < out->count; i++)
        err = read_grant(reader, item(reader, node, i), &out->rows[i]);
    return err;
}

/* ---- mappings -------------------------------------------------------------------------------- */

/* One known member of a mapping. */
struct member {
    const char *name;
    int (*read)(struct reader *reader, const yaml_node_t *node, void *into);
};

static void warn_unknown(struct reader *reader, const yaml_node_t *key,
                         const struct member *members, size_t count) {
    if (reader->warn == NULL)
        return;
    struct acl_error warning;
    struct nearest nearest;
    const char *name = (const char *)key->data.scalar.value;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, members[i].name);
    place(&warning, &key->start_mark);
    put(&warning, "unknown member \"");
    put(&warning, name);
    put(&warning, "\" is ignored");
    put(&warning, nearest_hint(&nearest));
    reader->warn(reader->ctx, &warning);
}

static int read_mapping(struct reader *reader, const yaml_node_t *node,
                        const struct member *members, size_t count, void *into) {
    if (node->type != YAML_MAPPING_NODE)
        return refuse(reader, node, "members (NAME: VALUE)");
    const char *outer = reader->member;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        size_t known = 0;
        if (key->type != YAML_SCALAR_NODE)
            return refuse(reader, key, "the name of a member");
        while (known < count && !span_equal(raw(key), span_of_text(members[known].name)))
            known++;
        for (const yaml_node_pair_t *other = node->data.mapping.pairs.start; other < pair;
             other++) {
            if (span_equal(raw(node_at(reader, other->key)), raw(key)))
                return refuse(reader, key, "each member once");
        }
        if (known == count) {
            warn_unknown(reader, key, members, count);
            continue;
        }
        reader->member = members[known].name;
        int err = members[known].read(reader, node_at(reader, pair->value), into);
        if (err != RMQ_OK)
            return err;
        reader->member = outer;
    }
    return RMQ_OK;
}

static int account_access_key(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_key(reader, node, &((struct acl_account *)into)->access_key);
}
static int account_secret_key(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_key(reader, node, &((struct acl_account *)into)->secret_key);
}
static int account_white(struct reader *reader, const yaml_node_t *node, void *into) {
    struct acl_account *account = into;
    int err = read_text(reader, node, &account->white_text);
    return err != RMQ_OK ? err : read_addresses(reader, node, account->white_text, &account->white);
}
static int account_admin(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_bool(reader, node, &((struct acl_account *)into)->admin);
}
static int account_topic(struct reader *reader, const yaml_node_t *node, void *into) {
    struct acl_account *account = into;
    return read_permission(reader, node, &account->default_topic_text, &account->default_topic);
}
static int account_group(struct reader *reader, const yaml_node_t *node, void *into) {
    struct acl_account *account = into;
    return read_permission(reader, node, &account->default_group_text, &account->default_group);
}
static int account_topics(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_grants(reader, node, &((struct acl_account *)into)->topics);
}
static int account_groups(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_grants(reader, node, &((struct acl_account *)into)->groups);
}

static int read_account(struct reader *reader, const yaml_node_t *node, size_t index) {
    static const struct member MEMBERS[] = {
        {"accessKey", account_access_key},     {"secretKey", account_secret_key},
        {"whiteRemoteAddress", account_white}, {"admin", account_admin},
        {"defaultTopicPerm", account_topic},   {"defaultGroupPerm", account_group},
        {"topicPerms", account_topics},        {"groupPerms", account_groups}};
    struct acl_file *file = reader->file;
    struct acl_account *account = &file->accounts[index];
    account->default_topic = account->default_group = ACL_DENY;
    file->account_count = index + 1;
    int err = read_mapping(reader, node, MEMBERS, sizeof MEMBERS / sizeof MEMBERS[0], account);
    if (err != RMQ_OK)
        return err;
    if (span_is_absent(account->access_key) || span_is_absent(account->secret_key))
        return refuse(reader, node, "accessKey and secretKey, each longer than 6");
    return RMQ_OK;
}

static int compare_keys(const void *a, const void *b, void *ctx) {
    const struct acl_account *accounts = ctx;
    return span_compare(accounts[*(const uint32_t *)a].access_key,
                        accounts[*(const uint32_t *)b].access_key);
}

/* Fills by_key; *twice is the first account whose key one above has, or account_count. */
static int sort_keys(struct reader *reader, size_t *twice) {
    struct acl_file *file = reader->file;
    size_t count = *twice = file->account_count;
    int err = allocate(reader, count, sizeof *file->by_key, &file->by_key);
    for (size_t i = 0; err == RMQ_OK && i < count; i++)
        file->by_key[i] = (uint32_t)i;
    if (err == RMQ_OK && count > 0)
        err = sort_stable(file->env, file->by_key, count, sizeof *file->by_key, compare_keys,
                          file->accounts);
    for (size_t i = 1; err == RMQ_OK && i < count; i++) {
        if (compare_keys(&file->by_key[i - 1], &file->by_key[i], file->accounts) == 0 &&
            file->by_key[i] < *twice)
            *twice = file->by_key[i];
    }
    return err;
}

static int file_accounts(struct reader *reader, const yaml_node_t *node, void *into) {
    struct acl_file *file = into;
    size_t count;
    int err = list_size(reader, node, &count);
    if (err == RMQ_OK)
        err = allocate(reader, count, sizeof *file->accounts, &file->accounts);
    for (size_t i = 0; err == RMQ_OK && i < count; i++)
        err = read_account(reader, item(reader, node, i), i);
    size_t twice = count;
    if (err == RMQ_OK)
        err = sort_keys(reader, &twice);
    if (err == RMQ_OK && twice < count)
        return refuse(reader, item(reader, node, twice), "an accessKey that no account above has");
    return err;
}

static int file_white(struct reader *reader, const yaml_node_t *node, void *into) {
    RMQ_ASSERT(into == reader->file);
    return read_white_list(reader, node);
}

static int version_counter(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_number(reader, node, &((struct acl_file *)into)->counter);
}
static int version_timestamp(struct reader *reader, const yaml_node_t *node, void *into) {
    return read_number(reader, node, &((struct acl_file *)into)->timestamp);
}

static int file_version(struct reader *reader, const yaml_node_t *node, void *into) {
    static const struct member MEMBERS[] = {{"counter", version_counter},
                                            {"timestamp", version_timestamp}};
    size_t count;
    int err = list_size(reader, node, &count);
    return err != RMQ_OK || count == 0
               ? err
               : read_mapping(reader, item(reader, node, 0), MEMBERS, 2, into);
}

static int read_file(struct reader *reader) {
    static const struct member MEMBERS[] = {{"globalWhiteRemoteAddresses", file_white},
                                            {"accounts", file_accounts},
                                            {"dataVersion", file_version}};
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    if (root == NULL || is_null(root))
        return RMQ_OK;
    return read_mapping(reader, root, MEMBERS, 3, reader->file);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int refuse_yaml(const yaml_parser_t *parser, struct acl_error *error) {
    if (parser->error == YAML_MEMORY_ERROR)
        return RMQ_E_NOMEM;
    place(error, &parser->problem_mark);
    put(error, "not YAML: ");
    put(error, parser->problem == NULL ? "malformed" : parser->problem);
    return RMQ_E_INVALID;
}

/* tools.yml: the members of one account. */
static int read_tools(struct reader *reader) {
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    int err = allocate(reader, 1, sizeof *reader->file->accounts, &reader->file->accounts);
    if (err != RMQ_OK)
        return err;
    if (root == NULL) {
        put(reader->error, "expected accessKey and secretKey");
        return RMQ_E_INVALID;
    }
    return read_account(reader, root, 0);
}

static int read_document(struct reader *reader, struct span text,
                         int (*read_root)(struct reader *reader)) {
    yaml_parser_t parser;
    yaml_document_t document;
    if (yaml_parser_initialize(&parser) == 0)
        return RMQ_E_NOMEM;
    yaml_parser_set_input_string(&parser, text.data, text.len);
    int err = RMQ_OK;
    if (yaml_parser_load(&parser, &document) == 0) {
        err = refuse_yaml(&parser, reader->error);
    } else {
        reader->document = &document;
        err = read_root(reader);
        yaml_document_delete(&document);
        reader->document = NULL;
    }
    yaml_parser_delete(&parser);
    return err;
}

static int read_whole(struct env *env, struct span path, struct span text,
                      int (*read_root)(struct reader *reader),
                      void (*warn)(void *ctx, const struct acl_error *warning), void *ctx,
                      struct acl_file **out, struct acl_error *error) {
    *error = (struct acl_error){0};
    if (text.len > ACL_FILE_BYTES_MAX) {
        put(error, "expected 4 MiB at most");
        return RMQ_E_INVALID;
    }
    size_t room = path.len + 2 * text.len; /* an escape of two bytes may stand for three */
    struct acl_file *file = env_alloc(env, sizeof *file + room);
    if (file == NULL)
        return RMQ_E_NOMEM;
    memset(file, 0, sizeof *file);
    file->env = env;
    struct reader reader = {.file = file,
                            .strings = (uint8_t *)(file + 1),
                            .strings_end = (uint8_t *)(file + 1) + room,
                            .warn = warn,
                            .ctx = ctx,
                            .error = error,
                            .member = "the file"};
    file->path = span_of(reader.strings, path.len);
    reader.strings = span_copy(reader.strings, path);
    int err = read_document(&reader, text, read_root);
    if (err != RMQ_OK) {
        acl_file_free(file);
        return err;
    }
    *out = file;
    return RMQ_OK;
}

int acl_file_read(struct env *env, struct span path, struct span text,
                  void (*warn)(void *ctx, const struct acl_error *warning), void *ctx,
                  struct acl_file **out, struct acl_error *error) {
    return read_whole(env, path, text, read_file, warn, ctx, out, error);
}

int acl_tools_read(struct env *env, struct span path, struct span text, struct acl_file **out,
                   struct acl_error *error) {
    return read_whole(env, path, text, read_tools, NULL, NULL, out, error);
}
