#include "push/udp_agent.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace pharos::naming {

namespace {

using Version = std::array<std::uint32_t, 3>;

/// Up to three numbers with dots between them; what follows them ("-SNAPSHOT") does not count.
std::optional<Version> parse_version(std::string_view text) {
    Version version{};
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (std::size_t i = 0; i < version.size(); ++i) {
        const auto [stop, error] = std::from_chars(at, end, version[i]);
        if (error != std::errc{}) {
            return std::nullopt;
        }
        at = stop;
        if (at == end || *at != '.') {
            break;
        }
        ++at;
    }
    return version;
}

}  // namespace

bool is_told_by_udp(std::string_view agent, const SwitchDomain& switches) {
    constexpr std::string_view kMark = ":v";
    struct Kind {
        std::string_view prefix;
        std::string_view oldest;
    };
    // Python's own clients know no UDP: its version is for Nacos-DNS.
    const Kind kinds[] = {
        {"Nacos-Java-Client", switches.push_version_java},     {"Nacos-Go-Client", switches.push_version_go},
        {"Nacos-C-Client", switches.push_version_c},           {"vip-client4cpp", switches.push_version_c},
        {"Nacos-CSharp-Client", switches.push_version_csharp}, {"Nacos-DNS", switches.push_version_python}};
    for (const Kind& kind : kinds) {
        if (!agent.starts_with(kind.prefix)) {
            continue;
        }
        const std::size_t mark = agent.find(kMark);
        if (mark == std::string_view::npos) {
            return false;
        }
        const std::optional<Version> version = parse_version(agent.substr(mark + kMark.size()));
        const std::optional<Version> least = parse_version(kind.oldest);
        return version && least && *version >= *least;
    }
    return false;
}

}  // namespace pharos::naming
