/* Counted draws and distributions: each against its own statistics at 1e6 draws. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sim/world/draw.h"

#define DRAWS 1000000

START_TEST(test_draw__depends_on_each_argument) {
    uint64_t base = draw(1, DRAW_TEST, 2, 3);
    ck_assert_uint_eq(base, draw(1, DRAW_TEST, 2, 3));
    ck_assert_uint_ne(base, draw(2, DRAW_TEST, 2, 3));
    ck_assert_uint_ne(base, draw(1, DRAW_SWARM, 2, 3));
    ck_assert_uint_ne(base, draw(1, DRAW_TEST, 3, 3));
    ck_assert_uint_ne(base, draw(1, DRAW_TEST, 2, 4));
    ck_assert_uint_ne(draw_owner_pair(1, 2), draw_owner_pair(2, 1));
}
END_TEST

/* The values are part of the format of a seed: a change breaks every recorded replay. */
START_TEST(test_draw__golden_values) {
    ck_assert_uint_eq(draw(0, DRAW_NODE_RANDOM, 0, 0), 0x15ed34c52e10fdccULL);
    ck_assert_uint_eq(draw(1, DRAW_LINK_LATENCY, 2, 3), 0xf235d0b09c95c147ULL);
    ck_assert_uint_eq(draw_below(1, DRAW_LINK_LATENCY, 2, 3, 1000000), 946133);
    struct dist exponential = {.kind = DIST_EXPONENTIAL, .min = 100, .mean = 1000000};
    struct dist pareto = {.kind = DIST_PARETO, .min = 1000, .alpha_milli = 1500};
    ck_assert_uint_eq(dist_sample(&exponential, 1ULL << 63), 100 + 693147);
    ck_assert_uint_eq(dist_sample(&exponential, UINT64_MAX), 100);
    ck_assert_uint_eq(dist_sample(&exponential, 0), 100 + 44361419);
    ck_assert_uint_eq(dist_sample(&pareto, 1ULL << 63), 1587);
}
END_TEST

/* Each bit of a draw is balanced, over consecutive indexes and over consecutive owners. */
START_TEST(test_draw__bits_are_balanced) {
    unsigned by_index[64] = {0}, by_owner[64] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t a = draw(7, DRAW_TEST, 1, i);
        uint64_t b = draw(7, DRAW_TEST, i, 1);
        for (unsigned bit = 0; bit < 64; bit++) {
            by_index[bit] += (unsigned)(a >> bit & 1);
            by_owner[bit] += (unsigned)(b >> bit & 1);
        }
    }
    for (unsigned bit = 0; bit < 64; bit++) { /* 5 sigma = 2,500 */
        ck_assert_uint_le((unsigned)abs((int)by_index[bit] - DRAWS / 2), 2500);
        ck_assert_uint_le((unsigned)abs((int)by_owner[bit] - DRAWS / 2), 2500);
    }
}
END_TEST

START_TEST(test_draw_below__is_uniform) {
    unsigned counts[10] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        counts[draw_below(3, DRAW_TEST, 5, i, 10)]++;
    }
    double chi = 0;
    for (unsigned i = 0; i < 10; i++) {
        chi += pow(counts[i] - DRAWS / 10.0, 2) / (DRAWS / 10.0);
    }
    ck_assert_double_lt(chi, 27.9); /* 9 degrees of freedom, 0.1 % */
    ck_assert_uint_eq(draw_below(3, DRAW_TEST, 5, 1, 1), 0);
    for (uint64_t i = 0; i < 1000; i++) { /* a bound that rejects often */
        ck_assert_uint_lt(draw_below(3, DRAW_TEST, 6, i, (1ULL << 63) + 1), (1ULL << 63) + 1);
    }
}
END_TEST

START_TEST(test_draw_chance__hits_its_rate) {
    static const uint32_t rates[] = {0, 1, 1000, 250000, 999999, 1000000};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        unsigned hits = 0;
        for (uint64_t i = 0; i < DRAWS; i++) {
            hits += draw_chance(11, DRAW_TEST, r, i, rates[r]);
        }
        double p = rates[r] / 1e6;
        ck_assert_double_le(fabs(hits - p * DRAWS), 5 * sqrt(p * (1 - p) * DRAWS) + 1e-9);
    }
}
END_TEST

struct law {
    const char *name;
    struct dist dist;
    double (*upto)(const struct dist *, double); /* cumulative distribution, before the cut */
};

static double upto_constant(const struct dist *d, double x) {
    return x >= (double)d->min;
}
static double upto_uniform(const struct dist *d, double x) {
    return (floor(x) - (double)d->min + 1) / ((double)d->max - (double)d->min + 1);
}
static double upto_exponential(const struct dist *d, double x) {
    return 1 - exp(-(x + 1 - (double)d->min) / (double)d->mean);
}
static double upto_pareto(const struct dist *d, double x) {
    return 1 - pow((double)d->min / (x + 1), d->alpha_milli / 1000.0);
}
static double upto_table(const struct dist *d, double x) {
    double below = 0;
    for (uint32_t i = 0; i < d->count; i++) {
        double upto = (d->upto[i] + 1.0) / 4294967296.0;
        if (x < (double)d->value[i]) {
            double from = i == 0 ? (double)d->value[0] : (double)d->value[i - 1];
            return i == 0
                       ? 0
                       : below + (upto - below) * (x + 0.5 - from) / ((double)d->value[i] - from);
        }
        below = upto;
    }
    return 1;
}

static const struct law LAWS[] = {
    {"constant", {.kind = DIST_CONSTANT, .min = 5000}, upto_constant},
    {"uniform", {.kind = DIST_UNIFORM, .min = 1000, .max = 90000}, upto_uniform},
    {"exponential", {.kind = DIST_EXPONENTIAL, .min = 200000, .mean = 300000}, upto_exponential},
    {"exponential, cut",
     {.kind = DIST_EXPONENTIAL, .min = 200000, .mean = 300000, .max = 700000},
     upto_exponential},
    {"pareto", {.kind = DIST_PARETO, .min = 100000, .alpha_milli = 3500}, upto_pareto},
    {"pareto, cut",
     {.kind = DIST_PARETO, .min = 100000, .alpha_milli = 1500, .max = 5000000},
     upto_pareto},
    {"table",
     {.kind = DIST_TABLE,
      .count = 4,
      .value = {100000, 200000, 500000, 9000000},
      .upto = {429496729, 2147483647, 4080218930u, UINT32_MAX}},
     upto_table},
};

/* Kolmogorov-Smirnov distance on a grid, mean, and the cut's share. */
START_TEST(test_dist_sample__follows_its_law) {
    const struct law *law = &LAWS[_i];
    static uint64_t samples[DRAWS];
    double sum = 0, square = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        samples[i] = dist_sample(&law->dist, draw(5, DRAW_TEST, (uint64_t)_i, i));
        sum += (double)samples[i];
        square += (double)samples[i] * (double)samples[i];
        ck_assert_uint_ge(samples[i],
                          law->dist.kind == DIST_TABLE ? law->dist.value[0] : law->dist.min);
    }
    double mean = sum / DRAWS;
    double sigma = sqrt(fabs(square / DRAWS - mean * mean) / DRAWS);
    double expected = (double)dist_mean(&law->dist);
    ck_assert_msg(fabs(mean - expected) <= 5 * sigma + 2 + expected * 5e-6,
                  "%s: mean %f, expected %f, standard error %f", law->name, mean, expected, sigma);
    for (int step = 0; step <= 40; step++) {
        double x = (double)law->dist.min * 0.9 + step * mean / 10;
        if (law->dist.max != 0 && law->dist.kind != DIST_UNIFORM && x >= (double)law->dist.max) {
            break;
        }
        double theory = law->upto(&law->dist, floor(x));
        theory = theory < 0 ? 0 : theory > 1 ? 1 : theory;
        unsigned below = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            below += (double)samples[i] <= floor(x);
        }
        ck_assert_msg(fabs(below / (double)DRAWS - theory) < 0.0025,
                      "%s: P(X <= %f) is %f, expected %f", law->name, floor(x),
                      below / (double)DRAWS, theory);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("draw");
    TCase *core = tcase_create("core");
    tcase_set_timeout(core, 60);
    tcase_add_test(core, test_draw__depends_on_each_argument);
    tcase_add_test(core, test_draw__golden_values);
    tcase_add_test(core, test_draw__bits_are_balanced);
    tcase_add_test(core, test_draw_below__is_uniform);
    tcase_add_test(core, test_draw_chance__hits_its_rate);
    tcase_add_loop_test(core, test_dist_sample__follows_its_law, 0,
                        (int)(sizeof LAWS / sizeof LAWS[0]));
    suite_add_tcase(suite, core);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
