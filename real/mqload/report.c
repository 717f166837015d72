/* mqload/report.c - see report.h. */
#include "real/mqload/report.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double us(uint64_t ns) {
    return (double)ns / 1000;
}
static double per_second(uint64_t count, uint64_t ns) {
    return ns == 0 ? 0 : (double)count * 1e9 / (double)ns;
}
/* Consumers of a backlog are measured from their first message to their last. */
static uint64_t consuming_ns(const struct load_options *options, const struct load_stats *stats,
                             uint64_t measured_ns) {
    return options->produce ? measured_ns : stats->last_consumed_ns - stats->first_consumed_ns;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void quantiles_text(const char *what, const struct histogram *histogram) {
    printf("%s: p50 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us\n", what,
           us(histogram_quantile(histogram, 500000)), us(histogram_quantile(histogram, 990000)),
           us(histogram_quantile(histogram, 999000)), us(histogram->max));
}

static void write_text(const struct load_options *options, const struct load_stats *stats,
                       uint64_t measured_ns) {
    if (options->produce) {
        printf("sent %llu in %.2f s: %.0f per second; failed %llu\n",
               (unsigned long long)stats->sent, (double)measured_ns / 1e9,
               per_second(stats->sent, measured_ns), (unsigned long long)stats->failed);
        quantiles_text("send latency", &stats->send);
    }
    if (options->consume) {
        printf("consumed %llu: %.0f per second\n", (unsigned long long)stats->consumed,
               per_second(stats->consumed, consuming_ns(options, stats, measured_ns)));
        if (stats->way.count > 0)
            quantiles_text("produce to consume", &stats->way);
    }
    if (stats->first_error[0] != 0)
        printf("first error: %s\n", stats->first_error);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void quantiles_json(cJSON *to, const char *name, const struct histogram *histogram) {
    cJSON *object = cJSON_AddObjectToObject(to, name);
    cJSON_AddNumberToObject(object, "p50", us(histogram_quantile(histogram, 500000)));
    cJSON_AddNumberToObject(object, "p99", us(histogram_quantile(histogram, 990000)));
    cJSON_AddNumberToObject(object, "p99.9", us(histogram_quantile(histogram, 999000)));
    cJSON_AddNumberToObject(object, "max", us(histogram->max));
}

static void write_json(const struct load_options *options, const struct load_stats *stats,
                       uint64_t measured_ns) {
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "sent", (double)stats->sent);
    cJSON_AddNumberToObject(root, "failed", (double)stats->failed);
    cJSON_AddNumberToObject(root, "per_second", per_second(stats->sent, measured_ns));
    quantiles_json(root, "latency_us", &stats->send);
    cJSON_AddNumberToObject(root, "seconds", (double)measured_ns / 1e9);
    if (options->consume) {
        cJSON_AddNumberToObject(root, "consumed", (double)stats->consumed);
        cJSON_AddNumberToObject(
            root, "consumed_per_second",
            per_second(stats->consumed, consuming_ns(options, stats, measured_ns)));
        if (stats->way.count > 0)
            quantiles_json(root, "produce_to_consume_us", &stats->way);
    }
    if (stats->first_error[0] != 0)
        cJSON_AddStringToObject(root, "first_error", stats->first_error);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text != NULL)
        puts(text);
    free(text);
}

/* ---- a row per second ------------------------------------------------------------------------ */

static void write_rows(FILE *to, const struct load_stats *stats, uint64_t measured_ns) {
    size_t whole = (size_t)(measured_ns / 1000000000);
    fputs("second,sent_per_s,failed_per_s,consumed_per_s,send_p50_us,send_p99_us,send_max_us,"
          "produce_to_consume_p50_us,produce_to_consume_p99_us\n",
          to);
    for (size_t i = 0; i < whole; i++) {
        struct load_second row = stats_second(stats, i);
        fprintf(to, "%zu,%llu,%llu,%llu,%.1f,%.1f,%.1f,%.1f,%.1f\n", i + 1,
                (unsigned long long)row.sent, (unsigned long long)row.failed,
                (unsigned long long)row.consumed, us(row.send_p50), us(row.send_p99),
                us(row.send_max), us(row.way_p50), us(row.way_p99));
    }
}

static int write_csv(const char *path, const struct load_stats *stats, uint64_t measured_ns) {
    FILE *file = fopen(path, "w");
    if (file != NULL)
        write_rows(file, stats, measured_ns);
    if (file == NULL || fclose(file) != 0) {
        fprintf(stderr, "mqload: --csv %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}

/* Throughput above, quantiles below; the data goes through the same pipe. */
static int write_plot(const struct load_options *options, const struct load_stats *stats,
                      uint64_t measured_ns) {
    FILE *gnuplot = popen("gnuplot", "w");
    if (gnuplot == NULL) {
        fprintf(stderr, "mqload: --plot: gnuplot does not start: %s\n", strerror(errno));
        return -1;
    }
    fputs("$rows << END_OF_ROWS\n", gnuplot);
    write_rows(gnuplot, stats, measured_ns);
    fputs("END_OF_ROWS\n", gnuplot);
    fprintf(gnuplot,
            "set terminal svg size 900,640 background 'white' font 'sans,13'\n"
            "set output '%s'\n"
            "set datafile separator ','\n"
            "set multiplot layout 2,1\n"
            "set lmargin 10\nset rmargin 22\nset offsets graph 0, 0, graph 0.1, 0\nset key outside "
            "right top\nset grid\nset xlabel 'seconds'\n"
            "set ylabel 'messages per second'\nset yrange [0:*]\n"
            "plot $rows using 1:2 skip 1 with lines lw 2 title 'sent'",
            options->plot);
    if (options->consume)
        fputs(", '' using 1:4 skip 1 with lines lw 2 title 'consumed'", gnuplot);
    if (stats->failed > 0)
        fputs(", '' using 1:3 skip 1 with lines lw 2 title 'failed'", gnuplot);
    fputs("\nset ylabel 'latency, us'\nset logscale y\nset autoscale y\nplot ", gnuplot);
    if (options->produce)
        fputs("$rows using 1:5 skip 1 with lines lw 2 title 'send p50', "
              "'' using 1:6 skip 1 with lines lw 2 title 'send p99', "
              "'' using 1:7 skip 1 with points pt 7 ps 0.4 title 'send max'",
              gnuplot);
    if (options->consume && stats->way.count > 0)
        fputs(", '' using 1:8 skip 1 with lines lw 2 title 'to consumer p50', "
              "'' using 1:9 skip 1 with lines lw 2 title 'to consumer p99'",
              gnuplot);
    if (!options->produce)
        fputs("1/0 notitle", gnuplot);
    fputs("\nunset multiplot\n", gnuplot);
    if (pclose(gnuplot) != 0) {
        fprintf(stderr, "mqload: --plot %s: gnuplot failed\n", options->plot);
        return -1;
    }
    return 0;
}

int report_write(const struct load_options *options, const struct load_stats *stats,
                 uint64_t measured_ns) {
    int err = 0;
    if (options->json)
        write_json(options, stats, measured_ns);
    else
        write_text(options, stats, measured_ns);
    if (options->csv != NULL)
        err |= write_csv(options->csv, stats, measured_ns);
    if (options->plot != NULL)
        err |= write_plot(options, stats, measured_ns);
    return err;
}
