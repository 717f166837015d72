/* acl/rules.c - what the rules say. Reading and writing of files: rules_read.c, rules_write.c. */
#include "model/acl/rules.h"

#include "model/base/check.h"
#include "model/env.h"

uint8_t acl_permission_parse(struct span text) {
    static const struct {
        const char *text;
        uint8_t permission;
    } WORDS[] = {{"PUB", ACL_PUB},
                 {"SUB", ACL_SUB},
                 {"PUB|SUB", ACL_PUB | ACL_SUB},
                 {"SUB|PUB", ACL_PUB | ACL_SUB},
                 {"DENY", ACL_DENY}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (span_equal(text, span_of_text(WORDS[i].text)))
            return WORDS[i].permission;
    }
    return 0;
}

const struct acl_account *acl_file_account(const struct acl_file *file, struct span access_key) {
    size_t low = 0, high = file->account_count;
    RMQ_ASSERT(high == 0 || file->by_key != NULL);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct acl_account *account = &file->accounts[file->by_key[middle]];
        int order = span_compare(access_key, account->access_key);
        if (order == 0)
            return account;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool allows(uint8_t owned, uint8_t needed) {
    return (owned & ACL_DENY) == 0 && (owned & needed) != 0;
}

static bool may(const struct acl_account *account, const struct acl_grants *grants,
                uint8_t standard, struct span name, uint8_t needed) {
    for (size_t i = grants->count; i > 0; i--) {
        if (span_equal(grants->rows[i - 1].name, name))
            return allows(grants->rows[i - 1].permission, needed);
    }
    bool unbounded = account->admin && account->topics.count + account->groups.count == 0;
    return unbounded || allows(standard, needed);
}

bool acl_account_may_topic(const struct acl_account *account, struct span name, uint8_t needed) {
    return may(account, &account->topics, account->default_topic, name, needed);
}

bool acl_account_may_group(const struct acl_account *account, struct span name, uint8_t needed) {
    return may(account, &account->groups, account->default_group, name, needed);
}

void acl_file_free(struct acl_file *file) {
    if (file == NULL)
        return;
    for (size_t i = 0; i < file->account_count; i++) {
        struct acl_account *account = &file->accounts[i];
        acl_addresses_free(&account->white, file->env);
        env_free(file->env, account->topics.rows);
        env_free(file->env, account->groups.rows);
    }
    acl_addresses_free(&file->white, file->env);
    env_free(file->env, file->white_texts);
    env_free(file->env, file->by_key);
    env_free(file->env, file->accounts);
    env_free(file->env, file);
}
