import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.cloud.context.config.annotation.RefreshScope;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Provider NAME: an application that says its name and what the config tells it to say. */
@EnableAutoConfiguration
@Import(Provider.Greeter.class)
public class Provider {
    @RestController
    @RefreshScope
    public static class Greeter {
        @Value("${name}")
        private String name;
        @Value("${greeting}")
        private String greeting;

        @GetMapping("/greet")
        public String greet() {
            return name + " says " + greeting;
        }
    }

    public static void main(String[] args) {
        new SpringApplicationBuilder(Provider.class).properties("name=" + args[0], "spring.application.name=interop-spring", "server.port=0",
            "spring.cloud.nacos.server-addr=127.0.0.1:" + System.getenv("PORT"), "spring.cloud.nacos.discovery.ip=127.0.0.1", "server.address=127.0.0.1",
            "spring.config.import=nacos:interop-spring.properties").run();
        System.out.println("provider is ready");
    }
}
