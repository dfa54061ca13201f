#include "plugin/own_copies.hpp"

#include <cstring>
#include <string_view>

namespace pharos::plugin {

namespace {

using namespace std::string_view_literals;

struct Mark {
    std::string_view bytes;
    std::string_view what;
};

constexpr std::string_view kWire =
    "compiles the wire's .proto itself; it is compiled nowhere: take frames from RpcMethods (spi/rpc.hpp)";
constexpr std::string_view kAsio =
    "has its own copy of Asio; use the sockets, timers and threads of the server (spi/net.hpp, spi/executor.hpp)";

constexpr Mark kMarks[] = {
    // In a serialized FileDescriptorProto: the name of the file, and, under whatever name, a method that takes and
    // gives the Payload of no package.
    {"nacos_grpc_service.proto"sv, kWire},
    {"\x12\x08.Payload\x1a\x08.Payload"sv, kWire},
    // The name of the file in protobuf's own descriptor, which is where its registry is.
    {"\x0a\x20google/protobuf/descriptor.proto"sv,
     "has its own copy of protobuf; link the shared one, and give your .proto a path and package of its own"},
    // From the names of gRPC's source files, which its checks print.
    {"src/core/lib/surface/"sv, "has its own copy of gRPC; link the shared one, or leave calls to the server"},
    // Names of types.
    {"N5boost4asio6detail"sv, kAsio},
    {"N4asio6detail"sv, kAsio},
    // From the text of the error of a name that is taken.
    {"logger with name '"sv, "has its own copy of spdlog; log with PluginContext::log()"},
};

bool contains(std::string_view bytes, std::string_view mark) noexcept {
    return ::memmem(bytes.data(), bytes.size(), mark.data(), mark.size()) != nullptr;
}

}  // namespace

std::vector<std::string> find_own_copies(const ElfFile& file) {
    std::vector<std::string> found;
    for (const Mark& mark : kMarks) {
        if (!found.empty() && found.back() == mark.what) {
            continue;
        }
        for (const std::string_view part : file.loaded_parts()) {
            if (contains(part, mark.bytes)) {
                found.emplace_back(mark.what);
                break;
            }
        }
    }
    return found;
}

}  // namespace pharos::plugin
