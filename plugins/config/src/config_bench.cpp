// What queries, publishes and listening cost behind the transports, over a store in memory that costs next to nothing.
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
        if (route.path == "/v1/cs/configs" && route.method == spi::HttpMethod::kGet) {
            get = std::move(handler);
        } else if (route.path == "/v1/cs/configs/listener" && route.method == spi::HttpMethod::kPost) {
            listen = std::move(handler);
        }
        return spi::Registration();
    }
    spi::Result<spi::Registration> add(const spi::RpcMethod& method, spi::RpcHandler handler) override {
        if (method.type == "ConfigQueryRequest") {
            query = std::move(handler);
        } else if (method.type == "ConfigBatchListenRequest") {
            batch_listen = std::move(handler);
        }
        return spi::Registration();
    }
    spi::Registration ability(std::string_view) override { return {}; }
    spi::HttpHandler get;
    spi::HttpHandler listen;
    spi::RpcHandler query;
    spi::RpcHandler batch_listen;
};

struct NullExchange final : spi::HttpExchange, spi::RpcExchange {
    void send(const spi::HttpReply& reply) noexcept override { bytes += spi::total_size(reply.body); }
    void send(std::string_view, spi::Pieces body) noexcept override { bytes += spi::total_size(body); }
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}
    std::size_t bytes = 0;
};

/// A store whose snapshots are its data: cheap, for one thread that writes only while nobody reads.
class BenchStore final : public spi::Store {
public:
    class Snapshot final : public spi::StoreSnapshot {
    public:
        explicit Snapshot(const MemoryStore::Data& data, spi::Revision revision) : data_(data), revision_(revision) {}
        [[nodiscard]] spi::Revision revision() const noexcept override { return revision_; }
        [[nodiscard]] std::optional<spi::StoreValue> get(std::string_view key) const noexcept override {
            const auto found = data_.find(key);
            return found == data_.end() ? std::nullopt
                                        : std::optional(spi::StoreValue{found->second.first, found->second.second});
        }
        void scan(std::string_view prefix, std::string_view from,
                  spi::UniqueFunction<bool(std::string_view, const spi::StoreValue&)> each) const override {
            for (auto at = data_.lower_bound(std::max(prefix, from)); at != data_.end(); ++at) {
                if (!at->first.starts_with(prefix) || !each(at->first, {at->second.first, at->second.second})) {
                    return;
                }
            }
        }

    private:
        const MemoryStore::Data& data_;
        spi::Revision revision_;
    };

    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept override {
        return std::make_unique<Snapshot>(data_, revision_);
    }
    void commit(spi::StoreCommit commit, spi::Completion<spi::Revision> done) noexcept override {
        ++revision_;
        std::vector<spi::StoreChange> changes;
        for (spi::StoreOp& op : commit.ops) {
            if (!op.value) {
                data_.erase(op.key);
            } else if (op.key.starts_with(prefix_)) {
                const auto& stored = data_[op.key] = {std::move(*op.value), revision_};
                changes.push_back({op.key, stored.first, revision_});
            } else {
                bytes_ += op.value->size();  // copied, as a store does, and dropped
            }
        }
        watcher_(changes);
        done(revision_);
    }
    spi::Registration watch(std::string prefix, spi::Revision,
                            spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept override {
        prefix_ = std::move(prefix);
        watcher_ = std::move(watcher);
        return spi::Registration([this] { watcher_.reset(); });
    }
    void barrier(spi::Completion<spi::Revision> done) noexcept override { done(revision_); }
    [[nodiscard]] spi::Status readiness() const noexcept override { return {}; }

private:
    MemoryStore::Data data_;
    std::string prefix_;
    std::size_t bytes_ = 0;
    spi::Revision revision_ = 0;
    spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher_;
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
    BenchStore store;
    FakeConnections connections;
    Repository repository{index, 4 << 20, executors, metrics};
    LongPolls polls{index, executors};
    RpcListeners listeners{executors, connections, metrics, log};
    Search search{index, repository, executors, {}};
    ConfigHttp http{Services{index, repository, search, polls, listeners, executors}};
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

void publish(benchmark::State& state) {
    Node node(1);
    std::string content(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) {
        content[0] = content[0] == 'x' ? 'y' : 'x';
        Publish publish;
        publish.key = make_key("", "DEFAULT_GROUP", "application.yaml");
        publish.content = content;
        publish.type = "yaml";
        publish.author.ip = "127.0.0.1";
        node.repository.publish(std::move(publish), [](spi::Result<bool>) {});
        node.executors.blocking.run();
    }
}
BENCHMARK(publish)->Arg(100)->Arg(1024)->Arg(10240)->Arg(102400);

void long_poll_without_a_wait(benchmark::State& state) {
    Node node(100);
    NullExchange exchange;
    const spi::HttpHeader headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                       {"Long-Pulling-Timeout", "30000"},
                                       {"Long-Pulling-Timeout-No-Hangup", "true"}};
    std::string body = "Listening-Configs=";
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        body += "application-" + std::to_string(i) + ".yaml%02DEFAULT_GROUP%02%01";
    }
    const spi::HttpRequest request{.method = spi::HttpMethod::kPost,
                                   .path = "/v1/cs/configs/listener",
                                   .body = body,
                                   .headers = headers,
                                   .principal = &node.nobody};
    for (auto _ : state) {
        node.handlers.listen(request, spi::HttpResponder(&exchange));
    }
}
BENCHMARK(long_poll_without_a_wait)->Arg(1)->Arg(100);

/// A page of 100 from many configs: the first, and, with a filter, one from all that fit.
void list_page(benchmark::State& state) {
    Node node(100);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        RecordView record;
        record.id = static_cast<std::uint64_t>(i + 10);
        node.index.apply(make_key("", "G", "application-" + std::to_string(i) + ".yaml").store_key(), 1,
                         make_entry(record, 1));
    }
    for (auto _ : state) {
        ConfigFilter filter;
        if (state.range(1) != 0) {
            filter.data_id = LikePattern("*-9*.yaml");
        }
        node.search.find(std::move(filter), {1, 100}, Search::Contents::kLeftOut,
                         [](const spi::Result<ConfigPage>& found) { benchmark::DoNotOptimize(found.value().total); });
        node.executors.blocking.run();
    }
}
BENCHMARK(list_page)->ArgNames({"configs", "filtered"})->Args({100'000, 0})->Args({100'000, 1});

void batch_listen(benchmark::State& state) {
    Node node(100);
    NullExchange exchange;
    const spi::ConnectionPtr connection = make_connection(7);
    node.listeners.on_registered(connection);
    std::string body = R"({"listen":true,"configListenContexts":[)";
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        body += (i == 0 ? "" : ",") +
                std::string(R"({"group":"DEFAULT_GROUP","md5":"5d41402abc4b2a76b9719d911017c592",)") +
                R"("dataId":"application-)" + std::to_string(i) + R"(.yaml","tenant":""})";
    }
    body += "]}";
    const spi::RpcRequest request{.type = "ConfigBatchListenRequest",
                                  .body = body,
                                  .headers = {},
                                  .connection = connection,
                                  .principal = &node.nobody};
    for (auto _ : state) {
        node.handlers.batch_listen(request, spi::RpcResponder(&exchange));
    }
}
BENCHMARK(batch_listen)->Arg(10)->Arg(3000);

}  // namespace
}  // namespace pharos::config
