// Provides an interface that its descriptor does not list.
#include "bad_plugin.hpp"

struct Something {
    static constexpr std::string_view kInterface = "test.Something/1";
};

class Unlisted final : public BadPlugin {
public:
    pharos::spi::Status init(pharos::spi::PluginContext& context) noexcept override {
        static_cast<void>(BadPlugin::init(context));
        pharos::spi::Result<pharos::spi::Registration> provided = context.services().provide(something_);
        return provided ? pharos::spi::Status() : provided.error();
    }

private:
    Something something_;
};

PHAROS_PLUGIN(Unlisted, "unlisted", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
