#include "plugin/service_registry.hpp"

#include <algorithm>

namespace pharos::plugin {

namespace {

bool contains_all(const spi::Properties& properties, const spi::Properties& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& property) {
        return std::find(properties.begin(), properties.end(), property) != properties.end();
    });
}

}  // namespace

spi::Result<spi::Registration> ServiceRegistry::provide(const std::string& provider, std::string_view interface,
                                                        void* service, spi::Properties properties) {
    std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
        if (entry.provider == provider && entry.interface == interface && entry.properties == properties) {
            return spi::Status(spi::Code::kConflict, "plugin '" + provider + "' provides " + std::string(interface) +
                                                         " twice with the same properties");
        }
    }
    const std::uint64_t number = ++last_number_;
    entries_.push_back({number, provider, std::string(interface), service, std::move(properties)});
    return spi::Registration([this, number] {
        std::lock_guard undo(mutex_);
        std::erase_if(entries_, [number](const Entry& entry) { return entry.number == number; });
    });
}

void* ServiceRegistry::find(std::string_view interface, const spi::Properties& wanted) const {
    std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
        if (entry.interface == interface && contains_all(entry.properties, wanted)) {
            return entry.service;
        }
    }
    return nullptr;
}

std::vector<void*> ServiceRegistry::all(std::string_view interface) const {
    std::lock_guard lock(mutex_);
    std::vector<void*> found;
    for (const Entry& entry : entries_) {
        if (entry.interface == interface) {
            found.push_back(entry.service);
        }
    }
    return found;
}

spi::Result<spi::Registration> ProviderView::provide_raw(std::string_view interface, void* service,
                                                         spi::Properties properties) {
    if (std::find(provides_.begin(), provides_.end(), interface) == provides_.end()) {
        return spi::Status(
            spi::Code::kInvalidArgument,
            "plugin '" + provider_ + "' provides " + std::string(interface) + ", which its descriptor does not list");
    }
    return ledger_.keep(registry_.provide(provider_, interface, service, std::move(properties)));
}

}  // namespace pharos::plugin
