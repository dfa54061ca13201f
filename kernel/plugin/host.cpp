#include "plugin/host.hpp"

#include <condition_variable>
#include <exception>
#include <memory>
#include <thread>

#include "plugin/library.hpp"
#include "plugin/resolver.hpp"

namespace pharos::plugin {

namespace {

spi::Status failed(std::string message) { return {spi::Code::kInternal, std::move(message)}; }

/// What one plugin sees of the node.
class Context final : public spi::PluginContext {
public:
    Context(const Surroundings& around, const spi::NodeHealth& node_health, ServiceRegistry& services,
            const spi::Descriptor& descriptor)
        : around_(around),
          node_health_(node_health),
          services_(services, descriptor.name, names_of(descriptor.provides)),
          settings_(around.settings_of(descriptor.name)),
          log_(around.log_of(descriptor.name)) {}

    const spi::NodeInfo& node() const noexcept override { return around_.node; }
    const spi::Settings& settings() const noexcept override { return settings_; }
    spi::ServiceRegistry& services() noexcept override { return services_; }
    spi::Executors& executors() noexcept override { return around_.executors; }
    spi::HttpRoutes& http() noexcept override { return around_.http; }
    spi::RpcMethods& rpc() noexcept override { return around_.rpc; }
    spi::Connections& connections() noexcept override { return around_.connections; }
    const spi::Members& members() noexcept override { return around_.members; }
    spi::Net& net() noexcept override { return around_.net; }
    spi::Metrics& metrics() noexcept override { return around_.metrics; }
    spi::Log& log() noexcept override { return log_; }
    spi::LogLevels& log_levels() noexcept override { return around_.log_levels; }
    const spi::NodeHealth& node_health() noexcept override { return node_health_; }

private:
    const Surroundings& around_;
    const spi::NodeHealth& node_health_;
    ProviderView services_;
    const spi::Settings& settings_;
    spi::Log& log_;
};

/// The outcome of a step that runs on a thread of its own.
struct Step {
    std::mutex mutex;
    std::condition_variable ended;
    bool done = false;
    spi::Status status;
};

}  // namespace

struct Host::Loaded {
    const spi::Descriptor* descriptor = nullptr;
    std::unique_ptr<Context> context;
    std::unique_ptr<spi::Plugin, void (*)(spi::Plugin*)> plugin{nullptr, nullptr};
    State state = State::kLoaded;
    std::chrono::microseconds start_time{0};
};

std::string_view to_string(State state) noexcept {
    switch (state) {
        case State::kLoaded: return "loaded";
        case State::kInitialised: return "initialised";
        case State::kStarted: return "started";
        case State::kStopped: return "stopped";
        case State::kFailed: return "failed";
    }
    return "unknown";
}

Host::Host(std::vector<const spi::Descriptor*> descriptors, Surroundings surroundings,
           std::chrono::milliseconds step_deadline)
    : surroundings_(std::move(surroundings)), step_deadline_(step_deadline) {
    for (const spi::Descriptor* descriptor : descriptors) {
        auto loaded = std::make_unique<Loaded>();
        loaded->descriptor = descriptor;
        plugins_.push_back(std::move(loaded));
    }
}

Host::~Host() {
    stop();
    for (auto plugin = plugins_.rbegin(); plugin != plugins_.rend(); ++plugin) {
        (*plugin)->plugin.reset();
    }
}

spi::Status Host::resolve() {
    std::vector<Dependencies> needs;
    for (const auto& plugin : plugins_) {
        const spi::Descriptor& descriptor = *plugin->descriptor;
        needs.push_back({descriptor.name, names_of(descriptor.provides), names_of(descriptor.requires_)});
    }
    const spi::Result<std::vector<std::size_t>> order = start_order(needs);
    if (!order) {
        return order.error();
    }
    std::vector<std::unique_ptr<Loaded>> sorted;
    for (const std::size_t index : order.value()) {
        sorted.push_back(std::move(plugins_[index]));
    }
    std::lock_guard lock(mutex_);
    plugins_ = std::move(sorted);
    return {};
}

spi::Status Host::run_step(Loaded& plugin, const char* step, std::function<spi::Status()> body) {
    const auto begun = std::chrono::steady_clock::now();
    auto outcome = std::make_shared<Step>();
    std::thread runner([outcome, body = std::move(body)] {
        spi::Status status;
        try {
            status = body();
        } catch (const std::exception& error) {
            status = failed(std::string("threw: ") + error.what());
        } catch (...) {
            status = failed("threw something that is no std::exception");
        }
        std::lock_guard lock(outcome->mutex);
        outcome->status = std::move(status);
        outcome->done = true;
        outcome->ended.notify_all();
    });
    const std::string who = std::string("plugin '") + plugin.descriptor->name + "' " + step;
    std::unique_lock lock(outcome->mutex);
    if (!outcome->ended.wait_for(lock, step_deadline_, [&] { return outcome->done; })) {
        hung_ = true;
        runner.detach();
        return failed(who + " has not ended after " + std::to_string(step_deadline_.count()) + " ms");
    }
    lock.unlock();
    runner.join();
    plugin.start_time +=
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    return outcome->status ? spi::Status() : failed(who + " failed: " + outcome->status.message());
}

spi::Status Host::run_all(const char* step, State reached, const std::function<spi::Status(Loaded&)>& body) {
    for (const auto& plugin : plugins_) {
        // By value: a step that hangs outlives this call.
        spi::Status status = run_step(*plugin, step, [body, loaded = plugin.get()] { return body(*loaded); });
        std::lock_guard lock(mutex_);
        plugin->state = status ? reached : State::kFailed;
        if (!status) {
            return status;
        }
    }
    return {};
}

spi::Status Host::init() {
    if (spi::Status status = resolve(); !status) {
        return status;
    }
    spi::Status status = run_all("init", State::kInitialised, [this](Loaded& plugin) {
        plugin.context = std::make_unique<Context>(surroundings_, *this, services_, *plugin.descriptor);
        plugin.plugin = {plugin.descriptor->create(), plugin.descriptor->destroy};
        return plugin.plugin->init(*plugin.context);
    });
    initialised_ = status.is_ok();
    if (!status) {
        stop();
    }
    return status;
}

spi::Status Host::start() {
    if (!initialised_) {
        if (spi::Status status = init(); !status) {
            return status;
        }
    }
    spi::Status status = run_all("start", State::kStarted, [](Loaded& plugin) { return plugin.plugin->start(); });
    if (!status) {
        stop();
    }
    return status;
}

void Host::stop() noexcept {
    for (auto plugin = plugins_.rbegin(); plugin != plugins_.rend(); ++plugin) {
        Loaded& loaded = **plugin;
        if (loaded.plugin == nullptr || loaded.state == State::kStopped || hung_) {
            continue;
        }
        const spi::Status status = run_step(loaded, "stop", [&loaded] {
            loaded.plugin->stop();
            return spi::Status();
        });
        if (!status) {
            surroundings_.log_of(loaded.descriptor->name).error("stop failed", spi::kv("reason", status.message()));
        }
        std::lock_guard lock(mutex_);
        loaded.state = State::kStopped;
    }
    if (!hung_) {
        return;
    }
    // A thread may still be inside: what it uses must stay for ever.
    static auto* const kept = new std::vector<std::vector<std::unique_ptr<Loaded>>>();
    std::lock_guard lock(mutex_);
    kept->push_back(std::move(plugins_));
    plugins_.clear();
}

std::vector<PluginRow> Host::table() const {
    std::lock_guard lock(mutex_);
    std::vector<PluginRow> rows;
    for (const auto& plugin : plugins_) {
        PluginRow row{plugin->descriptor->name, plugin->descriptor->version, plugin->state, {}, plugin->start_time};
        for (const std::string& name : names_of(plugin->descriptor->provides)) {
            row.provides += (row.provides.empty() ? "" : ",") + name;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<CapabilityHealth> Host::health() const {
    class Sink final : public spi::HealthSink {
    public:
        void report(std::string_view capability, spi::HealthState state, std::string_view reason) override {
            found.push_back({std::string(capability), state, std::string(reason)});
        }
        std::vector<CapabilityHealth> found;
    };
    Sink sink;
    report_to(sink);
    return std::move(sink.found);
}

void Host::report_to(spi::HealthSink& sink) const {
    std::lock_guard lock(mutex_);
    for (const auto& plugin : plugins_) {
        if (plugin->state == State::kStarted) {
            plugin->plugin->health(sink);
        }
    }
}

}  // namespace pharos::plugin
