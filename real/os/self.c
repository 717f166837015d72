/* os/self.c - a node's clocks, and what it knows of the machine and of itself. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "real/os/env_internal.h"

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    int err = clock_gettime(clock, &now);
    RMQ_ASSERT(err == 0);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t real_clock_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

/* E1: read when a handler asks for the first time. The node is not const to us. */
uint64_t env_mono_ns(const struct env *env) {
    real_call(env);
    if (env->mono_ns == 0)
        ((struct env *)(uintptr_t)env)->mono_ns = real_clock_ns();
    return env->mono_ns;
}

int64_t env_wall_ms(const struct env *env) {
    real_call(env);
    if (env->wall_ms == 0)
        ((struct env *)(uintptr_t)env)->wall_ms = (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000);
    return env->wall_ms;
}

int env_utc_offset_min(const struct env *env) {
    time_t seconds = (time_t)(env_wall_ms(env) / 1000);
    struct tm local;
    return localtime_r(&seconds, &local) == NULL ? 0 : (int)(local.tm_gmtoff / 60);
}

uint64_t env_memory_bytes(const struct env *env) {
    (void)env;
    struct sysinfo info;
    int err = sysinfo(&info);
    RMQ_ASSERT(err == 0);
    return (uint64_t)info.totalram * info.mem_unit;
}

void env_identity(const struct env *env, struct env_identity *out) {
    memcpy(out->ip, env->ip, sizeof out->ip);
    out->process_number = (uint32_t)getpid();
}

void real_own_address(char out[ENV_ADDRESS_MAX]) {
    struct ifaddrs *all = NULL;
    snprintf(out, ENV_ADDRESS_MAX, "127.0.0.1");
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *each = all; each != NULL; each = each->ifa_next) {
        bool usable = (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
        if (!usable || each->ifa_addr == NULL || each->ifa_addr->sa_family != AF_INET)
            continue;
        const struct sockaddr_in *address = (const void *)each->ifa_addr;
        inet_ntop(AF_INET, &address->sin_addr, out, ENV_ADDRESS_MAX);
        break;
    }
    freeifaddrs(all);
}
