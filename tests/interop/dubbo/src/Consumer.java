import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcException;

/** Dubbo, unchanged, with registry, metadata report and config centre on one server: see tests/support/interop.py for how it is run. */
final class Consumer {
    private static final String PORT = System.getenv("PORT");
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));
    private static int started;

    private static void ok(String step) {
        System.out.println("OK " + step);
    }

    private static void eventually(String step, int seconds, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(step + ": not within " + seconds + " s");
            }
            Thread.sleep(50);
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

    /** A provider in a process of its own, and a home of its own: Dubbo locks files there. */
    private static Process provider(String protocol, String name, String nacosPort) throws Exception {
        File home = new File(System.getProperty("user.home"), "provider" + ++started);
        require(home.mkdir(), "could not make " + home);
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-Xmx256m", "-Duser.home=" + home, "-DJM.LOG.PATH=" + home,
            "-DJM.SNAPSHOT.PATH=" + home, "-Ddubbo.application.logger=slf4j", "-cp", System.getProperty("java.class.path"), "Provider", protocol, name, nacosPort));
        File log = new File(home, "provider.log");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
        long end = System.nanoTime() + 60_000_000_000L;
        while (!java.nio.file.Files.readString(log.toPath()).contains("provider is ready")) {
            require(process.isAlive() && System.nanoTime() < end, "the provider did not start: " + log);
            Thread.sleep(50);
        }
        return process;
    }

    private static Greeter reference(DubboBootstrap bootstrap, String step) {
        ReferenceConfig<Greeter> reference = new ReferenceConfig<>();
        reference.setInterface(Greeter.class);
        reference.setCheck(false);
        reference.setRetries(0);
        reference.setTimeout(3000);
        if (step != null) {
            reference.setParameters(Map.of("migration.step", step));
        }
        bootstrap.reference(reference);
        return reference.get();
    }

    /** What a call says; "none" without a provider. */
    private static String greet(Greeter greeter) {
        try {
            return greeter.greet("Pharos");
        } catch (RpcException e) {
            return e.getMessage().contains("No provider") || e.getMessage().contains("no provider") ? "none" : "failed: " + e.getMessage();
        }
    }

    private static List<Instance> registered(NamingService naming, String service) throws Exception {
        return naming.getAllInstances(service, "DEFAULT_GROUP", List.of(), false);
    }

    private static void run() throws Exception {
        NamingService naming = NacosFactory.createNamingService("127.0.0.1:" + PORT);
        ConfigService config = NacosFactory.createConfigService("127.0.0.1:" + PORT);
        require(config.publishConfig("dubbo.properties", "dubbo", "dubbo.application.owner=interop\n"), "publish: refused");
        Process one = provider("tri", "one", System.getenv("GATE_PORT"));
        ok("provider registers");
        require(registered(naming, "providers:Greeter::").size() == 1, "the interface is not registered");
        List<Instance> applications = registered(naming, "interop-provider");
        require(applications.size() == 1 && applications.get(0).getMetadata().containsKey("dubbo.metadata.revision"), "the application: " + applications);
        ok("interface and application are registered");
        require("interop-provider".equals(config.getConfig("Greeter", "mapping", 3000)), "mapping: " + config.getConfig("Greeter", "mapping", 3000));
        ok("metadata report has the mapping");

        ApplicationConfig application = new ApplicationConfig("interop-consumer");
        application.setQosEnable(false);
        DubboBootstrap bootstrap = DubboBootstrap.getInstance()
            .application(application)
            .registry(Nacos.registry(PORT))
            .configCenter(Nacos.configCenter(PORT))
            .metadataReport(Nacos.metadataReport(PORT))
            .start();
        require("interop".equals(application.getOwner()), "dubbo.properties was not read: " + application.getOwner());
        ok("config centre is read at start");
        Greeter both = reference(bootstrap, null);
        eventually("call", 20, () -> greet(both).equals("one greets Pharos"));
        Greeter byApplication = reference(bootstrap, "FORCE_APPLICATION");
        eventually("call by application", 20, () -> greet(byApplication).equals("one greets Pharos"));
        Greeter byInterface = reference(bootstrap, "FORCE_INTERFACE");
        eventually("call by interface", 20, () -> greet(byInterface).equals("one greets Pharos"));

        gate("cut");
        eventually("a provider that the registry lost is not called", 20, () -> greet(byApplication).equals("none") && greet(byInterface).equals("none"));
        gate("restore");
        eventually("it is called again after redo", 40, () -> greet(byApplication).equals("one greets Pharos") && greet(byInterface).equals("one greets Pharos"));

        one.destroyForcibly().waitFor();
        eventually("a killed provider is gone", 20, () -> greet(both).equals("none") && greet(byApplication).equals("none") && greet(byInterface).equals("none"));
        Process two = provider("dubbo", "two", PORT);
        eventually("another provider is called", 20, () -> List.of(greet(both), greet(byApplication), greet(byInterface)).stream().allMatch("two greets Pharos"::equals));

        require(config.publishConfig("Greeter::.configurators", "dubbo", "configVersion: v3.0\nscope: service\nkey: Greeter\nenabled: true\nconfigs:\n"
            + "  - side: consumer\n    addresses: ['0.0.0.0']\n    parameters: {mock: 'force:return \"mocked\"'}\n", "yaml"), "publish: refused");
        eventually("a rule of the config centre is applied", 20, () -> greet(byInterface).equals("mocked"));
        require(config.removeConfig("Greeter::.configurators", "dubbo"), "remove: refused");
        eventually("a removed rule is not applied", 20, () -> greet(byInterface).equals("two greets Pharos"));

        two.destroy();
        require(two.waitFor(30, TimeUnit.SECONDS), "the provider did not end");
        require(registered(naming, "providers:Greeter::").isEmpty() && registered(naming, "interop-provider").isEmpty(), "a stopped provider is registered");
        ok("a stopped provider deregisters");
    }

    public static void main(String[] args) {
        int code = 0;
        try {
            run();
        } catch (Throwable e) {
            System.out.println("FAILED: " + e);
            e.printStackTrace(System.out);
            code = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(code);
    }
}
