/* mqadmin/message_detail.c - a message with all its fields, the file of its body, and who consumed
 * it. Source: QueryMsgByIdSubCommand.printMsg, DefaultMQAdminExtImpl.messageTrackDetail. */
#include <errno.h>
#include <sys/stat.h>

#include "real/mqadmin/messages.h"
#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

/* ---- the body's file ------------------------------------------------------------------------- */

#define BODY_FOLDER "/tmp/rocketmq/msgbodys"

/* NULL after a failure. */
static const char *write_body(struct admin *admin, const struct shown *shown, int index) {
    const char *path =
        index == 0 ? arena_format(&admin->arena, "%s/%s", BODY_FOLDER, shown->msg_id)
                   : arena_format(&admin->arena, "%s/%s_%d", BODY_FOLDER, shown->msg_id, index);
    if (strchr(shown->msg_id, '/') != NULL) { /* a UNIQ_KEY is whatever its producer sent */
        admin_fail(admin, "message id %s is no file name: its body is not written", shown->msg_id);
        return NULL;
    }
    bool made = (mkdir("/tmp/rocketmq", 0777) == 0 || errno == EEXIST) &&
                (mkdir(BODY_FOLDER, 0777) == 0 || errno == EEXIST);
    FILE *file = made ? fopen(path, "wb") : NULL;
    bool ok = file != NULL && fwrite(shown->body.data, 1, shown->body.len, file) == shown->body.len;
    ok = file != NULL && fclose(file) == 0 && ok;
    if (!ok)
        admin_fail(admin, "cannot write the body to %s: %s", path, strerror(errno));
    return ok ? path : NULL;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void line_text(struct admin *admin, const char *title, const char *value) {
    say(admin, "%-20s %s\n", title, value == NULL ? "null" : value);
}
static void line_number(struct admin *admin, const char *title, int64_t value) {
    say(admin, "%-20s %lld\n", title, (long long)value);
}
static void line_bracketed(struct admin *admin, const char *title, const char *value) {
    say(admin, "%-20s [%s]\n", title, value == NULL ? "null" : value);
}

void print_message_detail(struct admin *admin, const struct shown *shown, int index,
                          bool with_offset_id) {
    const struct message *m = &shown->message;
    const char *path = write_body(admin, shown, index);
    if (with_offset_id)
        line_text(admin, "OffsetID:", shown->offset_id);
    line_text(admin, "Topic:", shown->topic);
    line_bracketed(admin, "Tags:", shown_property(shown, "TAGS"));
    line_bracketed(admin, "Keys:", shown_property(shown, "KEYS"));
    line_number(admin, "Queue ID:", m->queue_id);
    line_number(admin, "Queue Offset:", m->queue_offset);
    line_number(admin, "CommitLog Offset:", m->physical_offset);
    line_number(admin, "Reconsume Times:", m->reconsume_times);
    line_text(admin, "Born Timestamp:", time_text_ms(admin, m->born_ms));
    line_text(admin, "Store Timestamp:", time_text_ms(admin, m->store_ms));
    line_text(admin, "Born Host:", host_text(admin, &m->born_host));
    line_text(admin, "Store Host:", host_text(admin, &m->store_host));
    line_number(admin, "System Flag:", m->sys_flag);
    line_text(admin, "Properties:", properties_text(admin, shown));
    line_text(admin, "Message Body Path:", path == NULL ? "" : path);
    put_object_begin(admin, NULL);
    put_message(admin, "message", shown, true);
    put_text(admin, "bodyPath", path);
    print_tracks(admin, shown);
    put_object_end(admin);
}

/* ---- tracks ---------------------------------------------------------------------------------- */

struct track {
    const char *type, *exception; /* exception: NULL, none */
};

/* Whether a committed offset of the message's queue, at the broker that holds it, is past it. */
static bool is_consumed(struct admin *admin, const struct shown *shown,
                        const struct group_stats *stats) {
    const struct cluster_data *cluster = ask_cluster(admin);
    const char *host = host_text(admin, &shown->message.store_host);
    for (size_t i = 0; cluster != NULL && i < cluster->broker_count; i++) {
        const char *master = broker_master(&cluster->brokers[i]);
        const struct queue_row *row = queue_rows_find(
            &stats->rows, shown->topic, cluster->brokers[i].name, shown->message.queue_id);
        if (master != NULL && strcmp(master, host) == 0 && row != NULL &&
            tree_number(row->value, "consumerOffset", 0) > shown->message.queue_offset)
            return true;
    }
    return false;
}

/* Whether the group's expression lets the message's tag through. */
static bool is_wanted(const struct tree *group, const struct shown *shown) {
    const struct tree *tags =
        tree_get(tree_get(tree_get(group, "subscriptionTable"), shown->topic), "tagsSet");
    const char *tag = shown_property(shown, "TAGS");
    if (tree_count(tags) == 0)
        return true;
    for (const struct tree *at = tags->first; at != NULL; at = at->next) {
        if (strcmp(at->text, "*") == 0 || (tag != NULL && strcmp(at->text, tag) == 0))
            return true;
    }
    return false;
}

static struct track failed_track(struct admin *admin, const struct quiet *quiet) {
    return (struct track){
        quiet->code == RESPONSE_CONSUMER_NOT_ONLINE ? "NOT_ONLINE" : "UNKNOWN",
        arena_format(&admin->arena, "CODE:%d DESC:%s", (int)quiet->code, quiet->remark)};
}

static struct track track_of(struct admin *admin, const struct shown *shown, const char *group) {
    struct quiet quiet;
    struct group_stats stats;
    const struct tree *online = ask_group_connections(admin, group, NULL, &quiet);
    if (online == NULL)
        return failed_track(admin, &quiet);
    if (strcmp(tree_text(online, "consumeType", ""), "CONSUME_ACTIVELY") == 0)
        return (struct track){"PULL", NULL};
    if (!ask_group_stats(admin, group, NULL, &quiet, &stats))
        return failed_track(admin, &quiet);
    if (!is_consumed(admin, shown, &stats))
        return (struct track){"NOT_CONSUME_YET", NULL};
    return (struct track){is_wanted(online, shown) ? "CONSUMED" : "CONSUMED_BUT_FILTERED", NULL};
}

static const struct column TRACK_COLUMNS[] = {
    {NULL, "%s", NULL},
    {"consumerGroup", NULL, NULL},
    {"trackType", NULL, NULL},
    {"exceptionDesc", NULL, NULL},
};

void print_tracks(struct admin *admin, const struct shown *shown) {
    struct quiet quiet;
    if (admin->name_server_count == 0)
        return; /* queryMsgById needs none */
    const struct route_data *route = ask_route(admin, shown->topic, NULL);
    const struct tree *groups =
        route == NULL ? NULL : ask_topic_groups(admin, route, shown->topic, &quiet);
    say(admin, tree_count(groups) == 0 ? "\n\nWARN: No Consumer\n" : "\n\n");
    struct table table = TABLE(admin, "tracks", TRACK_COLUMNS);
    for (const struct tree *at = groups == NULL ? NULL : groups->first; at != NULL; at = at->next) {
        struct track track = track_of(admin, shown, at->text);
        const char *line = arena_format(
            &admin->arena, "MessageTrack [consumerGroup=%s, trackType=%s, exceptionDesc=%s]",
            at->text, track.type, track.exception == NULL ? "null" : track.exception);
        ROW(&table, cell_text(line), cell_text(at->text), cell_text(track.type),
            cell_text(track.exception));
    }
    table_end(&table);
}
