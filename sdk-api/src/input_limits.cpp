#include <pharos/sdk/input_limits.hpp>

namespace pharos::sdk {

InputLimits& input_limits() noexcept {
    static constinit InputLimits limits;
    return limits;
}

}  // namespace pharos::sdk
