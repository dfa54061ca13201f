#include "state/switches.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <pharos/protocol/json.hpp>
#include <pharos/protocol/params.hpp>

namespace pharos::naming {

namespace {

constexpr std::string_view kStoreKey = "naming/switches";
constexpr std::string_view kName = "00-00---000-NACOS_SWITCH_DOMAIN-000---00-00";
constexpr int kMaxAttempts = 100;

void append(sdk::JsonWriter& json, std::string_view name, const HealthParams& params) {
    json.key(name).begin_object().member("max", params.max).member("min", params.min);
    json.member("factor", params.factor).end_object();
}

spi::Status invalid(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

spi::Status not_a_number(std::string_view value) { return invalid("For input string: \"" + std::string(value) + "\""); }

/// A whole number that is at least `smallest`, or the protocol's message.
spi::Status take_number(std::int64_t& out, std::string_view value, std::int64_t smallest, const char* too_small) {
    const std::optional<std::int64_t> number = protocol::whole_number(value);
    if (!number) {
        return not_a_number(value);
    }
    if (*number < smallest) {
        return invalid(too_small);
    }
    out = *number;
    return {};
}

/// java:1.2.3 and the like.
spi::Status take_push_version(SwitchDomain& domain, std::string_view value) {
    const std::size_t colon = value.find(':');
    const std::string_view type = value.substr(0, colon);
    const std::string_view version = colon == std::string_view::npos ? std::string_view{} : value.substr(colon + 1);
    int dots = 0;
    bool digit = false;
    bool valid = true;
    for (const char c : version) {
        dots += c == '.' ? 1 : 0;
        valid = valid && (c == '.' ? std::exchange(digit, false) : (digit = c >= '0' && c <= '9'));
    }
    if (!valid || !digit || dots != 2) {
        return invalid("illegal version, must match: [0-9]+\\.[0-9]+\\.[0-9]+");
    }
    const std::pair<std::string_view, std::string*> kinds[] = {{"java", &domain.push_version_java},
                                                               {"go", &domain.push_version_go},
                                                               {"c", &domain.push_version_c},
                                                               {"python", &domain.push_version_python},
                                                               {"csharp", &domain.push_version_csharp}};
    for (const auto& [name, member] : kinds) {
        if (name == type) {
            *member = version;
            return {};
        }
    }
    return invalid("unsupported client type: " + std::string(type));
}

spi::Status take_urls(SwitchDomain& domain, std::string_view value) {
    std::map<std::string, std::int32_t> urls;
    while (!value.empty()) {
        const std::string_view entry = value.substr(0, value.find(','));
        value.remove_prefix(std::min(entry.size() + 1, value.size()));
        const std::size_t colon = entry.find(':');
        if (colon == std::string_view::npos || entry.find(':', colon + 1) != std::string_view::npos) {
            return invalid("invalid input for limited urls");
        }
        const std::string_view url = protocol::trimmed(entry.substr(0, colon));
        if (url.empty()) {
            return invalid("url can not be empty, url: " + std::string(url));
        }
        const std::optional<std::int64_t> status = protocol::whole_number(protocol::trimmed(entry.substr(colon + 1)));
        if (!status || *status <= 0 || *status > 999) {
            return invalid("illegal normal status code " + std::string(entry.substr(colon + 1)));
        }
        urls.insert_or_assign(std::string(url), static_cast<std::int32_t>(*status));
    }
    domain.limited_url_map = std::move(urls);
    return {};
}

spi::Status take_health_params(HealthParams& out, std::string_view value, bool checked) {
    const protocol::JsonDocument document(value);
    const std::optional<std::int64_t> max = protocol::integer(document.root(), "max", out.max);
    const std::optional<std::int64_t> min = protocol::integer(document.root(), "min", out.min);
    const std::optional<double> factor = protocol::number(document.root(), "factor", out.factor);
    constexpr std::int64_t kMost = 1'000'000'000;
    if (!document.status() || !max || !min || !factor || *max > kMost || *min > kMost) {
        return invalid("json param invalid.");
    }
    if (checked) {
        if (*min < 500) {
            return invalid("min check time for http or tcp is too small(<500)");
        }
        if (*max < 3000) {
            return invalid("max check time for http or tcp is too small(<3000)");
        }
        if (!(*factor >= 0.0 && *factor <= 1.0)) {
            return invalid("malformed factor");
        }
    }
    out = {static_cast<std::int32_t>(*max), static_cast<std::int32_t>(*min), *factor};
    return {};
}

spi::Status take_status(SwitchDomain& domain, std::string_view value) {
    constexpr std::array<std::string_view, 6> kKnown{"UP", "DOWN", "STARTING", "PAUSED", "WRITE_ONLY", "READ_ONLY"};
    if (value == "null") {
        domain.overridden_server_status.clear();
        return {};
    }
    if (std::find(kKnown.begin(), kKnown.end(), value) == kKnown.end()) {
        return invalid("overriddenServerStatus '" + std::string(value) +
                       "' is none of UP, DOWN, STARTING, PAUSED, WRITE_ONLY, READ_ONLY, null");
    }
    domain.overridden_server_status = value;
    return {};
}

bool is_true(std::string_view value) {
    return value.size() == 4 &&
           std::equal(value.begin(), value.end(), "true", [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

void append_json(sdk::JsonWriter& json, const SwitchDomain& domain) {
    json.begin_object().key("masters");
    if (domain.masters.empty()) {
        json.null();
    } else {
        json.begin_array();
        for (const std::string& master : domain.masters) {
            json.value(master);
        }
        json.end_array();
    }
    json.key("adWeightMap").begin_object().end_object();
    json.member("defaultPushCacheMillis", domain.default_push_cache_millis);
    json.member("clientBeatInterval", domain.client_beat_interval);
    json.member("defaultCacheMillis", domain.default_cache_millis);
    json.member("distroThreshold", domain.distro_threshold);
    json.member("healthCheckEnabled", domain.health_check_enabled);
    json.member("autoChangeHealthCheckEnabled", domain.auto_change_health_check_enabled);
    json.member("distroEnabled", domain.distro_enabled).member("enableStandalone", true);
    json.member("pushEnabled", domain.push_enabled).member("checkTimes", domain.check_times);
    append(json, "httpHealthParams", domain.http_health_params);
    append(json, "tcpHealthParams", domain.tcp_health_params);
    append(json, "mysqlHealthParams", domain.mysql_health_params);
    json.key("incrementalList").begin_array().end_array();
    json.member("serverStatusSynchronizationPeriodMillis", domain.server_status_synchronization_period_millis);
    json.member("serviceStatusSynchronizationPeriodMillis", domain.service_status_synchronization_period_millis);
    json.member("disableAddIP", domain.disable_add_ip).member("sendBeatOnly", domain.send_beat_only);
    json.member("lightBeatEnabled", domain.light_beat_enabled).key("limitedUrlMap").begin_object();
    for (const auto& [url, status] : domain.limited_url_map) {
        json.member(url, status);
    }
    json.end_object().member("distroServerExpiredMillis", domain.distro_server_expired_millis);
    json.member("pushVersionOfGo", domain.push_version_go).member("pushVersionOfJava", domain.push_version_java);
    json.member("pushVersionOfPython", domain.push_version_python).member("pushVersionOfC", domain.push_version_c);
    json.member("pushVersionOfCsharp", domain.push_version_csharp).member("enableAuthentication", false);
    json.key("overriddenServerStatus");
    if (domain.overridden_server_status.empty()) {
        json.null();
    } else {
        json.value(domain.overridden_server_status);
    }
    json.member("defaultInstanceEphemeral", domain.default_instance_ephemeral);
    json.key("healthCheckWhiteList").begin_array().end_array().member("name", kName).key("checksum").null();
    json.end_object();
}

std::optional<SwitchDomain> parse_switches(std::string_view text) {
    const protocol::JsonDocument document(text, protocol::JsonDocument::Stored());
    if (!document.status()) {
        return std::nullopt;
    }
    const boost::json::object& root = document.root();
    SwitchDomain domain;
    const auto number = [&root](std::string_view name, auto& member) {
        const std::int64_t fallback = member;
        member =
            static_cast<std::decay_t<decltype(member)>>(protocol::integer(root, name, fallback).value_or(fallback));
    };
    const auto flag = [&root](std::string_view name, bool& member) { member = protocol::boolean(root, name, member); };
    const auto word = [&document](std::string_view name, std::string& member) {
        if (const std::string_view found = document.text(name); !found.empty()) {
            member = found;
        }
    };
    const auto params = [&root](std::string_view name, HealthParams& member) {
        if (const boost::json::object* object = protocol::find_object(root, name)) {
            member.max = static_cast<std::int32_t>(protocol::integer(*object, "max", member.max).value_or(member.max));
            member.min = static_cast<std::int32_t>(protocol::integer(*object, "min", member.min).value_or(member.min));
            member.factor = protocol::number(*object, "factor", member.factor).value_or(member.factor);
        }
    };
    if (const boost::json::array* masters = protocol::find_array(root, "masters")) {
        for (const boost::json::value& master : *masters) {
            domain.masters.emplace_back(document.text_of(master));
        }
    }
    if (const boost::json::object* urls = protocol::find_object(root, "limitedUrlMap")) {
        for (const auto& [url, status] : *urls) {
            domain.limited_url_map.insert_or_assign(
                std::string(std::string_view(url)),
                static_cast<std::int32_t>(protocol::integer(*urls, url, 0).value_or(0)));
        }
    }
    number("defaultPushCacheMillis", domain.default_push_cache_millis);
    number("clientBeatInterval", domain.client_beat_interval);
    number("defaultCacheMillis", domain.default_cache_millis);
    domain.distro_threshold =
        protocol::number(root, "distroThreshold", domain.distro_threshold).value_or(domain.distro_threshold);
    flag("healthCheckEnabled", domain.health_check_enabled);
    flag("autoChangeHealthCheckEnabled", domain.auto_change_health_check_enabled);
    flag("distroEnabled", domain.distro_enabled);
    flag("pushEnabled", domain.push_enabled);
    number("checkTimes", domain.check_times);
    params("httpHealthParams", domain.http_health_params);
    params("tcpHealthParams", domain.tcp_health_params);
    params("mysqlHealthParams", domain.mysql_health_params);
    number("serverStatusSynchronizationPeriodMillis", domain.server_status_synchronization_period_millis);
    number("serviceStatusSynchronizationPeriodMillis", domain.service_status_synchronization_period_millis);
    flag("disableAddIP", domain.disable_add_ip);
    flag("sendBeatOnly", domain.send_beat_only);
    flag("lightBeatEnabled", domain.light_beat_enabled);
    number("distroServerExpiredMillis", domain.distro_server_expired_millis);
    word("pushVersionOfGo", domain.push_version_go);
    word("pushVersionOfJava", domain.push_version_java);
    word("pushVersionOfPython", domain.push_version_python);
    word("pushVersionOfC", domain.push_version_c);
    word("pushVersionOfCsharp", domain.push_version_csharp);
    word("overriddenServerStatus", domain.overridden_server_status);
    flag("defaultInstanceEphemeral", domain.default_instance_ephemeral);
    return domain;
}

spi::Status apply_switch(SwitchDomain& domain, std::string_view entry, std::string_view value) {
    constexpr std::int64_t kNone = 0;
    const auto flag = [&](bool& member) {
        member = is_true(value);
        return spi::Status();
    };
    if (entry == "distroThreshold") {
        const std::optional<double> number = protocol::decimal_number(value);
        if (!number) {
            return not_a_number(value);
        }
        if (*number <= 0.0) {
            std::string shown;
            sdk::JsonWriter::append_double(shown, *number);
            return invalid("distroThreshold can not be zero or negative: " + shown);
        }
        domain.distro_threshold = *number;
        return {};
    }
    if (entry == "clientBeatInterval") {
        return take_number(domain.client_beat_interval, value, 1, "clientBeatInterval can not be zero or negative");
    }
    if (entry == "pushVersion") {
        return take_push_version(domain, value);
    }
    if (entry == "pushCacheMillis") {
        return take_number(domain.default_push_cache_millis, value, 10000,
                           "min cache time for http or tcp is too small(<10000)");
    }
    if (entry == "defaultCacheMillis") {
        return take_number(domain.default_cache_millis, value, 1000, "min default cache time  is too small(<1000)");
    }
    if (entry == "masters") {
        domain.masters.clear();
        while (!value.empty()) {
            const std::string_view master = value.substr(0, value.find(','));
            value.remove_prefix(std::min(master.size() + 1, value.size()));
            domain.masters.emplace_back(master);
        }
        return {};
    }
    if (entry == "distro") {
        return flag(domain.distro_enabled);
    }
    if (entry == "check") {
        return flag(domain.health_check_enabled);
    }
    if (entry == "pushEnabled") {
        return flag(domain.push_enabled);
    }
    if (entry == "serviceStatusSynchronizationPeriodMillis") {
        return take_number(domain.service_status_synchronization_period_millis, value, 1000,
                           "serviceStatusSynchronizationPeriodMillis is too small(<5000)");
    }
    if (entry == "serverStatusSynchronizationPeriodMillis") {
        return take_number(domain.server_status_synchronization_period_millis, value, 1000,
                           "serverStatusSynchronizationPeriodMillis is too small(<15000)");
    }
    if (entry == "healthCheckTimes") {
        std::int64_t times = domain.check_times;
        spi::Status status = take_number(times, value, 1, "healthCheckTimes can not be zero or negative");
        domain.check_times = static_cast<std::int32_t>(std::min<std::int64_t>(times, 1'000'000));
        return status;
    }
    if (entry == "disableAddIP") {
        return flag(domain.disable_add_ip);
    }
    if (entry == "sendBeatOnly") {
        return flag(domain.send_beat_only);
    }
    if (entry == "autoChangeHealthCheckEnabled") {
        return flag(domain.auto_change_health_check_enabled);
    }
    if (entry == "limitedUrlMap") {
        return take_urls(domain, value);
    }
    if (entry == "overriddenServerStatus") {
        return take_status(domain, value);
    }
    if (entry == "defaultInstanceEphemeral") {
        return flag(domain.default_instance_ephemeral);
    }
    if (entry == "distroServerExpiredMillis") {
        return take_number(domain.distro_server_expired_millis, value, kNone,
                           "distroServerExpiredMillis can not be negative");
    }
    if (entry == "lightBeatEnabled") {
        return flag(domain.light_beat_enabled);
    }
    if (entry == "httpHealthParams") {
        return take_health_params(domain.http_health_params, value, true);
    }
    if (entry == "tcpHealthParams") {
        return take_health_params(domain.tcp_health_params, value, true);
    }
    if (entry == "mysqlHealthParams") {
        return take_health_params(domain.mysql_health_params, value, false);
    }
    return {};  // the reference answers ok to what it does not know
}

struct Switches::Attempt {
    std::string entry;
    std::string value;
    spi::Completion<bool> done;
    sdk::Gate::Pass pass;
    int count = 0;
};

spi::Status Switches::start(spi::Store* store) {
    if (store == nullptr) {
        return {};
    }
    store_ = store;
    watch_ = store->watch(std::string(kStoreKey), 0, [this](std::span<const spi::StoreChange> changes) {
        for (const spi::StoreChange& change : changes) {
            if (std::optional<SwitchDomain> domain = change.value ? parse_switches(*change.value) : SwitchDomain{};
                change.key == kStoreKey && domain) {
                show(std::move(*domain), change.revision);
            }
        }
    });
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store->snapshot();
    if (snapshot == nullptr) {
        return {spi::Code::kUnavailable, "the store can't be read"};
    }
    if (const std::optional<spi::StoreValue> stored = snapshot->get(kStoreKey)) {
        std::optional<SwitchDomain> domain = parse_switches(stored->value);
        if (!domain) {
            return {spi::Code::kInternal, "the stored switches '" + std::string(kStoreKey) + "' can't be read"};
        }
        show(std::move(*domain), stored->revision);
    }
    return {};
}

void Switches::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    watch_.reset();
}

void Switches::show(SwitchDomain domain, spi::Revision revision) {
    {
        std::lock_guard lock(mutex_);
        if (revision < revision_) {
            return;  // the watcher was faster than the first read
        }
        revision_ = revision;
        cache_millis_.store(domain.default_push_cache_millis, std::memory_order_relaxed);
        push_enabled_.store(domain.push_enabled, std::memory_order_relaxed);
        health_check_enabled_.store(domain.health_check_enabled, std::memory_order_relaxed);
        current_.store(std::make_shared<const SwitchDomain>(std::move(domain)));
    }
    for (spi::UniqueFunction<void()>& listener : listeners_) {
        listener();
    }
}

void Switches::set(std::string entry, std::string value, bool debug, spi::Completion<bool> done) {
    if (debug || store_ == nullptr) {
        SwitchDomain domain = *current();
        const spi::Status status = apply_switch(domain, entry, value);
        if (!status) {
            done(status);
            return;
        }
        spi::Revision revision = 0;
        {
            std::lock_guard lock(mutex_);
            revision = revision_;
        }
        show(std::move(domain), revision);
        done(true);
        return;
    }
    auto made = std::make_shared<Attempt>();
    made->pass = gate_.enter();
    if (!made->pass) {
        done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
        return;
    }
    made->entry = std::move(entry);
    made->value = std::move(value);
    made->done = std::move(done);
    try_set(std::move(made));
}

void Switches::try_set(std::shared_ptr<Attempt> made) {
    using Kind = spi::StoreCompare::Kind;
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_->snapshot();
    if (snapshot == nullptr) {
        made->done(spi::Status(spi::Code::kUnavailable, "the store can't be read"));
        return;
    }
    const std::string key(kStoreKey);
    const std::optional<spi::StoreValue> stored = snapshot->get(key);
    SwitchDomain domain;
    if (stored) {
        domain = parse_switches(stored->value).value_or(SwitchDomain{});
    }
    if (const spi::Status status = apply_switch(domain, made->entry, made->value); !status) {
        made->done(status);
        return;
    }
    std::string value;
    sdk::JsonWriter json(value);
    append_json(json, domain);
    spi::StoreCommit commit;
    commit.compares.push_back(stored ? spi::StoreCompare{key, Kind::kRevisionIs, stored->revision}
                                     : spi::StoreCompare{key, Kind::kAbsent, 0});
    commit.ops.push_back({key, std::move(value)});
    store_->commit(std::move(commit), [this, made](const spi::Result<spi::Revision>& outcome) {
        if (outcome) {
            made->done(true);
        } else if (outcome.error().code() == spi::Code::kConflict && ++made->count < kMaxAttempts) {
            try_set(made);
        } else {
            made->done(outcome.error());
        }
    });
}

}  // namespace pharos::naming
