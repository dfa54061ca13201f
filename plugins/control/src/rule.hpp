#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::control {

/// How much one point takes (`protocol/core.md §6`).
struct Rule {
    std::int64_t max_count = -1;  ///< in a period; negative: no limit
    spi::Duration period = std::chrono::seconds(1);
    bool intercept = true;  ///< false: what is over the limit is told in the log, and taken

    bool operator==(const Rule&) const = default;
    [[nodiscard]] bool is_limit() const noexcept { return max_count >= 0; }
};

/// How many clients may be connected.
struct ConnectionRule {
    std::int64_t count_limit = -1;         ///< not positive: no limit
    std::vector<std::string> monitor_ips;  ///< clients whose connections are told in the log

    bool operator==(const ConnectionRule&) const = default;
};

/// A rule with the point that it is for.
struct NamedRule {
    std::string point;
    Rule rule;
};

/// "SECONDS", "MINUTES" or "HOURS".
[[nodiscard]] std::string_view period_name(spi::Duration period) noexcept;

/// "ConfigPublish=1000/s", with /s, /m or /h, and " monitor" behind it for a rule that only tells. Error
/// kInvalidArgument, which names what is wrong and what is allowed.
[[nodiscard]] spi::Result<NamedRule> parse_setting(std::string_view text);

/// The content of a rule file of the original, such as
/// {"pointName":"ConfigPublish","pointRule":{"maxCount":1000,"period":"SECONDS","monitorType":"intercept"}}. Unknown
/// members are ignored. Error kInvalidArgument as above.
[[nodiscard]] spi::Result<Rule> parse_rule_file(std::string_view json);
/// {"countLimit":1000,"monitorIpList":["10.0.0.1"]}
[[nodiscard]] spi::Result<ConnectionRule> parse_connection_file(std::string_view json);

}  // namespace pharos::control
