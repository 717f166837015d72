/* mqadmin's commands against a server that answers as a script says: what each asks, prints as
 * text and as JSON, and how each fails. */
#include "real/tests/mqadmin_fixture.h"

#define ROUTE                                                                                      \
    "{\"brokerDatas\":[{\"brokerAddrs\":{0:\"$A\"},\"brokerName\":\"broker-a\",\"cluster\":\"C\"}" \
    "],"                                                                                           \
    "\"filterServerTable\":{},\"queueDatas\":[{\"brokerName\":\"broker-a\",\"perm\":6,"            \
    "\"readQueueNums\":2,\"topicSysFlag\":0,\"writeQueueNums\":2}]}"
#define CLUSTER                                                                                   \
    "{\"brokerAddrTable\":{\"broker-a\":{\"brokerAddrs\":{\"0\":\"$A\"},\"brokerName\":\"broker-" \
    "a\","                                                                                        \
    "\"cluster\":\"C\"}},\"clusterAddrTable\":{\"C\":[\"broker-a\"]}}"
#define RUNTIME                                                                                \
    "{\"table\":{\"brokerVersionDesc\":\"V4_9_8\",\"putTps\":\"1.25 1.0 "                      \
    "0.5\",\"getTransferedTps\":"                                                              \
    "\"2.0 1.0 0.5\",\"sendThreadPoolQueueSize\":\"3\",\"pullThreadPoolQueueSize\":\"4\","     \
    "\"sendThreadPoolQueueHeadWaitTimeMills\":\"5\",\"pullThreadPoolQueueHeadWaitTimeMills\":" \
    "\"6\","                                                                                   \
    "\"pageCacheLockTimeMills\":\"7\",\"commitLogDiskRatio\":\"0.25\","                        \
    "\"msgPutTotalYesterdayMorning\":\"1\",\"msgPutTotalTodayMorning\":\"11\","                \
    "\"msgPutTotalTodayNow\":\"31\",\"msgGetTotalYesterdayMorning\":\"2\","                    \
    "\"msgGetTotalTodayMorning\":\"5\",\"msgGetTotalTodayNow\":\"9\"}}"
#define TOPIC_STATS                                                                  \
    "{\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":1,\"topic\":\"T\"}:" \
    "{\"lastUpdateTimestamp\":1700000000456,\"maxOffset\":8,\"minOffset\":7},"       \
    "{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:"                   \
    "{\"lastUpdateTimestamp\":0,\"maxOffset\":0,\"minOffset\":0}}}"
#define CONSUME_STATS                                                                            \
    "{\"consumeTps\":1.5,\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":1,\"topic\":" \
    "\"T\"}:"                                                                                    \
    "{\"brokerOffset\":8,\"consumerOffset\":5,\"lastTimestamp\":1700000000456},"                 \
    "{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"%RETRY%G\"}:"                        \
    "{\"brokerOffset\":0,\"consumerOffset\":0,\"lastTimestamp\":0}}}"
#define CONNECTIONS                                                                                \
    "{\"connectionSet\":[{\"clientAddr\":\"10.0.0.1:5000\",\"clientId\":\"10.0.0.1@7\","           \
    "\"language\":\"JAVA\",\"version\":409}],\"consumeFromWhere\":\"CONSUME_FROM_LAST_OFFSET\","   \
    "\"consumeType\":\"CONSUME_PASSIVELY\",\"messageModel\":\"CLUSTERING\",\"subscriptionTable\":" \
    "{\"T\":{\"expressionType\":\"TAG\",\"subString\":\"TagA\",\"tagsSet\":[\"TagA\"],\"topic\":"  \
    "\"T\"}}}"
#define RUNNING                                                                                    \
    "{\"mqTable\":{{\"brokerName\":\"broker-a\",\"queueId\":1,\"topic\":\"T\"}:{\"commitOffset\":" \
    "5,"                                                                                           \
    "\"cachedMsgCount\":0,\"droped\":false,\"locked\":false}},\"properties\":"                     \
    "{\"PROP_CONSUME_TYPE\":\"CONSUME_PASSIVELY\",\"PROP_CONSUMER_START_TIMESTAMP\":\"1\"},"       \
    "\"statusTable\":{\"T\":{\"consumeOKTPS\":1.5}},\"subscriptionSet\":[{\"classFilterMode\":"    \
    "false,\"subString\":\"TagA\",\"topic\":\"T\"}]}"
#define GROUPS                                                                            \
    "{\"subscriptionGroupTable\":{\"G\":{\"brokerId\":0,\"consumeBroadcastEnable\":true," \
    "\"consumeEnable\":true,\"consumeFromMinEnable\":true,\"groupName\":\"G\","           \
    "\"notifyConsumerIdsChangedEnable\":true,\"retryMaxTimes\":16,\"retryQueueNums\":1,"  \
    "\"whichBrokerWhenConsumeSlowly\":1,\"groupSysFlag\":0}}}"
#define STATS_DATA                                                                   \
    "{\"statsDay\":{\"sum\":70,\"tps\":0.1},\"statsHour\":{\"sum\":60,\"tps\":0.2}," \
    "\"statsMinute\":{\"sum\":50,\"tps\":0.75}}"

static const struct answer ANSWERS[] = {
    {.request = 105, .body = ROUTE},
    {.request = 106, .body = CLUSTER},
    {.request = 206, .body = "{\"topicList\":[\"T\",\"%RETRY%G\"]}"},
    {.request = 202, .body = TOPIC_STATS},
    {.request = 208, .body = CONSUME_STATS},
    {.request = 203, .body = CONNECTIONS},
    {.request = 204, .body = CONNECTIONS},
    {.request = 300, .body = "{\"groupList\":[\"G\"]}"},
    {.request = 307, .body = RUNNING},
    {.request = 309,
     .body = "{\"autoCommit\":true,\"consumeResult\":\"CR_SUCCESS\",\"order\":false,"
             "\"spentTimeMills\":3}"},
    {.request = 315, .body = STATS_DATA},
    {.request = 317,
     .body = "{\"consumeStatsList\":[{\"G\":[" CONSUME_STATS "]}],\"totalDiff\":3}"},
    {.request = 321,
     .body = "{\"maxQueueIndex\":8,\"minQueueIndex\":7,\"queueData\":[{\"eval\":true,"
             "\"physicOffset\":4096,\"physicSize\":180,\"tagsCode\":2598919}]}"},
    {.request = 328,
     .body = "{\"data\":{\"P\":[{\"clientId\":\"c@1\",\"language\":\"JAVA\","
             "\"lastUpdateTimestamp\":5,\"remoteIP\":\"/10.0.0.1:5000\",\"version\":409}]}}"},
    {.request = 28, .body = RUNTIME},
    {.request = 26, .body = "brokerName=broker-a\nflushDiskType=ASYNC_FLUSH\n"},
    {.request = 319, .body = "listenPort=9876\n"},
    {.request = 201, .body = GROUPS},
    {.request = 50},
    {.request = 51},
    {.request = 53},
    {.request = 52,
     .fields = "clusterName=C;brokerName=broker-a;brokerAddr=10.0.0.1:1;version={};"
               "allAclFileVersion={\"/x.yml\":{\"counter\":3,\"timestamp\":1700000000000}}"},
    {.request = 205, .fields = "wipeTopicCount=4"},
    {.request = 327, .fields = "addTopicCount=5"},
    {.request = 101, .fields = "value=broker-b:4"},
    {.request = 29, .fields = "offset=6"},
    {.request = 30, .fields = "offset=8"},
    {.request = 31, .fields = "offset=7"},
    {.request = 222,
     .body = "{\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":1,\"topic\":\"T\"}:6}}"},
    {.request = 11,
     .fields = "suggestWhichBrokerId=0;nextBeginOffset=8;minOffset=7;maxOffset=8",
     .message = true},
    {.request = 12,
     .fields = "indexLastUpdateTimestamp=1;indexLastUpdatePhyoffset=1",
     .message = true},
    {.request = 33, .message = true},
    {.request = 310, .fields = "msgId=0A000001000015B30000000000001000;queueId=1;queueOffset=9"},
    {.request = 15},
    {.request = 17},
    {.request = 25},
    {.request = 100},
    {.request = 102},
    {.request = 200},
    {.request = 207},
    {.request = 215},
    {.request = 216},
    {.request = 306},
    {.request = 316},
    {.request = 318},
    {.request = 329},
};
#define ANSWER_COUNT (sizeof(ANSWERS) / sizeof(ANSWERS[0]))

static void setup(void) {
    script_setup();
    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        script_add(ANSWERS[i]);
    }
}

/* ---- success --------------------------------------------------------------------------------- */

struct success {
    const char *line;
    const char *asked; /* codes of the text run */
    const char *last;  /* part of the last request; NULL: not looked at */
    const char *text;  /* a line that begins with '~' is only a part of the output */
    const char *json;  /* part of the document behind "command" */
};

#define TITLE_64 "                                                           "
static const struct success SUCCESSES[] = {
    {"topicList", "206 ", NULL, "T\n%RETRY%G\n", "\"topics\":[\"T\",\"%RETRY%G\"],\"ok\":true}"},
    {"topicList -c", "206 105 300 ", "topic=T;",
     "#Cluster Name         #Topic                                            "
     "#Consumer Group                                 \n"
     "C                     T                                                                 "
     "G                                                               \n",
     "\"topics\":[{\"clusterName\":\"C\",\"topic\":\"T\",\"consumerGroup\":\"G\"}],\"ok\":true}"},
    {"topicRoute -t T", "105 ", "topic=T;",
     "{\n\t\"brokerDatas\":[\n\t\t{\n\t\t\t\"brokerAddrs\":{0:\"$A\"\n\t\t\t},"
     "\n\t\t\t\"brokerName\":"
     "\"broker-a\",\n\t\t\t\"cluster\":\"C\"\n\t\t}\n\t],\n\t\"filterServerTable\":{},\n\t"
     "\"queueDatas\":[\n\t\t{\n\t\t\t\"brokerName\":\"broker-a\",\n\t\t\t\"perm\":6,\n\t\t\t"
     "\"readQueueNums\":2,\n\t\t\t\"topicSysFlag\":0,\n\t\t\t\"writeQueueNums\":2\n\t\t}\n\t]\n}\n",
     "\"route\":{\"brokerDatas\":[{\"brokerAddrs\":{\"0\":\"$A\"},"},
    {"topicRoute -l -t T", "105 ", NULL,
     "~C                                             broker-a                         {0=$A}",
     "\"route\":{"},
    {"topicStatus -t T", "105 202 ", "topic=T;",
     "#Broker Name                      #QID  #Min Offset           #Max Offset             #Last "
     "Updated\n"
     "broker-a                          0     0                     0                       \n"
     "broker-a                          1     7                     8                       "
     "2023-11-14 22:13:20,456\n",
     "\"queues\":[{\"brokerName\":\"broker-a\",\"queueId\":0,\"minOffset\":0,\"maxOffset\":0,"
     "\"lastUpdateTimestamp\":0},{\"brokerName\":\"broker-a\",\"queueId\":1,\"minOffset\":7,"
     "\"maxOffset\":8,\"lastUpdateTimestamp\":1700000000456}],\"ok\":true}"},
    {"topicClusterList -t T", "105 106 ", NULL, "C\n", "\"clusters\":[\"C\"],\"ok\":true}"},
    {"updateTopic -c C -t T -r 3 -w 2 -p 4", "106 17 ",
     "topic=T;defaultTopic=TBW102;readQueueNums=3;writeQueueNums=2;perm=4;topicFilterType=SINGLE_"
     "TAG;topicSysFlag=0;order=false;",
     "create topic to $A success.\n"
     "TopicConfig [topicName=T, readQueueNums=3, writeQueueNums=2, perm=R--, topicFilterType="
     "SINGLE_TAG, topicSysFlag=0, order=false]\n",
     "\"brokers\":[\"$A\"],\"topic\":{\"topicName\":\"T\",\"readQueueNums\":3,\"writeQueueNums\":2,"
     "\"perm\":4,\"topicSysFlag\":0,\"order\":false},\"ok\":true}"},
    {"updateTopic -c C -t T -o true -u true -s true", "106 17 100 ",
     "namespace=ORDER_TOPIC_CONFIG;key=T;value=broker-a:8;",
     "create topic to $A success.\nset cluster orderConf. isOrder=true, orderConf=[broker-a:8]\n"
     "TopicConfig [topicName=T, readQueueNums=8, writeQueueNums=8, perm=RW-, topicFilterType="
     "SINGLE_TAG, topicSysFlag=3, order=true]\n",
     "\"orderConf\":\"broker-a:8\","},
    {"updateTopic -b $A -t T -o true", "17 106 101 100 ",
     "namespace=ORDER_TOPIC_CONFIG;key=T;value=broker-b:4;broker-a:8;",
     "~set broker orderConf. isOrder=true, orderConf=[broker-a:8]\n", "\"orderConf\":"},
    {"deleteTopic -c C -t T", "106 215 216 ", "topic=T;clusterName=C;",
     "delete topic [T] from cluster [C] success.\ndelete topic [T] from NameServer success.\n",
     "\"topic\":\"T\",\"ok\":true}"},
    {"updateTopicPerm -b $A -t T -p 4", "105 17 ", "perm=4;",
     "update topic perm from 6 to 4 in $A success.\nTopicConfig [topicName=T, readQueueNums=2, "
     "writeQueueNums=2, perm=R--, topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false].\n",
     "\"changes\":[{\"brokers\":[\"$A\"],\"permBefore\":6,\"topic\":{"},
    {"updateTopicPerm -c C -t T -p 2", "105 106 17 ", "perm=2;",
     "update topic perm from 6 to 2 in $A success.\n", "\"permBefore\":6,"},
    {"updateTopicPerm -c C -t T -p 6", "105 106 ", NULL, "new perm equals to the old one!\n",
     "\"changes\":[],\"ok\":true}"},
    {"updateOrderConf -t T -m get", "101 ", "namespace=ORDER_TOPIC_CONFIG;key=T;",
     "get orderConf success. topic=[T], orderConf=[broker-b:4] \n",
     "\"topic\":\"T\",\"orderConf\":\"broker-b:4\",\"ok\":true}"},
    {"updateOrderConf -t T -m put -v b:1", "100 ", "key=T;value=b:1;",
     "update orderConf success. topic=[T], orderConf=[b:1]\n", "\"orderConf\":\"b:1\""},
    {"updateOrderConf -t T -m delete", "102 ", "key=T;", "delete orderConf success. topic=[T]\n",
     "\"topic\":\"T\",\"ok\":true}"},
    {"updateSubGroup -c C -g G -r 3", "106 200 ",
     "|{\"groupName\":\"G\",\"consumeEnable\":true,\"consumeFromMinEnable\":false,"
     "\"consumeBroadcastEnable\":false,\"retryQueueNums\":1,\"retryMaxTimes\":3,\"brokerId\":0,"
     "\"whichBrokerWhenConsumeSlowly\":1,\"notifyConsumerIdsChangedEnable\":true}",
     "create subscription group to $A success.\nSubscriptionGroupConfig [groupName=G, "
     "consumeEnable=true, consumeFromMinEnable=false, consumeBroadcastEnable=false, "
     "retryQueueNums=1, retryMaxTimes=3, brokerId=0, whichBrokerWhenConsumeSlowly=1, "
     "notifyConsumerIdsChangedEnable=true]\n",
     "\"brokers\":[\"$A\"],\"group\":{\"groupName\":\"G\","},
    {"deleteSubGroup -b $A -g G -r true", "207 ", "groupName=G;removeOffset=true;cleanOffset=true;",
     "delete subscription group [G] from broker [$A] success.\n",
     "\"group\":\"G\",\"brokers\":[\"$A\"],\"ok\":true}"},
    {"deleteSubGroup -c C -g G", "106 207 106 215 216 106 215 216 ", "topic=%DLQ%G;",
     "delete subscription group [G] from broker [$A] in cluster [C] success.\n"
     "delete topic [%RETRY%G] from cluster [C] success.\n"
     "delete topic [%RETRY%G] from NameServer success.\n"
     "delete topic [%DLQ%G] from cluster [C] success.\n"
     "delete topic [%DLQ%G] from NameServer success.\n",
     "\"brokers\":[\"$A\"],\"ok\":true}"},
    {"getConsumerConfig -g G", "106 201 ", NULL,
     "=============================C:broker-a=============================\n"
     "groupName                               =  G\n"
     "consumeEnable                           =  true\n"
     "consumeFromMinEnable                    =  true\n"
     "consumeBroadcastEnable                  =  true\n"
     "retryQueueNums                          =  1\n"
     "retryMaxTimes                           =  16\n"
     "brokerId                                =  0\n"
     "whichBrokerWhenConsumeSlowly            =  1\n"
     "notifyConsumerIdsChangedEnable          =  true\n"
     "groupSysFlag                            =  0\n",
     "\"groups\":[{\"clusterName\":\"C\",\"brokerName\":\"broker-a\",\"group\":{\"brokerId\":0,"},
    {"consumerProgress -g G", "105 208 ", "consumerGroup=G;",
     "#Topic" TITLE_64 " #Broker Name                      #QID  #Broker Offset        "
     "#Consumer Offset      #Diff                 #LastTime\n"
     "%RETRY%G                                                          broker-a               "
     "           0     0                     0                     0                     N/A\n"
     "T                                                                 broker-a               "
     "           1     8                     5                     3                     "
     "2023-11-14 22:13:20\n\nConsume TPS: 1.50\nDiff Total: 3\n",
     "\"group\":\"G\",\"queues\":[{\"topic\":\"%RETRY%G\","},
    {"consumerProgress -g G -s true", "105 208 105 105 203 307 ", NULL,
     "~8                     5                     10.0.0.1             3                     "
     "2023-11-14 22:13:20\n",
     "\"consumerOffset\":5,\"clientIp\":\"10.0.0.1\",\"diff\":3,\"lastTimestamp\":1700000000456}]"},
    {"consumerProgress", "206 105 208 105 203 ", NULL,
     "#Group" TITLE_64 " #Count  #Version                 #Type  #Model          #TPS     #Diff "
     "Total\n"
     "G                                                                 1       V4_9_8           "
     "        PUSH   CLUSTERING      1        3\n",
     "\"groups\":[{\"group\":\"G\",\"count\":1,\"version\":\"V4_9_8\",\"type\":\"PUSH\",\"model\":"
     "\"CLUSTERING\",\"tps\":1,\"diffTotal\":3}],\"ok\":true}"},
    {"consumerStatus -g G -i 10.0.0.1@7", "105 307 ",
     "consumerGroup=G;clientId=10.0.0.1@7;jstackEnable=false;",
     "~locked=false, tryUnlockTimes=0, lastLockTimestamp=19700101000000000, droped=false, ",
     "\"group\":\"G\",\"runningInfo\":{\"mqTable\":{\"{\\\"brokerName\\\":\\\"broker-a\\\","},
    {"consumerConnection -g G", "105 203 ", "consumerGroup=G;",
     "#ClientId                            #ClientAddr            #Language  #Version\n"
     "10.0.0.1@7                           10.0.0.1:5000          JAVA       V4_9_8\n\n"
     "Below is subscription:\n#Topic               #SubExpression\n"
     "T                    TagA\n\nConsumeType: CONSUME_PASSIVELY\nMessageModel: CLUSTERING\n"
     "ConsumeFromWhere: CONSUME_FROM_LAST_OFFSET\n",
     "\"connections\":[{\"clientId\":\"10.0.0.1@7\",\"clientAddr\":\"10.0.0.1:5000\",\"language\":"
     "\"JAVA\",\"version\":\"V4_9_8\"}],\"subscriptions\":[{\"topic\":\"T\",\"subString\":\"TagA\","
     "\"expressionType\":\"TAG\"}],\"consumeType\":\"CONSUME_PASSIVELY\","},
    {"consumerConnection -g G -b $A", "203 ", NULL, "~T                    TagA\n",
     "\"messageModel\":\"CLUSTERING\""},
    {"producerConnection -g P -t T", "105 204 ", "producerGroup=P;",
     "0001  10.0.0.1@7                       10.0.0.1:5000          JAVA     V4_9_8\n",
     "\"connections\":[{\"clientId\":\"10.0.0.1@7\","},
    {"producer -b $A", "328 ", NULL,
     "producer group (P) instance : clientId=c@1,remoteIP=/10.0.0.1:5000, language=JAVA, "
     "version=409, lastUpdateTimestamp=5\n",
     "\"producers\":[{\"group\":\"P\",\"clientId\":\"c@1\",\"remoteIP\":\"/10.0.0.1:5000\","
     "\"language\":\"JAVA\",\"version\":\"V4_9_8\",\"lastUpdateTimestamp\":5}],\"ok\":true}"},
    {"cloneGroupOffset -s G -d H -t T", "105 208 105 15 ",
     "consumerGroup=H;topic=T;queueId=1;commitOffset=5;",
     "clone group offset success. srcGroup[G], destGroup=[H], topic[T]\n",
     "\"queues\":[{\"brokerName\":\"broker-a\",\"queueId\":1,\"offset\":5}],\"ok\":true}"},
    {"resetOffsetByTime -g G -t T -s 1700000000000", "105 222 ",
     "topic=T;group=G;timestamp=1700000000000;isForce=true;queueId=-1;",
     "rollback consumer offset by specified group[G], topic[T], force[true], "
     "timestamp(string)[1700000000000], timestamp(long)[1700000000000]\n"
     "#brokerName                               #queueId                                  "
     "#offset                                   \n"
     "broker-a                                  1                                         "
     "6                                         \n",
     "\"group\":\"G\",\"topic\":\"T\",\"online\":true,\"queues\":[{\"brokerName\":\"broker-a\","
     "\"queueId\":1,\"offset\":6}],\"ok\":true}"},
    {"skipAccumulatedMessage -g G -t T -f false", "105 222 ", "timestamp=-1;isForce=false;",
     "#brokerName                               #queueId                                  "
     "#offset                                   \n"
     "broker-a                                  1                                         "
     "6                                         \n",
     "\"online\":true,"},
    {"brokerStatus -b $A", "28 ", NULL, "~putTps                          : 1.25 1.0 0.5\n",
     "\"brokers\":[{\"address\":\"$A\",\"table\":{\"brokerVersionDesc\":\"V4_9_8\","
     "\"commitLogDiskRatio\":\"0.25\","},
    {"brokerStatus -c C", "106 28 ", NULL, "~pageCacheLockTimeMills          : 7\n",
     "\"putTps\":\"1.25 1.0 0.5\""},
    {"getBrokerConfig -b $A", "26 ", NULL,
     "============$A============\n"
     "brokerName                                        =  broker-a\n"
     "flushDiskType                                     =  ASYNC_FLUSH\n",
     "\"brokers\":[{\"address\":\"$A\",\"config\":{\"brokerName\":\"broker-a\",\"flushDiskType\":"
     "\"ASYNC_FLUSH\"}}],\"ok\":true}"},
    {"getBrokerConfig -c C", "106 26 ", NULL, "~============Master: $A============\n",
     "\"flushDiskType\""},
    {"updateBrokerConfig -b $A -k a.b -v c=d", "25 ", "|a.b=c=d\n",
     "update broker config success, $A\n",
     "\"key\":\"a.b\",\"value\":\"c=d\",\"brokers\":[\"$A\"],\"ok\":true}"},
    {"updateBrokerConfig -c C -k k -v v", "106 25 ", "|k=v\n", "update broker config success, $A\n",
     "\"brokers\":[\"$A\"]"},
    {"updateAclConfig -b $A -a account1 -s secret1 -t a=PUB,b=SUB -m true", "50 ",
     "accessKey=account1;secretKey=secret1;admin=true;topicPerms=a=PUB,b=SUB;",
     "create or update plain access config to $A success.\n"
     "accessKey=account1\n"
     "admin=true\n"
     "topicPerms=a=PUB,b=SUB\n",
     "\"brokers\":[\"$A\"],\"account\":{\"accessKey\":\"account1\",\"admin\":\"true\","
     "\"topicPerms\":\"a=PUB,b=SUB\"},\"ok\":true}"},
    {"deleteAclConfig -c C -a account1", "106 51 ", "accessKey=account1;",
     "delete plain access config account from $A success.\n"
     "account's accesskey is:account1\n",
     "\"accessKey\":\"account1\",\"brokers\":[\"$A\"],\"ok\":true}"},
    {"updateGlobalWhiteAddr -b $A -g 10.0.0.{1,2},10.1.*.* -p /x.yml", "53 ",
     "globalWhiteAddrs=10.0.0.{1,2},10.1.*.*;aclFileFullPath=/x.yml;",
     "update global white remote addresses to $A success.\n", "\"brokers\":[\"$A\"],\"ok\":true}"},
    {"clusterAclConfigVersion -c C", "106 52 ", NULL,
     "~C                 broker-a                10.0.0.1:1              /x.yml                3 ",
     "\"files\":[{\"cluster\":\"C\",\"broker\":\"broker-a\",\"address\":\"10.0.0.1:1\",\"file\":"
     "\"/x.yml\",\"version\":3,\"updated\":\"2023-11-14"},
    {"cleanExpiredCQ", "106 306 ", NULL, "success\n", "\"brokers\":[\"$A\"],\"ok\":true}"},
    {"cleanUnusedTopic -c C", "106 316 ", NULL, "success\n", "\"brokers\":[\"$A\"]"},
    {"deleteExpiredCommitLog -b $A", "329 ", NULL, "success\n", "\"brokers\":[\"$A\"]"},
    {"clusterList -m", "106 28 ", NULL,
     "#Cluster Name     #Broker Name                       #InTotalYest  #OutTotalYest  "
     "#InTotalToday #OutTotalToday\n"
     "C                 broker-a                                     10              3          "
     "   20              4\n",
     "\"brokers\":[{\"clusterName\":\"C\",\"brokerName\":\"broker-a\",\"address\":\"$A\","
     "\"inTotalYesterday\":10,\"outTotalYesterday\":3,\"inTotalToday\":20,\"outTotalToday\":4}],"},
    {"clusterList", "106 28 ", NULL,
     "~V4_9_8                   1.25(3,5ms)         2.00(4,6ms)          7  0.00 0.2500\n",
     "\"version\":\"V4_9_8\",\"inTps\":1.25,\"sendQueueSize\":3,\"sendQueueHeadWaitMillis\":5,"
     "\"outTps\":2.00,\"pullQueueSize\":4,\"pullQueueHeadWaitMillis\":6,"
     "\"pageCacheLockTimeMillis\":7,\"hours\":0.00,\"space\":0.2500}],\"ok\":true}"},
    {"statsAll", "206 105 300 315 315 105 208 ", NULL,
     "#Topic" TITLE_64 " #Consumer Group"
     "                                                  "
     "#Accumulation      #InTPS     #OutTPS   #InMsg24Hour  #OutMsg24Hour\n"
     "T                                                                 G                     "
     "                                                      3        0.75        0.75             "
     "70             70\n",
     "\"topics\":[{\"topic\":\"T\",\"consumerGroup\":\"G\",\"accumulation\":3,\"inTps\":0.75,"
     "\"outTps\":0.75,\"inMsg24Hour\":70,\"outMsg24Hour\":70}],\"ok\":true}"},
    {"brokerConsumeStats -b $A -l 1", "317 ", "isOrder=false;",
     "~broker-a                          1     8                     5                     3      "
     "               2023-11-14 22:13:20\n\nDiff Total: 3\n",
     "\"queues\":[{\"topic\":\"T\",\"group\":\"G\",\"brokerName\":\"broker-a\",\"queueId\":1,"
     "\"brokerOffset\":8,\"consumerOffset\":5,\"diff\":3,\"lastTimestamp\":1700000000456}],"
     "\"diffTotal\":3,\"ok\":true}"},
    {"updateKvConfig -s N -k K -v V", "100 ", "namespace=N;key=K;value=V;",
     "create or update kv config to namespace success.\n",
     "\"namespace\":\"N\",\"key\":\"K\",\"value\":\"V\",\"ok\":true}"},
    {"deleteKvConfig -s N -k K", "102 ", "namespace=N;key=K;",
     "delete kv config from namespace success.\n",
     "\"namespace\":\"N\",\"key\":\"K\",\"ok\":true}"},
    {"wipeWritePerm -b broker-a", "205 ", "brokerName=broker-a;",
     "wipe write perm of broker[broker-a] in name server[$A] OK, 4\n",
     "\"brokerName\":\"broker-a\",\"nameServers\":[{\"address\":\"$A\",\"topics\":4}],\"ok\":"
     "true}"},
    {"addWritePerm -b broker-a", "327 ", NULL,
     "add write perm of broker[broker-a] in name server[$A] OK, 5\n", "\"topics\":5}"},
    {"getNamesrvConfig", "319 ", NULL,
     "============$A============\nlistenPort                                        =  9876\n",
     "\"nameServers\":[{\"address\":\"$A\",\"config\":{\"listenPort\":\"9876\"}}],\"ok\":true}"},
    {"updateNamesrvConfig -n $A -k k -v v", "318 ", "|k=v\n",
     "update name server config success![$A]\nk : v\n",
     "\"key\":\"k\",\"value\":\"v\",\"nameServers\":[\"$A\"],\"ok\":true}"},
    {"queryMsgByKey -t T -k k1", "105 12 ", "topic=T;key=k1;maxNum=64;beginTimestamp=0;",
     "#Message ID                                        #QID                                  "
     "#Offset\n"
     "10A0B0C0D                                             1                                   "
     "     7\n",
     "\"messages\":[{\"msgId\":\"10A0B0C0D\",\"queueId\":1,\"queueOffset\":7,\"storeTimestamp\":"
     "1700000000456,\"offsetMsgId\":\"7F000001"},
    {"queryMsgByUniqueKey -t T -i 10A0B0C0D -g G -d c", "105 12 309 ",
     "consumerGroup=G;clientId=c;",
     "ConsumeMessageDirectlyResult [order=false, autoCommit=true, consumeResult=CR_SUCCESS, "
     "remark=null, spentTimeMills=3]\n",
     "\"messages\":[{\"autoCommit\":true,\"consumeResult\":\"CR_SUCCESS\","},
    {"queryMsgByUniqueKey -t T -i 10A0B0C0D", "105 12 105 300 105 203 105 208 106 ", NULL,
     "~Topic:               T\nTags:                [TagA]\nKeys:                [k1]\n"
     "Queue ID:            1\nQueue Offset:        7\nCommitLog Offset:    4096\n"
     "Reconsume Times:     0\nBorn Timestamp:      2023-11-14 22:13:20,123\n"
     "Store Timestamp:     2023-11-14 22:13:20,456\nBorn Host:           10.0.0.1:5000\n"
     "Store Host:          $A\nSystem Flag:         0\n"
     "Properties:          {KEYS=k1, UNIQ_KEY=10A0B0C0D, WAIT=true, TAGS=TagA}\n"
     "Message Body Path:   /tmp/rocketmq/msgbodys/10A0B0C0D\n\n\n"
     "MessageTrack [consumerGroup=G, trackType=NOT_CONSUME_YET, exceptionDesc=null]\n",
     "\"tracks\":[{\"consumerGroup\":\"G\",\"trackType\":\"NOT_CONSUME_YET\",\"exceptionDesc\":"
     "null}"
     "]}],\"ok\":true}"},
    {"queryMsgByOffset -t T -b broker-a -i 1 -o 7", "105 11 105 300 105 203 105 208 106 ", NULL,
     "~OffsetID:            7F000001",
     "\"properties\":{\"MIN_OFFSET\":\"7\",\"MAX_OFFSET\":\"8\",\"KEYS\":\"k1\",\"UNIQ_KEY\":"
     "\"10A0B0C0D\",\"WAIT\":\"true\",\"TAGS\":\"TagA\"},\"body\":\"hello\"}"},
    {"printMsgByQueue -t T -a broker-a -i 1 -f true -p true -d true", "105 31 30 11 ",
     "queueId=1;queueOffset=7;maxMsgNums=32;sysFlag=4;",
     "~ transactionId='null'}] BODY: hello\nTag: TagA                           Count: 1\n",
     "\"tags\":[{\"tag\":\"TagA\",\"count\":1}],\"ok\":true}"},
    {"printMsgByQueue -t T -a broker-a -i 1 -f true -s TagB", "105 31 30 11 ", "subscription=TagB;",
     "", "\"messages\":[],\"tags\":[],\"ok\":true}"},
    {"printMsg -t T -d false", "105 31 30 11 31 30 11 ", NULL,
     "~minOffset=7, maxOffset=8, MessageQueue [topic=T, brokerName=broker-a, queueId=0]\n"
     "MSGID: 10A0B0C0D MessageExt [brokerName=broker-a, queueId=1, storeSize=",
     "\"msgId\":\"10A0B0C0D\""},
    {"printMsg -t T -b 1 -e 2", "105 31 30 29 29 31 30 29 29 ", "timestamp=2;",
     "~minOffset=6, maxOffset=6, MessageQueue [topic=T, brokerName=broker-a, queueId=1]\n",
     "\"messages\":[],\"ok\":true}"},
    {"consumeMessage -t T -b broker-a -i 1 -o 7 -c 1", "105 31 30 11 ", "maxMsgNums=1;",
     "~Consume ok\nMSGID: 10A0B0C0D MessageExt [", "\"body\":\"hello\"}],\"ok\":true}"},
    {"sendMessage -t T -p hello -k k1 -c TagA -b broker-a -i 1", "105 310 ", "e=1;f=0;",
     "~broker-a                          1     SEND_OK                 ",
     "\"sendStatus\":\"SEND_OK\","},
    {"sendMsgStatus -b T -c 2", "105 310 310 310 ", "a=PID_SMSC;b=T;",
     "~ms, SendResult=SendResult [sendStatus=SEND_OK, msgId=", "\"queueOffset\":9}],\"ok\":true}"},
    {"checkMsgSendRT -t T -a 2 -s 20", "105 310 310 ", "|aaaaaaaaaaaaaaaaaaaa",
     "~#Broker Name                      #QID  #Send Result            #RT\n",
     "\"averageRtMillis\":"},
    {"clusterRT -a 2 -r 1", "106 105 310 310 ", NULL,
     "~#Cluster Name             #Broker Name              #RT   #successCount  #failCount\n"
     "C                         broker-a                  ",
     "\"successCount\":2,\"failCount\":0}],\"ok\":true}"},
    {"queryCq -t T -q 1 -i 7 -c 1", "105 321 ", "topic=T;queueId=1;index=7;count=1;",
     "Queue data: \nmax: 8, min: 7\n======================================\nidx: 7\n"
     "ConsumeQueueData{physicOffset=4096, physicSize=180, tagsCode=2598919, "
     "extendDataJson='null', bitMap='null', eval=true, msg='null'}\n"
     "======================================\n",
     "\"queue\":{\"maxQueueIndex\":8,"},
};
#define SUCCESS_COUNT (sizeof(SUCCESSES) / sizeof(SUCCESSES[0]))

static void expect_text(const struct success *success, const struct run *run) {
    bool part = success->text[0] == '~';
    char *expected = with_address(success->text + (part ? 1 : 0));
    if (part)
        ck_assert_msg(strstr(run->out, expected) != NULL, "%s: out:\n%s", success->line, run->out);
    else
        ck_assert_str_eq(run->out, expected);
    free(expected);
}

/* One line with one document of standard JSON. */
static void expect_document(const char *text) {
    struct json_reader reader;
    size_t len = strlen(text);
    ck_assert_uint_gt(len, 1);
    json_reader_init(&reader, span_of(text, len));
    json_strict(&reader);
    enum json_token token;
    while ((token = json_next(&reader)) != JSON_END) {
        ck_assert_msg(token != JSON_ERROR, "no JSON at %zu: %s", reader.token_offset, text);
    }
    ck_assert_int_eq(text[len - 1], '\n');
    ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
}

START_TEST(test_success__text_requests_and_json) {
    const struct success *success = &SUCCESSES[_i];
    struct run run = run_scripted(success->line);
    ck_assert_msg(run.status == ADMIN_OK, "%s: %s", success->line, run.err);
    ck_assert_str_eq(run.err, "");
    expect_text(success, &run);
    ck_assert_str_eq(server.asked, success->asked);
    if (success->last != NULL)
        ck_assert_msg(strstr(server.last, success->last) != NULL, "%s: last: %s", success->line,
                      server.last);
    run_free(&run);
    char line[256];
    snprintf(line, sizeof(line), "%s --json", success->line);
    run = run_scripted(line);
    ck_assert_int_eq(run.status, ADMIN_OK);
    expect_document(run.out);
    char *expected = with_address(success->json);
    ck_assert_msg(strstr(run.out, expected) != NULL, "%s: json: %s", line, run.out);
    free(expected);
    run_free(&run);
}
END_TEST

/* Each command of the list has a row. */
static void has_row(void *ctx, const struct command *command) {
    size_t len = strlen(command->name);
    (void)ctx;
    for (size_t i = 0; i < SUCCESS_COUNT; i++) {
        if (strncmp(SUCCESSES[i].line, command->name, len) == 0 &&
            (SUCCESSES[i].line[len] == ' ' || SUCCESSES[i].line[len] == '\0'))
            return;
    }
    if (strcmp(command->name, "queryMsgById") != 0) /* its id names the server: below */
        ck_abort_msg("%s has no row", command->name);
}
START_TEST(test_success__each_command_has_a_row) {
    command_each(has_row, NULL);
}
END_TEST

/* ---- failure --------------------------------------------------------------------------------- */

/* Each command again, with one of its requests refused: -1, the last one it asks. */
START_TEST(test_failure__says_address_request_code_and_remark) {
    const struct success *success = &SUCCESSES[_i];
    struct run run = run_scripted(success->line);
    char *first = server.asked, text[128], line[256];
    int32_t code = (int32_t)strtol(first, NULL, 10);
    run_free(&run);
    script_add((struct answer){.request = code, .code = 1, .remark = "no luck today"});
    snprintf(line, sizeof(line), "%s --json", success->line);
    run = run_scripted(line);
    ck_assert_msg(run.status == ADMIN_FAILED, "%s: %s", line, run.out);
    snprintf(text, sizeof(text), "%s answered %s (%d) with SYSTEM_ERROR (1): no luck today",
             server.address, wire_request_name(code), (int)code);
    ck_assert_msg(strstr(run.err, text) != NULL, "%s: err: %s", line, run.err);
    ck_assert_msg(strstr(run.out, text) != NULL, "%s: out: %s", line, run.out);
    ck_assert_ptr_nonnull(strstr(run.out, "\"ok\":false,\"failures\":[{\"address\":\"127.0.0.1:"));
    expect_document(run.out);
    run_free(&run);
}
END_TEST

struct failure {
    const char *line;
    int32_t refused; /* answered with code 1; 0: nothing is */
    const char *err;
};
static const struct failure FAILURES[] = {
    {"updateTopic -c X -t T", 0, "[error] Make sure the specified clusterName exists"},
    {"updateTopic -c C -t T", 17, "UPDATE_AND_CREATE_TOPIC (17) with SYSTEM_ERROR"},
    {"updateTopic -b 127.0.0.1:1 -t T", 0, "UPDATE_AND_CREATE_TOPIC (17) failed: connection refus"},
    {"updateTopic -b 127.0.0.1:1 -t T --json", 0, "127.0.0.1:1: UPDATE"},
    {"deleteTopic -c C -t T", 215, "DELETE_TOPIC_IN_BROKER (215) with"},
    {"deleteTopic -c C -t T", 216, "DELETE_TOPIC_IN_NAMESRV (216) with"},
    {"updateTopicPerm -b 127.0.0.1:1 -t T -p 4", 0, "broker not exit or broker is not master!"},
    {"updateTopicPerm -c C -t T -p 4", 17, "(17) with SYSTEM_ERROR"},
    {"updateOrderConf -t T -m put", 0, "please set orderConf with option -v."},
    {"updateOrderConf -t T -m x", 0, "-m/--method is put, get or delete, not 'x'"},
    {"updateSubGroup -c C -g G", 200, "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200) with"},
    {"deleteSubGroup -c C -g G", 207, "DELETE_SUBSCRIPTIONGROUP (207) with"},
    {"deleteSubGroup -c C -g G", 215, "DELETE_TOPIC_IN_BROKER (215) with"},
    {"getConsumerConfig -g H", 0, "no broker has a subscription group H"},
    {"topicStatus -t T", 202, "GET_TOPIC_STATS_INFO (202) with"},
    {"consumerProgress -g G", 208, "GET_CONSUME_STATS (208) with"},
    {"consumerStatus -g G", 203, "GET_CONSUMER_CONNECTION_LIST (203) with"},
    {"consumerStatus -g G -i c", 307, "GET_CONSUMER_RUNNING_INFO (307) with"},
    {"consumerConnection -g G", 203, "(203) with"},
    {"producerConnection -g P -t T", 204, "(204) with"},
    {"cloneGroupOffset -s G -d H -t T", 15, "UPDATE_CONSUMER_OFFSET (15) with"},
    {"resetOffsetByTime -g G -t T -s now", 222, "(222) with"},
    {"brokerStatus -c C", 28, "(28) with"},
    {"clusterList -i 1 --json", 0, "-i/--interval does not go with it"},
    {"statsAll -t X", 0, "the name server has no topic X"},
    {"queryMsgById -i xyz", 0, "'xyz' is no offset message id"},
    {"queryMsgById -i 7F000001000000010000000000001000", 0, "127.0.0.1:1: VIEW_MESSAGE_BY_ID (33)"},
    {"queryMsgByKey -t T -k other", 0, "query message by key finished, but no message."},
    {"queryMsgByUniqueKey -t T -i other", 0, "query message by key finished, but no message."},
    {"queryMsgByOffset -t T -b broker-b -i 1 -o 7", 0,
     "the route of T has no readable queue at broker broker-b with number 1"},
    {"printMsg -t T -s ||", 0, "'||' is no tag expression"},
    {"printMsg -t T", 11, "PULL_MESSAGE (11) with"},
    {"printMsgByQueue -t T -a broker-a -i 1", 30, "GET_MAX_OFFSET (30) with"},
    {"consumeMessage -t T -i 1", 0, "Please set the brokerName before queueId!"},
    {"consumeMessage -t T -b broker-a -o 1", 0, "Please set queueId before offset!"},
    {"consumeMessage -t T -c 0", 0, "Please input a positive messageNumber!"},
    {"consumeMessage -t T -s 9999999999999", 0, "Please set the beginTimestamp before now!"},
    {"sendMessage -t T -p x -i 1", 0, "Broker name must be set if the queue is chosen!"},
    {"sendMessage -t T -p x -b broker-b", 0, "no queue of the topic is where the message should"},
    {"sendMessage -t T -p x", 310, "SEND_MESSAGE_V2 (310) with"},
    {"sendMsgStatus -b T", 310, "(310) with"},
    {"checkMsgSendRT -t T -a 2", 310, "2 of 2 sends failed"},
    {"clusterRT -a 2", 310, "2 of 2 sends to broker-a failed"},
    {"clusterRT -c X", 0, "cluster [X] not exist"},
    {"queryCq -t T -q 1 -i 7", 321, "QUERY_CONSUME_QUEUE (321) with"},
};

START_TEST(test_failure__of_a_later_request_or_argument) {
    const struct failure *failure = &FAILURES[_i];
    if (failure->refused != 0)
        script_add((struct answer){.request = failure->refused, .code = 1, .remark = "no"});
    struct run run = run_scripted(failure->line);
    ck_assert_msg(run.status == ADMIN_FAILED, "%s: %s", failure->line, run.out);
    ck_assert_msg(strstr(run.err, failure->err) != NULL, "%s: err: %s", failure->line, run.err);
    run_free(&run);
}
END_TEST

START_TEST(test_failure__a_body_that_is_no_json) {
    script_add((struct answer){.request = 106, .body = "{\"brokerAddrTable\":"});
    struct run run = run_scripted("clusterList");
    ck_assert_int_eq(run.status, ADMIN_FAILED);
    ck_assert_ptr_nonnull(strstr(run.err, "with a body that is no JSON: byte 19: expected "));
    run_free(&run);
    script_add((struct answer){.request = 33, .body = "no record"});
    char line[128], id[64];
    unsigned port = (unsigned)strtoul(strchr(server.address, ':') + 1, NULL, 10);
    snprintf(id, sizeof(id), "7F000001%08X0000000000001000", port);
    snprintf(line, sizeof(line), "queryMsgById -i %s", id);
    run = run_scripted(line);
    ck_assert_int_eq(run.status, ADMIN_FAILED);
    ck_assert_ptr_nonnull(strstr(run.err, "holds a message that does not decode"));
    run_free(&run);
}
END_TEST

/* ---- what depends on answers ----------------------------------------------------------------- */

static void message_id_line(char *line, size_t size, const char *more) {
    unsigned port = (unsigned)strtoul(strchr(server.address, ':') + 1, NULL, 10);
    snprintf(line, size, "queryMsgById -i 7F000001%08X0000000000001000%s", port, more);
}

START_TEST(test_query_by_id__shows_relays_and_sends_again) {
    char line[256];
    message_id_line(line, sizeof(line), "");
    struct run run = run_scripted(line);
    ck_assert_int_eq(run.status, ADMIN_OK);
    ck_assert_str_eq(server.asked, "33 105 300 105 203 105 208 106 ");
    ck_assert_ptr_nonnull(strstr(run.out, "Keys:                [k1]\n"));
    run_free(&run);
    message_id_line(line, sizeof(line), " -g G -d c --json");
    run = run_scripted(line);
    ck_assert_str_eq(server.asked, "33 309 ");
    ck_assert_ptr_nonnull(strstr(run.out, "\"consumeResult\":\"CR_SUCCESS\""));
    run_free(&run);
    message_id_line(line, sizeof(line), " -s true");
    run = run_scripted(line);
    ck_assert_str_eq(server.asked, "33 105 310 ");
    ck_assert_ptr_nonnull(strstr(server.last, "|hello"));
    ck_assert_ptr_nonnull(strstr(run.out, "prepare resend msg. originalMsgId=7F000001"));
    ck_assert_ptr_nonnull(strstr(run.out, "SendResult [sendStatus=SEND_OK, msgId="));
    run_free(&run);
}
END_TEST

START_TEST(test_track__says_consumed_filtered_and_offline) {
    static const struct {
        struct answer answer;
        const char *track;
    } CASES[] = {
        {{.request = 208,
          .body = "{\"consumeTps\":0,\"offsetTable\":{{\"brokerName\":\"broker-a\",\"queueId\":1,"
                  "\"topic\":\"T\"}:{\"brokerOffset\":8,\"consumerOffset\":8}}}"},
         "trackType=CONSUMED, exceptionDesc=null"},
        {{.request = 203,
          .body = "{\"connectionSet\":[],\"consumeType\":\"CONSUME_PASSIVELY\","
                  "\"subscriptionTable\":{\"T\":{\"tagsSet\":[\"TagB\"]}}}"},
         "trackType=CONSUMED_BUT_FILTERED, exceptionDesc=null"},
        {{.request = 203, .body = "{\"consumeType\":\"CONSUME_ACTIVELY\"}"}, "trackType=PULL,"},
        {{.request = 203, .code = 206, .remark = "gone"},
         "trackType=NOT_ONLINE, exceptionDesc=CODE:206 DESC:gone]"},
        {{.request = 203, .code = 1, .remark = "odd"},
         "trackType=UNKNOWN, exceptionDesc=CODE:1 DESC:odd]"},
        {{.request = 300, .body = "{\"groupList\":[]}"}, "\n\nWARN: No Consumer\n"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        script_add(CASES[i].answer);
        struct run run = run_scripted("queryMsgByUniqueKey -t T -i 10A0B0C0D");
        ck_assert_int_eq(run.status, ADMIN_OK);
        ck_assert_msg(strstr(run.out, CASES[i].track) != NULL, "%zu: %s", i, run.out);
        run_free(&run);
    }
}
END_TEST

START_TEST(test_reset__commits_itself_when_nobody_is_online) {
    script_add((struct answer){.request = 222, .code = 206, .remark = "not online"});
    struct run run = run_scripted("resetOffsetByTime -g G -t T -s 2023-11-14#22:13:20:000");
    ck_assert_int_eq(run.status, ADMIN_OK);
    ck_assert_str_eq(server.asked, "105 222 208 29 15 ");
    ck_assert_str_eq(server.last, "consumerGroup=G;topic=T;queueId=1;commitOffset=6;|");
    ck_assert_ptr_nonnull(strstr(
        run.out, "specified consumerGroup[G], topic[T], force[true], timestamp(string)[2023-11-14#"
                 "22:13:20:000], timestamp(long)[1700000000000]\n"
                 "#brokerName           #queueId              #brokerOffset         "
                 "#consumerOffset       #timestampOffset      #rollbackOffset       \n"
                 "broker-a              1                     8                     5            "
                 "         6                     6                     \n"));
    run_free(&run);
    /* not forced: 6 is ahead of 5, so the group stays where it is */
    run = run_scripted("resetOffsetByTime -g G -t T -s 1 -f false --json");
    ck_assert_str_eq(server.asked, "105 222 208 29 ");
    ck_assert_ptr_nonnull(strstr(run.out, "\"timestampOffset\":6,\"rollbackOffset\":5}"));
    run_free(&run);
    /* never consumed: the queues of the topic, from their ends */
    script_add((struct answer){.request = 208, .body = "{\"consumeTps\":0,\"offsetTable\":{}}"});
    run = run_scripted("skipAccumulatedMessage -g G -t T");
    ck_assert_int_eq(run.status, ADMIN_OK);
    ck_assert_str_eq(server.asked, "105 222 208 202 30 15 30 15 ");
    run_free(&run);
}
END_TEST

START_TEST(test_send__new_topic_goes_by_the_default_topic) {
    script_add((struct answer){.request = 105, .code = 17, .remark = "no route"});
    struct run run = run_scripted("sendMessage -t new -p x");
    ck_assert_int_eq(run.status, ADMIN_FAILED);
    ck_assert_str_eq(server.asked, "105 105 ");
    ck_assert_ptr_nonnull(strstr(server.last, "topic=TBW102;"));
    ck_assert_ptr_nonnull(strstr(run.err, "No route info of this topic: new"));
    run_free(&run);
}
END_TEST

START_TEST(test_send__stored_without_a_flush_is_told) {
    script_add(
        (struct answer){.request = 310, .code = 10, .fields = "msgId=0A;queueId=1;queueOffset=9"});
    struct run run = run_scripted("sendMessage -t T -p x");
    ck_assert_int_eq(run.status, ADMIN_OK);
    ck_assert_ptr_nonnull(strstr(run.out, "FLUSH_DISK_TIMEOUT"));
    run_free(&run);
}
END_TEST

START_TEST(test_status__writes_running_infos_and_analyses) {
    char folder[] = "/tmp/mqadmin-status-XXXXXX", before[4096], command[256];
    ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    struct run run = run_scripted("consumerStatus -g G");
    ck_assert_msg(run.status == ADMIN_OK, "%s", run.err);
    ck_assert_str_eq(server.asked, "105 105 203 307 ");
    ck_assert_ptr_nonnull(strstr(run.out, "1          10.0.0.1@7                               "
                                          "V4_9_8               "));
    ck_assert_ptr_nonnull(
        strstr(run.out, "Same subscription in the same group of consumer\n\nRebalance OK\n"));
    const char *path = strstr(run.out, "/10.0.0.1@7");
    ck_assert_ptr_nonnull(path);
    while (path[-1] != ' ')
        path--;
    char *end = strchr(path, '\n');
    *end = '\0';
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    char text[64] = "";
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
    ck_assert_int_eq(strncmp(text, "#Consumer Properties#\n", 22), 0);
    fclose(file);
    run_free(&run);
    ck_assert_int_eq(chdir(before), 0);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(test_progress__an_unknown_group_has_no_route) {
    script_add((struct answer){.request = 105, .code = 17, .remark = "No topic route info"});
    struct run run = run_scripted("consumerProgress -g G");
    ck_assert_int_eq(run.status, ADMIN_FAILED);
    ck_assert_ptr_nonnull(strstr(run.err, "with TOPIC_NOT_EXIST (17): No topic route info"));
    run_free(&run);
    script_add((struct answer){.request = 105, .body = ROUTE});
    script_add((struct answer){.request = 208, .body = "{\"offsetTable\":{}}"});
    run = run_scripted("consumerProgress -g G");
    ck_assert_int_eq(run.status, ADMIN_FAILED);
    ck_assert_ptr_nonnull(strstr(run.err, "return offset table is empty"));
    run_free(&run);
    /* in the list of all groups it is a line */
    script_add((struct answer){.request = 203, .code = 206, .remark = "not online"});
    run = run_scripted("consumerProgress");
    ck_assert_int_eq(run.status, ADMIN_OK);
    ck_assert_ptr_nonnull(strstr(run.out, "0       OFFLINE "));
    run_free(&run);
}
END_TEST

START_TEST(test_keys_as_texts__are_read_too) {
    script_add((struct answer){
        .request = 202,
        .body = "{\"offsetTable\":{\"{\\\"brokerName\\\":\\\"broker-a\\\",\\\"queueId\\\":3,"
                "\\\"topic\\\":\\\"T\\\"}\":{\"maxOffset\":8,\"minOffset\":\"7\"}}}"});
    struct run run = run_scripted("topicStatus -t T --json");
    ck_assert_int_eq(run.status, ADMIN_OK);
    ck_assert_ptr_nonnull(strstr(run.out, "\"queueId\":3,\"minOffset\":7,\"maxOffset\":8"));
    run_free(&run);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mqadmin_commands");
    TCase *topic = tcase_create("commands");
    tcase_add_checked_fixture(topic, setup, script_teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_loop_test(topic, test_success__text_requests_and_json, 0, (int)SUCCESS_COUNT);
    tcase_add_test(topic, test_success__each_command_has_a_row);
    tcase_add_loop_test(topic, test_failure__says_address_request_code_and_remark, 0,
                        (int)SUCCESS_COUNT);
    tcase_add_loop_test(topic, test_failure__of_a_later_request_or_argument, 0,
                        (int)(sizeof(FAILURES) / sizeof(FAILURES[0])));
    tcase_add_test(topic, test_failure__a_body_that_is_no_json);
    tcase_add_test(topic, test_query_by_id__shows_relays_and_sends_again);
    tcase_add_test(topic, test_track__says_consumed_filtered_and_offline);
    tcase_add_test(topic, test_reset__commits_itself_when_nobody_is_online);
    tcase_add_test(topic, test_send__new_topic_goes_by_the_default_topic);
    tcase_add_test(topic, test_send__stored_without_a_flush_is_told);
    tcase_add_test(topic, test_status__writes_running_infos_and_analyses);
    tcase_add_test(topic, test_progress__an_unknown_group_has_no_route);
    tcase_add_test(topic, test_keys_as_texts__are_read_too);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
