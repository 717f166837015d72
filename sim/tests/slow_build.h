/* sim/tests/slow_build.h - whether this build is several times slower (a sanitizer's): sweeps then
 * take fewer seeds; what they prove is proven by the release build. */
#ifndef SIM_TESTS_SLOW_BUILD_H
#define SIM_TESTS_SLOW_BUILD_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW_BUILD 1
#endif
#endif
#ifndef SLOW_BUILD
#define SLOW_BUILD 0
#endif

#endif
