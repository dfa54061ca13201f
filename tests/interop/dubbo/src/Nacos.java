import org.apache.dubbo.config.ConfigCenterConfig;
import org.apache.dubbo.config.MetadataReportConfig;
import org.apache.dubbo.config.RegistryConfig;

/** The three things that Dubbo uses Nacos for. */
final class Nacos {
    private static String address(String port) {
        return "nacos://127.0.0.1:" + port;
    }

    static RegistryConfig registry(String port) {
        return new RegistryConfig(address(port));
    }

    static ConfigCenterConfig configCenter(String port) {
        ConfigCenterConfig config = new ConfigCenterConfig();
        config.setAddress(address(port));
        return config;
    }

    static MetadataReportConfig metadataReport(String port) {
        return new MetadataReportConfig(address(port));
    }
}
