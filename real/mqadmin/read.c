/* mqadmin/read.c - queryMsgByOffset, printMsg, printMsgByQueue, consumeMessage. Pages of a queue go
 * out as they come; with --json the document holds them all. */
#include <stdlib.h>

#include "model/wire/body.h"
#include "real/mqadmin/print.h"
#include "real/mqadmin/pull.h"

#define PAGE 32
#define GROUP "TOOLS_CONSUMER"

/* ---- queues ---------------------------------------------------------------------------------- */

struct reading {
    struct pull_queue *queues;
    size_t count;
    struct subscription subscription;
};

/* What a queue is read with, and which are meant: broker_name NULL: all; id -1: all. */
struct wanted {
    const char *topic, *broker_name, *group, *expression;
    int64_t id;
};

/* Queues of one broker that may be read. */
static void add_queues(const struct route_data *route, const struct broker *broker,
                       const struct wanted *wanted, struct reading *out) {
    for (const struct tree *at = route->queues->first; at != NULL; at = at->next) {
        if (strcmp(tree_text(at, "brokerName", ""), broker->name) != 0 ||
            (tree_number(at, "perm", 0) & PERM_READ) == 0)
            continue;
        for (int64_t id = 0; id < tree_number(at, "readQueueNums", 0); id++) {
            if (wanted->id >= 0 && id != wanted->id)
                continue;
            out->queues[out->count++] = (struct pull_queue){.topic = wanted->topic,
                                                            .broker = broker->name,
                                                            .address = broker_address(broker),
                                                            .id = id,
                                                            .group = wanted->group,
                                                            .expression = wanted->expression,
                                                            .subscription = &out->subscription};
        }
    }
}

static size_t count_queues(const struct route_data *route) {
    size_t count = 0;
    for (const struct tree *at = route->queues == NULL ? NULL : route->queues->first; at != NULL;
         at = at->next) {
        int64_t reads = tree_number(at, "readQueueNums", 0);
        count += reads > 0 ? (size_t)reads : 0;
    }
    return count;
}

/* False after a failure; then nothing is to free. */
static bool find_queues(struct admin *admin, const struct wanted *wanted, struct reading *out) {
    const struct route_data *route = ask_route(admin, wanted->topic, NULL);
    *out = (struct reading){0};
    if (route == NULL)
        return false;
    if (subscription_parse(admin->env, span_of_text(wanted->expression), SPAN_LITERAL("TAG"),
                           &out->subscription) != RMQ_OK) {
        admin_fail(admin, "'%s' is no tag expression such as 'TagA || TagB'", wanted->expression);
        return false;
    }
    out->queues = arena_alloc(&admin->arena, count_queues(route) * sizeof(*out->queues));
    for (size_t i = 0; i < route->broker_count && route->queues != NULL; i++) {
        const struct broker *broker = &route->brokers[i];
        bool meant = wanted->broker_name == NULL || strcmp(wanted->broker_name, broker->name) == 0;
        if (meant && broker_address(broker) != NULL)
            add_queues(route, broker, wanted, out);
    }
    if (out->count > 0)
        return true;
    subscription_deinit(&out->subscription);
    admin_fail(admin, "the route of %s has no readable queue%s%s%s%s", wanted->topic,
               wanted->broker_name == NULL ? "" : " at broker ",
               wanted->broker_name == NULL ? "" : wanted->broker_name,
               wanted->id < 0 ? "" : " with number ",
               wanted->id < 0 ? "" : call_number(admin, wanted->id));
    return false;
}

/* Where to begin and to end: the queue's ends, or what the time options say. */
static bool find_range(struct admin *admin, const struct pull_queue *queue, int64_t *min,
                       int64_t *max) {
    bool begin = options_given(&admin->options, "beginTimestamp");
    bool end = options_given(&admin->options, "endTimestamp");
    if (!ask_min_offset(admin, queue, min) || !ask_max_offset(admin, queue, max))
        return false;
    if (begin &&
        !ask_time_offset(admin, queue, options_time(&admin->options, "beginTimestamp"), min))
        return false;
    return !end ||
           ask_time_offset(admin, queue, options_time(&admin->options, "endTimestamp"), max);
}

/* ---- queryMsgByOffset ------------------------------------------------------------------------ */

static void query_msg_by_offset(struct admin *admin) {
    const struct options *options = &admin->options;
    struct reading reading;
    struct pulled pulled;
    struct shown shown;
    int64_t offset = options_number(options, "offset");
    struct wanted wanted = {options_text(options, "topic"), options_text(options, "brokerName"),
                            GROUP, "*", options_number(options, "queueId")};
    if (!find_queues(admin, &wanted, &reading))
        return;
    if (pull(admin, &reading.queues[0], offset, 1, &pulled)) {
        put_array_begin(admin, "messages");
        if (pulled.status == PULL_FOUND && pulled_next(admin, reading.queues, &pulled, &shown))
            print_message_detail(admin, &shown, 0, true);
        else if (!admin_failed(admin))
            admin_fail(admin, "no message at offset %lld: %s, the queue has %lld to %lld",
                       (long long)offset, pull_status_text(pulled.status), (long long)pulled.min,
                       (long long)pulled.max - 1);
        put_array_end(admin);
    }
    subscription_deinit(&reading.subscription);
}

/* ---- printMsg -------------------------------------------------------------------------------- */

/* One page; `found` is said before its messages, which go to `each`. False at the end: nothing is
 * left, or a failure. */
typedef void each_fn(struct admin *admin, const struct shown *shown, void *ctx);
static bool read_page(struct admin *admin, const struct pull_queue *queue, int64_t *offset,
                      int64_t most, const char *found, each_fn *each, void *ctx) {
    struct pulled pulled;
    struct shown shown;
    if (!pull(admin, queue, *offset, most, &pulled))
        return false;
    bool stuck = pulled.next <= *offset && pulled.status != PULL_OFFSET_ILLEGAL;
    *offset = pulled.next;
    if (pulled.status == PULL_FOUND)
        say(admin, "%s", found);
    while (pulled.status == PULL_FOUND && pulled_next(admin, queue, &pulled, &shown)) {
        each(admin, &shown, ctx);
    }
    if (pulled.status == PULL_NO_MATCHED_MSG)
        say(admin, "%s no matched msg. status=%s, offset=%lld\n", pull_queue_text(admin, queue),
            pull_status_text(pulled.status), (long long)*offset);
    else if (pulled.status != PULL_FOUND)
        say(admin, "%s print msg finished. status=%s, offset=%lld\n", pull_queue_text(admin, queue),
            pull_status_text(pulled.status), (long long)*offset);
    return !admin_failed(admin) && !stuck &&
           (pulled.status == PULL_FOUND || pulled.status == PULL_NO_MATCHED_MSG);
}

/* From *offset up to `end`; the memory of each page goes with it. */
static void read_range(struct admin *admin, const struct pull_queue *queue, int64_t offset,
                       int64_t end, each_fn *each, void *ctx) {
    bool more = true;
    while (more && offset < end) {
        struct arena_mark mark = arena_mark(&admin->arena);
        more = read_page(admin, queue, &offset, PAGE, "", each, ctx);
        if (!admin_failed(admin)) /* a failure's text stays */
            arena_release(&admin->arena, mark);
    }
}

static void print_each(struct admin *admin, const struct shown *shown, void *ctx) {
    const bool *with_body = ctx;
    print_message_line(admin, shown, *with_body);
}

static void print_msg(struct admin *admin) {
    const struct options *options = &admin->options;
    bool with_body = options_bool(options, "printBody");
    struct reading reading;
    struct wanted wanted = {options_text(options, "topic"), NULL, GROUP,
                            options_text(options, "subExpression"), -1};
    if (!find_queues(admin, &wanted, &reading))
        return;
    put_array_begin(admin, "messages");
    for (size_t i = 0; i < reading.count && !admin_failed(admin); i++) {
        int64_t min, max;
        if (!find_range(admin, &reading.queues[i], &min, &max))
            break;
        say(admin, "minOffset=%lld, maxOffset=%lld, %s\n", (long long)min, (long long)max,
            pull_queue_text(admin, &reading.queues[i]));
        read_range(admin, &reading.queues[i], min, max, print_each, &with_body);
        say(admin, "--------------------------------------------------------\n");
    }
    put_array_end(admin);
    subscription_deinit(&reading.subscription);
}

/* ---- printMsgByQueue ------------------------------------------------------------------------- */

/* Messages per tag; the texts outlive the pages. */
struct tag_count {
    struct tag_count *next;
    char *tag;
    int64_t count;
};
struct by_queue {
    bool print, with_body, calculate;
    struct tag_count *tags;
    size_t tag_count;
};

static void count_tag(struct by_queue *state, const char *tag) {
    struct tag_count *at = state->tags;
    while (at != NULL && strcmp(at->tag, tag) != 0) {
        at = at->next;
    }
    if (at == NULL) {
        size_t len = strlen(tag) + 1;
        at = calloc(1, sizeof(*at) + len);
        if (at == NULL)
            return;
        at->tag = (char *)(at + 1);
        memcpy(at->tag, tag, len);
        at->next = state->tags;
        state->tags = at;
        state->tag_count++;
    }
    at->count++;
}

static void print_or_count(struct admin *admin, const struct shown *shown, void *ctx) {
    struct by_queue *state = ctx;
    const char *tag = shown_property(shown, "TAGS");
    if (state->calculate && tag != NULL)
        count_tag(state, tag);
    if (state->print)
        print_message_line(admin, shown, state->with_body);
}

static int by_count(const void *a, const void *b) {
    const struct tag_count *const *x = a, *const *y = b;
    if ((*x)->count != (*y)->count)
        return (*x)->count > (*y)->count ? -1 : 1;
    return strcmp((*x)->tag, (*y)->tag);
}

static const struct column TAG_COLUMNS[] = {
    {"tag", "Tag: %-30s ", NULL},
    {"count", "Count: %s", NULL},
};

static void print_tags(struct admin *admin, struct by_queue *state) {
    struct tag_count **tags = arena_alloc(&admin->arena, state->tag_count * sizeof(void *));
    size_t count = 0;
    for (struct tag_count *at = state->tags; at != NULL; at = at->next) {
        tags[count++] = at;
    }
    if (count > 1)
        qsort((void *)tags, count, sizeof(void *), by_count);
    struct table table = TABLE(admin, "tags", TAG_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        ROW(&table, cell_text(tags[i]->tag), cell_number(admin, tags[i]->count));
        free(tags[i]);
    }
    table_end(&table);
}

static void print_msg_by_queue(struct admin *admin) {
    const struct options *options = &admin->options;
    struct by_queue state = {.print = options_bool(options, "printMsg"),
                             .with_body = options_bool(options, "printBody"),
                             .calculate = options_bool(options, "calculate")};
    struct reading reading;
    int64_t min, max;
    struct wanted wanted = {options_text(options, "topic"), options_text(options, "brokerName"),
                            GROUP, options_text(options, "subExpression"),
                            options_number(options, "queueId")};
    if (!find_queues(admin, &wanted, &reading))
        return;
    put_array_begin(admin, "messages");
    if (find_range(admin, &reading.queues[0], &min, &max))
        read_range(admin, &reading.queues[0], min, max, print_or_count, &state);
    put_array_end(admin);
    if (state.calculate)
        print_tags(admin, &state);
    subscription_deinit(&reading.subscription);
}

/* ---- consumeMessage -------------------------------------------------------------------------- */

static void consume_each(struct admin *admin, const struct shown *shown, void *ctx) {
    int64_t *left = ctx;
    if (*left == 0)
        return;
    (*left)--;
    print_message_line(admin, shown, true);
}

/* Differs: exactly as many messages as -c says, over all queues together. Apache's counts offsets
 * and is one off. */
static void consume_queue(struct admin *admin, const struct pull_queue *queue, int64_t *left) {
    int64_t min, max, offset = options_number(&admin->options, "offset");
    if (!find_range(admin, queue, &min, &max))
        return;
    if (offset > max) {
        say(admin, "%s no matched msg, offset=%lld\n", pull_queue_text(admin, queue),
            (long long)offset);
        return;
    }
    min = offset > min ? offset : min;
    bool limited = max - min > *left;
    if (limited)
        say(admin, "The older %lld message of the %lld queue will be provided\n", (long long)*left,
            (long long)queue->id);
    bool more = true;
    /* Without a limit up to the answer that there is nothing new, as Apache's. */
    while (more && *left > 0 && (min < max || (min == max && !limited))) {
        struct arena_mark mark = arena_mark(&admin->arena);
        int64_t page = *left < PAGE ? *left : PAGE;
        more = read_page(admin, queue, &min, max - min + 1 < page ? max - min + 1 : page,
                         "Consume ok\n", consume_each, left);
        if (!admin_failed(admin))
            arena_release(&admin->arena, mark);
    }
}

static const char *wrong_options(const struct options *options) {
    if (options_number(options, "MessageNumber") == 0)
        return "Please input a positive messageNumber!";
    if (options_given(options, "queueId") && !options_given(options, "brokerName"))
        return "Please set the brokerName before queueId!";
    if (options_given(options, "offset") && !options_given(options, "queueId"))
        return "Please set queueId before offset!";
    int64_t now = now_ms(), begin = options_time(options, "beginTimestamp");
    int64_t end = options_time(options, "endTimestamp");
    if (begin > now)
        return "Please set the beginTimestamp before now!";
    if (end > now)
        return "Please set the endTimestamp before now!";
    if (options_given(options, "endTimestamp") && begin > end)
        return "Please make sure that the beginTimestamp is less than or equal to the "
               "endTimestamp";
    return NULL;
}

static void consume_message(struct admin *admin) {
    const struct options *options = &admin->options;
    const char *wrong = wrong_options(options);
    struct reading reading;
    int64_t left = options_number(options, "MessageNumber");
    if (wrong != NULL) {
        admin_fail(admin, "%s", wrong);
        return;
    }
    struct wanted wanted = {options_text(options, "topic"), options_text(options, "brokerName"),
                            options_text(options, "consumerGroup"), "*",
                            options_given(options, "queueId") ? options_number(options, "queueId")
                                                              : -1};
    if (!find_queues(admin, &wanted, &reading))
        return;
    put_array_begin(admin, "messages");
    for (size_t i = 0; i < reading.count && left > 0 && !admin_failed(admin); i++) {
        consume_queue(admin, &reading.queues[i], &left);
    }
    put_array_end(admin);
    subscription_deinit(&reading.subscription);
}

/* ---- table ----------------------------------------------------------------------------------- */

#define BEGIN_ABOUT "Begin timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"
#define END_ABOUT "End timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"
#define CHARSET_ABOUT "CharsetName(eg: UTF-8,GBK) (no effect: bytes are printed as they are)"

static const struct option OFFSET_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'b', "brokerName", OPTION_TEXT, REQUIRED, NULL, "Broker Name"},
    {'i', "queueId", OPTION_NUMBER, REQUIRED, NULL, "Queue Id"},
    {'o', "offset", OPTION_NUMBER, REQUIRED, NULL, "Queue Offset"},
};
static const struct option PRINT_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'c', "charsetName", OPTION_TEXT, OPTIONAL, NULL, CHARSET_ABOUT},
    {'s', "subExpression", OPTION_TEXT, OPTIONAL, "*", "Subscribe Expression(eg: TagA || TagB)"},
    {'b', "beginTimestamp", OPTION_TIME, OPTIONAL, NULL, BEGIN_ABOUT},
    {'e', "endTimestamp", OPTION_TIME, OPTIONAL, NULL, END_ABOUT},
    {'d', "printBody", OPTION_BOOL, OPTIONAL, "true", "print body"},
};
static const struct option QUEUE_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'a', "brokerName", OPTION_TEXT, REQUIRED, NULL, "broker name"},
    {'i', "queueId", OPTION_NUMBER, REQUIRED, NULL, "queue id"},
    {'c', "charsetName", OPTION_TEXT, OPTIONAL, NULL, CHARSET_ABOUT},
    {'s', "subExpression", OPTION_TEXT, OPTIONAL, "*", "Subscribe Expression(eg: TagA || TagB)"},
    {'b', "beginTimestamp", OPTION_TIME, OPTIONAL, NULL, BEGIN_ABOUT},
    {'e', "endTimestamp", OPTION_TIME, OPTIONAL, NULL, END_ABOUT},
    {'p', "printMsg", OPTION_BOOL, OPTIONAL, "false", "print msg. eg: true | false"},
    {'d', "printBody", OPTION_BOOL, OPTIONAL, "false", "print body. eg: true | false"},
    {'f', "calculate", OPTION_BOOL, OPTIONAL, "false", "calculate by tag. eg: true | false"},
};
static const struct option CONSUME_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "Topic name"},
    {'b', "brokerName", OPTION_TEXT, OPTIONAL, NULL, "Broker name"},
    {'i', "queueId", OPTION_NUMBER, OPTIONAL, NULL, "Queue Id"},
    {'o', "offset", OPTION_NUMBER, OPTIONAL, "0", "Queue offset"},
    {'g', "consumerGroup", OPTION_TEXT, OPTIONAL, GROUP, "Consumer group name"},
    {'s', "beginTimestamp", OPTION_TIME, OPTIONAL, NULL, BEGIN_ABOUT},
    {'e', "endTimestamp", OPTION_TIME, OPTIONAL, NULL, END_ABOUT},
    {'c', "MessageNumber", OPTION_NUMBER, OPTIONAL, "128", "Number of message to be consumed"},
};
static const struct command COMMANDS[] = {
    COMMAND("queryMsgByOffset", "Query Message by offset", query_msg_by_offset, OFFSET_OPTIONS),
    COMMAND("printMsg", "Print Message Detail", print_msg, PRINT_OPTIONS),
    COMMAND("printMsgByQueue", "Print Message Detail", print_msg_by_queue, QUEUE_OPTIONS),
    COMMAND("consumeMessage", "Consume message", consume_message, CONSUME_OPTIONS),
};
const struct command_table READ_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
