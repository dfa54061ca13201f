#include "standalone_lookup.hpp"

namespace pharos::lookup {

spi::Status StandaloneLookup::start(Sink sink) noexcept {
    sink({});
    return {};
}

}  // namespace pharos::lookup
