#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>

#include <pharos/spi/status.hpp>

namespace pharos::protocol {

/// A JSON object from a client, parsed with bounded depth (`sdk::input_limits()`) into a buffer inside this object.
///
/// Reading is tolerant as `protocol/naming.md §0` says: unknown members are ignored; numbers and booleans given as
/// strings are taken, scalars given for strings become text; null is as if absent. Views live as long as the object
/// and, for values that were not strings, as long as the document.
class JsonDocument {
public:
    explicit JsonDocument(std::string_view text);
    /// Of what this node has taken before: no limit that was lowered since holds for it.
    struct Stored {};
    JsonDocument(std::string_view text, Stored);
    JsonDocument(const JsonDocument&) = delete;
    JsonDocument& operator=(const JsonDocument&) = delete;

    /// Ok when the text was one JSON object; else kInvalidArgument with the parser's reason.
    [[nodiscard]] const spi::Status& status() const noexcept { return status_; }
    /// Whether it is not ok because of the limit alone.
    [[nodiscard]] bool is_too_deep() const noexcept { return too_deep_; }
    /// The object; empty when the status is not ok.
    [[nodiscard]] const boost::json::object& root() const noexcept { return *root_; }

    /// Text of a member of an object; "" when absent or null.
    [[nodiscard]] std::string_view text(const boost::json::object& object, std::string_view name) const;
    [[nodiscard]] std::string_view text(std::string_view name) const { return text(root(), name); }
    /// As text(), but tells "" from absent or null.
    [[nodiscard]] std::optional<std::string_view> find_text(const boost::json::object& object,
                                                            std::string_view name) const;
    /// Text of a scalar.
    [[nodiscard]] std::string_view text_of(const boost::json::value& value) const;

private:
    void parse(std::string_view text, std::size_t depth);

    unsigned char buffer_[4096];
    boost::json::monotonic_resource memory_;
    boost::json::object empty_;
    boost::json::value value_;
    const boost::json::object* root_ = &empty_;
    spi::Status status_;
    bool too_deep_ = false;
    mutable std::forward_list<std::string> converted_;
};

/// A member that is an object, or null.
[[nodiscard]] const boost::json::object* find_object(const boost::json::object& object, std::string_view name);
/// A member that is an array, or null.
[[nodiscard]] const boost::json::array* find_array(const boost::json::object& object, std::string_view name);
/// A member as a truth value, also from text; `fallback` when absent, null or something else.
[[nodiscard]] bool boolean(const boost::json::object& object, std::string_view name, bool fallback);
/// A member as a whole number, also from text; `fallback` when absent or null; nothing when it is not one.
[[nodiscard]] std::optional<std::int64_t> integer(const boost::json::object& object, std::string_view name,
                                                  std::int64_t fallback);
/// A member as a number, also from text; `fallback` when absent or null; nothing when it is not one.
[[nodiscard]] std::optional<double> number(const boost::json::object& object, std::string_view name, double fallback);

}  // namespace pharos::protocol
