/* Chance: how often and how much each fault of a link strikes, against its configuration. */
#include "sim/tests/puppet.h"

static struct link_profile profile;

static void connected_pair(void) {
    new_pair("", "");
    link_profile_default(&profile);
    profile.latency.min = MS;
    run_until(10 * MS);
}

static uint8_t letters[64];
static void write_one(struct puppet *puppet) {
    struct span span = span_of(letters, sizeof letters);
    ck_assert_int_eq(env_conn_write(puppet->conns[0], &span, 1), RMQ_OK);
}

#define WRITES 4000

/* Writes WRITES times, each long after the other; arrival times minus writing times. */
static void sample(uint64_t delay[WRITES]) {
    memset(letters, 'x', sizeof letters);
    world_set_default_link(world, &profile);
    for (size_t i = 0; i < WRITES; i++) {
        uint64_t at = world_now(world);
        size_t before = log_of(node_b)->count;
        tell(node_a, write_one);
        puppet_job_count = 0;
        run_for(10 * WORLD_SECOND_NS);
        ck_assert_uint_eq(log_of(node_b)->count, before + 1);
        delay[i] = log_of(node_b)->entries[before].at_ns - at;
    }
}

START_TEST(test_loss__costs_doubling_time_outs_geometrically) {
    static uint64_t delay[WRITES];
    connected_pair();
    profile.loss_ppm = 200000;
    sample(delay);
    size_t lost[8] = {0};
    for (size_t i = 0; i < WRITES; i++) {
        size_t k = 0;
        while (delay[i] != MS + ((1ULL << k) - 1) * 200 * MS) {
            ck_assert_uint_lt(++k, 8);
        }
        lost[k]++;
    }
    double expected = WRITES * 0.8;
    for (size_t k = 0; k < 4; k++, expected *= 0.2) { /* within 5 standard deviations */
        double difference = (double)lost[k] - expected;
        ck_assert_double_lt(difference * difference, 25 * expected);
    }
    ck_assert_uint_eq(lost[0] + lost[1] + lost[2] + lost[3] + lost[4] + lost[5], WRITES);
}
END_TEST

START_TEST(test_loss__of_everything_resets_the_sender) {
    connected_pair();
    profile.loss_ppm = 1000000;
    profile.give_up_ns = 30 * WORLD_SECOND_NS;
    world_set_default_link(world, &profile);
    tell(node_a, write_one);
    tell(node_a, write_one);
    run_for(100 * WORLD_SECOND_NS);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_TIMEOUT);
    ck_assert_uint_eq(entry_of(node_a, CLOSED, 0)->at_ns, 10 * MS + 30 * WORLD_SECOND_NS);
    ck_assert_uint_gt(world_counts(world)->lost, 5);
}
END_TEST

static void dial_more(struct puppet *puppet) {
    for (int i = 0; i < 200; i++) {
        puppet_dial(puppet, SPAN_LITERAL("10.0.0.2:1000"));
    }
}

START_TEST(test_loss__makes_dials_slow) {
    connected_pair();
    profile.loss_ppm = 300000;
    world_set_default_link(world, &profile);
    tell(node_a, dial_more);
    run_for(200 * WORLD_SECOND_NS);
    size_t at_once = 0, opened = count_of(node_a, OPENED) - 1;
    for (size_t i = 1; i <= opened; i++) {
        at_once += entry_of(node_a, OPENED, i)->at_ns < WORLD_SECOND_NS;
    }
    ck_assert_uint_ge(opened, 190); /* 7 tries, each lost with 51 % */
    ck_assert_uint_gt(at_once, 60); /* 49 % expected */
    ck_assert_uint_lt(at_once, 140);
}
END_TEST

START_TEST(test_latency__follows_its_distribution) {
    static uint64_t delay[WRITES];
    connected_pair();
    profile.latency =
        (struct dist){.kind = DIST_EXPONENTIAL, .min = MS, .mean = 3 * MS, .max = 100 * MS};
    sample(delay);
    uint64_t sum = 0, below_median = 0;
    for (size_t i = 0; i < WRITES; i++) {
        ck_assert_uint_ge(delay[i], MS);
        sum += delay[i];
        below_median += delay[i] < MS + 2079442; /* 3 ms * ln 2 */
    }
    ck_assert_uint_gt(sum / WRITES, 3800000); /* 4 ms, standard error 0.047 */
    ck_assert_uint_lt(sum / WRITES, 4200000);
    ck_assert_uint_gt(below_median, WRITES / 2 - 160);
    ck_assert_uint_lt(below_median, WRITES / 2 + 160);
}
END_TEST

START_TEST(test_corrupt__flips_one_byte_of_some_chunks) {
    static uint64_t delay[WRITES];
    connected_pair();
    profile.corrupt_ppm = 100000;
    sample(delay);
    size_t changed = 0, at[64] = {0};
    for (size_t i = 0; i < WRITES; i++) {
        size_t in_this = 0;
        for (size_t k = 0; k < 64; k++) {
            bool differs = log_of(node_b)->bytes[i * 64 + k] != 'x';
            in_this += differs;
            at[k] += differs;
        }
        ck_assert_uint_le(in_this, 1);
        changed += in_this;
    }
    ck_assert_uint_eq(changed, world_counts(world)->corrupted);
    ck_assert_uint_gt(changed, 300); /* 400, standard deviation 19 */
    ck_assert_uint_lt(changed, 500);
    size_t places = 0;
    for (size_t k = 0; k < 64; k++) {
        places += at[k] > 0;
    }
    ck_assert_uint_gt(places, 50);
}
END_TEST

START_TEST(test_chop__strikes_as_often_as_told) {
    connected_pair();
    profile.chop_ppm = 250000;
    world_set_default_link(world, &profile);
    for (size_t i = 0; i < WRITES; i++) {
        tell(node_a, write_one);
        puppet_job_count = 0;
        run_for(5 * MS);
        log_of(node_b)->count = 0;
    }
    ck_assert_uint_gt(world_counts(world)->chopped, 850); /* 1000, standard deviation 27 */
    ck_assert_uint_lt(world_counts(world)->chopped, 1150);
    ck_assert_uint_eq(log_of(node_b)->byte_count, WRITES * 64);
}
END_TEST

START_TEST(test_link__has_its_own_profile_per_direction) {
    connected_pair();
    profile.latency.min = 7 * MS;
    ck_assert(world_set_link(world, host_a, host_b, &profile));
    profile.latency.min = 2 * MS;
    ck_assert(world_set_link(world, host_b, host_a, &profile));
    profile.latency.min = 100 * MS;
    world_set_default_link(world, &profile);
    tell(node_a, write_one);
    tell(node_b, write_one);
    run_for(50 * MS);
    ck_assert_uint_eq(entry_of(node_b, DATA, 0)->at_ns, 17 * MS);
    ck_assert_uint_eq(entry_of(node_a, DATA, 0)->at_ns, 12 * MS);
}
END_TEST

/* ---- buggify ---- */

static size_t buggified, planted;
static void look_around(struct puppet *puppet) {
    for (int i = 0; i < 10000; i++) {
        buggified += env_buggify(puppet->env, BUGGIFY_CLIENT_POLL_EARLY);
    }
    planted += env_plant(puppet->env, PLANT_NAMESRV_SCAN_NEVER);
    planted += env_plant(puppet->env, PLANT_NAMESRV_EVICT_EARLY);
}

START_TEST(test_buggify__is_drawn_and_plants_are_as_told) {
    for (int on = 0; on < 2; on++) {
        buggified = planted = 0;
        world = world_create(
            &(struct world_config){.seed = 5,
                                   .epoch_ms = 1767225600000,
                                   .buggify = on != 0,
                                   .buggify_ppm = 100000,
                                   .plants = on != 0 ? 1U << PLANT_NAMESRV_EVICT_EARLY : 0});
        host_a = world_add_host(world, "a", "10.0.0.1");
        node_id node = add_puppet(host_a, "node", "", NULL);
        run_until(MS);
        tell(node, look_around);
        run_for(MS);
        ck_assert_uint_eq(planted, on != 0);
        ck_assert_uint_eq(world_counts(world)->planted, on != 0);
        ck_assert_uint_eq(world_counts(world)->buggified, buggified);
        ck_assert_uint_ge(buggified, on != 0 ? 850 : 0);
        ck_assert_uint_le(buggified, on != 0 ? 1150 : 0);
    }
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_loss__costs_doubling_time_outs_geometrically);
    tcase_add_test(cases, test_loss__of_everything_resets_the_sender);
    tcase_add_test(cases, test_loss__makes_dials_slow);
    tcase_add_test(cases, test_latency__follows_its_distribution);
    tcase_add_test(cases, test_corrupt__flips_one_byte_of_some_chunks);
    tcase_add_test(cases, test_chop__strikes_as_often_as_told);
    tcase_add_test(cases, test_link__has_its_own_profile_per_direction);
    tcase_add_test(cases, test_buggify__is_drawn_and_plants_are_as_told);
}

int main(void) {
    return run_suite("world_loss", fill);
}
