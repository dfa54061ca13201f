#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::protocol {

/// The parameter rules of `protocol/naming.md §1.4` and `protocol/config.md §1.1`. Each returns the exact message, or
/// nothing when the value passes. Blank values pass.
using CheckFailure = std::optional<std::string>;

[[nodiscard]] CheckFailure check_namespace(std::string_view value);
/// The name that people see of a namespace (`protocol/core.md §3.5`).
[[nodiscard]] CheckFailure check_namespace_name(std::string_view value);
[[nodiscard]] CheckFailure check_service_name(std::string_view value);
[[nodiscard]] CheckFailure check_group(std::string_view value);
[[nodiscard]] CheckFailure check_data_id(std::string_view value);
/// One cluster name.
[[nodiscard]] CheckFailure check_cluster(std::string_view value);
/// A comma-separated list of cluster names.
[[nodiscard]] CheckFailure check_clusters(std::string_view value);
[[nodiscard]] CheckFailure check_ip(std::string_view value);
/// Text of a port.
[[nodiscard]] CheckFailure check_port(std::string_view value);
[[nodiscard]] CheckFailure check_port(std::int64_t value);
/// Total characters of all keys and values.
[[nodiscard]] CheckFailure check_metadata_size(std::size_t characters);

/// The first failure of several checks, in order.
template <class... Failures>
[[nodiscard]] CheckFailure first_of(Failures&&... failures) {
    CheckFailure found;
    ((found ? void() : void(found = std::forward<Failures>(failures))), ...);
    return found;
}

/// True for characters of UTF-8 text; used where the protocol limits lengths.
[[nodiscard]] std::size_t count_characters(std::string_view utf8) noexcept;
/// Length in UTF-16 units, which some limits count.
[[nodiscard]] std::size_t count_utf16_units(std::string_view utf8) noexcept;

}  // namespace pharos::protocol
