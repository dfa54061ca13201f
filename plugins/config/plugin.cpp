#include <chrono>
#include <optional>
#include <vector>

#include <pharos/protocol/dashboard.hpp>
#include <pharos/spi/namespaces.hpp>
#include <pharos/spi/plugin.hpp>

#include "api_http/config_http.hpp"
#include "api_rpc/config_rpc.hpp"
#include "history/purge.hpp"
#include "listen/long_polls.hpp"
#include "listen/rpc_listeners.hpp"
#include "search/search.hpp"
#include "store/index.hpp"
#include "store/repository.hpp"

namespace {

namespace config = pharos::config;
namespace spi = pharos::spi;

constexpr spi::SettingSpec kSettings[] = {
    {"hot_bytes", spi::SettingType::kBytes, "4MiB", 0, std::int64_t{1} << 36,
     "Memory for contents that are read often."},
    {"history_days", spi::SettingType::kInteger, "30", 0, 36500,
     "Days that changes of configs are remembered; 0 = for ever."},
    {"history_count", spi::SettingType::kInteger, "1000", 0, 100'000,
     "Changes of one config that are remembered; 0 = all that are not too old."},
    {"search_running", spi::SettingType::kInteger, "2", 1, 16, "Searches in contents that run at once."},
    {"search_waiting", spi::SettingType::kInteger, "4", 0, 32, "Searches in contents that may wait for their turn."},
    {"search_wait", spi::SettingType::kDuration, "8s", 0, spi::Duration(std::chrono::minutes(10)).count(),
     "How long a search in contents waits before it is refused."},
    {"max_listened", spi::SettingType::kInteger, "10000", 1, 1'000'000,
     "Configs of one long poll or one batch of listens."},
    {"max_listened_per_connection", spi::SettingType::kInteger, "100000", 1, 10'000'000,
     "Configs that one gRPC connection listens to."},
    {"max_polls_per_ip", spi::SettingType::kInteger, "10000", 1, 10'000'000,
     "Long polls held at once for one address."},
};

constexpr spi::Duration kPatience = std::chrono::seconds(5);

/// The config centre: contents in the store, their md5s in memory, listeners told of changes.
class ConfigPlugin final : public spi::Plugin, private spi::NamespaceUsage {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        context_ = &context;
        const spi::Settings& settings = context.settings();
        repository_.emplace(index_, static_cast<std::size_t>(settings.integer("hot_bytes")), context.executors(),
                            context.metrics());
        purge_.emplace(
            config::HistoryPurge::Limits{settings.integer("history_days"), settings.integer("history_count")},
            context.executors(), context.metrics(), context.log());
        search_.emplace(index_, *repository_, context.executors(),
                        config::Search::Limits{static_cast<std::size_t>(settings.integer("search_running")),
                                               static_cast<std::size_t>(settings.integer("search_waiting")),
                                               spi::Duration(settings.integer("search_wait"))});
        const auto refused = [&context](const char* limit) {
            return &context.metrics().counter("pharos_limit_refused_total",
                                              "Refused because of a limit, by its setting.", {{"limit", limit}});
        };
        const config::ListenLimits limits{
            .listened = static_cast<std::size_t>(settings.integer("max_listened")),
            .by_connection = static_cast<std::size_t>(settings.integer("max_listened_per_connection")),
            .polls_by_ip = static_cast<std::size_t>(settings.integer("max_polls_per_ip")),
            .refused_listened = refused("config.max_listened"),
            .refused_by_connection = refused("config.max_listened_per_connection"),
            .refused_polls = refused("config.max_polls_per_ip")};
        polls_.emplace(index_, context.executors(), limits);
        listeners_.emplace(context.executors(), context.connections(), context.metrics(), context.log());
        http_.emplace(config::Services{index_, *repository_, *search_, *polls_, *listeners_, context.executors()});
        rpc_.emplace(*repository_, *listeners_, limits);
        if (spi::Status status = http_->add_to(context.http()); !status) {
            return status;
        }
        if (spi::Status status = rpc_->add_to(context.rpc(), context.connections()); !status) {
            return status;
        }
        spi::Result<spi::Registration> usage = context.services().provide<spi::NamespaceUsage>(*this);
        if (!usage) {
            return usage.error();
        }
        registrations_.push_back(std::move(usage.value()));
        add_gauges(context.metrics());
        return {};
    }

    spi::Status start() noexcept override {
        spi::Store* store = context_->services().find<spi::Store>();
        if (store == nullptr) {
            return {spi::Code::kUnavailable, "there is no store"};
        }
        http_->limit_by(context_->services().find<spi::LoadControl>());
        spi::Status loaded = repository_->start(*store, [this](const std::string& store_key) {
            polls_->wake(store_key);
            listeners_->notify(store_key);
        });
        if (loaded) {
            purge_->start(*store);
        }
        return loaded;
    }

    void stop() noexcept override {
        if (!repository_) {
            return;
        }
        http_->stop();
        rpc_->stop();
        registrations_.clear();
        purge_->stop(kPatience);
        search_->stop(kPatience);
        repository_->stop(kPatience);
        polls_->stop(kPatience);
        listeners_->stop(kPatience);
    }

    void health(spi::HealthSink& sink) const noexcept override {
        using spi::HealthState;
        const bool readable = repository_->is_readable();
        sink.report("config.read", readable ? HealthState::kOk : HealthState::kFailed,
                    readable ? "" : "the store can't be read");
        const spi::Status failure = repository_->write_failure();
        // Degraded, not failed: what can be read is still served.
        sink.report("config.write", failure ? HealthState::kOk : HealthState::kDegraded, failure.message());
    }

private:
    [[nodiscard]] std::uint64_t config_count(std::string_view namespace_id) const noexcept override {
        return index_.count(namespace_id);
    }

    void add_gauges(spi::Metrics& metrics) {
        const auto add = [&](std::string_view name, std::string_view help, const spi::Labels& labels, auto read) {
            registrations_.push_back(metrics.gauge(name, help, labels, [read] { return static_cast<double>(read()); }));
        };
        add("pharos_config_count", "Configs of all namespaces.", {}, [this] { return index_.size(); });
        add("pharos_config_hot_bytes", "Contents that are kept in memory.", {},
            [this] { return repository_->hot_bytes(); });
        add("pharos_config_writes_waiting", "Changes that wait for another one of the same config.", {},
            [this] { return repository_->waiting(); });
        add("pharos_config_listeners", "Listened configs of all clients.", {{"kind", "grpc"}},
            [this] { return listeners_->size(); });
        add("pharos_config_listeners", "Listened configs of all clients.", {{"kind", "long_poll"}},
            [this] { return polls_->held(); });
        const auto dashboard = [&](std::string_view name, auto read) {
            registrations_.push_back(pharos::protocol::dashboard_gauge(metrics, "config", name,
                                                                       [read] { return static_cast<double>(read()); }));
        };
        dashboard("configCount", [this] { return index_.size(); });
        dashboard("longPolling", [this] { return polls_->held(); });
    }

    spi::PluginContext* context_ = nullptr;
    // In this order: what comes later uses what comes before.
    config::Index index_;
    std::optional<config::Repository> repository_;
    std::optional<config::HistoryPurge> purge_;
    std::optional<config::Search> search_;
    std::optional<config::LongPolls> polls_;
    std::optional<config::RpcListeners> listeners_;
    std::optional<config::ConfigHttp> http_;
    std::optional<config::ConfigRpc> rpc_;
    std::vector<spi::Registration> registrations_;
};

}  // namespace

PHAROS_PLUGIN(ConfigPlugin, "config", "0.1.0", PHAROS_PROVIDES("pharos.NamespaceUsage/1"),
              PHAROS_REQUIRES("pharos.Store/1", "pharos.LoadControl/1?"), kSettings)
