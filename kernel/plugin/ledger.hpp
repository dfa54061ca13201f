#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <pharos/spi/services.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::plugin {

/// All that one plugin has registered anywhere in the node, so that it can be taken back without the plugin's help: one
/// that hangs has no other way out. Any thread.
class Ledger : public std::enable_shared_from_this<Ledger> {
public:
    /// Takes the registration over and gives one to the plugin that ends it. When the ledger is closed, it ends now.
    [[nodiscard]] spi::Registration keep(spi::Registration made);
    [[nodiscard]] spi::Result<spi::Registration> keep(spi::Result<spi::Registration> made);
    /// Ends all registrations; further ones end at once.
    void close() noexcept;
    [[nodiscard]] bool is_closed() const noexcept;

private:
    void end(std::uint64_t number) noexcept;

    mutable std::mutex mutex_;
    std::map<std::uint64_t, spi::Registration> kept_;
    std::uint64_t last_number_ = 0;
    bool closed_ = false;
};

}  // namespace pharos::plugin
