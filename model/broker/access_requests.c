/* broker/access_requests.c - requests 50 to 53: accounts and white lists changed at run time.
 *
 * A change is made on a copy of one file's rules, written as YAML, read back as a start would read
 * it, put in the file's place durably, and answered when the rules are in force. Source:
 * AdminBrokerProcessor.java, PlainPermissionManager.java 4.9.8. Differs: one change at a time
 * (others are told so, code 2); a file outside the rules' folder is refused by name; a set in
 * braces survives the commas of 53's list. */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/broker/access_internal.h"

/* ---- an edit -----------------------------------------------------------------------------------
 */

static void edit_release(struct access_edit *edit) {
    buf_deinit(&edit->content);
    buf_deinit(&edit->path);
    env_free(edit->env, edit);
}

void access_edit_free(struct access *access) {
    struct access_edit *edit = access->edit;
    access->edit = NULL;
    if (edit == NULL)
        return;
    edit->access = NULL;
    if (replace_file_cancel(&edit->replace))
        edit_release(edit);
}

static void edit_answer(struct access_edit *edit, int status, const struct acl_error *error) {
    struct access *access = edit->access;
    struct outcome outcome;
    outcome_init(&outcome, status == RMQ_OK ? RESPONSE_SUCCESS : edit->failure);
    if (status != RMQ_OK)
        outcome_text(&outcome,
                     error != NULL && error->text[0] != '\0' ? error->text : rmq_err_text(status));
    answer_code(&access->broker->remoting, &edit->asker, outcome.code, outcome.remark);
    access->edit = NULL;
    edit_release(edit);
}

void access_edit_end(struct access *access, int status, const struct acl_error *error) {
    edit_answer(access->edit, status, error);
}

static void on_replaced(struct replace_file *replace, int status) {
    struct access_edit *edit = RMQ_CONTAINER_OF(replace, struct access_edit, replace);
    if (edit->access == NULL) {
        edit_release(edit);
    } else if (status != RMQ_OK) {
        edit_answer(edit, status, NULL);
    } else {
        edit->written = true;
        access_read(edit->access);
    }
}

/* `changed` is the file as it shall be; its texts are borrowed. An error is the outcome's. */
static bool edit_start(struct access *access, const struct asker *asker, struct acl_file *changed,
                       struct outcome *outcome) {
    struct access_edit *edit = env_alloc(access->env, sizeof *edit);
    struct acl_file *parsed = NULL;
    struct acl_error error = {0};
    int err = RMQ_E_NOMEM;
    if (edit != NULL) {
        memset(edit, 0, sizeof *edit);
        edit->access = access;
        edit->env = access->env;
        edit->asker = *asker;
        edit->failure = outcome->code;
        buf_init(&edit->content, access->env);
        buf_init(&edit->path, access->env);
        buf_put_span(&edit->path, changed->path);
        buf_put_u8(&edit->path, '\0');
        changed->counter++;
        changed->timestamp = env_wall_ms(access->env);
        err = buf_failed(&edit->path) ? RMQ_E_NOMEM : acl_file_write(changed, &edit->content);
    }
    if (err == RMQ_OK)
        err = acl_file_read(access->env, changed->path, buf_span(&edit->content), NULL, NULL,
                            &parsed, &error);
    acl_file_free(parsed);
    if (err != RMQ_OK) {
        outcome_text(outcome, error.text[0] != '\0' ? error.text : rmq_err_text(err));
        if (edit != NULL)
            edit_release(edit);
        return false;
    }
    access->edit = edit;
    edit->replace = (struct replace_file){.env = access->env,
                                          .path = span_of(edit->path.data, edit->path.len - 1),
                                          .content = buf_span(&edit->content),
                                          .mode = REPLACE_SAFE};
    replace_file_start(&edit->replace, on_replaced);
    return true;
}

/* Refusals that all three have; the outcome's code is that of the request's failure. */
static bool may_edit(const struct broker *broker, struct outcome *outcome) {
    if (broker->access == NULL) {
        outcome_text(outcome, "access control is off: aclEnable is not true");
        return false;
    }
    if (broker->access->edit != NULL)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_BUSY,
                              "another change of the access rules is being written", SPAN_NONE,
                              ", try again");
    return true;
}

/* ---- 50 ----------------------------------------------------------------------------------------
 */

/* Comma list of NAME=PERMISSION into rows, which the caller frees. Absent: as it was. */
static bool take_grants(struct env *env, struct span list, struct acl_grants *grants,
                        struct outcome *outcome) {
    struct span rest = list, part;
    size_t count = 0;
    if (span_is_absent(list))
        return true;
    *grants = (struct acl_grants){.given = true};
    while (span_next_part(&rest, ',', &part))
        count++;
    grants->rows = env_alloc(env, (count + 1) * sizeof *grants->rows);
    if (grants->rows == NULL) {
        outcome_text(outcome, "out of memory");
        return false;
    }
    while (span_next_part(&list, ',', &part)) {
        const uint8_t *equals = memchr(part.data, '=', part.len);
        size_t len = equals == NULL ? 0 : (size_t)(equals - part.data);
        uint8_t permission = len == 0 ? 0 : acl_permission_parse(span_from(part, len + 1));
        if (permission == 0) {
            outcome_text(outcome, "expected NAME=DENY, PUB, SUB or PUB|SUB: ");
            outcome_span(outcome, part);
            return false;
        }
        grants->rows[grants->count++] = (struct acl_grant){span_of(part.data, len), permission};
    }
    return true;
}

static bool check_keys(const struct acl_account *account, struct outcome *outcome) {
    if (account->access_key.len >= ACL_KEY_BYTES_MIN &&
        account->secret_key.len >= ACL_KEY_BYTES_MIN)
        return true;
    outcome_text(outcome, "The accessKey=");
    outcome_span(outcome, account->access_key);
    outcome_text(outcome, " and its secretKey cannot be null and length should longer than 6");
    return false;
}

static void take_text(const struct wire_command *request, const char *key, struct span *member) {
    struct span value = wire_field(request, key);
    if (!span_is_absent(value))
        *member = value;
}

/* The file that has the account; else the default one, which has been read (A1). */
static const struct acl_file *file_of(const struct access *access, struct span access_key,
                                      size_t *index) {
    for (size_t i = 0; i < access->count; i++) {
        const struct acl_account *account = acl_file_account(access->files[i], access_key);
        if (account != NULL) {
            *index = (size_t)(account - access->files[i]->accounts);
            return access->files[i];
        }
    }
    const struct acl_file *last = access->files[access->count - 1];
    *index = last->account_count;
    return last;
}

static bool update_account(struct access *access, const struct asker *asker,
                           const struct wire_command *request, struct outcome *outcome) {
    size_t index;
    struct span key = wire_field(request, "accessKey");
    const struct acl_file *file = file_of(access, key, &index);
    bool is_new = index == file->account_count;
    struct acl_account *accounts =
        env_alloc(access->env, (file->account_count + 1) * sizeof *accounts);
    if (accounts == NULL) {
        outcome_text(outcome, "out of memory");
        return false;
    }
    if (file->account_count > 0)
        memcpy(accounts, file->accounts, file->account_count * sizeof *accounts);
    struct acl_account *account = &accounts[index];
    if (is_new)
        *account = (struct acl_account){.access_key = key};
    struct acl_grants old_topics = account->topics, old_groups = account->groups;
    take_text(request, "secretKey", &account->secret_key);
    take_text(request, "whiteRemoteAddress", &account->white_text);
    take_text(request, "defaultTopicPerm", &account->default_topic_text);
    take_text(request, "defaultGroupPerm", &account->default_group_text);
    account->admin = span_equal(wire_field(request, "admin"), SPAN_LITERAL("true"));
    struct acl_file changed = *file;
    changed.accounts = accounts;
    changed.account_count = file->account_count + is_new;
    bool started =
        check_keys(account, outcome) &&
        take_grants(access->env, wire_field(request, "topicPerms"), &account->topics, outcome) &&
        take_grants(access->env, wire_field(request, "groupPerms"), &account->groups, outcome) &&
        edit_start(access, asker, &changed, outcome);
    if (account->topics.rows != old_topics.rows)
        env_free(access->env, account->topics.rows);
    if (account->groups.rows != old_groups.rows)
        env_free(access->env, account->groups.rows);
    env_free(access->env, accounts);
    return started;
}

void broker_on_update_acl(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED);
    if (!may_edit(broker, &outcome) || !update_account(broker->access, &asker, request, &outcome))
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
}

/* ---- 51 ----------------------------------------------------------------------------------------
 */

static bool delete_account(struct access *access, const struct asker *asker, struct span key,
                           struct outcome *outcome) {
    size_t index;
    const struct acl_file *file = file_of(access, key, &index);
    if (index == file->account_count) {
        outcome_text(outcome, "The accesskey[");
        outcome_span(outcome, key);
        outcome_text(outcome, "] corresponding to accessConfig has been deleted failed.");
        return false;
    }
    struct acl_account *accounts = env_alloc(access->env, file->account_count * sizeof *accounts);
    if (accounts == NULL) {
        outcome_text(outcome, "out of memory");
        return false;
    }
    memcpy(accounts, file->accounts, index * sizeof *accounts);
    memcpy(accounts + index, file->accounts + index + 1,
           (file->account_count - index - 1) * sizeof *accounts);
    struct acl_file changed = *file;
    changed.accounts = accounts;
    changed.account_count--;
    bool started = edit_start(access, asker, &changed, outcome);
    env_free(access->env, accounts);
    return started;
}

void broker_on_delete_acl(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_DELETE_ACL_CONFIG_FAILED);
    if (!may_edit(broker, &outcome) ||
        !delete_account(broker->access, &asker, wire_field(request, "accessKey"), &outcome))
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
}

/* ---- 53 ----------------------------------------------------------------------------------------
 */

/* Takes the next address off a comma list; a comma in braces is the address's own. */
static bool next_address(struct span *rest, struct span *out) {
    bool braces = false;
    size_t len = 0;
    while (rest->len > 0 && rest->data[0] == ',')
        *rest = span_from(*rest, 1);
    while (len < rest->len && (braces || rest->data[len] != ',')) {
        braces = rest->data[len] == '{' || (braces && rest->data[len] != '}');
        len++;
    }
    *out = span_of(rest->data, len);
    *rest = span_from(*rest, len);
    return len > 0;
}

static const struct acl_file *file_at(const struct access *access, struct span path) {
    if (path.len == 0)
        return access->files[access->count - 1];
    for (size_t i = 0; i < access->count; i++) {
        if (span_equal(access->files[i]->path, path))
            return access->files[i];
    }
    return NULL;
}

static bool update_white(struct access *access, const struct asker *asker,
                         const struct wire_command *request, struct outcome *outcome) {
    struct span list = wire_field(request, "globalWhiteAddrs"), rest = list, part;
    struct span path = wire_field(request, "aclFileFullPath");
    const struct acl_file *file = file_at(access, path);
    size_t count = 0;
    if (span_is_absent(list) || file == NULL) {
        outcome_text(outcome, span_is_absent(list) ? "globalWhiteAddrs is missing"
                                                   : "not a file with access rules: ");
        outcome_span(outcome, span_is_absent(list) ? SPAN_NONE : path);
        return false;
    }
    while (next_address(&rest, &part))
        count++;
    struct span *texts = env_alloc(access->env, (count + 1) * sizeof *texts);
    if (texts == NULL) {
        outcome_text(outcome, "out of memory");
        return false;
    }
    for (count = 0, rest = list; next_address(&rest, &part); count++)
        texts[count] = part;
    struct acl_file changed = *file;
    changed.white_texts = texts;
    changed.white_count = count;
    bool started = edit_start(access, asker, &changed, outcome);
    env_free(access->env, texts);
    return started;
}

void broker_on_update_white_addresses(struct broker *broker, struct channel *channel,
                                      const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED);
    if (!may_edit(broker, &outcome) || !update_white(broker->access, &asker, request, &outcome))
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
}

/* ---- 52 ----------------------------------------------------------------------------------------
 */

static void write_version(struct json_writer *json, const struct acl_file *file) {
    const struct data_version version = {.counter = file->counter, .timestamp = file->timestamp};
    data_version_write(json, &version, false);
}

void broker_on_acl_version(struct broker *broker, struct channel *channel,
                           const struct wire_command *request) {
    const struct access *access = broker->access;
    struct asker asker = asker_of(channel, request);
    if (access == NULL) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("access control is off: aclEnable is not true"));
        return;
    }
    struct buf version, all, scratch;
    struct json_writer json;
    struct wire_command response;
    buf_init(&version, broker->env);
    buf_init(&all, broker->env);
    buf_init(&scratch, broker->env);
    json_writer_init(&json, &version, JSON_STYLE_FASTJSON);
    write_version(&json, access->files[access->count - 1]);
    json_writer_init(&json, &all, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    for (size_t i = 0; i < access->count; i++) {
        json_key(&json, access->files[i]->path);
        write_version(&json, access->files[i]);
    }
    json_object_end(&json);
    struct header_acl_version_response header = {.version = buf_span(&version),
                                                 .all_acl_file_version = buf_span(&all),
                                                 .broker_name = broker->config.name,
                                                 .broker_addr = broker->config.addr,
                                                 .cluster_name = broker->config.cluster};
    wire_command_init(&response, RESPONSE_SUCCESS);
    int err = buf_reserve(&scratch, HEADER_SCRATCH_BYTES);
    if (err == RMQ_OK)
        err = header_encode(&HEADER_acl_version_response, &header, &response, &scratch);
    if (err == RMQ_OK && !buf_failed(&version) && !buf_failed(&all))
        answer(&broker->remoting, &asker, &response);
    else
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
    buf_deinit(&scratch);
    buf_deinit(&all);
    buf_deinit(&version);
}
