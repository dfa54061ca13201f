// What a query costs behind the transports: parameters, look-up, and making the reply.
#include <benchmark/benchmark.h>

#include <pharos/testing/fakes.hpp>

#include "api_http/config_http.hpp"
#include "api_rpc/config_rpc.hpp"

namespace pharos::config {
namespace {

using namespace pharos::testing;

class Handlers final : public spi::HttpRoutes, public spi::RpcMethods {
public:
    spi::Result<spi::Registration> add(const spi::HttpRoute& route, spi::HttpHandler handler) override {
        if (route.method == spi::HttpMethod::kGet) {
            get = std::move(handler);
        }
        return spi::Registration();
    }
    spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override {
        if (method.type == "ConfigQueryRequest") {
            query = std::move(handler);
        }
        return spi::Registration();
    }
    spi::Registration ability(std::string_view) override { return {}; }
    spi::HttpHandler get;
    spi::RpcHandler query;
};

struct NullExchange final : spi::HttpExchange, spi::RpcExchange {
    void send(const spi::HttpReply& reply) noexcept override { bytes += spi::total_size(reply.body); }
    void send(std::string_view, spi::Pieces body) noexcept override { bytes += spi::total_size(body); }
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}
    std::size_t bytes = 0;
};

struct Node {
    explicit Node(std::size_t content) {
        (void)repository.start(store, [](const std::string&) {});
        (void)http.add_to(handlers);
        (void)rpc.add_to(handlers, connections);
        Publish publish;
        publish.key = make_key("", "DEFAULT_GROUP", "application.yaml");
        publish.content = std::string(content, 'x');
        repository.publish(std::move(publish), [](spi::Result<bool>) {});
    }
    Index index;
    FakeExecutors executors;
    FakeMetrics metrics;
    NullLog log;
    MemoryStore store;
    FakeConnections connections;
    Repository repository{index, 4 << 20, executors, metrics};
    LongPolls polls{index, executors};
    RpcListeners listeners{executors, connections, metrics, log};
    ConfigHttp http{repository, polls, executors.time};
    ConfigRpc rpc{repository, listeners};
    Handlers handlers;
    spi::Principal nobody;
};

void http_get(benchmark::State& state) {
    Node node(static_cast<std::size_t>(state.range(0)));
    NullExchange exchange;
    const spi::HttpRequest request{.path = "/v1/cs/configs",
                                   .query = "dataId=application.yaml&group=DEFAULT_GROUP&tenant=",
                                   .principal = &node.nobody};
    for (auto _ : state) {
        node.handlers.get(request, spi::HttpResponder(&exchange));
    }
    benchmark::DoNotOptimize(exchange.bytes);
}
BENCHMARK(http_get)->Arg(100)->Arg(1024)->Arg(10240);

void rpc_query(benchmark::State& state) {
    Node node(static_cast<std::size_t>(state.range(0)));
    NullExchange exchange;
    const spi::RpcRequest request{
        .type = "ConfigQueryRequest",
        .body = R"({"headers":{},"dataId":"application.yaml","group":"DEFAULT_GROUP","tenant":"","module":"config"})",
        .headers = {},
        .connection = nullptr,
        .principal = &node.nobody};
    for (auto _ : state) {
        node.handlers.query(request, spi::RpcResponder(&exchange));
    }
    benchmark::DoNotOptimize(exchange.bytes);
}
BENCHMARK(rpc_query)->Arg(100)->Arg(1024)->Arg(10240);

}  // namespace
}  // namespace pharos::config
