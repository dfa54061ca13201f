#include <stdexcept>

#include "bad_plugin.hpp"

namespace {
[[noreturn]] void fall_over() { throw std::runtime_error("made to throw"); }
}  // namespace

class StopThrows final : public BadPlugin {
public:
    void stop() noexcept override { fall_over(); }
};

PHAROS_PLUGIN(StopThrows, "stop_throws", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
