#include "beat/tombstones.hpp"

#include <utility>

namespace pharos::naming {

std::string Tombstones::name_of(const ServiceKey& key, const std::string& ip, std::uint16_t port) {
    // No name has a line break in it.
    return ip + "\n" + std::to_string(port) + "\n" + key.namespace_id + "\n" + key.group + "\n" + key.name;
}

void Tombstones::put(const ServiceKey& key, const std::string& ip, std::uint16_t port, spi::Duration until) {
    std::string name = name_of(key, ip, port);
    std::lock_guard lock(mutex_);
    if (until_.size() < kMost) {
        until_.insert_or_assign(std::move(name), until);
    }
}

void Tombstones::remove(const ServiceKey& key, const std::string& ip, std::uint16_t port) {
    std::lock_guard lock(mutex_);
    if (!until_.empty()) {
        until_.erase(name_of(key, ip, port));
    }
}

bool Tombstones::holds(const ServiceKey& key, const std::string& ip, std::uint16_t port, spi::Duration now) const {
    std::lock_guard lock(mutex_);
    if (until_.empty()) {
        return false;
    }
    const auto found = until_.find(name_of(key, ip, port));
    return found != until_.end() && now < found->second;
}

std::size_t Tombstones::sweep(spi::Duration now) {
    std::lock_guard lock(mutex_);
    std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
    return until_.size();
}

}  // namespace pharos::naming
