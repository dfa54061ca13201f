#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "http/path.hpp"
#include "http/request_decoder.hpp"
#include "http/router.hpp"

namespace {

using pharos::http::RequestDecoder;

struct Seen {
    bool complete = false;
    std::size_t length = 0;
    std::string path;
    std::string body;
    std::size_t headers = 0;
    bool operator==(const Seen&) const = default;
};

/// Decodes the first message, given in steps of `step` bytes, the way a session does.
Seen decode(const std::string& input, std::size_t step) {
    static pharos::http::Router router;
    static const auto registration = [] {
        return router.add({pharos::spi::HttpMethod::kGet, "/v1/{a}/b/**", {}}, [](const auto&, auto) {});
    }();
    RequestDecoder decoder({.header_bytes = 4096, .headers = 20, .body_bytes = 8192});
    std::vector<char> kept;
    std::size_t cut = 0;
    for (std::size_t at = 0; at < input.size(); at += step) {
        kept.insert(kept.end(), input.begin() + static_cast<std::ptrdiff_t>(at),
                    input.begin() + static_cast<std::ptrdiff_t>(std::min(input.size(), at + step)));
        const auto progress = decoder.decode(kept.data(), kept.size());
        if (progress == RequestDecoder::Progress::kFailed) {
            return {};
        }
        if (progress == RequestDecoder::Progress::kComplete) {
            pharos::spi::HttpRequest request;
            decoder.request(kept.data(), request);
            const auto target = pharos::http::split_target(request.target);
            std::string storage;
            const auto path = pharos::http::canonical_path(target.raw_path, storage);
            if (path) {
                if (path->find("//") != std::string_view::npos || path->find("/../") != std::string_view::npos ||
                    (path->size() > 1 && path->ends_with('/'))) {
                    std::abort();
                }
                pharos::http::Router::View view(router);
                (void)view.table().match(request.method, *path);
            }
            std::string value;
            (void)pharos::http::find_parameter(target.query, "accessToken", value);
            (void)decoder.keep_alive();
            return {true, cut + decoder.consumed(), std::string(path.value_or("")), std::string(request.body),
                    request.headers.size()};
        }
        const std::size_t size = decoder.compact(kept.data(), kept.size());
        cut += kept.size() - size;
        kept.resize(size);
    }
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Seen whole = decode(input, input.size());
    const Seen pieces = decode(input, data[0] % 37u + 1u);
    if (whole.complete && pieces.complete && !(whole == pieces)) {
        std::abort();  // what a message means must not depend on how it was cut
    }
    return 0;
}
