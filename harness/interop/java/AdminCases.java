import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;

import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Queries and what administrators ask of connected clients. */
final class AdminCases {
    static void query(Env env) throws Exception {
        env.create(env.topic(), 2);
        DefaultMQProducer producer = env.producer();
        long before = System.currentTimeMillis() - 1000;
        SendResult third = null;
        for (int i = 0; i < 6; i++) {
            SendResult result = Env.ok(producer.send(env.message("TagA", i)));
            if (i == 3) third = result;
        }
        SendResult asked = third;
        DefaultMQAdminExt admin = env.admin();
        Env.await("message by key", 10, () -> {
            QueryResult result = admin.queryMessage(env.topic(), "key3", 32, before, Long.MAX_VALUE);
            return result.getMessageList().size() == 1;
        });
        QueryResult result = admin.queryMessage(env.topic(), "key3", 32, before, Long.MAX_VALUE);
        Env.whole(result.getMessageList(), 3, 1);
        Env.check(result.getIndexLastUpdateTimestamp() >= before, "time of the index");
        Env.whole(List.of(admin.viewMessage(env.topic(), asked.getOffsetMsgId())), 3, 1);
        Env.whole(List.of(admin.viewMessage(env.topic(), asked.getMsgId())), 3, 1);
        try {
            Env.equal(0, admin.queryMessage(env.topic(), "nosuchkey", 32, 0, Long.MAX_VALUE).getMessageList().size(), "hits of no key");
        } catch (MQClientException e) {
            Env.check(e.getMessage().contains("no message"), "text: " + e.getMessage());
        }
    }

    /** A connected group as an administrator sees it: 203, 204, 208, 307, 309, 221, 222/220, 300, 303. */
    static void stay(Env env) throws Exception {
        env.create(env.topic(), 2);
        DefaultMQProducer producer = env.producer();
        BlockingQueue<MessageExt> inbox = Env.inbox();
        DefaultMQPushConsumer consumer = env.push(env.group(), "*", inbox);
        DefaultMQAdminExt admin = env.admin();
        env.send(producer, "TagA", 0, 10);
        Env.whole(Env.take(inbox, 10, 40), 0, 10);
        String id = consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();

        Env.await("producer in 204", 40, () ->
            admin.examineProducerConnectionInfo("P_" + env.name, env.topic()).getConnectionSet().size() == 1);
        var connection = admin.examineConsumerConnectionInfo(env.group());
        Env.equal(id, connection.getConnectionSet().iterator().next().getClientId(), "client id of 203");
        Env.check(connection.getSubscriptionTable().containsKey(env.topic()), "subscription of 203");
        Env.await("group of 300", 30, () -> admin.queryTopicConsumeByWho(env.topic()).getGroupList().contains(env.group()));
        Env.await("committed offsets in 208", 30, () -> {
            var stats = admin.examineConsumeStats(env.group());
            return stats.computeTotalDiff() == 0 && stats.getOffsetTable().keySet().stream()
                .filter(q -> q.getTopic().equals(env.topic())).count() == 2;
        });
        var info = admin.getConsumerRunningInfo(env.group(), id, false);
        Env.check(info.getMqTable().size() >= 2, "queues of 307: " + info.getMqTable());
        Env.equal(2, admin.queryConsumeTimeSpan(env.topic(), env.group()).size(), "queues of 303");
        Map<String, Map<MessageQueue, Long>> status = admin.getConsumeStatus(env.topic(), env.group(), id);
        Env.check(status.containsKey(id) && status.get(id).size() == 2, "223: " + status);

        MessageExt any = env.all(env.topic()).get(0);
        var direct = admin.consumeMessageDirectly(env.group(), id, env.topic(), ProduceCases.offsetId(any));
        Env.equal("CR_SUCCESS", direct.getConsumeResult().toString(), "309");
        Env.take(inbox, 1, 10);
        Map<MessageQueue, Long> reset = admin.resetOffsetByTimestamp(env.topic(), env.group(), 0, true);
        Env.equal(2, reset.size(), "queues of 222");
        List<MessageExt> again = Env.take(inbox, 10, 60);
        Env.whole(again, 0, 10);
    }

    /** Groups, topics, configuration. */
    static void manage(Env env) throws Exception {
        DefaultMQAdminExt admin = env.admin();
        env.create(env.topic(), 3);
        Env.equal(3, admin.examineTopicStats(env.topic()).getOffsetTable().size(), "queues of 202");
        Env.check(admin.examineBrokerClusterInfo().getBrokerAddrTable().size() == 1, "106");
        Env.equal("true", admin.getBrokerConfig(env.broker).getProperty("autoCreateTopicEnable"), "26");
        Env.await("runtime information", 30, () -> admin.fetchBrokerRuntimeStats(env.broker).getTable().containsKey("brokerVersionDesc"));
        Env.check(admin.getNameServerConfig(List.of(env.namesrv)).get(env.namesrv).containsKey("kvConfigPath"), "319");
        admin.createAndUpdateKvConfig("INTEROP", env.name, "value");
        Env.equal("value", admin.getKVConfig("INTEROP", env.name), "101");
        admin.deleteKvConfig("INTEROP", env.name);
        admin.deleteTopicInBroker(java.util.Set.of(env.broker), env.topic());
        for (int turn = 0; turn < 2; turn++)        // topic and cluster changed places between the releases; the wrong order names nothing
            admin.deleteTopicInNameServer(java.util.Set.of(env.namesrv), turn == 0 ? "InteropCluster" : env.topic(),
                turn == 0 ? env.topic() : "InteropCluster");
        Env.await("the route gone", 20, () -> {
            try {
                admin.examineTopicRouteInfo(env.topic());
                return false;
            } catch (MQClientException e) {
                return e.getResponseCode() == 17;
            }
        });
    }
}
