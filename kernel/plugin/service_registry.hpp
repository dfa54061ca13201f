#pragma once

#include <mutex>
#include <string>
#include <vector>

#include <pharos/spi/services.hpp>

#include "plugin/ledger.hpp"

namespace pharos::plugin {

/// All provided services, in the order in which they were provided. Any thread. Each plugin sees it through a
/// ProviderView, which knows who provides.
class ServiceRegistry {
public:
    spi::Result<spi::Registration> provide(const std::string& provider, std::string_view interface, void* service,
                                           spi::Properties properties);
    [[nodiscard]] void* find(std::string_view interface, const spi::Properties& wanted) const;
    [[nodiscard]] std::vector<void*> all(std::string_view interface) const;

private:
    struct Entry {
        std::uint64_t number;
        std::string provider;
        std::string interface;
        void* service;
        spi::Properties properties;
    };

    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
    std::uint64_t last_number_ = 0;
};

/// The registry as one plugin sees it: it may provide only what its descriptor lists, and what it provides is entered
/// in its ledger.
class ProviderView final : public spi::ServiceRegistry {
public:
    ProviderView(plugin::ServiceRegistry& registry, std::string provider, std::vector<std::string> provides,
                 Ledger& ledger)
        : registry_(registry), provider_(std::move(provider)), provides_(std::move(provides)), ledger_(ledger) {}

protected:
    spi::Result<spi::Registration> provide_raw(std::string_view interface, void* service,
                                               spi::Properties properties) override;
    [[nodiscard]] void* find_raw(std::string_view interface, const spi::Properties& wanted) const override {
        return registry_.find(interface, wanted);
    }
    [[nodiscard]] std::vector<void*> all_raw(std::string_view interface) const override {
        return registry_.all(interface);
    }

private:
    plugin::ServiceRegistry& registry_;
    const std::string provider_;
    const std::vector<std::string> provides_;
    Ledger& ledger_;
};

}  // namespace pharos::plugin
