#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/spi/plugin.hpp>

#include "plugin/plugin_context.hpp"
#include "plugin/resolver.hpp"
#include "plugin/service_registry.hpp"
#include "plugin/step.hpp"

namespace pharos::plugin {

/// A plugin to run, or, without a descriptor, one that was refused.
struct Module {
    std::string name;
    const spi::Descriptor* descriptor = nullptr;
    std::string file;
    bool foreign = false;   ///< not of the server's own directory
    bool optional = false;  ///< the node runs without it, if it must
    std::string refused;    ///< why
    std::string version;    ///< of a refused one, as far as it could be read
    std::vector<std::string> provides;
    std::vector<std::string> requires_;
};

enum class State { kLoaded, kInitialised, kStarted, kStopped, kRefused, kFailed, kHung };
[[nodiscard]] std::string_view to_string(State state) noexcept;

/// One row of the plugin table.
struct PluginRow {
    std::string name;
    std::string version;
    State state = State::kLoaded;
    std::string provides;   ///< comma-separated
    std::string requires_;  ///< comma-separated
    std::string file;
    bool foreign = false;
    bool optional = false;
    std::string reason;  ///< why it does not run
    std::chrono::microseconds start_time{0};

    [[nodiscard]] bool is_left_out() const noexcept {
        return state == State::kRefused || state == State::kFailed || state == State::kHung;
    }
};

/// One capability's health.
struct CapabilityHealth {
    std::string capability;
    spi::HealthState state = spi::HealthState::kOk;
    std::string reason;
};

/// Runs plugins through their lives: init of all, start of all, stop in inverse order. When a step fails, or takes
/// longer than its deadline, everything begun is stopped again and the error names plugin and step; but an optional
/// plugin is left out instead, with those that need it: it is stopped, unless it hangs, all that it registered is taken
/// back, and the log, table() and health() tell. Its owner calls it from one thread; table() and health() from any.
class Host final : public spi::NodeHealth {
public:
    /// Modules in any order; they are started in the order of their needs.
    Host(std::vector<Module> modules, Surroundings surroundings, std::chrono::milliseconds step_deadline);
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
    /// The steps that never ended, "plugin 'x' start"; their threads still run, so the process must end without
    /// cleaning up. Empty when there are none.
    [[nodiscard]] std::string hung() const { return hung_; }
    [[nodiscard]] bool has_hung() const noexcept { return !hung_.empty(); }

private:
    struct Loaded;

    spi::Status resolve();
    spi::Status run_all(const char* step, State reached, const std::function<spi::Status(Loaded&)>& body);
    StepResult run(Loaded& plugin, const char* step, std::function<spi::Status()> body);
    void leave_out(Loaded& plugin, const char* step, State state, const std::string& reason);
    void stop_one(Loaded& plugin) noexcept;
    [[nodiscard]] std::vector<Dependencies> needs() const;

    Surroundings surroundings_;
    const std::chrono::milliseconds step_deadline_;
    StepRunner steps_;
    ServiceRegistry services_;
    mutable std::mutex mutex_;                      ///< guards the states and reasons of plugins_
    std::vector<std::unique_ptr<Loaded>> plugins_;  ///< those that run first, in start order
    bool initialised_ = false;
    std::string hung_;
};

}  // namespace pharos::plugin
