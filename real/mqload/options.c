/* mqload/options.c - the command line of mqload. */
#include "real/mqload/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: mqload produce|consume|both -n ADDR -t TOPIC [options]\n"
    "\n"
    "produce sends messages, consume takes a topic's backlog, both does both at once and measures\n"
    "the way from the send to the consumer. Prints a line each second (stderr) and a result.\n"
    "\n"
    "  -n, --namesrv ADDR     name servers, host:port;host:port (default: $NAMESRV_ADDR)\n"
    "  -t, --topic NAME       the topic (several: ';')\n"
    "  -c, --connections N    producers, each a client of its own (16)\n"
    "  -i, --in-flight N      sends under way at a time per connection (32)\n"
    "  -m, --mode MODE        async (default), sync, oneway\n"
    "  -r, --rate N           messages per second in all, by the clock (open loop): a latency\n"
    "                         counts from when the message was due. Default: closed loop, as fast\n"
    "                         as answers come\n"
    "      --poisson          with --rate: drawn gaps instead of even ones\n"
    "  -b, --bytes N[..M]     body size (1024); a range: uniform\n"
    "      --batch N          messages per send (1)\n"
    "      --tags A;B         tags, drawn;  --keys N: so many distinct keys, drawn\n"
    "  -g, --group NAME       consumer group (mqload)\n"
    "  -k, --consumers N      consumers, each a client of its own (1)\n"
    "      --from first|last  where a new group begins (consume: first, both: last)\n"
    "  -s, --seconds T        measured time (10);  -w, --warmup T: before it (1; consume, --count: "
    "0)\n"
    "  -N, --count N          ends after so many messages sent (consume: consumed)\n"
    "  -S, --serialize S      headers: JSON (default) or ROCKETMQ\n"
    "  -T, --threads N        threads that the clients share (1)\n"
    "      --set KEY=VALUE    a setting of RocketMQ's clients (sendMsgTimeout=1000); repeatable\n"
    "  -j, --json             the result as JSON on stdout, the rest on stderr\n"
    "      --csv FILE         a row per second;  --plot FILE.svg: throughput and quantiles drawn\n"
    "      --events FILE      the clients' events as JSON lines, for mqsim check (with -T N, "
    "FILE.1\n"
    "                         and so on too)\n"
    "  -q, --quiet            no line per second\n"
    "  -h, --help\n"
    "\n"
    "Times: 10, 10s, 500ms, 2m. Exit status: 0; 1 usage; 2 a send failed or nothing was "
    "measured.\n";

static int wrong(const char *option, const char *value, const char *expected) {
    fprintf(stderr, "mqload: %s: '%s': expected %s\n", option, value, expected);
    return 1;
}

static int read_number(const char *option, const char *text, uint64_t min, uint64_t max,
                       uint64_t *out) {
    char *end, expected[80];
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    snprintf(expected, sizeof expected, "a whole number from %llu to %llu", (unsigned long long)min,
             (unsigned long long)max);
    if (*text < '0' || *text > '9' || *end != 0 || errno != 0 || value < min || value > max)
        return wrong(option, text, expected);
    *out = value;
    return 0;
}

static int read_u32(const char *option, const char *text, uint32_t min, uint32_t max,
                    uint32_t *out) {
    uint64_t value = 0;
    int err = read_number(option, text, min, max, &value);
    if (err == 0)
        *out = (uint32_t)value;
    return err;
}

static int read_time(const char *option, const char *text, uint64_t *out_ns) {
    static const struct {
        const char *unit;
        uint64_t ns;
    } UNITS[] = {{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {"m", 60000000000}};
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++)
        if (*text >= '0' && *text <= '9' && errno == 0 && strcmp(end, UNITS[i].unit) == 0 &&
            value <= UINT64_C(1000000000000000) / UNITS[i].ns) {
            *out_ns = value * UNITS[i].ns;
            return 0;
        }
    return wrong(option, text, "a time such as 10, 10s, 500ms or 2m");
}

static int read_bytes(const char *text, struct load_options *out) {
    char copy[64];
    const char *dots = strstr(text, "..");
    if (strlen(text) >= sizeof copy)
        return wrong("--bytes", text, "N or N..M");
    memcpy(copy, text, strlen(text) + 1);
    if (dots != NULL)
        copy[dots - text] = 0;
    int err = read_number("--bytes", copy, 0, 4 << 20, &out->bytes);
    out->bytes_max = out->bytes;
    if (err == 0 && dots != NULL)
        err = read_number("--bytes", dots + 2, out->bytes, 4 << 20, &out->bytes_max);
    return err;
}

static int read_word(const char *option, const char *text, const char *const *words,
                     const char *expected, const char **out) {
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0) {
            *out = *words;
            return 0;
        }
    return wrong(option, text, expected);
}

static int read_set(const char *text, struct load_options *out) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return wrong("--set", text, "key=value");
    if (out->set_count == LOAD_SETS_MAX)
        return wrong("--set", text, "at most 64 settings");
    out->sets[out->set_count++] = text;
    return 0;
}

enum {
    OPT_POISSON = 256,
    OPT_BATCH,
    OPT_TAGS,
    OPT_KEYS,
    OPT_FROM,
    OPT_SET,
    OPT_CSV,
    OPT_PLOT,
    OPT_EVENTS
};

static const struct option LONG[] = {{"namesrv", required_argument, NULL, 'n'},
                                     {"topic", required_argument, NULL, 't'},
                                     {"connections", required_argument, NULL, 'c'},
                                     {"in-flight", required_argument, NULL, 'i'},
                                     {"mode", required_argument, NULL, 'm'},
                                     {"rate", required_argument, NULL, 'r'},
                                     {"poisson", no_argument, NULL, OPT_POISSON},
                                     {"bytes", required_argument, NULL, 'b'},
                                     {"batch", required_argument, NULL, OPT_BATCH},
                                     {"tags", required_argument, NULL, OPT_TAGS},
                                     {"keys", required_argument, NULL, OPT_KEYS},
                                     {"group", required_argument, NULL, 'g'},
                                     {"consumers", required_argument, NULL, 'k'},
                                     {"from", required_argument, NULL, OPT_FROM},
                                     {"seconds", required_argument, NULL, 's'},
                                     {"warmup", required_argument, NULL, 'w'},
                                     {"count", required_argument, NULL, 'N'},
                                     {"serialize", required_argument, NULL, 'S'},
                                     {"threads", required_argument, NULL, 'T'},
                                     {"set", required_argument, NULL, OPT_SET},
                                     {"json", no_argument, NULL, 'j'},
                                     {"csv", required_argument, NULL, OPT_CSV},
                                     {"plot", required_argument, NULL, OPT_PLOT},
                                     {"events", required_argument, NULL, OPT_EVENTS},
                                     {"quiet", no_argument, NULL, 'q'},
                                     {"help", no_argument, NULL, 'h'},
                                     {NULL, 0, NULL, 0}};

static int read_option(int option, struct load_options *out) {
    static const char *const MODES[] = {"async", "sync", "oneway", NULL};
    static const char *const SERIALIZATIONS[] = {"JSON", "ROCKETMQ", NULL};
    static const char *const PLACES[] = {"first", "last", NULL};
    switch (option) {
    case 'n':
        out->namesrv = optarg;
        return 0;
    case 't':
        out->topic = optarg;
        return 0;
    case 'g':
        out->group = optarg;
        return 0;
    case 'c':
        return read_u32("--connections", optarg, 1, 10000, &out->connections);
    case 'i':
        return read_u32("--in-flight", optarg, 1, 65535, &out->in_flight);
    case 'k':
        return read_u32("--consumers", optarg, 1, 10000, &out->consumers);
    case 'T':
        return read_u32("--threads", optarg, 1, 256, &out->threads);
    case 'm':
        return read_word("--mode", optarg, MODES, "async, sync or oneway", &out->mode);
    case 'r':
        return read_number("--rate", optarg, 1, 100000000, &out->rate);
    case 'b':
        return read_bytes(optarg, out);
    case 's':
        return read_time("--seconds", optarg, &out->seconds_ns);
    case 'w':
        return read_time("--warmup", optarg, &out->warmup_ns);
    case 'N':
        return read_number("--count", optarg, 1, UINT32_MAX, &out->count);
    case 'S':
        return read_word("--serialize", optarg, SERIALIZATIONS, "JSON or ROCKETMQ",
                         &out->serialize);
    case OPT_POISSON:
        out->poisson = true;
        return 0;
    case OPT_BATCH:
        return read_u32("--batch", optarg, 1, 1000, &out->batch);
    case OPT_TAGS:
        out->tags = optarg;
        return 0;
    case OPT_KEYS:
        return read_u32("--keys", optarg, 1, UINT32_MAX, &out->keys);
    case OPT_FROM:
        return read_word("--from", optarg, PLACES, "first or last", &out->from);
    case OPT_SET:
        return read_set(optarg, out);
    case OPT_CSV:
        out->csv = optarg;
        return 0;
    case OPT_PLOT:
        out->plot = optarg;
        return 0;
    case OPT_EVENTS:
        out->events = optarg;
        return 0;
    case 'j':
        out->json = true;
        return 0;
    case 'q':
        out->quiet = true;
        return 0;
    case 'h':
        fputs(USAGE, stdout);
        return -1;
    default:
        fputs("mqload --help lists the options\n", stderr);
        return 1;
    }
}

static int complete(struct load_options *out) {
    if (out->namesrv == NULL)
        out->namesrv = getenv("NAMESRV_ADDR");
    if (out->namesrv == NULL || *out->namesrv == 0) {
        fputs("mqload: no name server: -n host:port, or $NAMESRV_ADDR\n", stderr);
        return 1;
    }
    if (out->topic == NULL || *out->topic == 0) {
        fputs("mqload: no topic: -t NAME\n", stderr);
        return 1;
    }
    if (out->poisson && out->rate == 0) {
        fputs("mqload: --poisson needs --rate\n", stderr);
        return 1;
    }
    if (out->warmup_ns == UINT64_MAX)
        out->warmup_ns = out->produce && out->count == 0 ? 1000000000 : 0;
    if (out->from == NULL)
        out->from = out->produce ? "last" : "first";
    return 0;
}

int load_options_read(int argc, char **argv, struct load_options *out) {
    *out = (struct load_options){.group = "mqload",
                                 .mode = "async",
                                 .connections = 16,
                                 .in_flight = 32,
                                 .consumers = 1,
                                 .threads = 1,
                                 .bytes = 1024,
                                 .bytes_max = 1024,
                                 .batch = 1,
                                 .seconds_ns = UINT64_C(10000000000),
                                 .warmup_ns = UINT64_MAX,
                                 .serialize = "JSON"};
    if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, argc < 2 ? stderr : stdout);
        return argc < 2 ? 1 : -1;
    }
    out->produce = strcmp(argv[1], "produce") == 0 || strcmp(argv[1], "both") == 0;
    out->consume = strcmp(argv[1], "consume") == 0 || strcmp(argv[1], "both") == 0;
    if (!out->produce && !out->consume)
        return wrong("work", argv[1], "produce, consume or both");
    optind = 2;
    for (int option;
         (option = getopt_long(argc, argv, "n:t:g:c:i:k:T:m:r:b:s:w:N:S:jqh", LONG, NULL)) != -1;) {
        int err = read_option(option, out);
        if (err != 0)
            return err;
    }
    if (optind < argc)
        return wrong("argument", argv[optind], "options only");
    return complete(out);
}
