#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <pharos/protocol/checks.hpp>

#include "store/repository.hpp"

namespace pharos::config {

/// The parameter checker's rules for what names a config (`protocol/config.md §1.1`).
[[nodiscard]] protocol::CheckFailure check_names(std::string_view tenant, std::string_view group,
                                                 std::string_view data_id);
/// The publish's own rules, after the checker: the message, or nothing. First those of names and content, then those
/// of the details; apart, because v1 answers them differently (`protocol/config.md §2.3`).
[[nodiscard]] std::optional<std::string> check_content(const Publish& publish);
[[nodiscard]] std::optional<std::string> check_details(const Publish& publish);
[[nodiscard]] std::optional<std::string> check_publish(const Publish& publish);
/// "invalid dataId : x" and "invalid group : x" for what is blank; nothing when neither is.
[[nodiscard]] std::optional<std::string> check_key(const ConfigKey& key);

inline constexpr std::string_view kGrayUnsupported =
    "gray release (betaIps, tag) is not supported by this server; the config was not changed";

}  // namespace pharos::config
