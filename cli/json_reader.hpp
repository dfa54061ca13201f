#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::cli {

// Members of replies, read as leniently as servers differ: an absent or null member is "", 0 or false, and a number may
// be in quotes.

[[nodiscard]] std::string text_of(const boost::json::value& object, std::string_view name);
[[nodiscard]] std::int64_t number_of(const boost::json::value& object, std::string_view name);
[[nodiscard]] double fraction_of(const boost::json::value& object, std::string_view name);
[[nodiscard]] bool truth_of(const boost::json::value& object, std::string_view name);
/// A time in milliseconds, given as a number or as ISO 8601 text.
[[nodiscard]] std::int64_t time_of(const boost::json::value& object, std::string_view name);
/// The member, or null.
[[nodiscard]] const boost::json::value& member_of(const boost::json::value& object, std::string_view name);
/// A member that is an object of texts.
[[nodiscard]] std::map<std::string, std::string> pairs_of(const boost::json::value& object, std::string_view name);
/// The error for a reply that is JSON, but not what it should be.
[[nodiscard]] spi::Status unexpected(std::string_view what, const boost::json::value& found);

}  // namespace pharos::cli
