#include "model/instance.hpp"

#include <charconv>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::naming {

namespace {

constexpr std::string_view kInterval = "preserved.heart.beat.interval";
constexpr std::string_view kTimeout = "preserved.heart.beat.timeout";
constexpr std::string_view kDelete = "preserved.ip.delete.timeout";
constexpr std::string_view kGenerator = "preserved.instance.id.generator";

std::chrono::milliseconds time_of(std::string_view text, std::chrono::milliseconds fallback) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && number >= 0;
    return whole ? std::chrono::milliseconds(number) : fallback;
}

/// "simple" without metadata, the metadata's own value, or nothing at all (`protocol/naming.md §1.2`).
std::string_view generator_of(const Metadata& metadata) {
    for (const auto& [key, value] : metadata) {
        if (key == kGenerator) {
            return value;
        }
    }
    return metadata.empty() ? "simple" : "";
}

std::string encode(const Instance& instance, const ServiceKey& service) {
    std::string out;
    out.reserve(384);
    sdk::JsonWriter json(out);
    json.begin_object().member("instanceId", instance_id(instance, service)).member("ip", instance.ip);
    json.member("port", instance.port).member("weight", instance.weight).member("healthy", instance.healthy);
    json.member("enabled", instance.enabled)
        .member("ephemeral", instance.ephemeral)
        .member("clusterName", instance.cluster);
    json.member("serviceName", service.grouped_name()).key("metadata").begin_object();
    for (const auto& [key, value] : instance.metadata) {
        json.member(key, value);
    }
    const BeatTimes times = beat_times_of(instance.metadata);
    json.end_object().member("instanceHeartBeatInterval", times.interval.count());
    json.member("instanceHeartBeatTimeOut", times.unhealthy_after.count());
    json.member("ipDeleteTimeout", times.removed_after.count());
    if (const std::string_view generator = generator_of(instance.metadata); !generator.empty()) {
        json.member("instanceIdGenerator", generator);
    }
    json.end_object();
    out.shrink_to_fit();
    return out;
}

}  // namespace

std::string instance_id(const Instance& instance, const ServiceKey& service) {
    if (!instance.id.empty()) {
        return instance.id;
    }
    return instance.ip + "#" + std::to_string(instance.port) + "#" + instance.cluster + "#" + service.grouped_name();
}

BeatTimes beat_times_of(const Metadata& metadata, BeatTimes times) {
    for (const auto& [key, value] : metadata) {
        if (key == kInterval) {
            times.interval = time_of(value, times.interval);
        } else if (key == kTimeout) {
            times.unhealthy_after = time_of(value, times.unhealthy_after);
        } else if (key == kDelete) {
            times.removed_after = time_of(value, times.removed_after);
        }
    }
    return times;
}

std::optional<std::string> check_instance(const Instance& instance) {
    const BeatTimes times = beat_times_of(instance.metadata);
    if (times.unhealthy_after < times.interval || times.removed_after < times.interval) {
        return "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'.";
    }
    for (const char c : instance.cluster) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-')) {
            return "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: " + instance.cluster +
                   ")";
        }
    }
    return std::nullopt;
}

void Host::append_healthy_json(std::string& out) const {
    // Quotes inside of texts are escaped, so this can only be the member.
    constexpr std::string_view kSick = R"(,"healthy":false)";
    const std::size_t at = instance_.healthy ? std::string::npos : json_.find(kSick);
    if (at == std::string::npos) {
        out += json_;
        return;
    }
    out.append(json_, 0, at);
    out += R"(,"healthy":true)";
    out.append(json_, at + kSick.size());
}

Host::Host(Instance instance, const ServiceKey& service)
    : instance_(std::move(instance)), json_(encode(instance_, service)) {}

}  // namespace pharos::naming
