import com.alibaba.nacos.api.naming.pojo.Instance;
import com.alibaba.nacos.api.naming.pojo.maintainer.ClusterInfo;
import com.alibaba.nacos.api.naming.pojo.healthcheck.impl.Http;
import com.alibaba.nacos.api.naming.pojo.Service;
import com.alibaba.nacos.maintainer.client.config.ConfigMaintainerFactory;
import com.alibaba.nacos.maintainer.client.naming.NamingMaintainerFactory;
import java.util.List;
import java.util.Map;

/**
 * The maintainer SDK of 3.x, unchanged: what operators do over the v3 admin calls. See tests/support/interop.py for how it is run.
 * Its getClientList, getHealthCheckers and listSelectorTypes cannot read what a server of any make answers (docs/protocol/core.md §9).
 */
final class Maintainer {
    private static final String SERVICE = "interop-maintainer";
    private static final String GROUP = "DEFAULT_GROUP";
    private static final String PUBLIC = "public";
    private static int code;

    private interface Step {
        void run() throws Exception;
    }

    /** Every step is tried, so that a run tells of all that fails. */
    private static void step(String name, Step step) {
        try {
            step.run();
            System.out.println("OK " + name);
        } catch (Throwable e) {
            System.out.println("FAILED: " + name + ": " + e);
            code = 1;
        }
    }

    private static void require(boolean condition, Object what) {
        if (!condition) {
            throw new IllegalStateException(String.valueOf(what));
        }
    }

    private static Instance instance(String ip) {
        Instance instance = new Instance();
        instance.setIp(ip);
        instance.setPort(8080);
        instance.setClusterName("DEFAULT");
        instance.setMetadata(new java.util.HashMap<>(Map.of("from", "maintainer")));
        return instance;
    }

    private static void naming() throws Exception {
        var naming = NamingMaintainerFactory.createNamingMaintainerService("127.0.0.1:" + System.getenv("PORT"));
        Service service = new Service();
        service.setNamespaceId(PUBLIC);
        service.setGroupName(GROUP);
        service.setName(SERVICE);
        service.setEphemeral(true);

        step("create service", () -> naming.createService(PUBLIC, GROUP, SERVICE, true, 0.25f));
        step("query service", () -> {
            var detail = naming.getServiceDetail(PUBLIC, GROUP, SERVICE);
            require(detail.getProtectThreshold() == 0.25f && detail.isEphemeral(), detail.getProtectThreshold() + " " + detail.isEphemeral());
        });
        step("register", () -> naming.registerInstance(service, instance("10.0.0.1")));
        step("list services", () -> {
            var page = naming.listServices(PUBLIC, GROUP, SERVICE);
            require(page.getTotalCount() == 1 && page.getPageItems().get(0).getName().equals(SERVICE), page.getTotalCount());
        });
        step("list instances", () -> {
            List<Instance> list = naming.listInstances(service, "DEFAULT", false);
            require(list.size() == 1 && list.get(0).getIp().equals("10.0.0.1") && "maintainer".equals(list.get(0).getMetadata().get("from")), list);
        });
        step("update instance", () -> {
            Instance changed = instance("10.0.0.1");
            changed.setWeight(7);
            naming.updateInstance(service, changed);
            require(naming.getInstanceDetail(service, changed).getWeight() == 7, "the weight is not changed");
        });
        step("update metadata of instances", () -> {
            naming.batchUpdateInstanceMetadata(service, List.of(instance("10.0.0.1")), Map.of("zone", "east"));
            require("east".equals(naming.getInstanceDetail(service, instance("10.0.0.1")).getMetadata().get("zone")), "the metadata is not changed");
        });
        step("update cluster", () -> {
            ClusterInfo cluster = new ClusterInfo();
            cluster.setClusterName("DEFAULT");
            cluster.setHealthChecker(new Http());
            cluster.setHealthyCheckPort(80);
            cluster.setUseInstancePortForCheck(true);
            cluster.setMetadata(Map.of("owner", "interop"));
            naming.updateCluster(service, cluster);
            var seen = naming.getServiceDetail(PUBLIC, GROUP, SERVICE).getClusterMap().get("DEFAULT");
            require("interop".equals(seen.getMetadata().get("owner")) && "HTTP".equals(seen.getHealthChecker().getType()), seen.getMetadata());
        });
        step("publishers", () -> {
            var clients = naming.getPublishedClientList(PUBLIC, GROUP, SERVICE, "10.0.0.1", 8080);
            require(clients.size() == 1, clients.size());
            require(naming.getPublishedServiceList(clients.get(0).getClientId()).size() == 1, "services of the publisher");
        });
        step("subscribers", () -> require(naming.getSubscribers(PUBLIC, GROUP, SERVICE).getTotalCount() == 0, "subscribers"));
        step("metrics", () -> require("UP".equals(naming.getMetrics(false).getStatus()), naming.getMetrics(false).getStatus()));
        step("deregister and remove", () -> {
            naming.deregisterInstance(service, instance("10.0.0.1"));
            naming.removeService(PUBLIC, GROUP, SERVICE);
            require(naming.listServices(PUBLIC, GROUP, SERVICE).getTotalCount() == 0, "the service is still there");
        });
    }

    private static void config() throws Exception {
        var config = ConfigMaintainerFactory.createConfigMaintainerService("127.0.0.1:" + System.getenv("PORT"));
        String id = "interop-maintainer.yaml";
        step("publish config", () -> require(config.publishConfig(id, GROUP, PUBLIC, "a: 1 # ü"), "refused"));
        step("get config", () -> {
            var found = config.getConfig(id, GROUP, PUBLIC);
            require("a: 1 # ü".equals(found.getContent()) && found.getMd5().length() == 32, found.getContent());
        });
        step("list configs", () -> require(config.listConfigs(id, GROUP, PUBLIC).getTotalCount() == 1, config.listConfigs(id, GROUP, PUBLIC).getTotalCount()));
        step("search configs", () -> require(config.searchConfigs("interop-*", GROUP, PUBLIC).getTotalCount() == 1, "search"));
        step("history", () -> {
            require(config.publishConfig(id, GROUP, PUBLIC, "a: 2"), "refused");
            var page = config.listConfigHistory(id, GROUP, PUBLIC, 1, 10);
            require(page.getTotalCount() == 2, page.getTotalCount());
            var first = config.getConfigHistoryInfo(id, GROUP, PUBLIC, page.getPageItems().get(1).getId());
            require("a: 1 # ü".equals(first.getContent()), first.getContent());
        });
        step("listeners", () -> require(config.getListeners(id, GROUP, PUBLIC, true).getListenersStatus().isEmpty(), "listeners"));
        step("delete config", () -> {
            require(config.deleteConfig(id, GROUP, PUBLIC), "refused");
            require(config.listConfigs(id, GROUP, PUBLIC).getTotalCount() == 0, "the config is still there");
        });
    }

    private static void core() throws Exception {
        var core = ConfigMaintainerFactory.createConfigMaintainerService("127.0.0.1:" + System.getenv("PORT"));
        step("state and health", () -> require(core.liveness() && core.getServerState().containsKey("version"), core.getServerState()));
        step("cluster nodes", () -> require(core.listClusterNodes("", "").size() == 1, core.listClusterNodes("", "")));
        step("namespaces", () -> {
            require(core.createNamespace("interop", "Interop", "of the maintainer SDK"), "create");
            require("Interop".equals(core.getNamespace("interop").getNamespaceShowName()), core.getNamespace("interop"));
            require(core.updateNamespace("interop", "Interop 2", ""), "update");
            require(core.checkNamespaceIdExist("interop") && core.getNamespaceList().size() == 2, core.getNamespaceList());
            require(core.deleteNamespace("interop") && core.getNamespaceList().size() == 1, "delete");
        });
        step("connections", () -> require(core.getCurrentClients() != null, "connections"));
        step("load of the cluster", () -> require(core.getClusterLoaderMetrics().getDetail().size() == 1, core.getClusterLoaderMetrics().getDetail()));
    }

    public static void main(String[] args) throws Exception {
        naming();
        config();
        core();
        System.out.flush();
        Runtime.getRuntime().halt(code);
    }
}
