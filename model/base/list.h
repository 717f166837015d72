/* base/list.h - intrusive doubly linked list with a sentinel head. No allocation.
 *
 * A link that is in no list points to itself (list_init), so list_remove is safe to repeat. */
#ifndef MODEL_BASE_LIST_H
#define MODEL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "model/base/check.h"

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *list) {
    list->prev = list->next = list;
}
static inline bool list_is_empty(const struct list *head) {
    return head->next == head;
}

/* Inserts `link` before `position`; with the head as position: at the end. */
static inline void list_insert_before(struct list *position, struct list *link) {
    link->prev = position->prev;
    link->next = position;
    position->prev->next = link;
    position->prev = link;
}
static inline void list_append(struct list *head, struct list *link) {
    list_insert_before(head, link);
}
static inline void list_remove(struct list *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#define LIST_ENTRY(link, type, member) RMQ_CONTAINER_OF(link, type, member)
/* `next` is a second cursor, so that the body may remove `link`. */
#define LIST_EACH(head, link, following)                                            \
    for (struct list *link = (head)->next, *following = link->next; link != (head); \
         link = following, following = link->next)

#endif
