#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/sdk/shared_cell.hpp>
#include <pharos/spi/control.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>

#include "point.hpp"
#include "rule.hpp"

namespace pharos::control {

/// All rules of one source.
struct Rules {
    std::map<std::string, Rule, std::less<>> points;
    ConnectionRule connections;

    bool operator==(const Rules&) const = default;
};

/// The points of the wire and the rules that hold for them: those of files before those of the settings. Any thread.
class Controller final : public spi::LoadControl {
public:
    Controller(const spi::Clock& clock, spi::Metrics& metrics, spi::Log& log, Brake brake)
        : clock_(clock), metrics_(metrics), log_(log), brake_(brake) {}

    spi::LimitPoint* point(std::string_view name) noexcept override;
    spi::Status admit_connection(const spi::LimitedCaller& caller, std::size_t connected) noexcept override;

    void set_settings(Rules rules);
    void set_files(Rules rules);

    /// One rule in force.
    struct Row {
        std::string point;
        Rule rule;
        bool from_file = false;
        bool is_known = false;   ///< requests come by it
        std::int64_t count = 0;  ///< requests taken within the last period
    };
    [[nodiscard]] std::vector<Row> rows() const;
    [[nodiscard]] ConnectionRule connection_rule() const { return *connections_.load(); }

private:
    /// Those in force. The mutex must be held.
    [[nodiscard]] std::map<std::string, Rule, std::less<>> in_force() const;
    void apply();
    /// The point of this name, made when there is none. The mutex must be held.
    Point& make(std::string_view name, Point* wider);

    const spi::Clock& clock_;
    spi::Metrics& metrics_;
    spi::Log& log_;
    const Brake brake_;
    spi::Counter& refused_ = metrics_.counter("pharos_control_refused_connections_total",
                                              "Connections that the limit of connections refused.");
    sdk::SharedCell<const ConnectionRule> connections_{std::make_shared<const ConnectionRule>()};
    mutable std::mutex mutex_;  ///< guards what follows
    Rules settings_;
    Rules files_;
    std::map<std::string, std::unique_ptr<Point>, std::less<>> points_;
};

}  // namespace pharos::control
