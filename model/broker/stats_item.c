/* broker/stats_item.c - see stats_item.h. */
#include "model/broker/stats_item.h"

#include "model/base/check.h"

static const struct {
    uint32_t seconds, samples;
} SCALES[STATS_SCALES] = {
    {10, STATS_MINUTE_SAMPLES}, {600, STATS_MINUTE_SAMPLES}, {3600, STATS_DAY_SAMPLES}};

void stats_grid_set(struct stats_grid *grid, uint64_t seconds) {
    for (unsigned scale = 0; scale < STATS_SCALES; scale++)
        grid->last[scale] = seconds / SCALES[scale].seconds;
}

static struct stats_sums *samples_of(struct stats_item *item, unsigned scale) {
    return scale == STATS_MINUTE ? item->minute : scale == STATS_HOUR ? item->hour : item->day;
}

void stats_item_init(struct stats_item *item, const struct stats_grid *grid) {
    memset(item, 0, sizeof *item);
    item->born = item->filled = *grid;
}

/* The instants that have passed since found the sums as they are. */
static void fill(struct stats_item *item, const struct stats_grid *grid) {
    if (item->filled.last[STATS_MINUTE] == grid->last[STATS_MINUTE])
        return; /* 10 s divide the others */
    for (unsigned scale = 0; scale < STATS_SCALES; scale++) {
        uint64_t count = SCALES[scale].samples, last = grid->last[scale];
        uint64_t from = item->filled.last[scale] + 1;
        RMQ_ASSERT(from <= last + 1);
        if (last - (from - 1) > count)
            from = last - count + 1;
        for (uint64_t n = from; n <= last; n++)
            samples_of(item, scale)[n % count] = item->now;
    }
    item->filled = *grid;
}

void stats_item_add(struct stats_item *item, const struct stats_grid *grid, uint64_t nums,
                    uint64_t size, uint64_t ms, uint64_t times) {
    fill(item, grid);
    item->now.field[STATS_NUMS] += nums;
    item->now.field[STATS_SIZE] += size;
    item->now.field[STATS_MS] += ms;
    item->now.times += times;
}

struct broker_stats_window stats_item_window(struct stats_item *item, const struct stats_grid *grid,
                                             enum stats_field field, enum stats_scale scale) {
    uint64_t count = SCALES[scale].samples, last = grid->last[scale];
    uint64_t first = item->born.last[scale]; /* where all was 0 */
    const struct stats_sums *samples = samples_of(item, scale), *newest, *oldest;
    fill(item, grid);
    if (last == first)
        return (struct broker_stats_window){0};
    if (last - first >= count)
        first = last - count + 1;
    newest = &samples[last % count];
    oldest = &samples[first % count];
    int64_t sum = (int64_t)(newest->field[field] - oldest->field[field]);
    int64_t times = (int64_t)(newest->times - oldest->times);
    int64_t seconds = (int64_t)(last - first) * SCALES[scale].seconds;
    return (struct broker_stats_window){
        .sum = sum, .tps = decimal_ratio(sum, 1, seconds), .avgpt = decimal_ratio(sum, 1, times)};
}
