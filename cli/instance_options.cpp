#include "cli/instance_options.hpp"

#include <charconv>
#include <map>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::cli {

namespace {

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number < 0) {
        return {};
    }
    return number;
}

}  // namespace

spi::Result<std::pair<std::string, std::string>> parse_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return bad("'" + std::string(text) + "' is not IP:PORT");
    }
    std::string_view ip = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (ip.starts_with('[') && ip.ends_with(']')) {
        ip = ip.substr(1, ip.size() - 2);
    } else if (ip.find(':') != std::string_view::npos) {
        return bad("'" + std::string(text) + "': write an IPv6 address in brackets, [fd00::1]:8080");
    }
    const std::optional<std::int64_t> number = number_in(port);
    if (ip.empty() || !number || *number > 65535) {
        return bad("'" + std::string(text) + "' is not IP:PORT with a port of 0 to 65535");
    }
    return std::pair(std::string(ip), std::string(port));
}

spi::Result<std::string> metadata_json(const std::vector<std::string>& pairs) {
    std::map<std::string, std::string> all;
    for (const std::string& pair : pairs) {
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return bad("--meta '" + pair + "' is not KEY=VALUE");
        }
        all[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    std::string out;
    sdk::JsonWriter json(out);
    json.begin_object();
    for (const auto& [key, value] : all) {
        json.member(key, value);
    }
    json.end_object();
    return out;
}

Lifetime lifetime_of(const std::vector<std::string>& pairs) {
    Lifetime lifetime;
    for (const std::string& pair : pairs) {
        const auto take = [&pair](std::string_view key, std::chrono::milliseconds& into) {
            if (pair.starts_with(key) && pair.size() > key.size() && pair[key.size()] == '=') {
                if (const std::optional<std::int64_t> number =
                        number_in(std::string_view(pair).substr(key.size() + 1))) {
                    into = std::chrono::milliseconds(*number);
                }
            }
        };
        take("preserved.heart.beat.interval", lifetime.beat_interval);
        take("preserved.heart.beat.timeout", lifetime.unhealthy_after);
        take("preserved.ip.delete.timeout", lifetime.removed_after);
    }
    return lifetime;
}

std::string in_words(std::chrono::milliseconds time) {
    return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s" : std::to_string(time.count()) + " ms";
}

}  // namespace pharos::cli
