import static java.util.Collections.emptyList;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.naming.NamingMaintainService;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.alibaba.nacos.api.naming.pojo.Service;
import java.util.Map;

/** Services made and changed by hand: v1 calls over HTTP with every version of the library. */
final class Maintenance {
    private static final String GROUP = "DEFAULT_GROUP";

    static void run() throws Exception {
        NamingService a = NacosFactory.createNamingService(Steps.server("PORT", ""));
        NamingMaintainService maintain = NacosFactory.createMaintainService(Steps.server("PORT", ""));
        String name = "interop-java-made";
        maintain.createService(name, GROUP, 0.25f);
        Service made = maintain.queryService(name, GROUP);
        Steps.require(made.getName().equals(name) && made.getProtectThreshold() == 0.25f, "made service: " + made);
        Steps.ok("create and query service");
        maintain.updateService(name, GROUP, 0.5f, Map.of("owner", "interop"));
        made = maintain.queryService(name, GROUP);
        Steps.require(made.getProtectThreshold() == 0.5f && "interop".equals(made.getMetadata().get("owner")), "updated service: " + made);
        Steps.ok("update service");
        Steps.require(maintain.deleteService(name, GROUP), "delete service");
        Steps.require(!a.getServicesOfServer(1, 100, GROUP).getData().contains(name), "the deleted service is listed");
        Steps.ok("delete service");

        a.registerInstance("interop-java-changed", GROUP, Steps.instance("10.0.0.1"));
        Instance changed = Steps.instance("10.0.0.1");
        changed.setWeight(7);
        changed.addMetadata("from", "an operator");
        maintain.updateInstance("interop-java-changed", GROUP, changed);
        Steps.eventually("update instance", 5, () -> {
            Instance seen = a.getAllInstances("interop-java-changed", GROUP, emptyList(), false).get(0);
            return seen.getWeight() == 7 && "an operator".equals(seen.getMetadata().get("from"));
        });
        a.shutDown();
    }
}
