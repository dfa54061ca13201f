package pharos;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.config.listener.AbstractListener;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.EventListener;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;

/** The Java SDK, unchanged, against one server: see tests/support/interop.py for how it is run. */
public final class Client {
    private static final String SERVICE = "interop-java";
    private static final String GROUP = "DEFAULT_GROUP";
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

    private static void ok(String step) {
        System.out.println("OK " + step);
    }

    private static void eventually(String step, int seconds, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(step + ": not within " + seconds + " s");
            }
            Thread.sleep(20);
        }
        ok(step);
    }

    private static void require(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException(what);
        }
    }

    private static void gate(String what) throws Exception {
        System.out.println("@" + what);
        require("done".equals(INPUT.readLine()), "the gate did not answer");
    }

    private static Properties server(String port) {
        Properties properties = new Properties();
        properties.setProperty("serverAddr", "127.0.0.1:" + System.getenv(port));
        return properties;
    }

    private static List<String> ips(List<Instance> instances) {
        List<String> out = new ArrayList<>();
        for (Instance instance : instances) {
            out.add(instance.getIp());
        }
        out.sort(null);
        return out;
    }

    private static Instance instance(String ip) {
        Instance instance = new Instance();
        instance.setIp(ip);
        instance.setPort(8080);
        instance.addMetadata("from", "java");
        return instance;
    }

    private static void naming() throws Exception {
        NamingService a = NacosFactory.createNamingService(server("PORT"));
        NamingService b = NacosFactory.createNamingService(server("GATE_PORT"));
        final List<String>[] view = newView();
        EventListener listener = event -> view[0] = ips(((NamingEvent) event).getInstances());

        a.registerInstance(SERVICE, GROUP, instance("10.0.0.1"));
        ok("register");
        a.subscribe(SERVICE, GROUP, listener);
        eventually("subscriber sees its own instance", 5, () -> List.of("10.0.0.1").equals(view[0]));
        b.registerInstance(SERVICE, GROUP, instance("10.0.0.2"));
        eventually("subscriber is pushed another client's instance", 5, () -> List.of("10.0.0.1", "10.0.0.2").equals(view[0]));

        List<Instance> found = a.selectInstances(SERVICE, GROUP, true, false);
        require(ips(found).equals(List.of("10.0.0.1", "10.0.0.2")), "select instances: " + found);
        require("java".equals(found.get(0).getMetadata().get("from")) && found.get(0).getPort() == 8080, "select instances: " + found);
        ok("select instances");
        require(a.getServicesOfServer(1, 100, GROUP).getData().contains(SERVICE), "service list");
        ok("service list");

        gate("cut");
        eventually("instance of a cut connection is gone", 5, () -> List.of("10.0.0.1").equals(view[0]));
        Thread.sleep(2000);
        gate("restore");
        eventually("instance is back by redo", 40, () -> List.of("10.0.0.1", "10.0.0.2").equals(view[0]));

        b.deregisterInstance(SERVICE, GROUP, instance("10.0.0.2"));
        eventually("deregistration is pushed", 5, () -> List.of("10.0.0.1").equals(view[0]));

        b.batchRegisterInstance("interop-java-batch", GROUP, Arrays.asList(instance("10.0.1.1"), instance("10.0.1.2")));
        eventually("batch registration", 5,
            () -> ips(a.getAllInstances("interop-java-batch", GROUP, new ArrayList<>(), false)).equals(List.of("10.0.1.1", "10.0.1.2")));
        a.unsubscribe(SERVICE, GROUP, listener);
        a.deregisterInstance(SERVICE, GROUP, instance("10.0.0.1"));
        a.shutDown();
        b.shutDown();
    }

    @SuppressWarnings("unchecked")
    private static List<String>[] newView() {
        return new List[1];
    }

    private static void config() throws Exception {
        ConfigService a = NacosFactory.createConfigService(server("PORT"));
        ConfigService b = NacosFactory.createConfigService(server("GATE_PORT"));
        String id = "interop-java.yaml";
        require(a.publishConfig(id, GROUP, "a: 1", "yaml"), "publish: refused");
        ok("publish config");
        eventually("get config", 5, () -> "a: 1".equals(b.getConfig(id, GROUP, 3000)));

        String[] told = new String[1];
        b.addListener(id, GROUP, new AbstractListener() {
            @Override
            public void receiveConfigInfo(String content) {
                told[0] = content;
            }
        });
        Thread.sleep(1000);
        require(a.publishConfig(id, GROUP, "a: 2", "yaml"), "publish: refused");
        eventually("listener is told a change", 5, () -> "a: 2".equals(told[0]));

        gate("cut");
        require(a.publishConfig(id, GROUP, "a: 3", "yaml"), "publish: refused");
        Thread.sleep(2000);
        gate("restore");
        eventually("listener is told what changed while it was cut off", 40, () -> "a: 3".equals(told[0]));

        require(a.removeConfig(id, GROUP), "remove: refused");
        eventually("removed config is gone", 5, () -> a.getConfig(id, GROUP, 3000) == null);

        require(a.publishConfig(id, GROUP, "a: 4", "yaml"), "publish: refused");
        require(!a.publishConfigCas(id, GROUP, "a: never", "00000000000000000000000000000000", "yaml"), "a wrong md5 was accepted");
        ok("compare and set");
        a.removeConfig(id, GROUP);
        a.shutDown();
        b.shutDown();
    }

    public static void main(String[] args) {
        int code = 0;
        try {
            naming();
            config();
        } catch (Throwable e) {
            System.out.println("FAILED: " + e);
            e.printStackTrace(System.out);
            code = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(code);
    }
}
