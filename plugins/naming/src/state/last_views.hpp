#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/kv_store.hpp>
#include <pharos/spi/log.hpp>

#include "index/registry.hpp"

namespace pharos::naming {

/// Keeps what every service showed last of its ephemeral instances on disk, so that a restart shows nobody an empty
/// list while providers live: they come back one by one, each when its client has noticed.
///
///     start ─► views are loaded ─► each service holds its view ─► enough live hosts, or the time is over ─► the truth
///     run   ─► hosts change ─► dirty ─── ticks, bounded work ─► written lazily
///
/// While a service holds, its answers are the last view and the live hosts, and it pushes only what that changes. An
/// instance that is deregistered leaves the view at once. What ends without a word, with the server too, is written
/// only some seconds later: so a stop, which ends all connections first, does not write empty views.
class LastViews final : public ChangeListener {
public:
    struct Options {
        spi::Duration settle = std::chrono::seconds(20);  ///< 0: hold nothing
        double share = 0.5;  ///< of the last view's hosts that must be live for the truth to be shown
    };
    LastViews(Registry& registry, spi::Executors& executors, spi::Log& log, Options options);

    /// Holds what is stored, and begins to write. Without a store there is nothing to do.
    void start(spi::KvStore* store);
    /// Writes no more.
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

    void on_hosts_changed(const ServicePtr& service) noexcept override;
    void on_subscribed(const TiePtr&) noexcept override {}

    /// Services whose view on disk is older than what they show.
    [[nodiscard]] std::size_t backlog() const;
    /// How long services may still hold; 0 when the time is over.
    [[nodiscard]] spi::Duration left() const noexcept;

private:
    void load();
    void settle();
    void tick();
    void write_some();

    Registry& registry_;
    spi::Executors& executors_;
    spi::Log& log_;
    const Options options_;
    spi::KvStore* store_ = nullptr;
    std::atomic<std::int64_t> settled_at_{0};  ///< steady nanoseconds

    mutable std::mutex mutex_;
    std::vector<ServicePtr> dirty_;  ///< to be written, once each (Service::view_is_dirty); guarded by the mutex
    sdk::Gate gate_;
};

/// Version byte 1, then the ephemeral ones of the hosts as ByteWriter puts them; the others are in the Store.
[[nodiscard]] std::string encode_view(const std::vector<HostPtr>& hosts);
/// Nothing when the bytes are not exactly one view of a known version.
[[nodiscard]] std::optional<std::vector<Instance>> decode_view(std::string_view bytes);

}  // namespace pharos::naming
