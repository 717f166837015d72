/* sim/world/clock.c - what a node reads as time.
 *
 * Fault model. The monotonic clock runs at (1e6 + ppm) / 1e6 of world time and never steps (NTP
 * slews it, a virtual machine may starve it); it starts anew when its host is powered on. The wall
 * clock starts at epoch + offset, drifts by ppm and steps when told to (a person, an NTP step after
 * a long outage). A cluster must survive both, because lease and expiry times are counted on one
 * machine and believed on another. Integers only: base + floor(elapsed * factor / 1e6). */
#include "sim/world/world_internal.h"

uint64_t clock_world_ns(const struct clock *clock, uint64_t mono_ns) {
    if (mono_ns <= clock->mono_base_ns) {
        return clock->mono_since_ns;
    }
    uint64_t need = mono_ns - clock->mono_base_ns;
    if (clock->mono_ppm != 0) {
        uint64_t factor = (uint64_t)(CLOCK_MILLION + (int64_t)clock->mono_ppm);
        if (need / factor >= UINT64_MAX / CLOCK_MILLION - 1) {
            return UINT64_MAX - 1;
        }
        need =
            need / factor * CLOCK_MILLION + (need % factor * CLOCK_MILLION + factor - 1) / factor;
    }
    return need > UINT64_MAX - 1 - clock->mono_since_ns ? UINT64_MAX - 1
                                                        : clock->mono_since_ns + need;
}

void clock_set_mono_rate(struct clock *clock, uint64_t world_ns, int32_t ppm) {
    clock->mono_base_ns = clock_mono_ns(clock, world_ns);
    clock->mono_since_ns = world_ns;
    clock->mono_ppm = ppm;
}

void clock_set_wall_drift(struct clock *clock, uint64_t world_ns, int32_t ppm) {
    clock->wall_base_ns += (int64_t)clock_scale(world_ns - clock->wall_since_ns, clock->wall_ppm);
    clock->wall_since_ns = world_ns;
    clock->wall_ppm = ppm;
}
