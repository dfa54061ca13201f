#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>

#include "controller.hpp"

namespace pharos::control {

/// Reads the rule files, as the original has them, and reads them again while the node runs:
/// `<dir>/connection/limitRule` and `<dir>/tps/<pointName>`. A file that can't be read or understood is told, by its
/// name, and its last good content holds. None need be there.
class RuleFiles {
public:
    RuleFiles(Controller& controller, spi::Executors& executors, spi::Log& log, std::filesystem::path directory,
              spi::Duration interval)
        : controller_(controller),
          executors_(executors),
          log_(log),
          directory_(std::move(directory)),
          interval_(interval) {}

    /// Reads them in the call, and then again and again.
    void start();
    void stop(spi::Duration patience) noexcept { gate_.close(patience); }

    /// Which file is not understood, and why; "" when all are. Any thread.
    [[nodiscard]] std::string trouble() const;

    /// Reads them once. Only one at a time.
    void read();

private:
    void arm();
    /// The content, or nothing when there is no such file. Error: it can't be read, or is too long.
    [[nodiscard]] static spi::Result<std::optional<std::string>> content(const std::filesystem::path& file);
    /// True: there is a file; `rule` has what holds of it.
    template <class Parsed>
    bool take(const std::filesystem::path& file, spi::Result<Parsed> (*parse)(std::string_view),
              std::map<std::string, Parsed>& good, Parsed& rule, std::string& trouble);

    Controller& controller_;
    spi::Executors& executors_;
    spi::Log& log_;
    const std::filesystem::path directory_;
    const spi::Duration interval_;
    Rules shown_;
    std::map<std::string, Rule> good_;  ///< last good content by file
    std::map<std::string, ConnectionRule> good_connections_;
    mutable std::mutex mutex_;  ///< guards the trouble
    std::string trouble_;
    sdk::Gate gate_;
};

}  // namespace pharos::control
