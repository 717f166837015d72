/* sim/world/disk_queue.c - operations: how long they take, and what they do when they end. */
#include "sim/world/disk_internal.h"

static uint64_t draw_latency(struct inode *inode, const struct dist *latency) {
    return world_draw_ns(inode->disk->world, latency, DRAW_DISK_LATENCY, inode->draw_owner,
                         inode->draws++);
}

/* When the device, which does one thing after the other, has moved `bytes`. */
static uint64_t device_time(struct disk *disk, uint64_t start_ns, uint64_t bytes) {
    uint64_t rate = disk->profile->bytes_per_second;
    uint64_t start = start_ns > disk->free_ns ? start_ns : disk->free_ns;
    if (rate == 0 || bytes == 0) {
        return start;
    }
    disk->free_ns = start + bytes / rate * WORLD_SECOND_NS + bytes % rate * WORLD_SECOND_NS / rate;
    return disk->free_ns;
}

/* ---- beginning ---- */

static void sync_begin(struct disk_op *op, uint64_t start_ns) {
    struct inode *inode = op->inode;
    struct disk *disk = inode->disk;
    inode->sync = op;
    uint64_t end = device_time(disk, start_ns, sync_capture(inode));
    world_queue(disk->world, &op->item, end + draw_latency(inode, &disk->profile->sync_latency));
}

static void read_begin(struct disk_op *op) {
    struct inode *inode = op->inode;
    struct disk *disk = inode->disk;
    uint64_t missing = cache_missing(inode, op->offset, op->len);
    const struct dist *latency =
        missing > 0 ? &disk->profile->read_latency : &disk->profile->write_latency;
    uint64_t start = missing > 0 ? device_time(disk, op->start_ns, missing) : op->start_ns;
    world_queue(disk->world, &op->item, start + draw_latency(inode, latency));
}

void disk_op_start(const struct disk_op *request, struct env_file_op *op, env_file_fn *done) {
    struct env *env = request->env;
    struct inode *inode = request->inode;
    struct disk *disk = inode->disk;
    struct world *world = disk->world;
    RMQ_ASSERT(done != NULL);
    RMQ_ASSERT(!env_file_op_active(op));
    struct disk_op *made = arena_alloc(&world->owner, sizeof *made);
    RMQ_ASSERT(made != NULL);
    *made = *request;
    made->item.kind = ITEM_DISK;
    made->op = op;
    made->start_ns = world->effect_ns;
    list_append(&env->file_ops, &made->of_node);
    inode->handles++;
    op->done = done;
    op->env = env;
    op->bytes = 0;
    switch ((enum disk_op_kind)made->kind) {
    case OP_WRITE:
    case OP_ZERO:
        world_queue(world, &made->item,
                    made->start_ns + draw_latency(inode, &disk->profile->write_latency));
        break;
    case OP_READ:
        read_begin(made);
        break;
    case OP_SYNC:
    case OP_SYNC_DIR:
        if (inode->sync != NULL) {
            item_insert_before(&inode->waiting, &made->item, PLACE_HELD);
        } else {
            sync_begin(made, made->start_ns);
        }
        break;
    case OP_MISSING:
        made->status = RMQ_E_NOT_FOUND;
        world_queue(world, &made->item, made->start_ns);
        break;
    }
}

void disk_op_free(struct world *world, struct disk_op *op) {
    struct inode *inode = op->inode;
    RMQ_ASSERT(inode->sync != op);
    world_free(world, op);
    inode->handles--;
    inode_settle(inode);
}

/* ---- ending ---- */

static bool draw_failure(struct inode *inode, uint32_t ppm) {
    return ppm != 0 && world_draw_chance(inode->disk->world, DRAW_DISK_FAIL, inode->draw_owner,
                                         inode->draws++, ppm);
}

static int fail(struct disk_op *op) {
    op->inode->disk->world->counts.disk_failed++;
    return RMQ_E_IO;
}

static void fold_write(struct disk_op *op, uint64_t offset, uint64_t len) {
    struct world *world = op->inode->disk->world;
    op->hash = op->kind == OP_WRITE ? trace_hash_bytes(op->bytes, (size_t)len) : 0;
    trace_hash_fold(&world->hash, op->inode->draw_owner ^ op->hash, offset);
    trace_hash_fold(&world->hash, world->wheel.now_ns, len);
}

/* Writes the first `len` bytes of what was asked. */
static int write_part(struct disk_op *op, uint64_t len) {
    struct inode *file = op->inode;
    struct disk *disk = file->disk;
    if (len == 0) {
        return RMQ_OK;
    }
    uint64_t offset = op->offset;
    if (__builtin_expect(disk->misdirect != NULL, 0)) {
        offset = disk_misdirected(file, offset);
    }
    int err = file_write(file, offset, op->kind == OP_WRITE ? op->bytes : NULL, len, &op->done);
    file->modified_ms = clock_wall_ms(&op->env->clock, world_now(disk->world));
    disk->world->counts.disk_writes++;
    disk->world->counts.disk_bytes += op->done;
    disk->world->counts.disk_full += err == RMQ_E_NO_SPACE;
    fold_write(op, offset, op->done);
    if (disk_is_bounded(disk)) {
        cache_use(file, offset, op->done);
    }
    return err;
}

static int end_write(struct disk_op *op) {
    struct disk *disk = op->inode->disk;
    if (disk->read_only) {
        disk->world->counts.disk_read_only++;
        return RMQ_E_READ_ONLY;
    }
    if (op->offset > FILE_BYTES_MAX || op->len > FILE_BYTES_MAX - op->offset) {
        disk->world->counts.disk_full++;
        return RMQ_E_NO_SPACE;
    }
    if ((disk->failing & DISK_WRITE) != 0) {
        return fail(op);
    }
    if (draw_failure(op->inode, disk->profile->write_fail_ppm)) {
        uint64_t part = world_draw_below(disk->world, DRAW_DISK_FAIL, op->inode->draw_owner,
                                         op->inode->draws++, op->len + 1);
        int err = write_part(op, part);
        return err == RMQ_OK ? fail(op) : err;
    }
    return write_part(op, op->len);
}

static int end_read(struct disk_op *op) {
    struct inode *file = op->inode;
    struct disk *disk = file->disk;
    disk->world->counts.disk_reads++;
    if ((disk->failing & DISK_READ) != 0 || draw_failure(file, disk->profile->read_fail_ppm)) {
        return fail(op);
    }
    if (op->offset < file->size) {
        uint64_t rest = file->size - op->offset;
        op->done = op->len < rest ? op->len : rest;
        file_read(file, op->offset, op->bytes, (size_t)op->done);
        if (disk_is_bounded(disk)) {
            cache_use(file, op->offset, op->done);
        }
    }
    return RMQ_OK;
}

static void next_sync(struct inode *inode) {
    inode->sync = NULL;
    if (!item_list_is_empty(&inode->waiting)) {
        struct item *item = item_of(inode->waiting.next);
        struct disk_op *next = RMQ_CONTAINER_OF(item, struct disk_op, item);
        uint64_t now = world_now(inode->disk->world);
        world_unqueue(inode->disk->world, item);
        sync_begin(next, next->start_ns > now ? next->start_ns : now);
    }
}

static int end_sync(struct disk_op *op) {
    struct inode *inode = op->inode;
    struct disk *disk = inode->disk;
    int status = RMQ_OK;
    disk->world->counts.disk_syncs++;
    if (disk->read_only && !list_is_empty(&inode->of_dirty)) {
        disk->world->counts.disk_read_only++;
        sync_release(inode, SYNC_NOTHING);
        status = RMQ_E_READ_ONLY;
    } else if ((disk->failing & DISK_SYNC) != 0 ||
               draw_failure(inode, disk->profile->sync_fail_ppm)) {
        sync_release(inode, SYNC_FAILED);
        status = fail(op);
    } else if (disk->lies || draw_failure(inode, disk->profile->lying_sync_ppm)) {
        disk->world->counts.disk_lied++;
        sync_release(inode, SYNC_NOTHING);
    } else {
        sync_release(inode, SYNC_DURABLE);
    }
    next_sync(inode);
    return status;
}

void disk_op_ends(struct world *world, struct disk_op *op) {
    struct disk *disk = op->inode->disk;
    if (disk->stalled) {
        world->counts.disk_held++;
        item_insert_before(&disk->held, &op->item, PLACE_HELD);
        return;
    }
    switch ((enum disk_op_kind)op->kind) {
    case OP_WRITE:
    case OP_ZERO:
        op->status = end_write(op);
        break;
    case OP_READ:
        op->status = end_read(op);
        break;
    case OP_SYNC:
    case OP_SYNC_DIR:
        op->status = end_sync(op);
        break;
    case OP_MISSING:
        break;
    }
    node_arrive(op->env, &op->item);
}

void disk_release_held(struct disk *disk) {
    while (!item_list_is_empty(&disk->held)) {
        struct item *item = item_of(disk->held.next);
        world_unqueue(disk->world, item);
        world_queue(disk->world, item, world_now(disk->world));
    }
}

void disk_op_handle(struct env *node, struct disk_op *op) {
    struct env_file_op *asked = op->op;
    env_file_fn *done = asked->done;
    RMQ_ASSERT(done != NULL);
    list_remove(&op->of_node);
    node_begin(node, &op->item, STEP_DISK);
    if (world_wants_steps()) {
        const uint64_t numbers[] = {op->kind, op->inode->draw_owner, op->offset, op->done,
                                    op->hash};
        world_record_step(node->world, node, STEP_DISK, numbers, 5);
    }
    asked->done = NULL;
    asked->bytes = (size_t)op->done;
    done(asked, op->status);
    node_end(node);
    disk_op_free(node->world, op);
}

/* ---- being dropped ---- */

/* How many bytes of a write take effect: any number of its pages, from the front. */
static uint64_t draw_part(struct disk_op *op) {
    struct inode *inode = op->inode;
    if (op->len == 0) {
        return 0;
    }
    uint64_t first = op->offset / PAGE_BYTES, last = (op->offset + op->len - 1) / PAGE_BYTES;
    uint64_t pages = world_draw_below(inode->disk->world, DRAW_DISK_CUT, inode->draw_owner,
                                      inode->draws++, last - first + 2);
    uint64_t end = (first + pages) * PAGE_BYTES;
    return pages == 0 ? 0 : end < op->offset + op->len ? end - op->offset : op->len;
}

/* Nobody waits for it any more: it takes effect now, or in part, or never. `works`: it may. */
static void op_abandon(struct disk_op *op, bool works) {
    struct inode *inode = op->inode;
    struct disk *disk = inode->disk;
    works = works && !disk->stalled && !disk->read_only;
    bool is_write = op->kind == OP_WRITE || op->kind == OP_ZERO;
    if (is_write && op->offset <= FILE_BYTES_MAX && op->len <= FILE_BYTES_MAX - op->offset) {
        uint64_t part = works && (disk->failing & DISK_WRITE) == 0 ? draw_part(op) : 0;
        disk->world->counts.disk_cut += part < op->len;
        RMQ_IGNORE(write_part(op, part), "nobody waits for it");
    } else if (inode->sync == op) {
        works = works && (disk->failing & DISK_SYNC) == 0 && !disk->lies;
        bool durable = works && world_draw_chance(disk->world, DRAW_DISK_CUT, inode->draw_owner,
                                                  inode->draws++, 500000);
        disk->world->counts.disk_cut += !durable;
        sync_release(inode, durable ? SYNC_DURABLE : SYNC_NOTHING);
    }
}

static void op_drop(struct disk_op *op, bool works) {
    struct world *world = op->env->world;
    struct inode *inode = op->inode;
    bool under_way = op->item.place != PLACE_INBOX;
    world_unqueue(world, &op->item);
    list_remove(&op->of_node);
    op->op->done = NULL;
    if (under_way) {
        op_abandon(op, works);
    }
    if (inode->sync == op) {
        next_sync(inode);
    }
    disk_op_free(world, op);
}

void disk_ops_abandon(struct env *node, const struct env_file *file) {
    LIST_EACH(&node->file_ops, link, following) {
        struct disk_op *op = LIST_ENTRY(link, struct disk_op, of_node);
        if (file == NULL || op->file == file) {
            op_drop(op, true);
        }
    }
}

void disk_drop_unsent(struct env *node) {
    LIST_EACH(&node->file_ops, link, following) {
        struct disk_op *op = LIST_ENTRY(link, struct disk_op, of_node);
        if (op->start_ns > world_now(node->world)) {
            op_drop(op, false);
        }
    }
}

void file_close(struct env_file *file) {
    struct env *node = file->env;
    struct inode *inode = file->inode;
    disk_ops_abandon(node, file);
    if (!inode->directory && inode->lock == file) {
        inode->lock = NULL;
    }
    list_remove(&file->of_node);
    world_free(node->world, file);
    inode->handles--;
    inode_settle(inode);
}

void disk_owner_died(struct env *node) {
    disk_ops_abandon(node, NULL);
    LIST_EACH(&node->files, link, following) {
        file_close(LIST_ENTRY(link, struct env_file, of_node));
    }
}
