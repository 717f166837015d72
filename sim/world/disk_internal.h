/* sim/world/disk_internal.h - what the files of the disk share.
 *
 * D1  A file's content is an array of slots of 64 KiB. A page (4 KiB) of it that is not durable as
 *     it is has a bit in the slot's `dirty`, which also holds what is durable instead.
 * D2  A name (dentry) holds what it stands for now, and what it stands for durably.
 * D3  An inode with anything that is not durable is in its disk's list `dirty` (or `damaged`).
 * D4  An operation is in the wheel, held by its disk, waiting for another sync of its file, or,
 * when it has taken effect, in its node's inbox; always in its node's list. */
#ifndef SIM_DISK_INTERNAL_H
#define SIM_DISK_INTERNAL_H

#include "sim/world/disk.h"
#include "sim/world/world_internal.h"

#define PAGE_BYTES 4096u
#define SECTOR_BYTES 512u
#define SLOT_PAGES (BLOCK_BYTES / PAGE_BYTES)
#define FILE_BYTES_MAX (1ULL << 37) /* no disk holds more in one file */

/* ---- content ---- */

/* What is not durable in one slot. Each uint16_t has one bit per page. */
struct dirty {
    struct list of_file;
    uint32_t slot;
    uint16_t pages;               /* not durable as they are */
    uint16_t syncing;             /* of those: the sync under way covers them ... */
    uint16_t rewritten;           /* ... and this was written since: captured[] is what it covers */
    uint16_t dropped;             /* a failed sync has dropped them: later ones skip them */
    uint16_t durable_used;        /* allocated durably */
    uint16_t captured_used;       /* allocated when the sync began */
    uint32_t durable[SLOT_PAGES]; /* blocks; 0: zeros */
    uint32_t captured[SLOT_PAGES];
};
struct slot {
    uint32_t block; /* 0: zeros */
    uint16_t used;  /* pages that are allocated */
    struct dirty *dirty;
    struct resident *resident; /* NULL: not in the cache, when the disk's is bounded */
};

/* ---- names ---- */

struct dentry {
    struct inode *dir;
    struct inode *current, *durable, *captured; /* captured: by the sync under way */
    bool syncing, keep;
    uint16_t len;
    char text[];
};

struct inode {
    struct disk *disk;
    struct dentry *name; /* one of its current ones, NULL: none */
    uint64_t draw_owner;
    uint32_t draws;
    uint32_t names, durable_names; /* of `current`; of `durable` and `captured` */
    uint32_t handles;              /* open files and operations */
    uint32_t after;                /* names after a power-off, while that is worked out */
    bool directory;
    bool counted; /* its pages are part of the disk's used_pages */
    bool damaged; /* it is in the disk's list of that name */
    struct list of_dirty;
    uint64_t dirty_since_ns;
    struct disk_op *sync;       /* under way */
    struct wheel_event waiting; /* syncs that begin when it has ended */
    union {
        struct {
            struct slot *slots;
            size_t slot_count;
            uint64_t used_pages;
            uint64_t size, durable_size, captured_size;
            int64_t modified_ms;
            struct list dirty; /* of struct dirty */
            struct env_file *lock;
        };
        struct {
            struct dentry **entries; /* sorted by text */
            size_t entry_count, entry_capacity;
            size_t changed; /* entries whose current is not durable */
        };
    };
};

struct env_file {
    struct env *env;
    struct inode *inode;
    struct list of_node;
    bool writable;
};

/* ---- operations ---- */

enum disk_op_kind {
    OP_WRITE,
    OP_READ,
    OP_ZERO,
    OP_SYNC,
    OP_SYNC_DIR,
    OP_MISSING /* a sync of a directory that is not there */
};
struct disk_op {
    struct item item;
    struct env_file_op *op; /* the asker's */
    struct env *env;
    struct env_file *file; /* NULL: a directory's */
    struct inode *inode;
    struct list of_node;
    uint8_t *bytes; /* to write, or where to read into */
    uint64_t offset, len;
    uint64_t start_ns; /* when the handler that asked has used up its cost */
    uint64_t hash;     /* of what was written, for the trace */
    uint64_t done;     /* bytes */
    int status;
    uint8_t kind;
};

/* ---- the disk ---- */

struct resident {
    struct list of_disk; /* in order of use */
    struct inode *inode;
    uint32_t slot;
};
struct disk {
    struct world *world;
    struct host *host;
    struct inode *root;
    const struct disk_profile *profile;
    uint64_t used_pages;
    uint64_t free_ns;        /* the device is busy until then */
    struct wheel_event held; /* operations that would have ended while it is stalled */
    struct list dirty;       /* inodes, in order of dirty_since_ns */
    struct list damaged;     /* files with nothing but pages that failed syncs have dropped */
    struct item write_back;
    struct list resident; /* the cache, when it is bounded */
    uint64_t resident_bytes;
    char *misdirect; /* pattern of the file whose next write goes astray; NULL: none */
    uint8_t failing; /* enum disk_operation */
    bool full, read_only, stalled, lies;
};

/* disk.c */
struct disk *disk_of(struct world *world, struct host *host); /* made when it is missing */
uint64_t disk_free_pages(const struct disk *disk);
void disk_usage(const struct disk *disk, struct env_disk_usage *out);

/* disk_names.c */
bool path_is_valid(struct span path);
struct inode *inode_new(struct disk *disk, bool directory, uint64_t owner);
/* To be called when a count of names or handles has gone down: frees what nobody can reach. */
void inode_settle(struct inode *inode);
/* The inode of a path now; NULL: there is none. */
struct inode *disk_find(const struct disk *disk, struct span path);
/* The directory that holds (or would hold) the last part of `path`, which goes to *name. NULL:
 * there is no such directory, or the path is "/". */
struct inode *disk_find_parent(const struct disk *disk, struct span path, struct span *name);
struct dentry *dir_find(const struct inode *dir, struct span name);
/* The entry, made when it is missing: then it stands for nothing, and must be given something. */
struct dentry *dir_need(struct inode *dir, struct span name);
bool dir_is_empty(const struct inode *dir);
void dentry_set(struct dentry *entry, struct inode *inode);         /* now; NULL: nothing */
void dentry_set_durable(struct dentry *entry, struct inode *inode); /* durably */
void dentry_drop_if_void(struct dentry *entry);
/* A new file or directory of that name, whose entry stands for nothing now. */
struct inode *disk_create(struct inode *dir, struct span name, bool directory);
int disk_make_dirs(struct disk *disk, struct span path); /* RMQ_E_EXISTS: a file is in the way */
#define DISK_PATH_ROOM (2 * ENV_PATH_MAX)
/* Its path now, or "?", NUL-terminated; cut when it is too long. */
void inode_path(const struct inode *inode, char out[DISK_PATH_ROOM]);
/* Calls `visit` for each file, in order of path. */
typedef void disk_visit_fn(struct inode *file, struct span path, void *ctx);
void disk_walk(struct disk *disk, disk_visit_fn *visit, void *ctx);

/* disk_pages.c */
/* Writes to the cache; `bytes` NULL: zeros, allocated. How many bytes are there, in *done.
 * RMQ_E_NO_SPACE. */
int file_write(struct inode *file, uint64_t offset, const uint8_t *bytes, uint64_t len,
               uint64_t *done);
void file_read(struct inode *file, uint64_t offset, uint8_t *into, size_t len);
/* At most `len` (> 0) bytes below the file's end. */
struct span file_view(struct inode *file, uint64_t offset, size_t len);
void file_truncate(struct inode *file, uint64_t size);
void file_cut(struct inode *file, uint64_t size); /* what is behind that is gone */
void file_free_content(struct inode *file);
/* Bytes of page `page` of a slot that mean something; those behind are zeros. */
size_t page_len(const struct slot *slot, unsigned page);
/* Makes the content of a page what `block` holds, 0: zeros, and allocates it or not; no version is
 * put aside. */
void page_set(struct inode *file, uint32_t slot_index, unsigned page, uint32_t block, bool used);
void use_pages(struct inode *file, struct slot *slot, uint16_t used); /* allocated are these */

/* disk_sync.c */
void inode_touch(struct inode *inode);       /* it has something that is not durable */
void inode_clean_check(struct inode *inode); /* perhaps it has not any more */
void dirty_free(struct inode *file, struct dirty *dirty);
/* A page will change: what is durable, and what a sync covers, is put aside. */
void pages_will_change(struct inode *file, uint32_t slot_index, uint16_t pages);
/* A sync begins: what it covers. The bytes that the device has to write. */
uint64_t sync_capture(struct inode *inode);
enum sync_end {
    SYNC_DURABLE, /* what it covers is durable */
    SYNC_NOTHING, /* nothing has happened */
    SYNC_FAILED   /* nothing is durable, and pages may be dropped */
};
void sync_release(struct inode *inode, enum sync_end how);
void write_back_arm(struct disk *disk); /* a reason against it may have gone */
void write_back_fires(struct disk *disk);
void disk_all_durable(struct disk *disk); /* at once; no sync is under way */

/* disk_queue.c */
void disk_op_start(const struct disk_op *request, struct env_file_op *op, env_file_fn *done);
void disk_op_ends(struct world *world, struct disk_op *op);
void disk_op_handle(struct env *node, struct disk_op *op);
void disk_op_free(struct world *world, struct disk_op *op);
/* The file is closed: what is under way takes effect or not. */
void disk_ops_abandon(struct env *node, const struct env_file *file);
/* The process ends: what its handler asked for and has not begun does not happen. */
void disk_drop_unsent(struct env *node);
/* The process is gone: files are closed, locks are free. */
void disk_owner_died(struct env *node);
void file_close(struct env_file *file);
void disk_release_held(struct disk *disk);

/* disk_cache.c: which slots are in memory, when the cache is bounded */
bool cache_has(const struct inode *file, uint64_t offset);
/* The first bytes of [offset, offset + len) that are not: how many the device has to read. */
uint64_t cache_missing(const struct inode *file, uint64_t offset, uint64_t len);
void cache_use(struct inode *file, uint64_t offset, uint64_t len);
void cache_forget(struct inode *file, struct slot *slot);
void cache_empty(struct disk *disk);

/* disk_check.c: asserts the invariants; for tests */
void disk_check(const struct disk *disk);

/* disk_power.c */
void disk_power_off(struct disk *disk);

/* disk_faults.c */
/* Records world.disk about the host's first node. */
void disk_record(const struct inode *inode, const char *what, uint64_t kept, uint64_t lost);
void disk_record_path(const struct disk *disk, const char *path, const char *what, uint64_t kept,
                      uint64_t lost);
/* Where a write to `file` at `offset` lands. */
uint64_t disk_misdirected(const struct inode *file, uint64_t offset);

static inline bool disk_is_bounded(const struct disk *disk) {
    return disk->profile->cache_bytes != 0;
}

#endif
