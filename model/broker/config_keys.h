/* broker/config_keys.h - every key that RocketMQ 4.9.8 and 5.3.3 know in a broker's file, and ours.
 *
 * BrokerConfig, BrokerIdentity, NettyServerConfig, NettyClientConfig, MessageStoreConfig and
 * (5.3.3) AuthConfig; defaults as they are on a machine with 4 processors. A key whose default
 * depends on the machine (addresses, paths, names) has none here. */
#ifndef MODEL_BROKER_CONFIG_KEYS_H
#define MODEL_BROKER_CONFIG_KEYS_H

#include "model/base/key_table.h"

extern const struct key_table BROKER_KEYS;

#endif
