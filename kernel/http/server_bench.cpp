// The parts of a request without sockets: decode, route, write.
#include <benchmark/benchmark.h>

#include "http/path.hpp"
#include "http/reply_writer.hpp"
#include "http/request_decoder.hpp"
#include "http/router.hpp"

namespace pharos::http {
namespace {

constexpr std::string_view kRequest =
    "GET /nacos/v1/cs/route42?dataId=app.yaml&group=DEFAULT_GROUP&tenant=dev HTTP/1.1\r\nHost: 127.0.0.1:8848\r\n"
    "User-Agent: client\r\nAccept: */*\r\nClient-Version: 2.1.0\r\n\r\n";

struct Routes {
    Routes() {
        for (int i = 0; i < 61; ++i) {
            const std::string path = "/v1/cs/route" + std::to_string(i);
            auto added = router.add({spi::HttpMethod::kGet, path, {}}, [](const auto&, auto) {});
            registrations.push_back(std::move(added.value()));
        }
    }
    Router router;
    std::vector<spi::Registration> registrations;
};

void decode(benchmark::State& state) {
    RequestDecoder decoder({});
    for (auto _ : state) {
        decoder.decode(kRequest.data(), kRequest.size());
        spi::HttpRequest request;
        benchmark::DoNotOptimize(decoder.request(kRequest.data(), request));
        decoder.reset();
    }
}
BENCHMARK(decode);

void canonicalise_and_route(benchmark::State& state) {
    Routes routes;
    Router::View view(routes.router);
    std::string storage;
    for (auto _ : state) {
        const auto path = canonical_path("/nacos/v1/cs/route42", storage);
        const auto match = view.table().match(spi::HttpMethod::kGet, *path);
        benchmark::DoNotOptimize(match.route->enter());
        match.route->leave();
    }
}
BENCHMARK(canonicalise_and_route);

void write_980_bytes(benchmark::State& state) {
    const std::string text(980, 'x');
    const spi::Piece body(text);
    std::string out;
    for (auto _ : state) {
        out.clear();
        append_reply(out, {.content_type = "application/json", .body = {&body, 1}}, {});
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(write_980_bytes);

}  // namespace
}  // namespace pharos::http
