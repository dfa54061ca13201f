#include <stdexcept>

#include "bad_plugin.hpp"

namespace {
[[noreturn]] void fall_over() { throw std::runtime_error("made to throw"); }
}  // namespace

/// Throws in a noexcept function, which nobody can catch.
class StartThrows final : public BadPlugin {
public:
    pharos::spi::Status start() noexcept override { fall_over(); }
};

PHAROS_PLUGIN(StartThrows, "start_throws", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
