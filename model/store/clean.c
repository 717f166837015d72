#include "model/store/store_internal.h"
int clean_create(struct store *store) { (void)store; return RMQ_OK; }
void clean_start(struct store *store) { (void)store; }
void clean_stop(struct store *store) { (void)store; }
void clean_free(struct store *store) { (void)store; }
