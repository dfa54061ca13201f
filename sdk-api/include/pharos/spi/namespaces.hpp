#pragma once

#include <cstdint>
#include <string_view>

namespace pharos::spi {

/// Says how much of something lives in a namespace. Whoever keeps things in namespaces provides it; the namespace
/// list shows the sum.
class NamespaceUsage {
public:
    static constexpr std::string_view kInterface = "pharos.NamespaceUsage/1";

    /// Number of configs in this namespace ("public" for the public one). Any thread; from memory.
    [[nodiscard]] virtual std::uint64_t config_count(std::string_view namespace_id) const noexcept = 0;

protected:
    ~NamespaceUsage() = default;
};

}  // namespace pharos::spi
