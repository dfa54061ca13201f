#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

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
    /// Instead of start(): reads the settings, and loads and initialises the plugins. Nothing is locked or opened,
    /// no plugin is started; for work on a node's data from outside of it.
    [[nodiscard]] spi::Status load(const ServerOptions& options);
    /// What a plugin provides, after load(); null when none does.
    [[nodiscard]] void* find(std::string_view interface);
    /// The data directory that the settings name, after load().
    [[nodiscard]] const std::string& data_dir() const noexcept;
    /// Ends everything in inverse order.
    void stop() noexcept;
    /// The steps of plugins that never ended, "plugin 'x' start"; empty when there are none.
    [[nodiscard]] std::string hung() const;
    /// A plugin hangs in a step: its thread can't be ended, so the process must leave without cleaning up.
    [[nodiscard]] bool has_hung() const noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace pharos::app
