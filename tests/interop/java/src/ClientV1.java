import static java.util.Collections.emptyList;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.exception.NacosException;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.EventListener;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.util.List;

/** The Java SDK of 1.x, unchanged: HTTP, beats, UDP pushes and long polls. See tests/support/interop.py for how it is run. */
final class ClientV1 {
    private static final String SERVICE = "interop-java-v1";
    private static final String GROUP = "DEFAULT_GROUP";
    /** The SDK asks again every 10 s: of two changes in a row at least one would be seen too late without a push. */
    private static final int PUSHED = 3;
    private static volatile List<String> view;

    /** Beats every second, so that a cut is noticed in seconds and not in half a minute. */
    private static Instance quick(String ip) {
        Instance instance = Steps.instance(ip);
        instance.addMetadata("preserved.heart.beat.interval", "1000");
        instance.addMetadata("preserved.heart.beat.timeout", "3000");
        instance.addMetadata("preserved.ip.delete.timeout", "5000");
        return instance;
    }

    private static void naming() throws Exception {
        NamingService a = NacosFactory.createNamingService(Steps.server("PORT", ""));
        NamingService b = NacosFactory.createNamingService(Steps.server("PORT", ""));
        NamingService gated = NacosFactory.createNamingService(Steps.server("GATE_PORT", ""));
        EventListener listener = event -> view = Steps.ips(((NamingEvent) event).getInstances());

        a.registerInstance(SERVICE, GROUP, Steps.instance("10.0.0.1"));
        Steps.ok("register");
        a.subscribe(SERVICE, GROUP, listener);
        Steps.eventually("subscriber sees its own instance", 5, () -> List.of("10.0.0.1").equals(view));
        Thread.sleep(1500); // its one early poll is over
        b.registerInstance(SERVICE, GROUP, Steps.instance("10.0.0.2"));
        Steps.eventually("subscriber is pushed another client's instance", PUSHED, () -> List.of("10.0.0.1", "10.0.0.2").equals(view));
        b.deregisterInstance(SERVICE, GROUP, Steps.instance("10.0.0.2"));
        Steps.eventually("deregistration is pushed", PUSHED, () -> List.of("10.0.0.1").equals(view));

        gated.registerInstance(SERVICE, GROUP, quick("10.0.0.3"));
        Steps.eventually("instance behind the gate is seen", PUSHED, () -> List.of("10.0.0.1", "10.0.0.3").equals(view));
        List<Instance> found = a.selectInstances(SERVICE, GROUP, true, false);
        Steps.require(Steps.ips(found).equals(List.of("10.0.0.1", "10.0.0.3")), "select instances: " + found);
        Steps.require("java".equals(found.get(0).getMetadata().get("from")) && found.get(0).getPort() == 8080, "select instances: " + found);
        Steps.ok("select instances");
        Steps.require(a.getServicesOfServer(1, 100, GROUP).getData().contains(SERVICE), "service list");
        Steps.ok("service list");
        Steps.require("UP".equals(a.getServerStatus()), "server status: " + a.getServerStatus());
        Steps.ok("server status");

        Steps.gate("cut");
        Steps.eventually("instance without beats is gone", 20, () -> List.of("10.0.0.1").equals(view));
        Steps.gate("restore");
        Steps.eventually("instance is back by its beats", 20, () -> List.of("10.0.0.1", "10.0.0.3").equals(view));

        Instance east = Steps.instance("10.0.1.3");
        east.setClusterName("east");
        b.registerInstance(SERVICE, "other-group", east);
        Steps.eventually("cluster and group", 5,
            () -> Steps.ips(a.getAllInstances(SERVICE, "other-group", List.of("east"), false)).equals(List.of("10.0.1.3"))
                && a.getAllInstances(SERVICE, "other-group", List.of("west"), false).isEmpty());
        NamingService elsewhere = NacosFactory.createNamingService(Steps.server("PORT", "interop"));
        Steps.require(elsewhere.getAllInstances(SERVICE, GROUP, emptyList(), false).isEmpty(), "another namespace sees the instances");
        Steps.ok("namespace");
        try {
            a.registerInstance("bad service", GROUP, Steps.instance("10.0.0.9"));
            throw new IllegalStateException("a bad name was accepted");
        } catch (NacosException e) {
            Steps.require(e.getErrMsg().contains("illegal"), "refused name: " + e);
            Steps.ok("refused name");
        }
        a.unsubscribe(SERVICE, GROUP, listener);
        a.deregisterInstance(SERVICE, GROUP, Steps.instance("10.0.0.1"));
        for (NamingService service : List.of(a, b, gated, elsewhere)) {
            service.shutDown();
        }
    }

    private static void config() throws Exception {
        ConfigService a = NacosFactory.createConfigService(Steps.server("PORT", ""));
        ConfigService b = NacosFactory.createConfigService(Steps.server("GATE_PORT", ""));
        String id = "interop-java-v1.yaml";
        Steps.require(a.publishConfig(id, GROUP, "a: 1 # ü", "yaml"), "publish: refused");
        Steps.ok("publish config");
        Steps.eventually("get config", 5, () -> "a: 1 # ü".equals(b.getConfig(id, GROUP, 3000)));

        Steps.Told told = new Steps.Told();
        Steps.require("a: 1 # ü".equals(b.getConfigAndSignListener(id, GROUP, 3000, told)), "get and listen");
        Steps.ok("get and listen");
        Thread.sleep(1000);
        Steps.require(a.publishConfig(id, GROUP, "a: 2", "yaml"), "publish: refused");
        Steps.eventually("listener is told a change", PUSHED, () -> "a: 2".equals(told.content));

        Steps.gate("cut");
        Steps.require(a.publishConfig(id, GROUP, "a: 3", "yaml"), "publish: refused");
        Thread.sleep(2000);
        Steps.gate("restore");
        Steps.eventually("listener is told what changed while it was cut off", 40, () -> "a: 3".equals(told.content));

        Steps.require(a.removeConfig(id, GROUP), "remove: refused");
        Steps.eventually("removed config is gone", 5, () -> a.getConfig(id, GROUP, 3000) == null);
        ConfigService elsewhere = NacosFactory.createConfigService(Steps.server("PORT", "interop"));
        Steps.require(elsewhere.publishConfig(id, GROUP, "a: 4", "yaml"), "publish: refused");
        Steps.require(a.getConfig(id, GROUP, 3000) == null, "another namespace sees the config");
        Steps.ok("config namespace");
        for (ConfigService service : List.of(a, b, elsewhere)) {
            service.shutDown();
        }
    }

    public static void main(String[] args) {
        Steps.main(ClientV1::naming, ClientV1::config, Maintenance::run);
    }
}
