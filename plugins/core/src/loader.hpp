#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/log.hpp>
#include <pharos/spi/rpc.hpp>

namespace pharos::core {

/// A connection of a client library, not of another member.
[[nodiscard]] bool is_sdk(const spi::ConnectionInfo& connection);

/// A connection as operators see it (`protocol/core.md §1.8`). `last_active_ms` is wall-clock time.
[[nodiscard]] std::string connection_json(const spi::ConnectionInfo& connection, std::int64_t last_active_ms);

/// The members of a ConnectResetRequest. `redirect` is "host:port", "host" or "".
[[nodiscard]] std::string reset_members(const spi::ConnectionInfo& connection, std::string_view redirect);

/// How many connections a server has, and how busy its machine is.
struct ServerLoad {
    std::string address;
    std::size_t sdk_connections = 0;
    std::size_t connections = 0;
    double load = 0;  ///< of the machine, over a minute
    double cpu = 0;   ///< share of the machine's time that was not idle, 0 to 1
};

/// What the loads of a cluster add up to.
struct LoadSummary {
    std::size_t max = 0;
    std::size_t min = 0;
    std::size_t average = 0;
    std::size_t total = 0;
    [[nodiscard]] double threshold() const noexcept { return static_cast<double>(average) * 1.1; }
};
[[nodiscard]] LoadSummary summarise(const std::vector<ServerLoad>& servers);

/// One move of connections that brings servers closer to the average.
struct LoadMove {
    std::string from;
    std::string to;
    std::size_t keep = 0;  ///< SDK connections that `from` should be left with
};
/// Servers with more than average × (1 + factor) are paired, the fullest first, with those below average × (1 −
/// factor), the emptiest first.
[[nodiscard]] std::vector<LoadMove> plan_moves(const std::vector<ServerLoad>& servers, double factor);

/// Asks clients to connect anew (`protocol/core.md §1.8`). Any thread.
class Loader {
public:
    /// Both must outlive this object.
    Loader(spi::Connections& connections, spi::Log& log) : connections_(connections), log_(log) {}

    /// Asks so many SDK connections, the oldest first, that `keep` would be left. Returns how many were asked.
    std::size_t shed_to(std::size_t keep, std::string_view redirect);
    /// False: there is no such connection.
    bool reset(std::string_view connection_id, std::string_view redirect);

private:
    void reset(const spi::ConnectionPtr& connection, std::string_view redirect);

    spi::Connections& connections_;
    spi::Log& log_;
};

}  // namespace pharos::core
