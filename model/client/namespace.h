/* client/namespace.h - the client-side namespace: names of topics and groups as servers see them.
 *
 * With namespace N, X is N%X, %RETRY%g is %RETRY%N%g, %DLQ%g is %DLQ%N%g. System topics, groups
 * beginning with CID_RMQ_SYS_ and names that have it already stay. Source: client.md 3.5,
 * NamespaceUtil.java. An absent or empty namespace changes nothing. */
#ifndef MODEL_CLIENT_NAMESPACE_H
#define MODEL_CLIENT_NAMESPACE_H

#include "model/base/buf.h"

/* Appends `name` as servers see it. */
void namespace_wrap(struct buf *out, struct span name_space, struct span name);
/* Appends `name` as the application sees it. */
void namespace_unwrap(struct buf *out, struct span name_space, struct span name);
/* The namespace that a name server address of the form [scheme://]MQ_INST_<x>_<y>.<rest> implies;
 * absent: none. */
struct span namespace_of_address(struct span address);
/* Is it one of RocketMQ's own topics? */
bool topic_is_system(struct span topic);

#endif
