#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/status.hpp>

namespace pharos::spi {

enum class LogLevel : std::uint8_t { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3 };

/// One `key=value` of a log line. Make it with kv().
struct LogField {
    std::string_view key;
    std::string value;
};

inline LogField kv(std::string_view key, std::string_view value) { return {key, std::string(value)}; }
template <std::integral T>
LogField kv(std::string_view key, T value) {
    if constexpr (std::same_as<T, bool>) {
        return {key, value ? "true" : "false"};
    } else {
        return {key, std::to_string(value)};
    }
}
template <std::floating_point T>
LogField kv(std::string_view key, T value) {
    char text[32];
    auto [end, error] = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6);
    return {key, std::string(text, end)};
}

/// A plugin's log: one event a line, `key=value` fields, values quoted by the kernel where needed. Any thread; never
/// blocks on the disk for longer than the queue is full.
class Log {
public:
    template <class... Fields>
    void debug(std::string_view event, const Fields&... fields) {
        write_if(LogLevel::kDebug, event, fields...);
    }
    template <class... Fields>
    void info(std::string_view event, const Fields&... fields) {
        write_if(LogLevel::kInfo, event, fields...);
    }
    template <class... Fields>
    void warn(std::string_view event, const Fields&... fields) {
        write_if(LogLevel::kWarn, event, fields...);
    }
    template <class... Fields>
    void error(std::string_view event, const Fields&... fields) {
        write_if(LogLevel::kError, event, fields...);
    }

    [[nodiscard]] virtual bool enabled(LogLevel level) const noexcept = 0;

protected:
    ~Log() = default;
    virtual void write(LogLevel level, std::string_view event, const LogField* fields, std::size_t count) noexcept = 0;

private:
    template <class... Fields>
    void write_if(LogLevel level, std::string_view event, const Fields&... fields) {
        if (enabled(level)) {
            const LogField list[sizeof...(Fields) + 1] = {fields..., LogField{}};
            write(level, event, list, sizeof...(Fields));
        }
    }
};

/// How much the parts of the node log, changed while it runs. Any thread.
class LogLevels {
public:
    /// Sets the level of one part of the kernel or one plugin, or of all for "", those that are yet to come included.
    /// Error kNotFound: no such part; the message names those that are.
    virtual Status set_level(std::string_view part, LogLevel level) = 0;
    /// Names of all parts that have a log, sorted.
    [[nodiscard]] virtual std::vector<std::string> parts() const = 0;

protected:
    ~LogLevels() = default;
};

}  // namespace pharos::spi
