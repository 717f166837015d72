import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/**
 * Load by Apache's client: Load NAMESRV TOPIC async|sync|consume WARMUP-S SECONDS WIDTH. async: WIDTH sends of 1 KiB in flight; sync: WIDTH threads;
 * consume: one push consumer with WIDTH threads from the first message on, no warm-up. Prints one line: messages per second, failures, and of sync
 * p50 and p99 in us.
 */
public final class Load {
    static final byte[] BODY = new byte[1024];
    static final AtomicLong DONE = new AtomicLong(), FAILED = new AtomicLong();
    static volatile boolean stop;

    private Load() {}

    static long count(long seconds) throws InterruptedException {
        long before = DONE.get(), begin = System.nanoTime();
        Thread.sleep(seconds * 1000);
        return (DONE.get() - before) * 1000000000L / Math.max(1, System.nanoTime() - begin);
    }

    static void good(SendResult result) {
        (result.getSendStatus() == SendStatus.SEND_OK ? DONE : FAILED).incrementAndGet();
    }

    static void async(DefaultMQProducer producer, String topic, int width) {
        Semaphore room = new Semaphore(width);
        while (!stop) {
            room.acquireUninterruptibly();
            try {
                producer.send(new Message(topic, BODY), new SendCallback() {
                    @Override public void onSuccess(SendResult result) {
                        room.release();
                        good(result);
                    }
                    @Override public void onException(Throwable e) {
                        room.release();
                        FAILED.incrementAndGet();
                    }
                });
            } catch (Exception e) {
                room.release();
                FAILED.incrementAndGet();
            }
        }
    }

    static void sync(DefaultMQProducer producer, String topic, List<long[]> times) {
        long[] mine = new long[1 << 20];
        int used = 0;
        while (!stop) {
            long begin = System.nanoTime();
            try {
                good(producer.send(new Message(topic, BODY)));
            } catch (Exception e) {
                FAILED.incrementAndGet();
            }
            if (used < mine.length) mine[used++] = System.nanoTime() - begin;
        }
        times.add(Arrays.copyOf(mine, used));
    }

    static void produce(String[] args, boolean async, int width) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("bench-java");
        producer.setNamesrvAddr(args[0]);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setRetryTimesWhenSendAsyncFailed(0);
        producer.start();
        List<long[]> times = Collections.synchronizedList(new java.util.ArrayList<>());
        Thread[] threads = new Thread[async ? 1 : width];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> {
                if (async) async(producer, args[1], width);
                else sync(producer, args[1], times);
            });
            threads[i].start();
        }
        Thread.sleep(Long.parseLong(args[3]) * 1000);
        long rate = count(Long.parseLong(args[4]));
        stop = true;
        for (Thread thread : threads) thread.join();
        long[] all = times.stream().flatMapToLong(Arrays::stream).sorted().toArray();
        System.out.println(rate + " " + FAILED.get() + (all.length == 0 ? "" : " " + all[all.length / 2] / 1000 + " " + all[all.length * 99 / 100] / 1000));
    }

    static void consume(String[] args, int width) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("bench-java-" + System.nanoTime());
        consumer.setNamesrvAddr(args[0]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(width);
        consumer.setConsumeThreadMax(width);
        consumer.setPullBatchSize(32);
        consumer.subscribe(args[1], "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            DONE.addAndGet(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long end = System.nanoTime() + 60_000_000_000L, begin = 0, last = 0, first = 0, seconds = Long.parseLong(args[4]);
        while (System.nanoTime() < end) {             // from the first message until none comes for a second, or the time is over
            Thread.sleep(20);
            long now = DONE.get();
            if (begin == 0 && now > 0) {
                begin = last = System.nanoTime();
                first = now;
                end = Math.min(end, begin + seconds * 1_000_000_000L);
            } else if (now > first && begin > 0 && now != FAILED.get()) {
                last = System.nanoTime();
                FAILED.set(now);                       // what the last look saw
            } else if (begin > 0 && System.nanoTime() - last > 1_000_000_000L) {
                break;
            }
        }
        System.out.println((DONE.get() - first) * 1000000000L / Math.max(1, last - begin) + " 0");
    }

    public static void main(String[] args) throws Exception {
        int width = Integer.parseInt(args[5]);
        if (args[2].equals("consume")) consume(args, width);
        else produce(args, args[2].equals("async"), width);
        Runtime.getRuntime().halt(0);
    }
}
