/* mqadmin/config.h - configurations in the shape of Java's properties: bodies of 26 and 319. */
#ifndef REAL_MQADMIN_CONFIG_H
#define REAL_MQADMIN_CONFIG_H

#include "real/mqadmin/call.h"

/* Prints `title` and each property of an answer; in JSON an object {address, config}. A failed call
 * is a failure, and prints nothing. */
void print_config(struct admin *admin, const char *title, const struct call *call);
/* "key=value\n" as a body, escaped, in the arena. */
struct span config_body(struct admin *admin, const char *key, const char *value);

#endif
