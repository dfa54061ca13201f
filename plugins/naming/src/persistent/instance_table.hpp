#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/log.hpp>
#include <pharos/spi/store.hpp>

#include "index/registry.hpp"
#include "persistent/stored_instance.hpp"

namespace pharos::naming {

/// Shows what the Store says of persistent instances, whoever wrote it on whatever node: the only one who puts them
/// into the registry.
///
///     start: snapshot ─┐
///     later: watch ────┴─► what changed, by service ─► Registry::show_stored ─► lane of the service: new snapshot,
///     push
///
/// What can't be read is logged with its key and left out; everything else is served.
class InstanceTable {
public:
    InstanceTable(Registry& registry, spi::Log& log) : registry_(registry), log_(log) {}

    /// Shows what is stored, before it returns, and follows it. Error: the store can't be read.
    spi::Status start(spi::Store& store);
    /// Shows no further change.
    void stop() noexcept { watch_.reset(); }

private:
    /// What of each service is to be shown next.
    using Changes = std::map<ServiceKey, std::vector<Registry::StoredInstance>>;

    void load(const spi::StoreSnapshot& snapshot);
    void on_store_changes(std::span<const spi::StoreChange> changes);
    void show(Changes& changes, Registry::Entry entry);
    /// Adds what one changed key means.
    void take(Changes& changes, std::string_view key, std::optional<std::string_view> value) const;
    void take_health(Changes& changes, const StoredAddress& address, bool healthy) const;
    void report_damage(std::string_view key) const;

    Registry& registry_;
    spi::Log& log_;
    spi::Registration watch_;

    std::mutex loading_mutex_;  ///< guards the two below, and that changes are shown one after the other
    bool loading_ = false;
    struct Told {
        std::string key;
        std::optional<std::string> value;
        spi::Revision revision = 0;
    };
    std::vector<Told> told_while_loading_;
};

}  // namespace pharos::naming
