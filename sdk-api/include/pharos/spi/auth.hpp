#pragma once

#include <span>
#include <string_view>
#include <utility>

#include <pharos/spi/access.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// Decides who may do what. One provider; the kernel has one that allows everything until a plugin provides this.
///
/// Both calls come from the thread that the request's bytes arrived on: they answer from memory and never block.
class AuthProvider {
public:
    static constexpr std::string_view kInterface = "pharos.AuthProvider/1";

    /// Finds a header or parameter of the request by its case-insensitive name; "" when absent.
    class Identity {
    public:
        [[nodiscard]] virtual std::string_view get(std::string_view name) const noexcept = 0;

    protected:
        ~Identity() = default;
    };

    /// False: authorize() does not look at the resource, so none is extracted.
    [[nodiscard]] virtual bool decides_by_resource() const noexcept = 0;
    /// Error kDenied: the identity is missing or wrong; the message goes to the client.
    [[nodiscard]] virtual Result<Principal> authenticate(const Identity& identity) const noexcept = 0;
    /// Error kDenied: the principal may not do this.
    [[nodiscard]] virtual Status authorize(const Principal& principal, Action action, std::string_view resource_type,
                                           const Resource& resource) const noexcept = 0;

protected:
    ~AuthProvider() = default;
};

}  // namespace pharos::spi
