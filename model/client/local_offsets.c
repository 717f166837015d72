#include "model/client/consumer_internal.h"
int local_offsets_open(struct consumer *consumer, struct span folder) {
    (void)folder;
    consumer_run(consumer);
    return RMQ_OK;
}
int64_t local_offsets_get(const struct local_offsets *o, struct span t, struct span b, int32_t id) {
    (void)o;
    (void)t;
    (void)b;
    (void)id;
    return -1;
}
void local_offsets_save(struct consumer *c) {
    (void)c;
}
bool local_offsets_saving(const struct local_offsets *o) {
    (void)o;
    return false;
}
void local_offsets_close(struct local_offsets *o) {
    (void)o;
}
