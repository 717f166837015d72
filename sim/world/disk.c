/* sim/world/disk.c - the disk of a machine: its profile, and its beginning.
 *
 * Fault model. A disk holds files and directories; it outlives processes and power. What a process
 * writes is in the machine's cache when the operation ends, not when it is asked for; all processes
 * see it from then on.
 *  latency    drawn per operation: write (into the cache), sync, cold read. Syncs and cold reads
 *             queue for the device, which moves bytes_per_second. Writes under way together end in
 *             any order. A sync covers what had ended when it was asked for. Opening, names, sizes
 * and truncation take no time. kill       what was written stays. Of what is under way, each write
 * leaves some of its pages, from the front, and each sync is done or not: drawn. power      content
 * is kept by page (4 KiB). A page that no ended sync covers as it is is now what it was when a sync
 * last covered it, or what was written last (keep_ppm), or (by torn_ppm, of those kept) some of its
 * 512-byte sectors each. What came in between never shows. A name that no ended sync of its
 * directory covers stands for what it stood for, or what it was given last (keep_name_ppm), each
 * name for itself - but a rename loses no file: when its new name does not survive, its old one
 * does. So with sizes: the durable one or the last one. A file or directory without a durable name
 *             may be gone with all that is in it.
 *  write-back what has been dirty for write_back_ns becomes durable by itself. Nobody may rely on
 *             it.
 *  sync fails RMQ_E_IO. Of the pages it should have covered, half stay dirty, a quarter fall back
 *             to what is durable, a quarter look written and are not: no later sync writes them.
 *  sync lies  success, and nothing is durable.
 *  I/O error  of a write: a prefix may be there. Of a read: nothing.
 *  full       capacity counts pages that were ever written or allocated, holes are free. A write
 *             stops at the page for which there is no room. The fault (world_disk_full) leaves no
 *             page and no name to anybody; what is allocated can be written.
 *  read-only  everything that changes something fails; what is under way, too.
 *  stall      nothing ends until it is over; then all at once, in order.
 *  rot        one bit of one written byte is wrong, now and for ever.
 *  misdirected  one write lands a page further, and nothing says so.
 *  cold cache   with cache_bytes, what was longest not used is read from the device again; after a
 *             power-off everything is.
 * A store must survive all of these (rot: notice it) because disks, controllers and kernels do
 * them: see "Can Applications Recover from fsync Failures?" (Rebello et al., 2020) for syncs and
 * "All File Systems Are Not Created Equal" (Pillai et al., 2014) for names.
 *
 * Views reach to the end of a 64 KiB block: so long that recovery is bound by what it reads, so
 * short that a snapshot's first write to a block copies little. */
#include "sim/world/disk_internal.h"

#define UNLIMITED_BYTES (1ULL << 40) /* what an unlimited disk says it has */
#define US 1000ULL
#define MS 1000000ULL

struct disk_profile_entry {
    struct disk_profile_entry *next;
    struct disk_profile profile;
};

/* ---- profiles ---- */

/* A data centre's SSD behind a journalling file system. */
void disk_profile_default(struct disk_profile *profile) {
    memset(profile, 0, sizeof *profile);
    profile->write_latency = (struct dist){.kind = DIST_UNIFORM, .min = 2 * US, .max = 10 * US};
    profile->read_latency =
        (struct dist){.kind = DIST_EXPONENTIAL, .min = 60 * US, .mean = 40 * US, .max = 10 * MS};
    profile->sync_latency =
        (struct dist){.kind = DIST_EXPONENTIAL, .min = 200 * US, .mean = 300 * US, .max = 50 * MS};
    profile->bytes_per_second = 500000000;
    profile->keep_ppm = 500000;
    profile->keep_name_ppm = 500000;
    profile->torn_ppm = 100000;
    profile->write_back_ns = 30 * WORLD_SECOND_NS;
}

static bool is_same(const struct disk_profile *a, const struct disk_profile *b) {
    return dist_equal(&a->write_latency, &b->write_latency) &&
           dist_equal(&a->read_latency, &b->read_latency) &&
           dist_equal(&a->sync_latency, &b->sync_latency) &&
           a->bytes_per_second == b->bytes_per_second && a->capacity_bytes == b->capacity_bytes &&
           a->cache_bytes == b->cache_bytes && a->keep_ppm == b->keep_ppm &&
           a->keep_name_ppm == b->keep_name_ppm && a->torn_ppm == b->torn_ppm &&
           a->sync_fail_ppm == b->sync_fail_ppm && a->write_fail_ppm == b->write_fail_ppm &&
           a->read_fail_ppm == b->read_fail_ppm && a->lying_sync_ppm == b->lying_sync_ppm &&
           a->write_back_ns == b->write_back_ns;
}

/* Equal profiles are kept once. */
static const struct disk_profile *intern(struct world *world, const struct disk_profile *profile) {
    struct disk_profile_entry *entry = world->disk_profiles;
    while (entry != NULL && !is_same(&entry->profile, profile)) {
        entry = entry->next;
    }
    if (entry == NULL) {
        entry = world_need(world, sizeof *entry);
        entry->profile = *profile;
        entry->next = world->disk_profiles;
        world->disk_profiles = entry;
    }
    return &entry->profile;
}

void world_set_disk(struct world *world, struct host *host, const struct disk_profile *profile) {
    struct disk *disk = disk_of(world, host);
    bool was_bounded = disk_is_bounded(disk);
    disk->profile = intern(world, profile);
    if (was_bounded && !disk_is_bounded(disk)) {
        cache_empty(disk);
    }
    world_unqueue(world, &disk->write_back);
    write_back_arm(disk);
}

void world_set_default_disk(struct world *world, const struct disk_profile *profile) {
    world->default_disk = intern(world, profile);
}

static const struct disk_profile *standard(struct world *world) {
    if (world->default_disk == NULL) {
        struct disk_profile profile;
        disk_profile_default(&profile);
        world_set_default_disk(world, &profile);
    }
    return world->default_disk;
}

const struct disk_profile *world_disk(struct world *world, struct host *host) {
    return disk_of(world, host)->profile;
}

/* ---- disks ---- */

struct disk *disk_of(struct world *world, struct host *host) {
    if (host->disk != NULL) {
        return host->disk;
    }
    struct disk *disk = world_need(world, sizeof *disk);
    disk->world = world;
    disk->host = host;
    disk->profile = standard(world);
    disk->write_back.kind = ITEM_WRITE_BACK;
    item_list_init(&disk->held);
    list_init(&disk->dirty);
    list_init(&disk->damaged);
    list_init(&disk->resident);
    disk->root = inode_new(disk, true, host->draw_owner);
    disk->root->names = disk->root->durable_names = 1;
    host->disk = disk;
    return disk;
}

uint64_t disk_free_pages(const struct disk *disk) {
    if (disk->full) {
        return 0;
    }
    if (disk->profile->capacity_bytes == 0) {
        return UINT64_MAX;
    }
    uint64_t capacity = disk->profile->capacity_bytes / PAGE_BYTES;
    return disk->used_pages < capacity ? capacity - disk->used_pages : 0;
}

void disk_usage(const struct disk *disk, struct env_disk_usage *out) {
    uint64_t capacity = disk->profile->capacity_bytes;
    out->total_bytes = capacity == 0 ? UNLIMITED_BYTES : capacity;
    out->used_bytes = disk->full ? out->total_bytes : disk->used_pages * PAGE_BYTES;
}

/* ---- from outside ---- */

static struct inode *file_at(struct disk *disk, struct span path) {
    struct span name;
    struct inode *dir = disk_find_parent(disk, path, &name);
    if (dir == NULL) {
        return NULL;
    }
    const struct dentry *entry = dir_find(dir, name);
    struct inode *file = entry != NULL ? entry->current : NULL;
    if (file == NULL) {
        file = disk_create(dir, name, false);
    }
    return file->directory ? NULL : file;
}

bool world_disk_put(struct world *world, struct host *host, const char *path, const void *bytes,
                    size_t len, int64_t modified_ms) {
    struct disk *disk = disk_of(world, host);
    struct span whole = span_of_text(path);
    size_t dir_len = whole.len;
    while (dir_len > 0 && path[dir_len - 1] != '/') {
        dir_len--;
    }
    if (!path_is_valid(whole) || disk_make_dirs(disk, span_of(path, dir_len)) != RMQ_OK) {
        return false;
    }
    struct inode *file = file_at(disk, whole);
    if (file == NULL) {
        return false;
    }
    uint64_t done;
    file_truncate(file, 0);
    int err = file_write(file, 0, bytes, len, &done);
    file->modified_ms = modified_ms;
    disk_all_durable(disk);
    return err == RMQ_OK;
}

bool world_disk_get(const struct world *world, const struct host *host, const char *path,
                    uint64_t offset, void *into, size_t len) {
    (void)world;
    struct inode *file = host->disk == NULL ? NULL : disk_find(host->disk, span_of_text(path));
    if (file == NULL || file->directory || offset > file->size || len > file->size - offset) {
        return false;
    }
    file_read(file, offset, into, len);
    return true;
}

uint64_t world_disk_size(const struct world *world, const struct host *host, const char *path) {
    (void)world;
    const struct inode *file =
        host->disk == NULL ? NULL : disk_find(host->disk, span_of_text(path));
    return file == NULL || file->directory ? UINT64_MAX : file->size;
}
