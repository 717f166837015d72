/* os/disk_fault.c - SIGBUS: a mapped page that cannot be read, because the disk fails or somebody
 * outside cut the file. The handler puts a page of zeros there, so that the reader goes on, and
 * marks the window; before anything else happens with the file it counts as broken, and all of its
 * operations fail with RMQ_E_IO from then on. What was read as zeros in that one handler does not
 * pass a record's check. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "real/os/disk_internal.h"

#define AREAS_MAX 256 /* nodes with views in this process; those beyond die of SIGBUS */

static _Atomic(struct fault_area *) areas[AREAS_MAX];
static struct sigaction before;

/* True: it was ours, and there is a page now. */
static bool put_zeros(uintptr_t address) {
    for (size_t i = 0; i < AREAS_MAX; i++) {
        struct fault_area *area = atomic_load(&areas[i]);
        if (area == NULL || address < area->base || address - area->base >= area->len) {
            continue;
        }
        void *page = (void *)(address & ~(uintptr_t)4095); // NOLINT(performance-no-int-to-ptr)
        void *at = mmap(page, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        atomic_store(&area->marks[(address - area->base) / area->window_bytes], true);
        atomic_store(&area->any, true);
        return at != MAP_FAILED;
    }
    return false;
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    if (!put_zeros((uintptr_t)info->si_addr)) {
        sigaction(signal_number, &before, NULL); /* it faults again, and ends as it would have */
    }
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGBUS, &action, &before);
}

void fault_watch(struct fault_area *area) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    for (size_t i = 0; i < AREAS_MAX; i++) {
        struct fault_area *none = NULL;
        if (atomic_compare_exchange_strong(&areas[i], &none, area)) {
            return;
        }
    }
}

void fault_unwatch(const struct fault_area *area) {
    for (size_t i = 0; i < AREAS_MAX; i++) {
        if (atomic_load(&areas[i]) == area) {
            atomic_store(&areas[i], NULL);
        }
    }
}
