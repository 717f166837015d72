/* os/disk_view.c - views: windows of files, mapped while they are in use. A view is given of pages
 * that the kernel holds (mincore, asked again when its answer is old), so that the loop does not
 * wait for the disk. */
#include <stdlib.h>
#include <sys/mman.h>

#include "real/os/disk_internal.h"

#define PAGE ((size_t)4096)
#define WINDOW (64 * PAGE) /* one bit of `hot` per page */
#define WINDOWS_MAX 16384  /* 4 GiB of addresses */
#define TRUST_NS 1000000000ULL
#define CHAINS 16384

struct window {
    struct list of_inode;
    struct list of_use; /* in windows->use, the oldest first */
    struct window *next;
    struct inode *inode; /* NULL: unused */
    uint64_t number;     /* its place in the file, in windows */
    uint64_t hot;
    uint64_t checked_ns;
};

struct windows {
    struct fault_area fault;
    uint8_t *base; /* WINDOWS_MAX windows of addresses */
    struct window *items;
    uint32_t used; /* items that were ever in use */
    struct list use, spare;
    struct window *chains[CHAINS];
};

static uint8_t *bytes_of(const struct windows *windows, const struct window *window) {
    return windows->base + (size_t)(window - windows->items) * WINDOW;
}

static struct window **chain_of(struct windows *windows, const struct inode *inode,
                                uint64_t number) {
    uint64_t mixed = ((uint64_t)(uintptr_t)inode + number) * 0x9e3779b97f4a7c15ULL;
    return &windows->chains[(mixed >> 32) % CHAINS];
}

static struct windows *windows_of(struct real_disk *disk) {
    if (disk->windows != NULL) {
        return disk->windows;
    }
    struct windows *windows = calloc(1, sizeof *windows);
    if (windows == NULL) {
        return NULL;
    }
    windows->items = calloc(WINDOWS_MAX, sizeof windows->items[0]);
    windows->fault.marks = calloc(WINDOWS_MAX, sizeof windows->fault.marks[0]);
    void *base = mmap(NULL, WINDOWS_MAX * WINDOW, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (windows->items == NULL || windows->fault.marks == NULL || base == MAP_FAILED) {
        free(windows->items);
        free(windows->fault.marks);
        free(windows);
        return NULL;
    }
    windows->base = base;
    list_init(&windows->use);
    list_init(&windows->spare);
    disk->windows = windows;
    windows->fault.base = (uintptr_t)base;
    windows->fault.len = WINDOWS_MAX * WINDOW;
    windows->fault.window_bytes = WINDOW;
    fault_watch(&windows->fault);
    return windows;
}

void windows_free(struct real_disk *disk) {
    if (disk->windows != NULL) {
        fault_unwatch(&disk->windows->fault);
        munmap(disk->windows->base, WINDOWS_MAX * WINDOW);
        free(disk->windows->items);
        free(disk->windows->fault.marks);
        free(disk->windows);
        disk->windows = NULL;
    }
}

/* Takes it from its file; its addresses are mapped anew by the next one. */
static void forget(struct windows *windows, struct window *window) {
    struct window **at = chain_of(windows, window->inode, window->number);
    while (*at != window) {
        at = &(*at)->next;
    }
    *at = window->next;
    list_remove(&window->of_inode);
    list_remove(&window->of_use);
    window->inode = NULL;
}

void windows_drop(struct inode *inode) {
    struct windows *windows = inode->disk->windows;
    LIST_EACH(&inode->windows, link, following) {
        struct window *window = LIST_ENTRY(link, struct window, of_inode);
        forget(windows, window);
        void *at = mmap(bytes_of(windows, window), WINDOW, PROT_NONE,
                        MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        RMQ_ASSERT(at != MAP_FAILED);
        list_append(&windows->spare, &window->of_use);
    }
}

void windows_chill(struct inode *inode) {
    LIST_EACH(&inode->windows, link, following) {
        LIST_ENTRY(link, struct window, of_inode)->hot = 0;
    }
}

/* The files of all marked windows are broken. */
static void take_marks(struct real_disk *disk) {
    struct windows *windows = disk->windows;
    atomic_store(&windows->fault.any, false);
    for (uint32_t i = 0; i < windows->used; i++) {
        struct inode *inode = windows->items[i].inode;
        if (atomic_exchange(&windows->fault.marks[i], false) && inode != NULL && !inode->broken) {
            inode->broken = true;
            disk_log(disk->env, "read", inode->path, "a mapped page is gone; the file is given up");
        }
    }
}

bool inode_is_broken(struct inode *inode) {
    struct windows *windows = inode->disk->windows;
    if (windows != NULL && atomic_load_explicit(&windows->fault.any, memory_order_relaxed)) {
        take_marks(inode->disk);
    }
    return inode->broken;
}

/* A window that is not in use; the one used longest ago when all are. */
static struct window *take(struct windows *windows) {
    if (!list_is_empty(&windows->spare)) {
        struct window *window = LIST_ENTRY(windows->spare.next, struct window, of_use);
        list_remove(&window->of_use);
        return window;
    }
    if (windows->used < WINDOWS_MAX) {
        struct window *window = &windows->items[windows->used++];
        list_init(&window->of_use);
        list_init(&window->of_inode);
        return window;
    }
    struct window *window = LIST_ENTRY(windows->use.next, struct window, of_use);
    forget(windows, window);
    return window;
}

static struct window *map(struct windows *windows, struct inode *inode, uint64_t number) {
    RMQ_ASSERT(!atomic_load(&windows->fault.any)); /* marks are of the files that are here now */
    int fd = inode_fd(inode, false);
    if (fd < 0) {
        return NULL;
    }
    struct window *window = take(windows);
    void *at = mmap(bytes_of(windows, window), WINDOW, PROT_READ, MAP_FIXED | MAP_SHARED, fd,
                    (off_t)(number * WINDOW));
    if (at == MAP_FAILED) {
        list_append(&windows->spare, &window->of_use);
        return NULL;
    }
    struct window **chain = chain_of(windows, inode, number);
    window->inode = inode;
    window->number = number;
    window->hot = 0;
    window->next = *chain;
    *chain = window;
    list_append(&inode->windows, &window->of_inode);
    list_append(&windows->use, &window->of_use);
    return window;
}

static struct window *find(struct env_file *file, uint64_t number) {
    struct inode *inode = file->inode;
    struct window *window = file->window;
    if (window != NULL && window->inode == inode && window->number == number) {
        return window;
    }
    struct windows *windows = windows_of(inode->disk);
    if (windows == NULL) {
        return NULL;
    }
    window = *chain_of(windows, inode, number);
    while (window != NULL && (window->inode != inode || window->number != number)) {
        window = window->next;
    }
    if (window == NULL) {
        window = map(windows, inode, number);
    } else {
        list_remove(&window->of_use);
        list_append(&windows->use, &window->of_use);
    }
    file->window = window;
    return window;
}

static void check_residence(struct window *window, uint64_t now_ns) {
    unsigned char pages[WINDOW / PAGE];
    window->hot = 0;
    window->checked_ns = now_ns;
    if (mincore(bytes_of(window->inode->disk->windows, window), WINDOW, pages) == 0) {
        for (size_t i = 0; i < WINDOW / PAGE; i++) {
            window->hot |= (uint64_t)(pages[i] & 1) << i;
        }
    }
}

int env_file_view(struct env_file *file, uint64_t offset, size_t len, struct span *out) {
    struct inode *inode = file->inode;
    struct env *env = inode->disk->env;
    real_call(env);
    RMQ_ASSERT(len > 0);
    if (offset >= inode->size) {
        return RMQ_E_RANGE;
    }
    struct window *window = inode_is_broken(inode) ? NULL : find(file, offset / WINDOW);
    if (window == NULL) {
        return RMQ_E_AGAIN;
    }
    size_t from = (size_t)(offset % WINDOW);
    unsigned page = (unsigned)(from / PAGE);
    uint64_t now_ns = env_mono_ns(env);
    if ((window->hot >> page & 1) == 0 || now_ns - window->checked_ns > TRUST_NS) {
        check_residence(window, now_ns);
    }
    uint64_t cold = ~(window->hot >> page);
    if ((cold & 1) != 0) {
        return RMQ_E_AGAIN;
    }
    size_t end = (page + (cold == 0 ? 64 : (unsigned)__builtin_ctzll(cold))) * PAGE;
    end = end > WINDOW ? WINDOW : end;
    uint64_t rest = inode->size - offset;
    len = len < end - from ? len : end - from;
    len = len < rest ? len : (size_t)rest;
    *out = span_of(bytes_of(inode->disk->windows, window) + from, len);
    return RMQ_OK;
}
