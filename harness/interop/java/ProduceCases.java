import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Sends of all kinds; each is read back by pulls. */
final class ProduceCases {
    static void sync(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        Set<MessageQueue> queues = new HashSet<>();
        Map<MessageQueue, Long> next = new HashMap<>();
        for (int i = 0; i < 20; i++) {
            SendResult result = Env.ok(producer.send(env.message("TagA", i)));
            queues.add(result.getMessageQueue());
            Long before = next.put(result.getMessageQueue(), result.getQueueOffset());
            Env.check(before == null || result.getQueueOffset() == before + 1, "queue offsets are not dense: " + result);
        }
        Env.check(queues.size() > 1, "round robin used one queue: " + queues);
        List<MessageExt> found = env.allOf(env.topic(), 20, 10);
        Env.whole(found, 0, 20);
        for (MessageExt message : found) Env.equal("TagA", message.getTags(), "tags");
    }

    static void async(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        env.create(env.topic(), 4);
        CountDownLatch left = new CountDownLatch(50);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int i = 0; i < 50; i++)
            producer.send(env.message("TagA", i), new SendCallback() {
                @Override public void onSuccess(SendResult result) {
                    try {
                        Env.ok(result);
                    } catch (RuntimeException e) {
                        failure.set(e);
                    }
                    left.countDown();
                }
                @Override public void onException(Throwable e) {
                    failure.set(e);
                    left.countDown();
                }
            });
        Env.check(left.await(20, TimeUnit.SECONDS), "callbacks missing: " + left.getCount());
        if (failure.get() != null) throw new IllegalStateException("async send", failure.get());
        Env.whole(env.allOf(env.topic(), 50, 10), 0, 50);
    }

    static void oneway(Env env) throws Exception {
        env.create(env.topic(), 4);
        DefaultMQProducer producer = env.producer();
        for (int i = 0; i < 10; i++) producer.sendOneway(env.message("TagA", i));
        Env.whole(env.allOf(env.topic(), 10, 10), 0, 10);
    }

    static void batch(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < 10; i++) messages.add(env.message("TagB", i));
        SendResult result = Env.ok(producer.send(messages));
        Env.equal(10, result.getMsgId().split(",").length, "message ids");
        Env.equal(10, result.getOffsetMsgId().split(",").length, "offset message ids");
        List<MessageExt> found = env.allOf(env.topic(), 10, 10);
        Env.whole(found, 0, 10);
        Set<Integer> queues = new HashSet<>();
        for (MessageExt message : found) {
            queues.add(message.getQueueId());
            Env.check(result.getOffsetMsgId().contains(offsetId(message)), "offset id " + message);
        }
        Env.equal(1, queues.size(), "queues of a batch");
    }

    static String offsetId(MessageExt message) {
        return message instanceof org.apache.rocketmq.common.message.MessageClientExt
            ? ((org.apache.rocketmq.common.message.MessageClientExt) message).getOffsetMsgId() : message.getMsgId();
    }

    static void compressed(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        StringBuilder text = new StringBuilder();
        for (int i = 0; text.length() < 60000; i++) text.append("line ").append(i).append(" of a body that packs well\n");
        byte[] body = text.toString().getBytes(StandardCharsets.UTF_8);
        Env.ok(producer.send(new Message(env.topic(), "TagA", "big", body)));
        MessageExt found = env.allOf(env.topic(), 1, 10).get(0);
        Env.check(java.util.Arrays.equals(body, found.getBody()), "body differs, length " + found.getBody().length);
        Env.check(found.getStoreSize() < 20000, "store size " + found.getStoreSize());
        Env.check((found.getSysFlag() & 0x701) != 0, "flag of compression " + found.getSysFlag());
    }

    static void unicode(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        String text = "Gr\u00f6\u00dfe \u6d88\u606f \ud83d\ude80";
        Message message = new Message(env.topic(), "\u6807\u7b7e", "Schl\u00fcssel", text.getBytes(StandardCharsets.UTF_8));
        message.putUserProperty("name", text);
        message.setFlag(7);
        Env.ok(producer.send(message));
        MessageExt found = env.allOf(env.topic(), 1, 10).get(0);
        Env.equal(text, new String(found.getBody(), StandardCharsets.UTF_8), "body");
        Env.equal(text, found.getUserProperty("name"), "property");
        Env.equal("\u6807\u7b7e", found.getTags(), "tags");
        Env.equal("Schl\u00fcssel", found.getKeys(), "keys");
        Env.equal(7, found.getFlag(), "flag");
    }

    static void refused(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        producer.setMaxMessageSize(1 << 20);
        producer.setCompressMsgBodyOverHowmuch(1 << 21);
        producer.setRetryTimesWhenSendFailed(0);
        try {
            producer.send(new Message(env.topic(), new byte[200000]));
            Env.check(false, "a message of 200000 bytes was taken where maxMessageSize is 131072");
        } catch (MQBrokerException e) {
            Env.equal(13, e.getResponseCode(), "code of a message that is too long");
        }
        try {
            producer.send(new Message("SCHEDULE_TOPIC_XXXX", Env.body(0)));
            Env.check(false, "a system topic was written to");
        } catch (MQBrokerException | MQClientException e) {
            Env.check(e.getMessage().contains("SCHEDULE_TOPIC_XXXX"), "remark " + e.getMessage());
        }
        env.send(producer, "after", 0, 3);
        Env.whole(env.allOf(env.topic(), 3, 10), 0, 3);
    }

    static void selector(Env env) throws Exception {
        env.create(env.topic(), 4);
        DefaultMQProducer producer = env.producer();
        for (int i = 0; i < 12; i++) {
            SendResult result = Env.ok(producer.send(env.message("TagA", i), (queues, message, argument) ->
                queues.stream().filter(q -> q.getQueueId() == (Integer) argument).findFirst().get(), i % 3));
            Env.equal(i % 3, result.getMessageQueue().getQueueId(), "queue");
        }
        Env.whole(env.allOf(env.topic(), 12, 10), 0, 12);
    }

    /** Sends, offsets and locks to the port minus two. */
    static void vip(Env env) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("P_" + env.name);
        producer.setVipChannelEnabled(true);
        env.start(producer);
        env.send(producer, "TagA", 0, 10);
        Env.whole(env.allOf(env.topic(), 10, 10), 0, 10);
        var inbox = Env.inbox();
        var consumer = env.pushNotStarted(env.group());
        consumer.setVipChannelEnabled(true);
        consumer.subscribe(env.topic(), "*");
        consumer.registerMessageListener((org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently) (messages, context) -> {
            inbox.addAll(messages);
            return org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Env.whole(Env.take(inbox, 10, 40), 0, 10);
    }

    static void sync_v1(Env env) throws Exception { sync(env); }
    static void oneway_v1(Env env) throws Exception { oneway(env); }
    static void batch_v1(Env env) throws Exception { batch(env); }

    /**
     * Auto-creation off: the route is the default topic's, the broker refuses. The last case of a cluster: Apache's broker does not
     * create topics again when the key is set back, since the default topic has lost its permission to inherit.
     */
    static void noauto(Env env) throws Exception {
        DefaultMQAdminExt admin = env.admin();
        java.util.Properties keys = new java.util.Properties();
        keys.setProperty("autoCreateTopicEnable", "false");
        admin.updateBrokerConfig(env.broker, keys);
        DefaultMQProducer producer = env.producer();
        producer.setRetryTimesWhenSendFailed(0);
        try {
            producer.send(env.message("TagA", 0));
            Env.check(false, "a topic was created though autoCreateTopicEnable is false");
        } catch (MQBrokerException e) {
            Env.equal(17, e.getResponseCode(), "code");
        } catch (MQClientException e) {
            Env.check(e.getResponseCode() == 17 || e.getMessage().contains("No route info"), "code " + e.getResponseCode() + e);
        }
    }

    static void topics(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        DefaultMQAdminExt admin = env.admin();
        env.create(env.topic(), 3);
        Env.await("route", 20, () -> producer.fetchPublishMessageQueues(env.topic()).size() == 3);
        Env.equal(3, env.puller(env.group()).fetchSubscribeMessageQueues(env.topic()).size(), "queues to read");
        Env.check(admin.fetchAllTopicList().getTopicList().contains(env.topic()), "topic list lacks " + env.topic());
        try {
            admin.examineTopicRouteInfo(env.topic() + "_none");
            Env.check(false, "a route of a topic that is not there");
        } catch (MQClientException e) {
            Env.equal(17, e.getResponseCode(), "code");
        }
    }
}
