import com.alibaba.nacos.api.config.listener.AbstractListener;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;

/** What the client programs of all versions share: the steps and the gate of tests/support/interop.py. */
final class Steps {
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

    interface Part {
        void run() throws Exception;
    }

    static void ok(String step) {
        System.out.println("OK " + step);
    }

    static void eventually(String step, int seconds, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(step + ": not within " + seconds + " s");
            }
            Thread.sleep(20);
        }
        ok(step);
    }

    static void require(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException(what);
        }
    }

    static void gate(String what) throws Exception {
        System.out.println("@" + what);
        require("done".equals(INPUT.readLine()), "the gate did not answer");
    }

    static Properties server(String port, String namespace) {
        Properties properties = new Properties();
        properties.setProperty("serverAddr", "127.0.0.1:" + System.getenv(port));
        properties.setProperty("namespace", namespace);
        return properties;
    }

    static List<String> ips(List<Instance> instances) {
        List<String> out = new ArrayList<>();
        for (Instance instance : instances) {
            out.add(instance.getIp());
        }
        out.sort(null);
        return out;
    }

    static Instance instance(String ip) {
        Instance instance = new Instance();
        instance.setIp(ip);
        instance.setPort(8080);
        instance.addMetadata("from", "java");
        return instance;
    }

    /** Keeps the content that it was told last. */
    static final class Told extends AbstractListener {
        volatile String content;

        @Override
        public void receiveConfigInfo(String told) {
            content = told;
        }
    }

    static void main(Part... parts) {
        int code = 0;
        try {
            for (Part part : parts) {
                part.run();
            }
        } catch (Throwable e) {
            System.out.println("FAILED: " + e);
            e.printStackTrace(System.out);
            code = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(code);
    }
}
