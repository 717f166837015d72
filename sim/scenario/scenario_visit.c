/* sim/scenario/scenario_visit.c - walks over records by their tables; paths of values. */
#include <string.h>

#include "sim/scenario/scenario_internal.h"

static void visit_member(struct field_reader *reader, const struct field *field, char *member,
                         const struct doc_value *at, record_visit_fn *visit, void *ctx) {
    visit(ctx, field, member, at);
    if (field->type == FIELD_RECORD && *(const struct doc_value **)(void *)member != NULL)
        record_visit(reader, field->record, member, visit, ctx);
    if (field->type != FIELD_LIST)
        return;
    const struct list *list = (const struct list *)(const void *)member;
    for (size_t i = 0; i < list->count; i++)
        record_visit(reader, field->record, (char *)list->items + i * field->record->bytes, visit,
                     ctx);
}

static void visit_fields(struct field_reader *reader, const struct record_type *type, char *record,
                         const struct doc_value *at, record_visit_fn *visit, void *ctx) {
    for (size_t i = 0; i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        if (!field->property && record_has(at, field->key))
            visit_member(reader, field, record + field->offset, at, visit, ctx);
    }
}

void record_visit(struct field_reader *reader, const struct record_type *type, void *record,
                  record_visit_fn *visit, void *ctx) {
    const struct doc_value *at = *(const struct doc_value **)record;
    visit_fields(reader, type, record, at, visit, ctx);
    if (type->variant_key == NULL)
        return;
    const struct record_type *variant = type->variant(reader, at);
    if (variant != NULL)
        visit_fields(reader, variant, record, at, visit, ctx);
}

/* How an item of an array is called: by its label or name, else by "do" and how many of the same
 * came before it, else by its index. */
static const char *item_name(struct pool *pool, const struct doc_value *item) {
    static const char *const KEYS[] = {"label", "name", "do", "oracle"};
    size_t index = 0, same = 0;
    for (const struct doc_value *other = item->parent->first; other != item; other = other->next)
        index++;
    for (size_t k = 0; item->kind == DOC_OBJECT && k < 4; k++) {
        const struct doc_value *key = doc_member(item, KEYS[k]);
        if (key == NULL || key->kind != DOC_STRING)
            continue;
        for (const struct doc_value *other = item->parent->first; other != item;
             other = other->next) {
            const struct doc_value *its =
                other->kind == DOC_OBJECT ? doc_member(other, KEYS[k]) : NULL;
            same += its != NULL && its->kind == DOC_STRING && strcmp(its->text, key->text) == 0;
        }
        return pool_format(pool, "%s#%zu", key->text, same);
    }
    return pool_format(pool, "%zu", index);
}

const char *doc_path(struct pool *pool, const struct doc_value *value) {
    if (value->parent == NULL)
        return "";
    const char *parent = doc_path(pool, value->parent);
    if (value->parent->kind == DOC_ARRAY)
        return pool_format(pool, "%s[%s]", parent, item_name(pool, value));
    return parent[0] == 0 ? value->key : pool_format(pool, "%s.%s", parent, value->key);
}
