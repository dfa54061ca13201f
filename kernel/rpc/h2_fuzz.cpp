#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "rpc/h2_session.hpp"

namespace {

using pharos::rpc::H2Chain;
using pharos::rpc::H2Limits;
using pharos::rpc::H2Session;

/// Answers at once, and sends back what comes on the stream.
class Echo final : public H2Session::Events {
public:
    explicit Echo(const H2Limits& limits) : session(limits, *this) {}

    H2Session session;

private:
    static H2Chain message(std::string_view frame) {
        H2Chain chain;
        chain.copy(pharos::rpc::h2_prefix(frame.size()));
        chain.copy(frame);
        return chain;
    }
    void on_call(std::int32_t stream, std::string_view frame) override { session.reply(stream, message(frame)); }
    void on_stream_opened() override { session.push(message("hello")); }
    void on_stream_frame(std::string_view frame) override { session.push(message(frame)); }
};

}  // namespace

/// The first byte tells how the rest is cut into reads; after a valid preface anything may come.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    H2Limits limits;
    limits.max_frame = 4096;
    limits.max_assembling = 16384;
    Echo echo(limits);
    const std::size_t step = data[0] % 2 == 0 ? size : data[0];
    std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    echo.session.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    std::size_t sent = 0;
    while (!input.empty() && echo.session.end_reason().empty()) {
        echo.session.receive(input.substr(0, step));
        input.remove_prefix(std::min(step, input.size()));
        H2Chain out;
        echo.session.produce(out, 65536);
        sent += out.size();
    }
    echo.session.go_away();
    H2Chain out;
    echo.session.produce(out, 65536);
    if (out.size() + sent > 64 * 1024 * 1024) {
        std::abort();
    }
    return 0;
}
