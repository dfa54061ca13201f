#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pharos/spi/log.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::observe {

/// Where log lines go: standard output, or a file that is rotated within a budget.
struct LogSettings {
    std::string level = "info";  ///< debug, info, warn or error
    std::string file;            ///< "" = standard output
    std::size_t file_bytes = 16u << 20;
    std::size_t files = 4;
};

/// Reads the name of a level: debug, info, warn or error.
[[nodiscard]] std::optional<spi::LogLevel> level_of(std::string_view name) noexcept;

/// The log of the process. One line an event:
/// `2026-01-01T00:00:00.000Z INFO naming event text key=value key="two words"`.
class Logging final : public spi::LogLevels {
public:
    explicit Logging(const LogSettings& settings);
    ~Logging();
    Logging(const Logging&) = delete;
    Logging& operator=(const Logging&) = delete;

    /// Error: the file can't be opened, or no such level.
    [[nodiscard]] const spi::Status& status() const noexcept { return status_; }
    /// The log of a part of the kernel or of a plugin. Lives as long as this object.
    [[nodiscard]] spi::Log& of(std::string_view part);
    spi::Status set_level(std::string_view part, spi::LogLevel level) override;
    [[nodiscard]] std::vector<std::string> parts() const override;
    void flush() noexcept;

private:
    class PartLog;
    struct State;
    std::unique_ptr<State> state_;
    spi::Status status_;
};

/// Appends ` key=value`, quoted when it holds blanks, quotes or control characters, which are escaped: what a client
/// sent can't forge a line.
void append_field(std::string& line, const spi::LogField& field);

}  // namespace pharos::observe
