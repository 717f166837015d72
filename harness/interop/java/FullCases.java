import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Full messaging: retries, dead letters, delay, transactions, SQL filters, request and reply; and trace. */
final class FullCases {
    /** Each message fails twice and comes again, from the retry topic, with its count. */
    static void retry(Env env) throws Exception {
        env.create(env.topic(), 2);
        BlockingQueue<MessageExt> done = Env.inbox();
        DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
        consumer.subscribe(env.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            context.setDelayLevelWhenNextConsume(1);
            if (messages.get(0).getReconsumeTimes() < 2) return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            done.addAll(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        env.send(env.producer(), "TagA", 0, 3);
        List<MessageExt> found = Env.take(done, 3, 60);
        Env.whole(found, 0, 3);
        for (MessageExt message : found) {
            Env.equal(2, message.getReconsumeTimes(), "reconsume times");
            Env.check(message.getProperty("ORIGIN_MESSAGE_ID") != null, "the client redelivered it itself: the broker did not take it back");
            Env.equal(env.topic(), message.getTopic(), "topic");
        }
    }

    static void dead_letter(Env env) throws Exception {
        env.create(env.topic(), 1);
        DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
        consumer.setMaxReconsumeTimes(1);
        consumer.subscribe(env.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            context.setDelayLevelWhenNextConsume(1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        env.send(env.producer(), "TagA", 0, 1);
        var admin = env.admin();
        Env.await("a dead letter", 60, () -> {
            var table = admin.examineTopicStats("%DLQ%" + env.group()).getOffsetTable();
            return table.values().stream().mapToLong(o -> o.getMaxOffset()).sum() == 1;
        });
    }

    static void delay(Env env) throws Exception {
        env.create(env.topic(), 2);
        BlockingQueue<MessageExt> inbox = Env.inbox();
        env.push(env.group(), "*", inbox);
        Message message = env.message("TagA", 0);
        message.setDelayTimeLevel(2);
        long sent = System.currentTimeMillis();
        Env.ok(env.producer().send(message));
        List<MessageExt> found = Env.take(inbox, 1, 40);
        Env.whole(found, 0, 1);
        Env.check(System.currentTimeMillis() - sent >= 1900, "a message of 2 s came after " + (System.currentTimeMillis() - sent) + " ms");
    }

    /** Commit, rollback, and a state that is unknown until the broker asks. */
    static void transaction(Env env) throws Exception {
        env.create(env.topic(), 2);
        BlockingQueue<MessageExt> inbox = Env.inbox();
        env.push(env.group(), "*", inbox);
        AtomicInteger checks = new AtomicInteger();
        TransactionMQProducer producer = new TransactionMQProducer("P_" + env.name);
        producer.setTransactionListener(new TransactionListener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return (LocalTransactionState) argument;
            }
            @Override public LocalTransactionState checkLocalTransaction(MessageExt message) {
                checks.incrementAndGet();
                return message.getUserProperty("number").equals("1") ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        env.start(producer);
        producer.sendMessageInTransaction(env.message("TagA", 0), LocalTransactionState.COMMIT_MESSAGE);
        Env.whole(Env.take(inbox, 1, 60), 0, 1);
        producer.sendMessageInTransaction(env.message("TagA", 1), LocalTransactionState.ROLLBACK_MESSAGE);
        producer.sendMessageInTransaction(env.message("TagA", 2), LocalTransactionState.UNKNOW);
        // 5.3.3 may ask about what is decided already (it writes its op messages late), so messages may come twice
        Env.await("the message that was checked", 60, () -> inbox.stream().anyMatch(m -> m.getUserProperty("number").equals("2")));
        Env.check(checks.get() >= 1, "the broker never asked");
        Env.check(inbox.stream().noneMatch(m -> m.getUserProperty("number").equals("1")), "what was rolled back came");
    }

    static void sql(Env env) throws Exception {
        env.create(env.topic(), 2);
        BlockingQueue<MessageExt> inbox = Env.inbox();
        DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
        consumer.subscribe(env.topic(), MessageSelector.bySql("number BETWEEN 3 AND 5 AND TAGS = 'TagA'"));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            inbox.addAll(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        env.send(env.producer(), "TagA", 0, 10);
        Env.whole(Env.take(inbox, 3, 40), 3, 3);
        Env.check(inbox.isEmpty(), "more than the filter lets through");
    }

    static void reply(Env env) throws Exception {
        env.create(env.topic(), 1);
        DefaultMQProducer replier = env.producer();
        DefaultMQPushConsumer consumer = env.pushNotStarted(env.group());
        consumer.subscribe(env.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            try {
                for (MessageExt message : messages)
                    replier.send(MessageUtil.createReplyMessage(message, ("re: " + new String(message.getBody())).getBytes()), 5000);
            } catch (Exception e) {
                System.out.println("reply: " + e);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        DefaultMQProducer asker = new DefaultMQProducer("P_ask_" + env.name);
        env.start(asker);
        // not request(message, timeout): 5.3.3's comes back without a reply as soon as the send is acknowledged; and this callback is
        // called for the acknowledgement too, with null
        java.util.concurrent.CompletableFuture<Message> answer = new java.util.concurrent.CompletableFuture<>();
        asker.request(env.message("TagA", 0), new org.apache.rocketmq.client.producer.RequestCallback() {
            @Override public void onSuccess(Message message) { if (message != null) answer.complete(message); }
            @Override public void onException(Throwable e) { answer.completeExceptionally(e); }
        }, Env.seconds(30) * 1000L);
        Env.equal("re: " + new String(Env.body(0)), new String(answer.get(Env.seconds(40), java.util.concurrent.TimeUnit.SECONDS).getBody()), "reply");
    }

    /** Producer and consumer with trace on: both leave records that a key finds. */
    static void trace(Env env) throws Exception {
        env.create(env.topic(), 2);
        BlockingQueue<MessageExt> inbox = Env.inbox();
        DefaultMQProducer producer = new DefaultMQProducer("P_" + env.name, true, null);
        env.start(producer);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(env.group(), true, null);
        consumer.setNamesrvAddr(env.namesrv);
        consumer.setInstanceName(env.instance());
        consumer.setConsumeFromWhere(org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(env.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            inbox.addAll(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        env.later(consumer::shutdown);
        SendResult result = Env.ok(producer.send(env.message("TagA", 0)));
        Env.whole(Env.take(inbox, 1, 40), 0, 1);
        // 5.3.3 writes no trace of a consumption whose message has no region, and 4.9's brokers store none
        boolean v5 = org.apache.rocketmq.common.MQVersion.getVersionDesc(org.apache.rocketmq.common.MQVersion.CURRENT_VERSION).startsWith("V5");
        var admin = env.admin();
        Env.await("trace of send and consumption", 40, () -> {
            StringBuilder text = new StringBuilder();
            for (MessageExt message : admin.queryMessage("RMQ_SYS_TRACE_TOPIC", result.getMsgId(), 64, 0, Long.MAX_VALUE).getMessageList())
                text.append(new String(message.getBody(), "UTF-8"));
            return text.indexOf("Pub\u0001") >= 0 && (v5 || text.indexOf("SubAfter\u0001") >= 0);
        });
    }
}
