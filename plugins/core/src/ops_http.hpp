#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/log.hpp>

#include "call.hpp"

namespace pharos::core {

/// The node's logs that a logger name of the original, or of ours, stands for: `""` (all of them) for "root", one for
/// the name of a part, those of the family for names such as "naming-push" and "core-raft". Empty: none.
[[nodiscard]] std::vector<std::string> logs_of(std::string_view logger, const std::vector<std::string>& parts);

/// debug, info, warn or error, whatever their case, and what the original calls them besides.
[[nodiscard]] std::optional<spi::LogLevel> log_level_of(std::string_view name);

/// The operator's calls of all generations (`protocol/core.md §3.10`).
class OpsCalls {
public:
    /// Must outlive this object.
    explicit OpsCalls(spi::LogLevels& levels) : levels_(levels) {}

    void add_to(CallRoutes& routes);

private:
    void raft(Call& call) const;
    void set_level(Call& call);

    spi::LogLevels& levels_;
};

}  // namespace pharos::core
