/* broker/access.h - access control of a running broker: aclEnable=true.
 *
 * Rules come from <rocketmqHome>/conf/plain_acl.yml and each .yml or .yaml file below
 * <rocketmqHome>/conf/acl (model/acl/rules.h has the format, model/acl/check.h what is checked);
 * an access key belongs to the first file that has it, those of the folder first. They are read
 * before the broker serves, and again within 5 s of a change; rules that do not read then leave the
 * old ones in force. Requests 50, 51 and 53 change one file, durably, and are answered when the new
 * rules are in force; 52 tells the versions. Secrets stand in no log, event or answer.
 * Source: PlainPermissionManager.java, AclFileWatchService.java 4.9.8.
 *
 * Differs: rules that do not read end the start (Apache too), and so does a plain_acl.yml that is
 * missing (Apache makes an empty one, which refuses everybody). */
#ifndef MODEL_BROKER_ACCESS_H
#define MODEL_BROKER_ACCESS_H

#include "model/acl/check.h"
#include "model/wire/remoting.h"

struct broker;
struct props;
struct access;

/* Makes *out when `config` has aclEnable=true, else NULL. RMQ_E_MISSING (logged): no rocketmqHome;
 * RMQ_E_LIMIT: it is too long; RMQ_E_NOMEM. */
int access_create(struct broker *broker, const struct props *config,
                  struct access **out) RMQ_CHECK_RESULT;
/* May be NULL. */
void access_free(struct access *access);
/* Reads the rules for the first time; `done` once, later or before return; an error is logged with
 * file, line and column. */
void access_load(struct access *access, void (*done)(void *ctx, int status), void *ctx);

/* May the request be served? Else it has been answered (code 1, as Apache's exception reads). */
bool access_admits(struct access *access, struct channel *channel,
                   const struct wire_command *request) RMQ_CHECK_RESULT;
void access_forget_channel(struct access *access, const struct channel *channel);
/* The account that our own requests to other brokers are signed with: the first administrator; all
 * absent when there is none. Valid until the rules change. */
struct wire_credentials access_credentials(const struct access *access);
/* Requests refused since the start. */
uint64_t access_refused(const struct access *access);

/* Requests 50 to 53. Without access control they are answered with the code of their failure. */
void broker_on_update_acl(struct broker *broker, struct channel *channel,
                          const struct wire_command *request);
void broker_on_delete_acl(struct broker *broker, struct channel *channel,
                          const struct wire_command *request);
void broker_on_acl_version(struct broker *broker, struct channel *channel,
                           const struct wire_command *request);
void broker_on_update_white_addresses(struct broker *broker, struct channel *channel,
                                      const struct wire_command *request);

#endif
