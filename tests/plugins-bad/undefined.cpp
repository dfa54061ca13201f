// Calls what nobody defines.
#include "bad_plugin.hpp"

extern "C" int nobody_defines_this();

class Undefined final : public BadPlugin {
public:
    void stop() noexcept override { nobody_defines_this(); }
};

PHAROS_PLUGIN(Undefined, "undefined", "1", PHAROS_PROVIDES(), PHAROS_REQUIRES(), PHAROS_NO_SETTINGS)
