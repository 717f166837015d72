/* sim/mqsim_bench.h - the subcommand `mqsim bench`. */
#ifndef SIM_MQSIM_BENCH_H
#define SIM_MQSIM_BENCH_H

/* argv[0] is "bench". Returns the exit code: 0, or 1 for a wrong argument or a failed run. */
int mqsim_bench(int argc, char **argv);

#endif
