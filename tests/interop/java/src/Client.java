import static java.util.Collections.emptyList;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.exception.NacosException;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.EventListener;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.util.Arrays;
import java.util.List;

/** The Java SDK from 2.0 on, unchanged, against one server: see tests/support/interop.py for how it is run. */
final class Client {
    private static final String SERVICE = "interop-java";
    private static final String GROUP = "DEFAULT_GROUP";
    private static volatile List<String> view;

    private static void naming() throws Exception {
        NamingService a = NacosFactory.createNamingService(Steps.server("PORT", ""));
        NamingService b = NacosFactory.createNamingService(Steps.server("GATE_PORT", ""));
        EventListener listener = event -> view = Steps.ips(((NamingEvent) event).getInstances());

        a.registerInstance(SERVICE, GROUP, Steps.instance("10.0.0.1"));
        Steps.ok("register");
        a.subscribe(SERVICE, GROUP, listener);
        Steps.eventually("subscriber sees its own instance", 5, () -> List.of("10.0.0.1").equals(view));
        b.registerInstance(SERVICE, GROUP, Steps.instance("10.0.0.2"));
        Steps.eventually("subscriber is pushed another client's instance", 5, () -> List.of("10.0.0.1", "10.0.0.2").equals(view));

        List<Instance> found = a.selectInstances(SERVICE, GROUP, true, false);
        Steps.require(Steps.ips(found).equals(List.of("10.0.0.1", "10.0.0.2")), "select instances: " + found);
        Steps.require("java".equals(found.get(0).getMetadata().get("from")) && found.get(0).getPort() == 8080, "select instances: " + found);
        Steps.ok("select instances");
        Steps.require(a.getServicesOfServer(1, 100, GROUP).getData().contains(SERVICE), "service list");
        Steps.ok("service list");

        Steps.gate("cut");
        Steps.eventually("instance of a cut connection is gone", 5, () -> List.of("10.0.0.1").equals(view));
        Thread.sleep(2000);
        Steps.gate("restore");
        Steps.eventually("instance is back by redo", 40, () -> List.of("10.0.0.1", "10.0.0.2").equals(view));

        b.deregisterInstance(SERVICE, GROUP, Steps.instance("10.0.0.2"));
        Steps.eventually("deregistration is pushed", 5, () -> List.of("10.0.0.1").equals(view));

        b.batchRegisterInstance("interop-java-batch", GROUP, Arrays.asList(Steps.instance("10.0.1.1"), Steps.instance("10.0.1.2")));
        Steps.eventually("batch registration", 5,
            () -> Steps.ips(a.getAllInstances("interop-java-batch", GROUP, emptyList(), false)).equals(List.of("10.0.1.1", "10.0.1.2")));

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
        a.shutDown();
        b.shutDown();
        elsewhere.shutDown();
    }

    private static void config() throws Exception {
        ConfigService a = NacosFactory.createConfigService(Steps.server("PORT", ""));
        ConfigService b = NacosFactory.createConfigService(Steps.server("GATE_PORT", ""));
        String id = "interop-java.yaml";
        Steps.require(a.publishConfig(id, GROUP, "a: 1 # ü", "yaml"), "publish: refused");
        Steps.ok("publish config");
        Steps.eventually("get config", 5, () -> "a: 1 # ü".equals(b.getConfig(id, GROUP, 3000)));

        Steps.Told told = new Steps.Told();
        b.addListener(id, GROUP, told);
        Thread.sleep(1000);
        Steps.require(a.publishConfig(id, GROUP, "a: 2", "yaml"), "publish: refused");
        Steps.eventually("listener is told a change", 5, () -> "a: 2".equals(told.content));

        Steps.gate("cut");
        Steps.require(a.publishConfig(id, GROUP, "a: 3", "yaml"), "publish: refused");
        Thread.sleep(2000);
        Steps.gate("restore");
        Steps.eventually("listener is told what changed while it was cut off", 40, () -> "a: 3".equals(told.content));

        Steps.require(a.removeConfig(id, GROUP), "remove: refused");
        Steps.eventually("removed config is gone", 5, () -> a.getConfig(id, GROUP, 3000) == null);

        Steps.require(a.publishConfig(id, GROUP, "a: 4", "yaml"), "publish: refused");
        Steps.require(!a.publishConfigCas(id, GROUP, "a: never", "00000000000000000000000000000000", "yaml"), "a wrong md5 was accepted");
        Steps.ok("compare and set");
        ConfigService elsewhere = NacosFactory.createConfigService(Steps.server("PORT", "interop"));
        Steps.require(elsewhere.getConfig(id, GROUP, 3000) == null, "another namespace sees the config");
        Steps.ok("config namespace");
        a.removeConfig(id, GROUP);
        a.shutDown();
        b.shutDown();
        elsewhere.shutDown();
    }

    public static void main(String[] args) {
        Steps.main(Client::naming, Client::config, Maintenance::run);
    }
}
