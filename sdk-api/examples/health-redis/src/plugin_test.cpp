// The plugin as the node sees it: what is in its descriptor, and that its life leaves nothing behind.
#include <gmock/gmock.h>

#include <pharos/spi/health_check.hpp>
#include <pharos/testing/plugin_context.hpp>

extern "C" const pharos::spi::Descriptor pharos_plugin;

namespace {

namespace spi = pharos::spi;

TEST(HealthRedisPlugin, OffersItsTypeWhileItRuns) {
    pharos::testing::FakeContext context;
    std::unique_ptr<spi::Plugin, void (*)(spi::Plugin*)> plugin{pharos_plugin.create(), pharos_plugin.destroy};
    ASSERT_TRUE(plugin->init(context));
    ASSERT_TRUE(plugin->start());
    EXPECT_NE(context.registry.find<spi::HealthChecker>({{"type", "REDIS"}}), nullptr);
    plugin->stop();
    EXPECT_TRUE(context.registry.provided.empty());
}

}  // namespace
