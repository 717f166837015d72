/* broker/stats_item.h - one counted thing, and its last minute, hour and day.
 *
 * Apache samples each item every 10 s for the minute (7 samples), every 10 min for the hour (7) and
 * every hour for the day (25), counted from the broker's start; a window is what lies between its
 * first and its last sample (StatsItem.java). Here nobody samples: the sums as they were at the
 * last instants are filled in when the item is next counted or read. Between two instants that is
 * the same, and what is not counted costs nothing. */
#ifndef MODEL_BROKER_STATS_ITEM_H
#define MODEL_BROKER_STATS_ITEM_H

#include "model/wire/body_stats.h"

enum stats_scale { STATS_MINUTE, STATS_HOUR, STATS_DAY, STATS_SCALES };
#define STATS_MINUTE_SAMPLES 7
#define STATS_DAY_SAMPLES 25

/* The number of the last sampling instant of each scale: seconds since the start by 10, 600 and
 * 3600. One grid serves all items. */
struct stats_grid {
    uint64_t last[STATS_SCALES];
};
void stats_grid_set(struct stats_grid *grid, uint64_t seconds);

/* Sums since the item began. */
enum stats_field { STATS_NUMS, STATS_SIZE, STATS_MS, STATS_FIELDS };
struct stats_sums {
    uint64_t field[STATS_FIELDS];
    uint64_t times;
};

struct stats_item {
    struct stats_sums now;
    struct stats_grid born;   /* the instants before it began */
    struct stats_grid filled; /* up to which samples are there */
    struct stats_sums minute[STATS_MINUTE_SAMPLES], hour[STATS_MINUTE_SAMPLES],
        day[STATS_DAY_SAMPLES]; /* sample of instant n at n modulo their count */
};

/* `grid`: as of now, here and below. */
void stats_item_init(struct stats_item *item, const struct stats_grid *grid);
void stats_item_add(struct stats_item *item, const struct stats_grid *grid, uint64_t nums,
                    uint64_t size, uint64_t ms, uint64_t times);
/* Sum, rate and average per time of a field. All 0 until the first instant after it began. */
struct broker_stats_window stats_item_window(struct stats_item *item, const struct stats_grid *grid,
                                             enum stats_field field, enum stats_scale scale);

#endif
