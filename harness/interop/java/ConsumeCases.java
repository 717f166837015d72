import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.store.OffsetStore;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Consumers of all kinds that need no full messaging. */
final class ConsumeCases {
    static void push(Env env) throws Exception {
        env.create(env.topic(), 4);
        BlockingQueue<MessageExt> inbox = Env.inbox();
        env.push(env.group(), "*", inbox);
        DefaultMQProducer producer = env.producer();
        env.send(producer, "TagA", 0, 40);
        Env.whole(Env.take(inbox, 40, 40), 0, 40);
        Env.check(inbox.isEmpty(), "more than was sent: " + inbox);
    }

    /** A second consumer comes: both get their queues, told by request 40; it goes: the first has all again. */
    static void push_rebalance(Env env) throws Exception {
        env.create(env.topic(), 4);
        BlockingQueue<MessageExt> first = Env.inbox(), second = Env.inbox();
        DefaultMQProducer producer = env.producer();
        env.push(env.group(), "*", first);
        env.send(producer, "TagA", 0, 8);
        Env.whole(Env.take(first, 8, 40), 0, 8);
        DefaultMQPushConsumer other = env.push(env.group(), "*", second);
        Env.await("two queues for the second consumer", 30,
            () -> other.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().size() == 2);
        DefaultMQAdminExt admin = env.admin();
        Env.await("two members", 20, () -> admin.examineConsumerConnectionInfo(env.group()).getConnectionSet().size() == 2);
        int sent = 8;
        for (long end = System.nanoTime() + 40_000_000_000L; second.size() < 4 && System.nanoTime() < end; Thread.sleep(200)) {
            env.send(producer, "TagA", sent, 8);          // the first gives its queues away a moment after the second has them
            sent += 8;
        }
        Env.check(second.size() >= 4, "the second consumer got " + second.size());
        other.shutdown();
        env.send(producer, "TagA", sent, 8);
        sent += 8;
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < 8; i++) seen.add(i);
        int total = sent;
        Env.await("all messages", 40, () -> {
            for (BlockingQueue<MessageExt> inbox : List.of(first, second))
                for (MessageExt message : inbox) seen.add(Integer.parseInt(message.getUserProperty("number")));
            return seen.size() == total;
        });
    }

    static void tags(Env env) throws Exception {
        env.create(env.topic(), 4);
        BlockingQueue<MessageExt> inbox = Env.inbox(), one = Env.inbox();
        env.push(env.group(), "TagA || TagB", inbox);
        env.push(env.group() + "_one", "TagC", one);
        DefaultMQProducer producer = env.producer();
        env.send(producer, "TagA", 0, 5);
        env.send(producer, "TagC", 5, 5);
        env.send(producer, "TagB", 10, 5);
        List<MessageExt> found = Env.take(inbox, 10, 40);
        for (MessageExt message : found) Env.check(!"TagC".equals(message.getTags()), "TagC came through");
        Env.whole(Env.take(one, 5, 40), 5, 5);
        Env.check(inbox.isEmpty() && one.isEmpty(), "more than asked for");
    }

    static void broadcast(Env env) throws Exception {
        env.create(env.topic(), 4);
        List<BlockingQueue<MessageExt>> inboxes = List.of(Env.inbox(), Env.inbox());
        for (BlockingQueue<MessageExt> inbox : inboxes) {
            DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
            consumer.setMessageModel(model());
            consumer.subscribe(env.topic(), "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                inbox.addAll(messages);
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
        }
        env.send(env.producer(), "TagA", 0, 12);
        for (BlockingQueue<MessageExt> inbox : inboxes) Env.whole(Env.take(inbox, 12, 40), 0, 12);
    }

    /** MessageModel.BROADCASTING: the enum has another package in each release. */
    @SuppressWarnings("unchecked")
    static <T> T model() throws Exception {
        for (java.lang.reflect.Method method : DefaultMQPushConsumer.class.getMethods())
            if (method.getName().equals("setMessageModel"))
                return (T) Enum.valueOf((Class<? extends Enum>) method.getParameterTypes()[0], "BROADCASTING");
        throw new IllegalStateException("no setMessageModel");
    }

    /** Orderly consumption by two members: each key's messages in order, each queue locked by one. */
    static void order(Env env) throws Exception {
        env.create(env.topic(), 4);
        Map<Integer, List<Integer>> perQueue = new ConcurrentHashMap<>();
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        for (int member = 0; member < 2; member++) {
            DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
            consumer.subscribe(env.topic(), "*");
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                for (MessageExt message : messages)
                    perQueue.computeIfAbsent(message.getQueueId(), q -> Collections.synchronizedList(new ArrayList<>()))
                        .add(Integer.parseInt(message.getUserProperty("number")));
                return ConsumeOrderlyStatus.SUCCESS;
            });
            consumer.start();
            members.add(consumer);
        }
        Env.await("two locked queues for each", 60, () -> members.stream().allMatch(member -> {     // a queue that changes hands repeats some
            var held = member.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().entrySet().stream()
                .filter(entry -> entry.getKey().getTopic().equals(env.topic())).toList();
            return held.size() == 2 && held.stream().allMatch(entry -> entry.getValue().isLocked());
        }));
        DefaultMQProducer producer = env.producer();
        for (int i = 0; i < 80; i++)
            producer.send(env.message("TagA", i), (queues, message, argument) ->
                queues.stream().filter(q -> q.getQueueId() == (Integer) argument).findFirst().get(), i % 4);
        Env.await("80 messages", 60, () -> {
            Set<Integer> all = new HashSet<>();
            for (List<Integer> list : perQueue.values()) synchronized (list) { all.addAll(list); }
            return all.size() == 80;
        });
        for (Map.Entry<Integer, List<Integer>> entry : perQueue.entrySet()) {
            List<Integer> sorted = new ArrayList<>(new java.util.TreeSet<>(entry.getValue()));
            Env.equal(sorted, entry.getValue(), "order in queue " + entry.getKey());
        }
    }

    /** What was committed is not delivered again to the next consumer of the group. */
    static void offsets(Env env) throws Exception {
        env.create(env.topic(), 2);
        DefaultMQProducer producer = env.producer();
        BlockingQueue<MessageExt> first = Env.inbox(), second = Env.inbox();
        DefaultMQPushConsumer consumer = env.push(env.group(), "*", first);
        env.send(producer, "TagA", 0, 10);
        Env.whole(Env.take(first, 10, 40), 0, 10);
        OffsetStore store = consumer.getDefaultMQPushConsumerImpl().getOffsetStore();
        Env.await("offsets of what the listener has returned", 10, () -> {
            long sum = 0;
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(env.topic()))
                sum += Math.max(0, store.readOffset(queue, ReadOffsetType.READ_FROM_MEMORY));
            return sum == 10;
        });
        consumer.shutdown();
        env.send(producer, "TagA", 10, 10);
        env.push(env.group(), "*", second);
        Env.whole(Env.take(second, 10, 40), 10, 10);
    }

    static void pull(Env env) throws Exception {
        env.create(env.topic(), 1);
        DefaultMQProducer producer = env.producer();
        DefaultMQPullConsumer consumer = env.puller(env.group());
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(env.topic()).iterator().next();
        Env.equal(0L, consumer.maxOffset(queue), "max offset of an empty queue");
        Env.equal(PullStatus.NO_NEW_MSG, consumer.pull(queue, "*", 0, 32).getPullStatus(), "pull of an empty queue");
        long before = System.currentTimeMillis();
        env.send(producer, "TagA", 0, 10);
        Env.await("10 messages", 10, () -> consumer.maxOffset(queue) == 10);
        Env.equal(0L, consumer.minOffset(queue), "min offset");
        PullResult result = consumer.pull(queue, "*", 2, 4);
        Env.equal(PullStatus.FOUND, result.getPullStatus(), "status");
        Env.equal(6L, result.getNextBeginOffset(), "next offset");
        Env.equal(10L, result.getMaxOffset(), "max offset in the answer");
        Env.whole(result.getMsgFoundList(), 2, 4);
        Env.equal(PullStatus.OFFSET_ILLEGAL, consumer.pull(queue, "*", 11, 4).getPullStatus(), "pull past the end");
        Env.equal(PullStatus.NO_MATCHED_MSG, consumer.pull(queue, "Other", 0, 4).getPullStatus(), "pull of another tag");
        Env.equal(0L, consumer.searchOffset(queue, before - 1000), "offset by an earlier time");
        Env.equal(9L, Math.min(9L, consumer.searchOffset(queue, System.currentTimeMillis() + 1000)), "offset by a later time");
        Env.check(consumer.earliestMsgStoreTime(queue) >= before - 1000, "earliest store time");
        Env.check(consumer.fetchConsumeOffset(queue, true) <= 0, "an offset nobody has committed");
        consumer.updateConsumeOffset(queue, 6);
        consumer.getDefaultMQPullConsumerImpl().getOffsetStore().persist(queue);
        Env.await("offset 6", 10, () -> consumer.fetchConsumeOffset(queue, true) == 6);
    }

    /** A pull that is held and ends when a message comes, and one that ends empty. */
    static void idle(Env env) throws Exception {
        env.create(env.topic(), 1);
        DefaultMQProducer producer = env.producer();
        env.send(producer, "TagA", 0, 1);
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(env.group());
        consumer.setNamesrvAddr(env.namesrv);
        consumer.setInstanceName(env.instance());
        consumer.setBrokerSuspendMaxTimeMillis(3000);
        consumer.start();
        env.later(consumer::shutdown);
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(env.topic()).iterator().next();
        Env.await("the first", 10, () -> consumer.maxOffset(queue) == 1);
        long begin = System.currentTimeMillis();
        Env.equal(PullStatus.NO_NEW_MSG, consumer.pullBlockIfNotFound(queue, "*", 1, 32).getPullStatus(), "held pull");
        Env.check(System.currentTimeMillis() - begin >= 2500, "a held pull came back after " + (System.currentTimeMillis() - begin) + " ms");
        Thread sender = new Thread(() -> {
            try {
                Thread.sleep(300);
                env.send(producer, "TagA", 1, 1);
            } catch (Exception e) {
                System.out.println(e);
            }
        });
        sender.start();
        PullResult result = consumer.pullBlockIfNotFound(queue, "*", 1, 32);
        Env.equal(PullStatus.FOUND, result.getPullStatus(), "held pull when a message comes");
        sender.join();
    }

    static DefaultLitePullConsumer lite(Env env, String group) {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group);
        consumer.setNamesrvAddr(env.namesrv);
        consumer.setInstanceName(env.instance());
        consumer.setConsumeFromWhere(org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setPullBatchSize(10);
        env.later(consumer::shutdown);
        return consumer;
    }

    static List<MessageExt> poll(DefaultLitePullConsumer consumer, int count) throws Exception {
        List<MessageExt> found = new ArrayList<>();
        Env.await(count + " messages", 40, () -> {
            found.addAll(consumer.poll(200));
            return found.size() >= count;
        });
        return found;
    }

    static void lite_subscribe(Env env) throws Exception {
        env.create(env.topic(), 4);
        DefaultMQProducer producer = env.producer();
        env.send(producer, "TagA", 0, 20);
        DefaultLitePullConsumer consumer = lite(env, env.group());
        consumer.subscribe(env.topic(), "*");
        consumer.start();
        Env.whole(poll(consumer, 20), 0, 20);
        consumer.commitSync();
        consumer.shutdown();
        env.send(producer, "TagA", 20, 5);
        DefaultLitePullConsumer next = lite(env, env.group());
        next.subscribe(env.topic(), "*");
        next.start();
        Env.whole(poll(next, 5), 20, 5);
    }

    static void lite_assign(Env env) throws Exception {
        env.create(env.topic(), 2);
        DefaultMQProducer producer = env.producer();
        for (int i = 0; i < 20; i++)
            producer.send(env.message("TagA", i), (queues, message, argument) ->
                queues.stream().filter(q -> q.getQueueId() == (Integer) argument).findFirst().get(), i / 10);
        DefaultLitePullConsumer consumer = lite(env, env.group());
        consumer.setAutoCommit(false);
        consumer.start();
        MessageQueue queue = null;
        for (MessageQueue each : consumer.fetchMessageQueues(env.topic())) if (each.getQueueId() == 1) queue = each;
        consumer.assign(List.of(queue));
        Env.whole(poll(consumer, 10), 10, 10);            // a seek during the first pull may come too late in this client
        consumer.seek(queue, 4);
        Env.whole(poll(consumer, 6), 14, 6);
        consumer.seekToBegin(queue);
        Env.whole(poll(consumer, 10), 10, 10);
        Env.check(consumer.offsetForTimestamp(queue, 0L) == 0, "offset of time 0");
        consumer.commitSync();
        MessageQueue assigned = queue;
        Env.await("committed offset", 20, () -> {
            consumer.commitSync();
            return consumer.committed(assigned) == 10;
        });
    }
}
