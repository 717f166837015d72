import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.nio.charset.StandardCharsets;

import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What one case has: addresses, a topic and groups of its own, and what must be shut down at its end. */
final class Env {
    interface Closer { void close() throws Exception; }

    final String namesrv, broker, name;
    private final List<Closer> closers = Collections.synchronizedList(new ArrayList<>());
    private int instances;

    Env(String namesrv, String broker, String name) {
        this.namesrv = namesrv;
        this.broker = broker;
        this.name = name;
    }

    String topic() { return "T_" + name; }
    String group() { return "G_" + name; }
    synchronized String instance() { return name + "_" + ++instances; }
    void later(Closer closer) { closers.add(0, closer); }

    void close() {
        for (Closer closer : new ArrayList<>(closers))
            try {
                closer.close();
            } catch (Exception e) {
                System.out.println(name + ": close: " + e);
            }
    }

    /** A case that is not expected to pass (its name came with a question mark) waits 8 s at most. */
    static final ThreadLocal<Boolean> UNLIKELY = ThreadLocal.withInitial(() -> false);
    static int seconds(int wanted) { return UNLIKELY.get() ? Math.min(wanted, 8) : wanted; }

    static void check(boolean condition, String what) {
        if (!condition) throw new IllegalStateException(what);
    }

    static void equal(Object expected, Object found, String what) {
        if (!expected.equals(found)) throw new IllegalStateException(what + ": expected " + expected + ", found " + found);
    }

    /** Waits for a state that the other side reaches by itself. */
    static void await(String what, int seconds, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds(seconds));
        Exception last = null;
        while (System.nanoTime() < end) {
            try {
                if (condition.call()) return;
                last = null;
            } catch (org.apache.rocketmq.client.exception.MQClientException
                     | org.apache.rocketmq.client.exception.MQBrokerException e) {
                last = e;
            }
            Thread.sleep(20);
        }
        throw new IllegalStateException(what + ": not within " + seconds + " s", last);
    }

    DefaultMQAdminExt admin() throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt(20000);
        admin.setNamesrvAddr(namesrv);
        admin.setInstanceName(instance());
        admin.start();
        later(admin::shutdown);
        return admin;
    }

    /** Creates the topic at the broker and waits until the name server knows it. */
    void create(String topic, int queues) throws Exception {
        DefaultMQAdminExt admin = admin();
        var config = new org.apache.rocketmq.common.TopicConfig(topic);
        config.setReadQueueNums(queues);
        config.setWriteQueueNums(queues);
        admin.createAndUpdateTopicConfig(broker, config);
        await("route of " + topic, 20, () -> admin.examineTopicRouteInfo(topic) != null);
    }

    DefaultMQProducer producer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("P_" + name);
        return start(producer);
    }

    DefaultMQProducer start(DefaultMQProducer producer) throws Exception {
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(instance());
        producer.setSendMsgTimeout(10000);
        producer.start();
        later(producer::shutdown);
        return producer;
    }

    Message message(String tag, int number) {
        Message message = new Message(topic(), tag, "key" + number, body(number));
        message.putUserProperty("number", Integer.toString(number));
        return message;
    }

    static byte[] body(int number) { return ("body of message " + number).getBytes(StandardCharsets.UTF_8); }

    static SendResult ok(SendResult result) {
        equal(SendStatus.SEND_OK, result.getSendStatus(), "send status");
        check(result.getQueueOffset() >= 0 && result.getOffsetMsgId() != null, "result " + result);
        return result;
    }

    void send(DefaultMQProducer producer, String tag, int from, int count) throws Exception {
        for (int i = from; i < from + count; i++) ok(producer.send(message(tag, i)));
    }

    /** A push consumer that puts what it gets into inbox. */
    DefaultMQPushConsumer push(String group, String expression, BlockingQueue<MessageExt> inbox) throws Exception {
        DefaultMQPushConsumer consumer = pushNotStarted(group);
        consumer.subscribe(topic(), expression);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            inbox.addAll(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    DefaultMQPushConsumer pushNotStarted(String group) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        later(consumer::shutdown);
        return consumer;
    }

    static List<MessageExt> take(BlockingQueue<MessageExt> inbox, int count, int seconds) throws Exception {
        List<MessageExt> found = new ArrayList<>();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds(seconds));
        while (found.size() < count) {
            MessageExt message = inbox.poll(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
            if (message == null) throw new IllegalStateException("got " + found.size() + " of " + count + " messages in " + seconds + " s");
            found.add(message);
        }
        return found;
    }

    static BlockingQueue<MessageExt> inbox() { return new LinkedBlockingQueue<>(); }

    /** Checks body, key and property of messages made by message(), each of from..from+count-1 exactly once. */
    static void whole(Collection<MessageExt> messages, int from, int count) {
        equal(count, messages.size(), "number of messages");
        java.util.TreeSet<Integer> numbers = new java.util.TreeSet<>();
        for (MessageExt message : messages) {
            int number = Integer.parseInt(message.getUserProperty("number"));
            check(numbers.add(number), "message " + number + " twice");
            equal(new String(body(number), StandardCharsets.UTF_8), new String(message.getBody(), StandardCharsets.UTF_8), "body");
            equal("key" + number, message.getKeys(), "keys");
            check(message.getBornTimestamp() > 0 && message.getStoreTimestamp() > 0, "times of " + message);
        }
        check(numbers.first() == from && numbers.last() == from + count - 1, "numbers " + numbers);
    }

    DefaultMQPullConsumer puller(String group) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(instance());
        consumer.start();
        later(consumer::shutdown);
        return consumer;
    }

    /** All messages of the topic, by pulls from the smallest offset on. */
    List<MessageExt> all(String topic) throws Exception {
        DefaultMQPullConsumer consumer = puller("G_read_" + name);
        List<MessageExt> found = new ArrayList<>();
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            long offset = consumer.minOffset(queue), end = consumer.maxOffset(queue);
            while (offset < end) {
                PullResult result = consumer.pull(queue, "*", offset, 32);
                equal(PullStatus.FOUND, result.getPullStatus(), "pull of " + queue + " at " + offset);
                found.addAll(result.getMsgFoundList());
                offset = result.getNextBeginOffset();
            }
        }
        return found;
    }

    /** Waits until the topic's queues hold count messages and returns them. */
    List<MessageExt> allOf(String topic, int count, int seconds) throws Exception {
        DefaultMQPullConsumer consumer = puller("G_wait_" + name);
        await(count + " messages in " + topic, seconds, () -> {
            long sum = 0;
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) sum += consumer.maxOffset(queue);
            return sum >= count;
        });
        List<MessageExt> found = all(topic);
        equal(count, found.size(), "messages in " + topic);
        return found;
    }
}
