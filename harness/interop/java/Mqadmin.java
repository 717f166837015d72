import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;

import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Apache's mqadmin, many command lines in one JVM, while a producer and a push consumer of topic T_PREFIX are connected:
 * Mqadmin NAMESRV BROKER PREFIX. Prints READY<tab>unique id<tab>offset id<tab>client id, then reads lines of tab separated arguments
 * and answers each with OUT<tab>base64 of what the command printed.
 */
public final class Mqadmin {
    private Mqadmin() {}

    public static void main(String[] args) throws Exception {
        Env env = new Env(args[0], args[1], args[2]);
        PrintStream out = System.out;
        env.create(env.topic(), 4);
        var inbox = new LinkedBlockingQueue<MessageExt>();
        var consumer = env.push(env.group(), "*", inbox);
        DefaultMQProducer producer = env.producer();
        SendResult result = null;
        for (int i = 0; i < 4; i++) result = Env.ok(producer.send(env.message("TagA", i)));
        Env.take(inbox, 4, 60);
        out.println("READY\t" + result.getMsgId() + "\t" + result.getOffsetMsgId() + "\t"
            + consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId());
        out.flush();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            List<String> arguments = new ArrayList<>(List.of(line.split("\t")));
            ByteArrayOutputStream text = new ByteArrayOutputStream();
            PrintStream print = new PrintStream(text, true, "UTF-8");
            PrintStream error = System.err;
            System.setOut(print);
            System.setErr(print);
            try {
                MQAdminStartup.main0(arguments.toArray(new String[0]), null);
            } catch (Throwable e) {
                e.printStackTrace();
            } finally {
                System.setOut(out);
                System.setErr(error);
            }
            out.println("OUT\t" + Base64.getEncoder().encodeToString(text.toByteArray()));
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
