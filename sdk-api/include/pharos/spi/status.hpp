#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pharos::spi {

/// What kind of thing went wrong. Readers accept values that they do not know.
enum class Code : std::uint16_t {
    kOk = 0,
    kInvalidArgument = 1,
    kNotFound = 2,
    kConflict = 3,     ///< a compare did not hold, or the thing exists already
    kUnavailable = 4,  ///< not ready, shutting down or over a limit; trying again later may help
    kTimeout = 5,
    kTooLarge = 6,
    kClosed = 7,  ///< the connection or service at the other end is gone
    kDenied = 8,
    kInternal = 9,
};

/// Name of a code for logs, such as "not_found".
[[nodiscard]] std::string_view to_string(Code code) noexcept;

/// Outcome of a call: ok, or a code with a message that names the thing, the value and the limit.
class [[nodiscard]] Status {
public:
    Status() noexcept = default;
    Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

    static Status ok() noexcept { return {}; }

    [[nodiscard]] bool is_ok() const noexcept { return code_ == Code::kOk; }
    explicit operator bool() const noexcept { return is_ok(); }
    [[nodiscard]] Code code() const noexcept { return code_; }
    [[nodiscard]] const std::string& message() const noexcept { return message_; }

private:
    Code code_ = Code::kOk;
    std::string message_;
};

/// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Status error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool is_ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return is_ok(); }

    /// Undefined unless is_ok().
    T& value() noexcept { return *std::get_if<0>(&state_); }
    const T& value() const noexcept { return *std::get_if<0>(&state_); }
    T& operator*() noexcept { return value(); }
    T* operator->() noexcept { return &value(); }

    /// Undefined if is_ok().
    const Status& error() const noexcept { return *std::get_if<1>(&state_); }

private:
    std::variant<T, Status> state_;
};

}  // namespace pharos::spi
