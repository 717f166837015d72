/* env_fake_disk.h - files and names of the fake's disk, each in two states: what processes see (the
 * cache) and what is durable. */
#ifndef MODEL_TESTS_ENV_FAKE_DISK_H
#define MODEL_TESTS_ENV_FAKE_DISK_H

#include "model/tests/env_fake_internal.h"

#define PAGE 4096

/* When a page or a size was changed last, in the cache and in what is durable (0: never). `dirty`:
 * the next sync takes it along. */
struct version {
    uint64_t changed;
    uint64_t durable;
    bool dirty;
};

/* A file or a directory, whatever its names. Bytes beyond `len` are zeros, in both states. */
struct fake_inode {
    struct fake_inode *following;
    bool is_dir;
    bool locked;
    size_t len, durable_len;
    struct version len_version;
    size_t pages; /* room */
    uint8_t *cache, *durable;
    struct version *page_versions;
    int64_t modified_ms;
};

/* A path, and what it names: NULL for nothing. */
struct fake_name {
    char *path;
    struct fake_inode *cache, *durable;
    struct version version;
};

/* What happens to files in the cache. `bytes` NULL: zeros. */
void fake_inode_write(struct env *env, struct fake_inode *inode, uint64_t offset,
                      const uint8_t *bytes, uint64_t len);
void fake_inode_set_len(struct env *env, struct fake_inode *inode, uint64_t len);
void fake_inode_set_durable_len(struct fake_inode *inode, size_t len);
struct fake_inode *fake_add_inode(struct env *env, bool is_dir);

/* The root's own path as the empty one. */
static inline struct span fake_without_slash(struct span path) {
    return span_equal(path, SPAN_LITERAL("/")) ? SPAN_LITERAL("") : path;
}
/* Absolute, not the root, no part that is empty or dots. */
bool fake_path_is_legal(struct span path);
/* Up to its last '/'; "" for what lies in the root. */
struct span fake_parent_of(struct span path);
struct fake_inode *fake_find_path(const struct env *env, struct span path);
bool fake_is_dir(const struct env *env, struct span path);
/* `inode` NULL removes the name. */
void fake_set_name(struct env *env, struct span path, struct fake_inode *inode);
/* A power-off: what is left becomes both states. */
void fake_settle_disk(struct env *env, enum fake_keep keep);

#endif
