#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pharos/spi/health_check.hpp>

namespace pharos::testing {

/// A type of health check whose probes the test answers.
class FakeHealthChecker final : public spi::HealthChecker {
public:
    using Outcome = spi::ProbeResult::Outcome;

    struct Asked {
        std::string ip;
        std::uint16_t port;
        spi::Duration timeout;
        spi::UniqueFunction<void(spi::ProbeResult)> done;
    };

    spi::Result<std::shared_ptr<spi::Probe>> configure(const spi::Properties& settings) noexcept override {
        configured.push_back(settings);
        if (!failure) {
            return failure;
        }
        return probes_nobody ? nullptr : std::shared_ptr<spi::Probe>(std::make_shared<FakeProbe>(*this));
    }

    /// Answers the oldest probe.
    void answer(Outcome outcome, std::string reason = {}) {
        Asked oldest = std::move(asked.front());
        asked.pop_front();
        oldest.done({outcome, std::move(reason)});
    }

    std::deque<Asked> asked;
    std::vector<spi::Properties> configured;
    spi::Status failure;           ///< of configure()
    bool probes_nobody = false;    ///< what configure() makes
    bool answers_in_call = false;  ///< with "passed"

private:
    class FakeProbe final : public spi::Probe {
    public:
        explicit FakeProbe(FakeHealthChecker& checker) : checker_(checker) {}
        void run(const spi::ProbeTarget& target, spi::UniqueFunction<void(spi::ProbeResult)> done) noexcept override {
            if (checker_.answers_in_call) {
                done({});
                return;
            }
            checker_.asked.push_back({std::string(target.ip), target.port, target.timeout, std::move(done)});
        }

    private:
        FakeHealthChecker& checker_;
    };
};

}  // namespace pharos::testing
