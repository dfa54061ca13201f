#include "rule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <pharos/protocol/json.hpp>

namespace pharos::control {

namespace {

using namespace std::chrono_literals;
using protocol::JsonDocument;

struct Period {
    char letter;
    std::string_view name;
    spi::Duration length;
};
constexpr std::array<Period, 3> kPeriods{{{'s', "SECONDS", 1s}, {'m', "MINUTES", 1min}, {'h', "HOURS", 1h}}};
constexpr std::size_t kLongestPoint = 100;
constexpr std::size_t kMostIps = 1000;

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, kLongestPoint)) + "'"; }

}  // namespace

std::string_view period_name(spi::Duration period) noexcept {
    for (const Period& known : kPeriods) {
        if (known.length == period) {
            return known.name;
        }
    }
    return kPeriods.front().name;
}

spi::Result<NamedRule> parse_setting(std::string_view text) {
    constexpr std::string_view kForm =
        " is no rule; one is a point, its limit and a period s, m or h: ConfigPublish=1000/s, or "
        "'ConfigPublish=1000/s monitor' to tell only";
    const std::string_view whole = text;
    NamedRule made;
    if (constexpr std::string_view kMonitor = " monitor"; text.ends_with(kMonitor)) {
        made.rule.intercept = false;
        text.remove_suffix(kMonitor.size());
    }
    const std::size_t equals = text.find('=');
    const std::size_t slash = text.rfind('/');
    if (equals == std::string_view::npos || equals == 0 || equals > kLongestPoint || slash == std::string_view::npos ||
        slash < equals || slash + 2 != text.size()) {
        return bad(quoted(whole) + std::string(kForm));
    }
    made.point = text.substr(0, equals);
    const std::string_view number = text.substr(equals + 1, slash - equals - 1);
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), made.rule.max_count);
    const auto period = std::find_if(kPeriods.begin(), kPeriods.end(),
                                     [letter = text.back()](const Period& known) { return known.letter == letter; });
    if (failure != std::errc() || end != number.data() + number.size() || made.rule.max_count < 0 ||
        period == kPeriods.end()) {
        return bad(quoted(whole) + std::string(kForm));
    }
    made.rule.period = period->length;
    return made;
}

spi::Result<Rule> parse_rule_file(std::string_view json) {
    const JsonDocument document(json);
    if (!document.status()) {
        return document.status();
    }
    const boost::json::object* const found = protocol::find_object(document.root(), "pointRule");
    if (found == nullptr) {
        return Rule{};  // as the original has it: no rule, no limit
    }
    Rule rule;
    const std::optional<std::int64_t> count = protocol::integer(*found, "maxCount", -1);
    if (!count) {
        return bad("pointRule.maxCount is " + quoted(document.text(*found, "maxCount")) +
                   ", allowed is a whole number, negative for no limit");
    }
    rule.max_count = *count;
    if (const std::optional<std::string_view> name = document.find_text(*found, "period")) {
        const auto period =
            std::find_if(kPeriods.begin(), kPeriods.end(), [&](const Period& known) { return known.name == *name; });
        if (period == kPeriods.end()) {
            return bad("pointRule.period is " + quoted(*name) + ", allowed are SECONDS, MINUTES and HOURS");
        }
        rule.period = period->length;
    }
    const std::string_view type = document.text(*found, "monitorType");
    if (!type.empty() && type != "monitor" && type != "intercept") {
        return bad("pointRule.monitorType is " + quoted(type) + ", allowed are monitor and intercept");
    }
    rule.intercept = type == "intercept";
    return rule;
}

spi::Result<ConnectionRule> parse_connection_file(std::string_view json) {
    const JsonDocument document(json);
    if (!document.status()) {
        return document.status();
    }
    ConnectionRule rule;
    const std::optional<std::int64_t> limit = protocol::integer(document.root(), "countLimit", -1);
    if (!limit) {
        return bad("countLimit is " + quoted(document.text("countLimit")) +
                   ", allowed is a whole number, negative for no limit");
    }
    rule.count_limit = *limit;
    if (const boost::json::array* const ips = protocol::find_array(document.root(), "monitorIpList")) {
        if (ips->size() > kMostIps) {
            return bad("monitorIpList has " + std::to_string(ips->size()) + " addresses, allowed are " +
                       std::to_string(kMostIps));
        }
        for (const boost::json::value& ip : *ips) {
            rule.monitor_ips.emplace_back(document.text_of(ip));
        }
    }
    return rule;
}

}  // namespace pharos::control
