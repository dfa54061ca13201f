#include "plugin/host.hpp"

#include <utility>

#include "plugin/library.hpp"

namespace pharos::plugin {

namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ",") + name;
    }
    return text;
}

}  // namespace

struct Host::Loaded {
    Module module;
    Dependencies needs;
    std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>();
    std::unique_ptr<Context> context;
    std::unique_ptr<spi::Plugin, void (*)(spi::Plugin*)> plugin{nullptr, nullptr};
    State state = State::kLoaded;
    bool is_stuck = false;
    std::chrono::microseconds start_time{0};

    [[nodiscard]] bool is_left_out() const noexcept { return !needs.left_out.empty(); }
};

std::string_view to_string(State state) noexcept {
    switch (state) {
        case State::kLoaded: return "loaded";
        case State::kInitialised: return "initialised";
        case State::kStarted: return "started";
        case State::kStopped: return "stopped";
        case State::kRefused: return "refused";
        case State::kFailed: return "failed";
        case State::kHung: return "hung";
    }
    return "unknown";
}

Host::Host(std::vector<Module> modules, Surroundings surroundings, std::chrono::milliseconds step_deadline)
    : surroundings_(std::move(surroundings)), step_deadline_(step_deadline) {
    for (Module& module : modules) {
        auto loaded = std::make_unique<Loaded>();
        if (module.descriptor != nullptr) {
            module.name = module.descriptor->name;
            module.version = module.descriptor->version;
            module.provides = names_of(module.descriptor->provides);
            module.requires_ = names_of(module.descriptor->requires_);
        }
        loaded->needs = {module.name, module.provides, module.requires_, module.optional, module.refused};
        loaded->module = std::move(module);
        plugins_.push_back(std::move(loaded));
    }
}

Host::~Host() {
    stop();
    if (has_hung()) {
        // A thread is still inside: what it uses must stay for ever.
        static auto* const kept = new std::vector<std::vector<std::unique_ptr<Loaded>>>();
        kept->push_back(std::move(plugins_));
        return;
    }
    for (auto plugin = plugins_.rbegin(); plugin != plugins_.rend(); ++plugin) {
        (*plugin)->plugin.reset();
    }
}

std::vector<Dependencies> Host::needs() const {
    std::vector<Dependencies> all;
    for (const auto& plugin : plugins_) {
        all.push_back(plugin->needs);
    }
    return all;
}

spi::Status Host::resolve() {
    for (const auto& plugin : plugins_) {
        if (plugin->is_left_out()) {
            leave_out(*plugin, "load", State::kRefused, plugin->module.refused);
        }
    }
    std::vector<Dependencies> all = needs();
    const spi::Result<std::vector<std::size_t>> order = start_order(all);
    if (!order) {
        return order.error();
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!plugins_[i]->is_left_out() && !all[i].left_out.empty()) {
            leave_out(*plugins_[i], "resolve", State::kRefused, all[i].left_out);
        }
    }
    std::vector<std::unique_ptr<Loaded>> sorted;
    for (const std::size_t index : order.value()) {
        sorted.push_back(std::move(plugins_[index]));
    }
    std::lock_guard lock(mutex_);
    for (auto& plugin : plugins_) {
        if (plugin != nullptr) {
            sorted.push_back(std::move(plugin));
        }
    }
    plugins_ = std::move(sorted);
    return {};
}

StepResult Host::run(Loaded& plugin, const char* step, std::function<spi::Status()> body) {
    StepResult result = steps_.run(plugin.module.name, step, step_deadline_, std::move(body));
    if (result.is_stuck) {
        plugin.is_stuck = true;
        hung_ += (hung_.empty() ? "plugin '" : ", plugin '") + plugin.module.name + "' " + step;
    }
    return result;
}

void Host::leave_out(Loaded& plugin, const char* step, State state, const std::string& reason) {
    stop_one(plugin);
    plugin.ledger->close();
    {
        std::lock_guard lock(mutex_);
        plugin.state = state;
        plugin.needs.left_out = reason;
    }
    surroundings_.log_of("kernel").error("plugin left out", spi::kv("name", plugin.module.name), spi::kv("step", step),
                                         spi::kv("state", to_string(state)), spi::kv("reason", reason));
}

spi::Status Host::run_all(const char* step, State reached, const std::function<spi::Status(Loaded&)>& body) {
    std::vector<Dependencies> all = needs();
    for (const auto& plugin : plugins_) {
        if (plugin->is_left_out()) {
            continue;
        }
        // A provider may have been left out since the order was made.
        if (const std::string missing = missing_need(all, plugin->needs); !missing.empty()) {
            if (!plugin->module.optional) {
                return {spi::Code::kUnavailable, "plugin '" + plugin->module.name + "' " + missing};
            }
            leave_out(*plugin, step, State::kRefused, missing);
            all = needs();
            continue;
        }
        // By value: a step that hangs outlives this call.
        StepResult result = run(*plugin, step, [body, loaded = plugin.get()] { return body(*loaded); });
        if (!result.status && plugin->module.optional) {
            leave_out(*plugin, step, result.hung ? State::kHung : State::kFailed, result.status.message());
            all = needs();
            continue;
        }
        std::lock_guard lock(mutex_);
        plugin->start_time += result.took;
        plugin->state = result.status ? reached : result.hung ? State::kHung : State::kFailed;
        if (!result.status) {
            return result.status;
        }
    }
    return {};
}

spi::Status Host::init() {
    spi::Status status = resolve();
    if (!status) {
        return status;
    }
    status = run_all("init", State::kInitialised, [this](Loaded& plugin) {
        const spi::Descriptor& descriptor = *plugin.module.descriptor;
        plugin.context = std::make_unique<Context>(surroundings_, *this, services_, descriptor, plugin.ledger);
        plugin.plugin = {descriptor.create(), descriptor.destroy};
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

void Host::stop_one(Loaded& plugin) noexcept {
    // Nobody waits for a plugin that a thread is stuck in: it may hold whatever its stop() would need.
    if (plugin.is_stuck || plugin.is_left_out() || plugin.state == State::kStopped || plugin.plugin == nullptr) {
        return;
    }
    const StepResult result = run(plugin, "stop", [loaded = &plugin] {
        loaded->plugin->stop();
        return spi::Status();
    });
    if (!result.status) {
        surroundings_.log_of("kernel").error("plugin did not stop", spi::kv("name", plugin.module.name),
                                             spi::kv("reason", result.status.message()));
    }
    std::lock_guard lock(mutex_);
    plugin.state = State::kStopped;
}

void Host::stop() noexcept {
    for (auto plugin = plugins_.rbegin(); plugin != plugins_.rend(); ++plugin) {
        stop_one(**plugin);
    }
}

std::vector<PluginRow> Host::table() const {
    std::lock_guard lock(mutex_);
    std::vector<PluginRow> rows;
    for (const auto& plugin : plugins_) {
        const Module& module = plugin->module;
        rows.push_back({module.name, module.version, plugin->state, joined(module.provides), joined(module.requires_),
                        module.file, module.foreign, module.optional, plugin->needs.left_out, plugin->start_time});
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
        } else if (plugin->is_left_out()) {
            sink.report("plugin." + plugin->module.name, spi::HealthState::kDegraded, plugin->needs.left_out);
        }
    }
}

}  // namespace pharos::plugin
