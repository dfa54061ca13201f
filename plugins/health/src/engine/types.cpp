#include "engine/types.hpp"

#include <algorithm>

#include "engine/reason.hpp"

namespace pharos::health {

namespace {

/// Label of the metrics for types that nobody offers: what users write makes no time series.
constexpr std::string_view kUnknown = "unknown";

std::string in_capitals(std::string_view text) {
    std::string capitals(text);
    for (char& c : capitals) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return capitals;
}

}  // namespace

CheckPtr Types::check(std::string_view type, const spi::Properties& settings) {
    Key key(in_capitals(type), settings);
    Type* found = nullptr;
    {
        std::lock_guard lock(mutex_);
        if (const auto known = checks_.find(key); known != checks_.end()) {
            if (CheckPtr check = known->second.lock()) {
                return check;
            }
        }
        found = &type_of(key.first);
    }
    auto made = std::make_shared<Check>();
    made->type = found;
    if (found->checker == nullptr) {
        made->why_not = "no enabled plugin offers the health check '" + key.first + "'";
    } else {
        // Somebody else's code, hence without the lock.
        spi::Result<std::shared_ptr<spi::Probe>> probe = found->checker->configure(settings);
        if (!probe) {
            made->why_not = presentable(probe.error().message());
        } else if (probe.value() == nullptr) {
            made->why_not = "the health check '" + key.first + "' probes nobody";
        } else {
            made->probe = std::move(probe.value());
        }
    }
    std::lock_guard lock(mutex_);
    std::weak_ptr<const Check>& place = checks_[std::move(key)];
    if (CheckPtr other = place.lock()) {
        return other;
    }
    place = made;
    if (checks_.size() >= sweep_at_) {
        std::erase_if(checks_, [](const auto& entry) { return entry.second.expired(); });
        sweep_at_ = std::max<std::size_t>(64, 2 * checks_.size());
    }
    return made;
}

Type& Types::type_of(const std::string& name) {
    if (const auto found = types_.find(name); found != types_.end()) {
        return *found->second;
    }
    if (auto* const checker = services_.find<spi::HealthChecker>({{"type", name}})) {
        return add(name, checker);
    }
    const auto unknown = types_.find(kUnknown);
    return unknown != types_.end() ? *unknown->second : add(std::string(kUnknown), nullptr);
}

Type& Types::add(const std::string& name, spi::HealthChecker* checker) {
    auto made = std::make_shared<Type>();
    made->name = name;
    made->checker = checker;
    made->has_http_pace = name == "HTTP";
    if (checker != nullptr) {
        const auto counter = [&](const char* outcome) {
            return &metrics_.counter("pharos_health_probes_total", "Probes that ended, by what they found.",
                                     {{"type", name}, {"outcome", outcome}});
        };
        made->outcomes = {counter("passed"), counter("failed"), counter("failed_now"), counter("not_probed")};
        made->silent =
            &metrics_.counter("pharos_health_unanswered_total",
                              "Probes that the provider of their type did not answer in time.", {{"type", name}});
    }
    constexpr std::pair<Type::State, const char*> kStates[] = {
        {Type::kHealthy, "healthy"}, {Type::kUnhealthy, "unhealthy"}, {Type::kUnprobed, "unprobed"}};
    for (const auto& [state, label] : kStates) {
        gauges_.push_back(metrics_.gauge(
            "pharos_health_targets", "Targets by the type of their check and by what is believed of them.",
            {{"type", name}, {"state", label}}, [made, state = state] {
                return static_cast<double>(made->targets[state].load(std::memory_order_relaxed));
            }));
    }
    return *types_.emplace(name, std::move(made)).first->second;
}

void Types::stop() noexcept {
    std::vector<spi::Registration> gauges;
    {
        std::lock_guard lock(mutex_);
        gauges.swap(gauges_);
    }
}

}  // namespace pharos::health
