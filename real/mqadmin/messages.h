/* mqadmin/messages.h - stored messages as the tool shows them. */
#ifndef REAL_MQADMIN_MESSAGES_H
#define REAL_MQADMIN_MESSAGES_H

#include "model/wire/message.h"
#include "real/mqadmin/cluster.h"

struct property {
    const char *name, *value;
};
struct shown {
    struct message message; /* spans into the answer's body */
    const char *topic;
    const char *offset_id;       /* of the place in the log */
    const char *msg_id;          /* UNIQ_KEY, else the offset id */
    const char *broker;          /* NULL: not known, as with Java's queries */
    struct property *properties; /* in the order of Java's HashMap */
    size_t property_count;
    struct span body; /* inflated where it was compressed with zlib */
};
/* Decodes the record that begins *rest and takes it off; false at the end, and (a failure) at bytes
 * that are none. */
bool shown_next(struct admin *admin, struct span *rest, struct shown *out);
/* NULL when missing. */
const char *shown_property(const struct shown *shown, const char *name);
/* As Java's consumers add MIN_OFFSET and MAX_OFFSET to what they pulled. */
void shown_set_property(struct admin *admin, struct shown *shown, const char *name,
                        const char *value);
/* "{KEYS=k, TAGS=t}" */
const char *properties_text(struct admin *admin, const struct shown *shown);
const char *host_text(struct admin *admin, const struct message_host *host);

/* "MSGID: .. MessageExt [..] BODY: .." in a line of its own; JSON: an element of an array. */
void print_message_line(struct admin *admin, const struct shown *shown, bool with_body);
/* An object, key NULL: of an array. */
void put_message(struct admin *admin, const char *key, const struct shown *shown, bool with_body);

/* The block of queryMsgById and relatives: fields, the file of the body, who consumed it. `index`:
 * which of several copies; `with_offset_id`: with the line OffsetID. */
void print_message_detail(struct admin *admin, const struct shown *shown, int index,
                          bool with_offset_id);

/* Who consumed it (admin.md 3, track query): a line per group; JSON: member "tracks". */
void print_tracks(struct admin *admin, const struct shown *shown);

#endif
