import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;

import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.store.OffsetStore;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * For the exchange of stores: Store NAMESRV BROKER PREFIX WORD..., one after the other. Words: fill FROM COUNT (numbered messages of about
 * 4 KB, some in batches, some packed), dead (retries and a dead letter), open (a delayed and a half message that stay pending; must be the
 * last), consume FROM COUNT (the group takes exactly FROM..FROM+COUNT-1 and commits), list (a line LIST, then one for every record of every
 * queue of every topic), query N (by key).
 */
public final class Store {
    private Store() {}

    static Message made(Env env, int number, int size) {
        Message message = env.message(number % 2 == 0 ? "TagA" : "TagB", number);
        StringBuilder text = new StringBuilder("body of message " + number + " ");
        java.util.Random random = new java.util.Random(number);
        while (text.length() < size) text.append((char) ('a' + random.nextInt(26)));
        message.setBody(text.toString().getBytes());
        return message;
    }

    static void fill(Env env, int from, int count) throws Exception {
        DefaultMQProducer producer = env.producer();
        for (int i = from; i < from + count;) {
            if (i % 50 == 0 && i + 10 <= from + count) {
                List<Message> batch = new ArrayList<>();
                for (int j = 0; j < 10; j++) batch.add(made(env, i++, 3000));
                Env.ok(producer.send(batch));
            } else {
                Env.ok(producer.send(made(env, i, i % 50 == 20 ? 9000 : 3500)));       // above 4096 bytes it is packed
                i++;
            }
        }
    }

    static void open(Env env) throws Exception {
        DefaultMQProducer producer = env.producer();
        Message late = env.message("TagA", 0);
        late.setTopic(env.topic() + "_late");
        late.setDelayTimeLevel(18);
        producer.send(late);
        TransactionMQProducer half = new TransactionMQProducer("P_half");
        half.setTransactionListener(new TransactionListener() {
            @Override public LocalTransactionState executeLocalTransaction(Message m, Object a) { return LocalTransactionState.UNKNOW; }
            @Override public LocalTransactionState checkLocalTransaction(MessageExt m) { return LocalTransactionState.UNKNOW; }
        });
        env.start(half);
        Message open = env.message("TagA", 0);
        open.setTopic(env.topic() + "_half");
        half.sendMessageInTransaction(open, null);
    }

    static void dead(Env env) throws Exception {
        env.create(env.topic() + "_retry", 1);
        DefaultMQPushConsumer consumer = env.pushNotStarted("G_retry");
        consumer.setMaxReconsumeTimes(1);
        consumer.subscribe(env.topic() + "_retry", "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            context.setDelayLevelWhenNextConsume(1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        Message failing = env.message("TagA", 0);
        failing.setTopic(env.topic() + "_retry");
        env.producer().send(failing);
        DefaultMQPullConsumer reader = env.puller("G_full");
        Env.await("a dead letter", 60, () -> {
            for (MessageQueue queue : reader.fetchSubscribeMessageQueues("%DLQ%G_retry")) if (reader.maxOffset(queue) > 0) return true;
            return false;
        });
    }

    static void consume(Env env, int from, int count) throws Exception {
        Set<Integer> seen = new TreeSet<>();
        DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
        consumer.subscribe(env.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            synchronized (seen) {
                for (MessageExt message : messages) {
                    int number = Integer.parseInt(message.getUserProperty("number"));
                    if (!new String(message.getBody()).startsWith("body of message " + number + " ")) seen.add(-1);
                    if (!seen.add(number)) seen.add(-2);
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Env.await(count + " messages from " + from, 60, () -> { synchronized (seen) { return seen.size() >= count; } });
        Env.check(((TreeSet<Integer>) seen).first() == from && seen.size() == count, "got " + seen.size() + ": " + ((TreeSet<Integer>) seen).first()
            + ".." + ((TreeSet<Integer>) seen).last() + " where " + count + " from " + from + " were expected");
        OffsetStore store = consumer.getDefaultMQPushConsumerImpl().getOffsetStore();
        Env.await("commit of all", 20, () -> {
            long open = 0;
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(env.topic()))
                open += consumer.maxOffset(queue) - store.readOffset(queue, ReadOffsetType.READ_FROM_MEMORY);
            return open == 0;
        });
        consumer.shutdown();
    }

    static void list(Env env) throws Exception {
        System.out.println("LIST");
        DefaultMQPullConsumer reader = env.puller("G_list");
        Set<String> topics = new TreeSet<>(env.admin().fetchAllTopicList().getTopicList());
        for (String topic : topics) {
            if (!topic.startsWith("T_") && !topic.contains("G_retry")) continue;
            Set<MessageQueue> queues;
            try {
                queues = new TreeSet<>(reader.fetchSubscribeMessageQueues(topic));
            } catch (org.apache.rocketmq.client.exception.MQClientException e) {
                continue;
            }
            for (MessageQueue queue : queues) {
                long offset = reader.minOffset(queue), end = reader.maxOffset(queue);
                while (offset < end) {
                    PullResult result = reader.pull(queue, "*", offset, 32);
                    Env.equal(PullStatus.FOUND, result.getPullStatus(), "pull of " + queue + " at " + offset);
                    for (MessageExt m : result.getMsgFoundList()) {
                        TreeMap<String, String> properties = new TreeMap<>(m.getProperties());
                        properties.remove("MIN_OFFSET");
                        properties.remove("MAX_OFFSET");
                        System.out.println(String.join("\t", "RECORD", topic, "" + queue.getQueueId(), "" + m.getQueueOffset(),
                            "" + m.getCommitLogOffset(), "" + m.getStoreSize(), "" + m.getStoreTimestamp(), "" + m.getBornTimestamp(),
                            "" + m.getBodyCRC(), "" + m.getReconsumeTimes(), ProduceCases.offsetId(m), "" + Arrays.hashCode(m.getBody()),
                            properties.toString().replaceAll("\\s", "_")));
                    }
                    offset = result.getNextBeginOffset();
                }
                System.out.println("QUEUE\t" + topic + "\t" + queue.getQueueId() + "\t" + reader.minOffset(queue) + "\t" + end);
            }
        }
    }

    static void query(Env env, int number) throws Exception {
        var found = env.admin().queryMessage(env.topic(), "key" + number, 32, 0, Long.MAX_VALUE).getMessageList();
        Env.equal(1, found.size(), "messages with key" + number);
        Env.equal("" + number, found.get(0).getUserProperty("number"), "number");
    }

    public static void main(String[] args) {
        int code = 0;
        try {
            for (int at = 3; at < args.length;) {
                Env env = new Env(args[0], args[1], args[2]);
                String word = args[at++];
                switch (word) {
                    case "fill" -> fill(env, Integer.parseInt(args[at++]), Integer.parseInt(args[at++]));
                    case "consume" -> consume(env, Integer.parseInt(args[at++]), Integer.parseInt(args[at++]));
                    case "query" -> query(env, Integer.parseInt(args[at++]));
                    case "dead" -> dead(env);
                    case "open" -> open(env);
                    case "list" -> list(env);
                    default -> throw new IllegalArgumentException(word);
                }
                if (!word.equals("open")) env.close();           // what is pending stays so: nobody answers a check any more
            }
        } catch (Throwable e) {
            code = 1;
            System.out.println("WRONG\t" + e);
            e.printStackTrace();
        }
        System.out.flush();
        Runtime.getRuntime().halt(code);
    }
}
