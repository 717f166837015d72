import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Runs cases of the Java client in one JVM: Suite NAMESRV BROKER PREFIX THREADS case... (?case: not expected to pass). A case is a static method of one of the
 * *Cases classes; it throws when something is not as expected. One line per case goes to stdout:
 * RESULT<tab>case<tab>ok|fail<tab>milliseconds<tab>text.
 */
public final class Suite {
    static final Class<?>[] CASES = {ProduceCases.class, ConsumeCases.class, FullCases.class, AdminCases.class};

    private Suite() {}

    static java.lang.reflect.Method find(String name) {
        for (Class<?> cases : CASES)
            for (java.lang.reflect.Method method : cases.getDeclaredMethods())
                if (method.getName().equals(name) && method.getParameterCount() == 1) return method;
        throw new IllegalArgumentException("no case " + name);
    }

    static String one(String name, Env env) {
        long begin = System.nanoTime();
        String result = "ok", text = "";
        try {
            find(name).invoke(null, env);
        } catch (InvocationTargetException e) {
            result = "fail";
            Throwable cause = e.getCause();
            StringBuilder where = new StringBuilder();
            for (StackTraceElement element : cause.getStackTrace())
                if (element.getClassName().endsWith("Cases")) where.append(" at line ").append(element.getLineNumber());
            text = cause.toString() + where;
            for (Throwable deeper = cause.getCause(); deeper != null; deeper = deeper.getCause()) text += "; because " + deeper;
        } catch (Exception e) {
            result = "fail";
            text = e.toString();
        } finally {
            env.close();
        }
        return "RESULT\t" + name + "\t" + result + "\t" + (System.nanoTime() - begin) / 1000000 + "\t"
            + text.replaceAll("[\\s]+", " ");
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("rocketmq.namesrv.addr", args[0]);
        ExecutorService pool = Executors.newFixedThreadPool(Integer.parseInt(args[3]));
        List<Future<?>> futures = new ArrayList<>();
        for (int i = 4; i < args.length; i++) {
            boolean unlikely = args[i].startsWith("?");
            String name = unlikely ? args[i].substring(1) : args[i];
            Env env = new Env(args[0], args[1], args[2] + "_" + name);
            futures.add(pool.submit(() -> {
                Env.UNLIKELY.set(unlikely);
                String line = one(name, env);
                synchronized (Suite.class) {
                    System.out.println(line);
                    System.out.flush();
                }
            }));
        }
        for (Future<?> future : futures) future.get();
        Runtime.getRuntime().halt(0);
    }
}
