#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/function.hpp>
#include <pharos/spi/services.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// What one probe found.
struct ProbeResult {
    enum class Outcome : std::uint8_t {
        kPassed = 0,
        kFailed = 1,     ///< counts: several in a row make the target unhealthy
        kFailedNow = 2,  ///< makes the target unhealthy at once, such as a refused connection
        kNotProbed = 3,  ///< nothing was found out, and not through the target's fault: changes nothing
    };
    Outcome outcome = Outcome::kPassed;
    /// Why it did not pass, for operators; empty when it did. It may have what the target sent: bytes that are no text
    /// are shown as "\x1f", and what is longer than 300 bytes is cut.
    std::string reason;
};

/// Whom to probe. The view is valid during the call only.
struct ProbeTarget {
    std::string_view ip;  ///< numeric
    std::uint16_t port = 0;
    Duration timeout{0};  ///< of the whole probe, 500 ms today; what takes longer counts as failed
};

/// One health check with its settings, shared by all targets that have equal settings. Any thread.
class Probe {
public:
    virtual ~Probe() = default;
    /// Begins one probe. `done` is called once, on any thread, possibly in the call; the probe stays alive until then.
    /// Many run at once: keep nothing of one target in the object.
    virtual void run(const ProbeTarget& target, UniqueFunction<void(ProbeResult)> done) noexcept = 0;
};

/// A type of health check. Provided with the property `type`, in capitals, such as "TCP"; clusters choose it, in any
/// spelling, by the member `type` of their health checker (`protocol/naming.md §4.3`). Of two providers of one type the
/// one that starts first is asked. Who probes when, and what a result means for an instance, is not its concern.
class HealthChecker {
public:
    static constexpr std::string_view kInterface = "pharos.HealthChecker/1";

    /// Makes a check of the settings, which are the members of the cluster's health checker with their values as text
    /// (`{"type":"HTTP","expectedResponseCode":200}` has "200", and a fraction its value, such as "8.0" for 8.00; what
    /// is no string, number or boolean is JSON text). Of TCP, HTTP and NONE only the members that the protocol knows
    /// are kept, of every other type all. Unknown ones are ignored. Null: targets with these settings are never probed.
    /// Error kInvalidArgument: names the setting, its value and what is allowed; its targets are not probed, and show
    /// this message. Any thread.
    virtual Result<std::shared_ptr<Probe>> configure(const Properties& settings) noexcept = 0;

protected:
    ~HealthChecker() = default;
};

/// How often targets of one type are probed (`protocol/naming.md §4.2`).
struct ProbePace {
    Duration min = std::chrono::seconds(1);
    Duration max = std::chrono::seconds(5);
    double factor = 0.75;  ///< share of the old interval in the next one
};

/// What holds for all targets.
struct HealthPolicy {
    bool enabled = true;  ///< false: nobody is probed, all keep their state
    unsigned times = 3;   ///< results in a row that turn a target
    ProbePace tcp;        ///< also of types that have no pace of their own
    ProbePace http{std::chrono::milliseconds(500), std::chrono::seconds(5), 0.85};
};

/// Whom to probe, how, and what is believed of it.
struct CheckTarget {
    std::string name;  ///< for logs, such as "public DEFAULT_GROUP@@orders DEFAULT 10.0.0.1:8080"
    std::string ip;    ///< numeric
    std::uint16_t port = 0;
    std::string type;     ///< of the HealthChecker
    Properties settings;  ///< for HealthChecker::configure
    bool healthy = true;
};

/// The newest probe of a target.
struct LastProbe {
    std::int64_t at_ms = 0;  ///< wall clock, at its end; 0 = there was none yet
    ProbeResult result;      ///< without a probe, its reason says why there is none
    Duration took{0};
    Duration interval{0};   ///< until the next one
    unsigned in_a_row = 0;  ///< results of this kind, with this one
};

/// A target that is probed until this is destroyed. Any thread, but one at a time.
class HealthWatch {
public:
    /// Once the destructor has returned `on_change` is called no more. Not from `on_change`.
    virtual ~HealthWatch() = default;
    /// Replaces what is probed and how. Counts begin anew when it changes whom is probed or by what type or settings.
    virtual void update(CheckTarget target) noexcept = 0;
    /// What is believed from now on, after `on_change` or because somebody else says so. Results in a row that
    /// contradict it are counted anew.
    virtual void assume(bool healthy) noexcept = 0;
    [[nodiscard]] virtual LastProbe last() const noexcept = 0;
};

/// The engine that probes: first at random within some seconds, then at intervals that adapt, many at once but never
/// too many. Provided by the plugin `health`, used by whoever has instances to probe. Any thread.
class HealthChecks {
public:
    static constexpr std::string_view kInterface = "pharos.HealthChecks/1";

    /// Told, on a work thread, after each probe whose results in a row contradict what is believed of the target, until
    /// assume() settles it. `reason` is of the newest probe.
    using OnChange = UniqueFunction<void(bool healthy, std::string_view reason)>;

    virtual std::unique_ptr<HealthWatch> watch(CheckTarget target, OnChange on_change) noexcept = 0;
    /// Holds for all targets, those that are here too.
    virtual void set_policy(const HealthPolicy& policy) noexcept = 0;

protected:
    ~HealthChecks() = default;
};

}  // namespace pharos::spi
