import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.naming.NamingService;
import java.io.File;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.web.client.RestTemplate;

/** Spring Cloud Alibaba, unchanged, discovery and config on one server: see tests/support/interop.py for how it is run. */
@EnableAutoConfiguration
public class Consumer {
    private static final String PORT = System.getenv("PORT");

    @Bean
    @LoadBalanced
    public RestTemplate http() {
        return new RestTemplate();
    }

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

    private static Process provider(String name) throws Exception {
        File home = new File(System.getProperty("user.home"), name);
        require(home.mkdir(), "could not make " + home);
        File log = new File(home, "provider.log");
        Process process = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-Xmx256m", "-Duser.home=" + home, "-DJM.LOG.PATH=" + home,
            "-DJM.SNAPSHOT.PATH=" + home, "-Djava.io.tmpdir=" + home, "-cp", System.getProperty("java.class.path"), "Provider", name)
            .redirectErrorStream(true).redirectOutput(log).start();
        long end = System.nanoTime() + 90_000_000_000L;
        while (!Files.readString(log.toPath()).contains("provider is ready")) {
            require(process.isAlive() && System.nanoTime() < end, "the provider did not start: " + log);
            Thread.sleep(50);
        }
        return process;
    }

    private static void run() throws Exception {
        NamingService naming = NacosFactory.createNamingService("127.0.0.1:" + PORT);
        ConfigService config = NacosFactory.createConfigService("127.0.0.1:" + PORT);
        require(config.publishConfig("interop-spring.properties", "DEFAULT_GROUP", "greeting=hello\n", "properties"), "publish: refused");
        Process one = provider("one");
        require(naming.getAllInstances("interop-spring", false).size() == 1, "the provider is not registered");
        ok("provider registers");

        ApplicationContext context = new SpringApplicationBuilder(Consumer.class).web(WebApplicationType.NONE).properties("spring.application.name=interop-consumer",
            "spring.cloud.nacos.server-addr=127.0.0.1:" + PORT, "spring.cloud.nacos.discovery.register-enabled=false",
            "spring.cloud.nacos.config.import-check.enabled=false", "spring.cloud.loadbalancer.cache.enabled=false").run();
        require(context.getBean(DiscoveryClient.class).getServices().contains("interop-spring"), "services: " + context.getBean(DiscoveryClient.class).getServices());
        ok("discovery client lists the service");
        RestTemplate http = context.getBean(RestTemplate.class);
        Callable<String> greet = () -> {
            try {
                return http.getForObject("http://interop-spring/greet", String.class);
            } catch (RuntimeException e) { // no instance, or one that is gone
                return "none";
            }
        };
        eventually("call", 10, () -> "one says hello".equals(greet.call()));
        require(config.publishConfig("interop-spring.properties", "DEFAULT_GROUP", "greeting=goodbye\n", "properties"), "publish: refused");
        eventually("a changed config refreshes the provider", 10, () -> "one says goodbye".equals(greet.call()));

        one.destroyForcibly().waitFor();
        eventually("a killed provider is gone", 10, () -> context.getBean(DiscoveryClient.class).getInstances("interop-spring").isEmpty());
        Process two = provider("two");
        eventually("another provider is called", 10, () -> "two says goodbye".equals(greet.call()));
        two.destroy();
        require(two.waitFor(30, TimeUnit.SECONDS), "the provider did not end");
        require(naming.getAllInstances("interop-spring", "DEFAULT_GROUP", List.of(), false).isEmpty(), "a stopped provider is registered");
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
