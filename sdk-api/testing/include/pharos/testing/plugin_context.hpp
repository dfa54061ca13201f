#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/plugin.hpp>
#include <pharos/testing/fakes.hpp>

/// The whole node as a plugin sees it, for tests of a plugin's wiring.
namespace pharos::testing {

/// Settings that the test gives. Like the kernel's, they end the process when asked for what was not declared.
class FakeSettings final : public spi::Settings {
public:
    std::map<std::string, bool, std::less<>> booleans;
    std::map<std::string, std::int64_t, std::less<>> integers;  ///< also nanoseconds and bytes
    std::map<std::string, std::string, std::less<>> strings;
    std::map<std::string, std::vector<std::string>, std::less<>> lists;

    [[nodiscard]] bool boolean(std::string_view key) const noexcept override { return of(booleans, key); }
    [[nodiscard]] std::int64_t integer(std::string_view key) const noexcept override { return of(integers, key); }
    [[nodiscard]] std::string_view string(std::string_view key) const noexcept override { return of(strings, key); }
    [[nodiscard]] const std::vector<std::string>& list(std::string_view key) const noexcept override {
        return of(lists, key);
    }

private:
    template <class Map>
    static const typename Map::mapped_type& of(const Map& map, std::string_view key) noexcept {
        const auto found = map.find(key);
        if (found == map.end()) {
            std::abort();
        }
        return found->second;
    }
};

/// What is provided, by this plugin and by others that the test stands in for.
class FakeServices final : public spi::ServiceRegistry {
public:
    struct Provided {
        std::string interface;
        void* service;
        spi::Properties properties;
    };
    std::vector<std::shared_ptr<Provided>> provided;

protected:
    spi::Result<spi::Registration> provide_raw(std::string_view interface, void* service,
                                               spi::Properties properties) override {
        provided.push_back(
            std::make_shared<Provided>(Provided{std::string(interface), service, std::move(properties)}));
        return spi::Registration([this, mine = provided.back()] { std::erase(provided, mine); });
    }
    [[nodiscard]] void* find_raw(std::string_view interface, const spi::Properties& wanted) const override {
        const std::vector<void*> all = matching(interface, wanted);
        return all.empty() ? nullptr : all.front();
    }
    [[nodiscard]] std::vector<void*> all_raw(std::string_view interface) const override {
        return matching(interface, {});
    }

private:
    [[nodiscard]] std::vector<void*> matching(std::string_view interface, const spi::Properties& wanted) const {
        std::vector<void*> found;
        for (const auto& one : provided) {
            const auto has = [&](const auto& want) {
                return spi::property(one->properties, want.first) == want.second;
            };
            if (one->interface == interface && std::all_of(wanted.begin(), wanted.end(), has)) {
                found.push_back(one->service);
            }
        }
        return found;
    }
};

/// Routes by "GET /path"; the test calls their handlers.
class FakeHttpRoutes final : public spi::HttpRoutes {
public:
    std::map<std::string, spi::HttpHandler> handlers;

    spi::Result<spi::Registration> add(const spi::HttpRoute& route, spi::HttpHandler handler) override {
        std::string what = std::string(spi::to_string(route.method)) + " " + std::string(route.path);
        if (!handlers.emplace(what, std::move(handler)).second) {
            return spi::Status(spi::Code::kConflict, what + " is taken");
        }
        return spi::Registration([this, what] { handlers.erase(what); });
    }
};

/// Handlers of payload types; the test calls them.
class FakeRpcMethods final : public spi::RpcMethods {
public:
    std::map<std::string, spi::RpcHandler> handlers;
    std::vector<std::string> abilities;

    spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override {
        std::string type(method.type);
        if (!handlers.emplace(type, std::move(handler)).second) {
            return spi::Status(spi::Code::kConflict, type + " is taken");
        }
        return spi::Registration([this, type] { handlers.erase(type); });
    }
    spi::Registration ability(std::string_view key) override {
        abilities.emplace_back(key);
        return spi::Registration([this, key = std::string(key)] { std::erase(abilities, key); });
    }
};

/// Give it to Plugin::init. Lives longer than the plugin.
class FakeContext final : public spi::PluginContext, spi::Members, spi::LogLevels, spi::NodeHealth {
public:
    spi::NodeInfo info{
        .version = "0", .data_dir = "", .advertised_ip = "127.0.0.1", .port = 8848, .context_path = "/nacos"};
    FakeSettings given;
    FakeServices registry;
    FakeExecutors threads;
    FakeHttpRoutes routes;
    FakeRpcMethods methods;
    FakeConnections clients;
    FakeNet network;
    FakeMetrics counters;
    NullLog silence;
    std::vector<spi::Member> all_members;

    const spi::NodeInfo& node() const noexcept override { return info; }
    const spi::Settings& settings() const noexcept override { return given; }
    spi::ServiceRegistry& services() noexcept override { return registry; }
    spi::Executors& executors() noexcept override { return threads; }
    spi::HttpRoutes& http() noexcept override { return routes; }
    spi::RpcMethods& rpc() noexcept override { return methods; }
    spi::Connections& connections() noexcept override { return clients; }
    const spi::Members& members() noexcept override { return *this; }
    spi::Net& net() noexcept override { return network; }
    spi::Metrics& metrics() noexcept override { return counters; }
    spi::Log& log() noexcept override { return silence; }
    spi::LogLevels& log_levels() noexcept override { return *this; }
    const spi::NodeHealth& node_health() noexcept override { return *this; }

private:
    [[nodiscard]] spi::MemberList list() const override {
        return std::make_shared<const std::vector<spi::Member>>(all_members);
    }
    spi::Status set_level(std::string_view, spi::LogLevel) override { return {}; }
    [[nodiscard]] std::vector<std::string> parts() const override { return {}; }
    void report_to(spi::HealthSink&) const override {}
};

}  // namespace pharos::testing
