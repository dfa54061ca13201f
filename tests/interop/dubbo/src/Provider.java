import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** Provider PROTOCOL NAME NACOS_PORT: greets with its name until it is stopped. */
final class Provider {
    public static void main(String[] args) throws Exception {
        ServiceConfig<Greeter> service = new ServiceConfig<>();
        service.setInterface(Greeter.class);
        service.setRef(whom -> args[1] + " greets " + whom);

        ApplicationConfig application = new ApplicationConfig("interop-provider");
        application.setQosEnable(false);
        ProtocolConfig protocol = new ProtocolConfig(args[0], -1);
        protocol.setHost("127.0.0.1");
        DubboBootstrap.getInstance()
            .application(application)
            .registry(Nacos.registry(args[2]))
            .configCenter(Nacos.configCenter(args[2]))
            .metadataReport(Nacos.metadataReport(args[2]))
            .protocol(protocol)
            .service(service)
            .start();
        System.out.println("provider is ready");
        Thread.currentThread().join();
    }
}
