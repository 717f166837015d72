/* namesrv/namesrv.h - the name server: routes from brokers' registrations, answers to clients.
 *
 * A role (model/role.h): started with its configuration, serves one port, takes no commands. It is
 * compatible with Apache's name servers of two release lines, chosen by the key `profile`.
 * Source of all behaviour: namesrv.md (RouteInfoManager, DefaultRequestProcessor,
 * BrokerHousekeeping of 4.9.8 and 5.3.3), checked against captures by
 * model/tests/test_namesrv_codes.c.
 *
 * Requests: one row each in the table of namesrv.c. Files: route_table.h (tables and invariants),
 * route_objects.c (one entry), route_register.c (what a registration changes), route_table.c (what
 * ends an entry), route_answer (bodies), route_check.c (invariants), route_pairs (an index), kv,
 * config, handlers_*.c (requests), notify.c (905), late.c (a late answer).
 *
 * ---- Time --------------------------------------------------------------------------------------
 * A broker leaves the tables at the first of: its channel closes (kill: at once), its channel is
 * idle for serverChannelMaxIdleTimeSeconds, it unregisters, or a scan finds that its last
 * registration (or request 322 that found nothing changed; 904) is *more* than 120 s old. Scans
 * keep the phase of the start: 5 s after it and then each 10 s (5.3: 5 ms, then each
 * scanNotActiveBrokerInterval); one that could find nothing because nobody is registered is left
 * out.
 *
 * ---- Configuration
 * ------------------------------------------------------------------------------- Keys as operators
 * know them (namesrv.md 2); a wrong value stops the start with a log line that names its key.
 * "now": request 318 takes effect at once; the others are read at start.
 *
 *   profile                            4.9 (default) or 5.3: whose behaviour and JSON members
 *   listenPort                         9876; 0 picks a free port
 *   serverChannelMaxIdleTimeSeconds    120; 0 switches the idle close off, for experiments
 *   scanNotActiveBrokerInterval        ms; 5000 in 5.3. 4.9 has no such key and scans each 10,000
 *   rejectLiveConflict                 true; see Differs 1
 *   orderMessageEnable           now   false: the order table goes into route answers
 *   returnOrderTopicConfigToBroker now true: (5.3) ... and into registration answers
 *   supportActingMaster          now   false: (5.3) a read-only slave stands in as id 0
 *   notifyMinBrokerIdChanged     now   false: (5.3) request 905 to the brokers of a name
 *   enableAllTopicList           now   true: (5.3) false: 206 answers 1 "disable"
 *   enableTopicList              now   true: (5.3) the same for 224, 311, 312, 313
 *   needWaitForService           now   false: (5.3) 105 answers 1 until waitSecondsForService (45)
 *                                      after the start
 *   deleteTopicWithBrokerRegistration  false: (5.3) a registration removes the broker's topics that
 *                                      it does not name
 *   configBlackList              now   keys that 318 refuses besides the fixed ones
 *   rocketmq.serialize.type            JSON or ROCKETMQ: of requests sent on its own (905)
 *   quirk.<name>                       false: defects of Apache's, model/quirks.h:
 *                                      incrementHidesTopics, unregisterById, singleTopicGuard,
 *                                      masterFlip
 * Other keys of NamesrvConfig and NettyServerConfig are kept and shown by 319 and have no effect
 * here: there are no threads. kvConfigPath and configStorePath: files.h.
 *
 * ---- Differs -----------------------------------------------------------------------------------
 *  1. Two live brokers under one name and id (INC-10). Apache 4.9 lets the newest registration take
 *     over, so that two masters alternate; 5.3 only ignores one with a smaller stateVersion. Here
 *     the newcomer is refused with code 1 and event route.registration_refused while the old
 *     address is live, unless its stateVersion is larger (5.3's controller raises it with each
 *     election). A broker that was killed and comes back on a new address is accepted at once,
 *     since its old channel is closed; if its old host went silent without closing, it is refused
 *     until the old entry expires (90 to 130 s after the fault). rejectLiveConflict=false gives the
 *     profile's own rule, quirk.masterFlip 4.9's.
 *  2. A topic that the broker registers and that is not in the table for it is added although the
 *     data version is unchanged (5.3 does so too; 4.9: quirk.incrementHidesTopics, INC-06). So a
 *     topic deleted here by 216 returns with the next registration of a broker that still has it.
 *  3. Unregistration compares the address (4.9: quirk.unregisterById). In 5.3 it takes effect
 * before the answer, not soon after.
 *  4. 5.3 refuses the first registration of a table of one topic (quirk.singleTopicGuard).
 *  5. Unknown request codes are answered with 3; 4.9 answers nothing. A missing or malformed header
 *     field is code 1 with a remark that names it; Apache's remark is a null pointer exception.
 *     Request 105 without a topic answers 17 as Apache does.
 *  6. Several brokers on one connection all go when it closes; one address under several names or
 *     clusters leaves all of them. Apache leaves ghosts.
 *  7. 217 with an unknown broker name changes nothing; Apache applies what stands before it.
 *  8. Arrays and maps in answers are sorted (route_answer.h); Apache's order is its hash order.
 *  9. One name server handles requests in order of arrival; Apache's pool may swap two
 * registrations.
 * 10. 318 refuses quirks, profile and rejectLiveConflict as if black-listed.
 *
 * ---- Not here
 * ------------------------------------------------------------------------------------ Static
 * topics (topicQueueMappingByBroker), clusterTest and the embedded controller are not supported. */
#ifndef MODEL_NAMESRV_NAMESRV_H
#define MODEL_NAMESRV_NAMESRV_H

#include "model/role.h"

extern const struct role namesrv_role;

/* For tests: whether the invariants of the node's tables hold (route_table.h). */
bool namesrv_check(const void *node);

#endif
