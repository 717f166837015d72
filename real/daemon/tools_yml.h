/* daemon/tools_yml.h - who runs a tool: $ROCKETMQ_HOME/conf/tools.yml, as RocketMQ's own tools have
 * it. */
#ifndef REAL_DAEMON_TOOLS_YML_H
#define REAL_DAEMON_TOOLS_YML_H

#include "model/acl/rules.h"

/* Reads it with memory of `env`. RMQ_OK with *out, which holds one account, or NULL: there is no
 * such file, or no ROCKETMQ_HOME; then requests are not signed. A file that cannot be read, or is
 * wrong, is an error that has been printed on stderr with its place. */
int tools_yml_read(struct env *env, struct acl_file **out) RMQ_CHECK_RESULT;

#endif
