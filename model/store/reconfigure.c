/* store/reconfigure.c - what request 25 changes in a store that is open. */
#include "model/store/store_internal.h"

void store_reconfigure(struct store *store, const struct store_config *config) {
    struct store_config *now = &store->config;
    now->max_message_bytes = config->max_message_bytes;
    now->index_safe = config->index_safe;
    now->flush_interval_ms = config->flush_interval_ms;
    now->flush_least_pages = config->flush_least_pages;
    now->flush_thorough_ms = config->flush_thorough_ms;
    now->queue_flush_interval_ms = config->queue_flush_interval_ms;
    now->queue_flush_least_pages = config->queue_flush_least_pages;
    now->queue_flush_thorough_ms = config->queue_flush_thorough_ms;
    now->sync_flush_timeout_ms = config->sync_flush_timeout_ms;
    now->reserved_hours = config->reserved_hours;
    now->delete_hours = config->delete_hours;
    now->delete_files_interval_ms = config->delete_files_interval_ms;
    now->delete_batch = config->delete_batch;
    now->max_used_percent = config->max_used_percent;
    now->clean_forcibly_percent = config->clean_forcibly_percent;
    now->warning_percent = config->warning_percent;
    now->clean_forcibly = config->clean_forcibly;
    now->memory_percent = config->memory_percent;
    now->page_cache_busy_ms = config->page_cache_busy_ms;
    now->in_memory_bytes = config->in_memory_bytes;
    now->in_memory_count = config->in_memory_count;
    now->in_disk_bytes = config->in_disk_bytes;
    now->in_disk_count = config->in_disk_count;
}
