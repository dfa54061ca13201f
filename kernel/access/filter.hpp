#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <pharos/spi/auth.hpp>

namespace pharos::access {

/// The part of every request's filter chain that says who asks and whether they may: limit → authenticate →
/// authorise → handler. Without a provider everything is allowed. Any thread.
class Filter {
public:
    /// The provider must outlive the requests. Null: allow everything.
    void use(const spi::AuthProvider* provider) noexcept { provider_.store(provider, std::memory_order_release); }

    /// Ok, with the principal filled in; or the kDenied status whose message goes to the client.
    template <class Request>
    [[nodiscard]] spi::Status admit(const spi::Access<Request>& access, const Request& request,
                                    const spi::AuthProvider::Identity& identity, spi::Principal& principal) const {
        const spi::AuthProvider* provider = provider_.load(std::memory_order_acquire);
        if (provider == nullptr || !access.anonymous_because.empty()) {
            return {};
        }
        spi::Result<spi::Principal> who = provider->authenticate(identity);
        if (!who) {
            return who.error();
        }
        principal = std::move(who.value());
        const bool by_resource = provider->decides_by_resource() && access.resource_of != nullptr;
        return provider->authorize(principal, access.action, access.resource_type,
                                   by_resource ? access.resource_of(request) : spi::Resource{});
    }

private:
    std::atomic<const spi::AuthProvider*> provider_{nullptr};
};

/// One route or payload type with its access and how often it was called, for operators and for the tests that read
/// them all.
struct Entry {
    std::string what;  ///< "GET /v1/cs/configs" or "ConfigQueryRequest"
    spi::Action action = spi::Action::kRead;
    std::string resource_type;
    bool has_resource = false;
    std::string limit_point;
    std::string anonymous_because;
    std::uint64_t calls = 0;  ///< since the start
};

}  // namespace pharos::access
