#include "bad_plugin.hpp"

class StartFails final : public BadPlugin {
public:
    pharos::spi::Status start() noexcept override { return {pharos::spi::Code::kUnavailable, "nobody answers"}; }
};

PHAROS_PLUGIN(StartFails, "start_fails", "1", PHAROS_PROVIDES("test.Failing/1"), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
