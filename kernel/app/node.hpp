#pragma once

#include <chrono>
#include <memory>

#include <pharos/spi/status.hpp>

#include "app/options.hpp"

namespace pharos::app {

/// A whole server: settings, plugins, ports. One thread starts and stops it.
class Node {
public:
    Node();
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Starts everything, or nothing: the error says in one line why and what to do. `began` is when the process
    /// began, for the time in the log.
    [[nodiscard]] spi::Status start(const ServerOptions& options, std::chrono::steady_clock::time_point began);
    /// Ends everything in inverse order.
    void stop() noexcept;
    /// A plugin hangs in a step: its thread can't be ended, so the process must leave without cleaning up.
    [[nodiscard]] bool has_hung() const noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace pharos::app
