/* sim/judge/sightings.c - see sightings.h. Fields by their place in model/events.h. */
#include "sim/judge/sightings.h"

#include "sim/oracle/messages.h"

const char *sighting_name(enum sighting sighting) {
#define SIGHTING_NAME(id, name, about) name,
    static const char *const NAMES[] = {SIGHTINGS(SIGHTING_NAME)};
    return NAMES[sighting];
}

static bool text_is(const struct record *record, size_t field, const char *text) {
    return span_equal(record->fields[field].text, span_of_text(text));
}

static void on_disk(struct sightings *sightings, const struct record *record) {
    bool page = text_is(record, 1, "page"), torn = text_is(record, 1, "torn");
    if (torn)
        sightings->times[SIGHTING_PAGE_TORN] += record->fields[2].number;
    else if (page)
        sightings->times[SIGHTING_PAGE_LOST] += record->fields[3].number;
    else if (text_is(record, 1, "name") || text_is(record, 1, "size"))
        sightings->times[SIGHTING_NAME_LOST] += record->fields[3].number;
}

static void on_recovered(struct sightings *sightings, const struct record *record) {
    sightings->times[SIGHTING_UNCLEAN] += text_is(record, 0, "unclean");
    /* "magic": also where nothing was written, with something behind it */
    sightings->times[SIGHTING_TORN_CUT] +=
        record->fields[5].number > 0 && !text_is(record, 6, "magic");
}

void sightings_on_record(struct sightings *sightings, const struct record *record,
                         const struct messages *messages) {
    uint64_t *times = sightings->times;
    switch (record->kind) {
    case EVENT_world_disk:
        on_disk(sightings, record);
        break;
    case EVENT_store_recovered:
        on_recovered(sightings, record);
        break;
    case EVENT_store_queue_recovered:
        times[SIGHTING_QUEUE_REBUILT] += record->fields[4].number > 0;
        break;
    case EVENT_store_file_deleted:
        times[SIGHTING_FILE_DELETED]++;
        break;
    case EVENT_store_writable:
        times[SIGHTING_REFUSED] += record->fields[0].number == 0;
        break;
    case EVENT_flow_refused:
        times[SIGHTING_FLOW]++;
        break;
    case EVENT_offset_lowered:
        times[SIGHTING_OFFSET_LOWERED]++;
        break;
    case EVENT_offset_ignored:
        times[SIGHTING_OFFSET_IGNORED]++;
        break;
    case EVENT_config_loaded:
        times[SIGHTING_BACKUP_READ] += text_is(record, 1, "backup");
        break;
    case EVENT_send_retried:
        times[SIGHTING_RETRIED]++;
        break;
    case EVENT_consumer_rebalanced:
        times[SIGHTING_REBALANCED]++;
        break;
    case EVENT_consume_delivered:
        times[SIGHTING_DUPLICATE] += messages->facts.duplicate != DUPLICATE_NONE;
        break;
    default:
        break;
    }
    for (size_t i = 0; i < messages->facts.lost_count; i++)
        times[SIGHTING_WINDOW_LOSS] += !messages->facts.lost[i].flushed;
}
