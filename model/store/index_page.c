/* store/index_page.c - changed and recently used pages of an index file; see index.h. */
#include "model/store/index.h"

#define WRITE_AHEAD 16U

static struct index_page **bucket(struct index_file *file, uint64_t number) {
    return &file->buckets[number % INDEX_BUCKETS];
}

static struct index_page *find(const struct index_file *file, uint64_t number) {
    struct index_page *page = file->buckets[number % INDEX_BUCKETS];
    while (page != NULL && page->number != number) {
        page = page->chain;
    }
    return page;
}

static bool is_dirty(const struct index_page *page) {
    return page->dirty_from < page->dirty_to;
}

static void page_free(struct index_page *page) {
    struct index_file *file = page->file;
    struct index_page **at = bucket(file, page->number);
    while (*at != page) {
        at = &(*at)->chain;
    }
    *at = page->chain;
    list_remove(&page->link);
    file->page_count--;
    env_free(file->index->env, page);
}

void index_pages_free(struct index_file *file) {
    LIST_EACH(&file->pages, link, following) {
        page_free(LIST_ENTRY(link, struct index_page, link));
    }
    file->dirty_count = 0;
}

/* ---- writing ---- */

static void on_written(struct env_file_op *op, int status) {
    struct index_page *page = RMQ_CONTAINER_OF(op, struct index_page, op);
    struct index_file *file = page->file;
    page->state = PAGE_READY;
    file->writing_count--;
    if (status == RMQ_OK) {
        page->dirty_from = page->dirty_to = 0;
        file->dirty_count--;
        index_worked(file->index);
    } else {
        index_failed(file->index, "write", status);
    }
    index_page_came(file);
}

void index_pages_write(struct index_file *file, uint32_t max) {
    LIST_EACH(&file->pages, link, following) {
        struct index_page *page = LIST_ENTRY(link, struct index_page, link);
        if (max == 0) {
            break;
        }
        if (page->state == PAGE_READY && is_dirty(page)) {
            struct span bytes =
                span_of(page->bytes + page->dirty_from, page->dirty_to - page->dirty_from);
            page->state = PAGE_WRITING;
            file->writing_count++;
            max--;
            env_file_write(file->file, page->number * INDEX_PAGE + page->dirty_from, bytes,
                           &page->op, on_written);
        }
    }
}

/* ---- coming and going ---- */

static void on_read(struct env_file_op *op, int status) {
    struct index_page *page = RMQ_CONTAINER_OF(op, struct index_page, op);
    struct index_file *file = page->file;
    page->state = PAGE_READY;
    if (status != RMQ_OK) {
        page_free(page);
        index_failed(file->index, "read", status);
    }
    index_page_came(file);
}

/* Room for one more: frees the least recently used page that is clean. */
static bool make_room(struct index_file *file) {
    if (file->dirty_count - file->writing_count > INDEX_PAGES_MAX * 3 / 4) {
        index_pages_write(file, WRITE_AHEAD);
    }
    if (file->page_count < INDEX_PAGES_MAX) {
        return true;
    }
    LIST_EACH(&file->pages, link, following) {
        struct index_page *page = LIST_ENTRY(link, struct index_page, link);
        if (page->state == PAGE_READY && !is_dirty(page)) {
            page_free(page);
            return true;
        }
    }
    index_pages_write(file, WRITE_AHEAD);
    return false;
}

/* Fills a new page. What lies behind the last entry was never written: zeros. */
static int fill(struct index_page *page) {
    struct index_file *file = page->file;
    uint64_t at = page->number * INDEX_PAGE;
    uint64_t size = index_file_bytes(file->index);
    size_t len = size - at < INDEX_PAGE ? (size_t)(size - at) : INDEX_PAGE;
    memset(page->bytes, 0, sizeof page->bytes);
    if (at >= index_entry_at(file->index, file->count)) {
        return RMQ_OK;
    }
    struct span view;
    int status = env_file_view(file->file, at, len, &view);
    if (status == RMQ_OK && view.len == len) {
        memcpy(page->bytes, view.data, len);
        return RMQ_OK;
    }
    page->state = PAGE_READING;
    env_file_read(file->file, at, page->bytes, len, &page->op, on_read);
    return RMQ_E_AGAIN;
}

static int load(struct index_file *file, uint64_t number) {
    if (!make_room(file)) {
        return RMQ_E_AGAIN;
    }
    struct index_page *page = env_alloc(file->index->env, sizeof *page);
    if (page == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(page, 0, offsetof(struct index_page, bytes));
    page->file = file;
    page->number = number;
    page->chain = *bucket(file, number);
    *bucket(file, number) = page;
    list_init(&page->link);
    list_append(&file->pages, &page->link);
    file->page_count++;
    return fill(page);
}

int index_pages_hold(struct index_file *file, uint64_t at, size_t len, bool change) {
    RMQ_ASSERT(len > 0 && at + len <= index_file_bytes(file->index));
    for (uint64_t number = at / INDEX_PAGE; number <= (at + len - 1) / INDEX_PAGE; number++) {
        struct index_page *page = find(file, number);
        if (page == NULL) {
            int status = load(file, number);
            if (status != RMQ_OK) {
                return status;
            }
        } else if (page->state == PAGE_READING || (change && page->state == PAGE_WRITING)) {
            return RMQ_E_AGAIN;
        } else if (page->link.next != &file->pages) {
            list_remove(&page->link);
            list_append(&file->pages, &page->link);
        }
    }
    return RMQ_OK;
}

bool index_pages_peek(const struct index_file *file, uint64_t at, size_t len, uint8_t *out) {
    while (len > 0) {
        const struct index_page *page = find(file, at / INDEX_PAGE);
        if (page == NULL || page->state == PAGE_READING) {
            return false;
        }
        size_t offset = at % INDEX_PAGE, part = INDEX_PAGE - offset;
        part = part < len ? part : len;
        memcpy(out, page->bytes + offset, part);
        out += part;
        at += part;
        len -= part;
    }
    return true;
}

void index_pages_get(const struct index_file *file, uint64_t at, size_t len, uint8_t *out) {
    bool held = index_pages_peek(file, at, len, out);
    RMQ_ASSERT(held);
}

void index_pages_set(struct index_file *file, uint64_t at, size_t len, const uint8_t *from) {
    while (len > 0) {
        struct index_page *page = find(file, at / INDEX_PAGE);
        RMQ_ASSERT(page != NULL && page->state == PAGE_READY);
        uint32_t offset = (uint32_t)(at % INDEX_PAGE);
        uint32_t part = INDEX_PAGE - offset < len ? INDEX_PAGE - offset : (uint32_t)len;
        memcpy(page->bytes + offset, from, part);
        if (!is_dirty(page)) {
            page->dirty_from = offset;
            page->dirty_to = offset;
            file->dirty_count++;
        }
        page->dirty_from = offset < page->dirty_from ? offset : page->dirty_from;
        page->dirty_to = offset + part > page->dirty_to ? offset + part : page->dirty_to;
        from += part;
        at += part;
        len -= part;
    }
}
