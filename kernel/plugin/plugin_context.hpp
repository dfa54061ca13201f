#pragma once

#include <functional>
#include <memory>
#include <string>

#include <pharos/spi/plugin.hpp>

#include "plugin/ledger.hpp"
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

/// What one plugin sees of the node. Whatever it registers is entered in its ledger.
class Context final : public spi::PluginContext {
public:
    Context(const Surroundings& around, const spi::NodeHealth& node_health, ServiceRegistry& services,
            const spi::Descriptor& descriptor, std::shared_ptr<Ledger> ledger);

    const spi::NodeInfo& node() const noexcept override { return around_.node; }
    const spi::Settings& settings() const noexcept override { return settings_; }
    spi::ServiceRegistry& services() noexcept override { return services_; }
    spi::Executors& executors() noexcept override { return around_.executors; }
    spi::HttpRoutes& http() noexcept override { return http_; }
    spi::RpcMethods& rpc() noexcept override { return rpc_; }
    spi::Connections& connections() noexcept override { return connections_; }
    const spi::Members& members() noexcept override { return around_.members; }
    spi::Net& net() noexcept override { return net_; }
    spi::Metrics& metrics() noexcept override { return metrics_; }
    spi::Log& log() noexcept override { return log_; }
    spi::LogLevels& log_levels() noexcept override { return around_.log_levels; }
    const spi::NodeHealth& node_health() noexcept override { return node_health_; }

private:
    class Http final : public spi::HttpRoutes {
    public:
        Http(spi::HttpRoutes& real, Ledger& ledger) : real_(real), ledger_(ledger) {}
        spi::Result<spi::Registration> add(const spi::HttpRoute& route, spi::HttpHandler handler) override;

    private:
        spi::HttpRoutes& real_;
        Ledger& ledger_;
    };
    class Rpc final : public spi::RpcMethods {
    public:
        Rpc(spi::RpcMethods& real, Ledger& ledger) : real_(real), ledger_(ledger) {}
        spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override;
        spi::Registration ability(std::string_view key) override;

    private:
        spi::RpcMethods& real_;
        Ledger& ledger_;
    };
    class Connections final : public spi::Connections {
    public:
        Connections(spi::Connections& real, Ledger& ledger) : real_(real), ledger_(ledger) {}
        void push(spi::ConnectionNumber connection, const spi::RpcPush& push,
                  spi::Completion<bool> done) noexcept override {
            real_.push(connection, push, std::move(done));
        }
        void close(spi::ConnectionNumber connection, std::string_view reason) noexcept override {
            real_.close(connection, reason);
        }
        [[nodiscard]] std::vector<spi::ConnectionPtr> list() const override { return real_.list(); }
        [[nodiscard]] spi::ConnectionPtr find(spi::ConnectionNumber connection) const override {
            return real_.find(connection);
        }
        [[nodiscard]] spi::Duration last_active(spi::ConnectionNumber connection) const noexcept override {
            return real_.last_active(connection);
        }
        spi::Registration observe(spi::ConnectionObserver& observer) override;

    private:
        spi::Connections& real_;
        Ledger& ledger_;
    };
    class Net final : public spi::Net {
    public:
        Net(spi::Net& real, std::shared_ptr<Ledger> ledger) : real_(real), ledger_(std::move(ledger)) {}
        void exchange(spi::TcpExchange exchange, spi::Completion<std::string> done) noexcept override {
            real_.exchange(std::move(exchange), std::move(done));
        }
        void http_get(spi::HttpCall call, spi::Completion<spi::HttpAnswer> done) noexcept override {
            real_.http_get(std::move(call), std::move(done));
        }
        void resolve(std::string host, spi::Duration timeout,
                     spi::Completion<std::vector<std::string>> done) noexcept override {
            real_.resolve(std::move(host), timeout, std::move(done));
        }
        void resolve_srv(std::string name, spi::Duration timeout,
                         spi::Completion<std::vector<spi::SrvRecord>> done) noexcept override {
            real_.resolve_srv(std::move(name), timeout, std::move(done));
        }
        spi::Result<std::unique_ptr<spi::UdpSocket>> open_udp(std::uint16_t port,
                                                              spi::UdpReceiver receiver) noexcept override;

    private:
        spi::Net& real_;
        std::shared_ptr<Ledger> ledger_;
    };
    class Metrics final : public spi::Metrics {
    public:
        Metrics(spi::Metrics& real, Ledger& ledger) : real_(real), ledger_(ledger) {}
        spi::Counter& counter(std::string_view name, std::string_view help, const spi::Labels& labels) override {
            return real_.counter(name, help, labels);
        }
        spi::Registration gauge(std::string_view name, std::string_view help, const spi::Labels& labels,
                                spi::UniqueFunction<double()> read) override;

    private:
        spi::Metrics& real_;
        Ledger& ledger_;
    };

    const Surroundings& around_;
    const spi::NodeHealth& node_health_;
    const std::shared_ptr<Ledger> ledger_;
    ProviderView services_;
    Http http_;
    Rpc rpc_;
    Connections connections_;
    Net net_;
    Metrics metrics_;
    const spi::Settings& settings_;
    spi::Log& log_;
};

}  // namespace pharos::plugin
