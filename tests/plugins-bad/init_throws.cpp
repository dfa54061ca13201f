#include <stdexcept>

#include "bad_plugin.hpp"

/// Throws from its constructor, which is part of init.
class InitThrows final : public BadPlugin {
public:
    InitThrows() { throw std::runtime_error("made to throw"); }
};

PHAROS_PLUGIN(InitThrows, "init_throws", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
