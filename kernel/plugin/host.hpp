#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/plugin.hpp>

#include "plugin/service_registry.hpp"

namespace pharos::plugin {

/// What all plugins share; each gets its own settings, log and view of the registry besides.
struct Surroundings {
    const spi::NodeInfo& node;
    spi::Executors& executors;
    spi::HttpRoutes& http;
    spi::RpcMethods& rpc;
    spi::Connections& connections;
    const spi::Members& members;
    spi::Net& net;
    spi::Metrics& metrics;
    spi::LogLevels& log_levels;
    std::function<spi::Log&(const std::string& plugin)> log_of;
    std::function<const spi::Settings&(const std::string& plugin)> settings_of;
};

enum class State { kLoaded, kInitialised, kStarted, kStopped, kFailed };
[[nodiscard]] std::string_view to_string(State state) noexcept;

/// One row of the plugin table.
struct PluginRow {
    std::string name;
    std::string version;
    State state = State::kLoaded;
    std::string provides;  ///< comma-separated
    std::chrono::microseconds start_time{0};
};

/// One capability's health.
struct CapabilityHealth {
    std::string capability;
    spi::HealthState state = spi::HealthState::kOk;
    std::string reason;
};

/// Runs plugins through their lives: init of all, start of all, stop in inverse order. When a step fails, or takes
/// longer than its deadline, everything begun is stopped again and the error names plugin and step. Its owner calls it
/// from one thread; table() and health() from any.
class Host final : public spi::NodeHealth {
public:
    /// Descriptors in any order; they are started in the order of their needs.
    Host(std::vector<const spi::Descriptor*> descriptors, Surroundings surroundings,
         std::chrono::milliseconds step_deadline);
    ~Host();

    /// The first half of a start: all are initialised, none does anything yet.
    [[nodiscard]] spi::Status init();
    /// The whole of it, or the rest after init().
    [[nodiscard]] spi::Status start();
    /// The plugins live on until the host is destroyed: a timer of theirs may still fire, and finds a closed gate. End
    /// the executors in between.
    void stop() noexcept;

    [[nodiscard]] std::vector<PluginRow> table() const;
    [[nodiscard]] std::vector<CapabilityHealth> health() const;
    void report_to(spi::HealthSink& sink) const override;
    [[nodiscard]] ServiceRegistry& services() noexcept { return services_; }
    /// True when a step never ended: its thread still runs, so the process must end without cleaning up.
    [[nodiscard]] bool has_hung() const noexcept { return hung_; }

private:
    struct Loaded;

    spi::Status run_step(Loaded& plugin, const char* step, std::function<spi::Status()> body);
    spi::Status run_all(const char* step, State reached, const std::function<spi::Status(Loaded&)>& body);
    spi::Status resolve();

    Surroundings surroundings_;
    const std::chrono::milliseconds step_deadline_;
    ServiceRegistry services_;
    mutable std::mutex mutex_;  ///< guards the states of plugins_
    std::vector<std::unique_ptr<Loaded>> plugins_;
    bool initialised_ = false;
    bool hung_ = false;
};

}  // namespace pharos::plugin
