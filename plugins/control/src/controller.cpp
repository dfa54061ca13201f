#include "controller.hpp"

#include <algorithm>

namespace pharos::control {

namespace {

constexpr std::string_view kHttp = "Http";

/// What gRPC calls the points of naming. Each may have a rule of its own, and all are counted with those of HTTP
/// (`protocol/core.md §6`).
std::string_view canonical(std::string_view name) noexcept {
    constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
        {"RemoteNamingInstanceRegisterDeregister", "NamingInstanceRegister"},
        {"RemoteNamingInstanceBatchRegister", "NamingInstanceRegister"},
        {"RemoteNamingServiceListQuery", "NamingServiceListQuery"},
        {"RemoteNamingServiceQuery", "NamingServiceQuery"},
        {"RemoteNamingServiceSubscribeUnSubscribe", "NamingServiceSubscribe"},
    };
    for (const auto& [alias, point] : kAliases) {
        if (alias == name) {
            return point;
        }
    }
    return name;
}

}  // namespace

spi::LimitPoint* Controller::point(std::string_view name) noexcept {
    const std::lock_guard lock(mutex_);
    if (const auto found = points_.find(name); found != points_.end()) {
        return found->second.get();
    }
    const std::string_view wider = canonical(name);
    Point& made = make(name, wider == name ? nullptr : &make(wider, nullptr));
    apply();
    return &made;
}

Point& Controller::make(std::string_view name, Point* wider) {
    std::unique_ptr<Point>& point = points_[std::string(name)];
    if (point == nullptr) {
        point = std::make_unique<Point>(std::string(name), clock_, metrics_, log_, brake_, wider);
    }
    return *point;
}

spi::Status Controller::admit_connection(const spi::LimitedCaller& caller, std::size_t connected) noexcept {
    const std::shared_ptr<const ConnectionRule> rule = connections_.load();
    const bool refused = rule->count_limit > 0 && connected >= static_cast<std::size_t>(rule->count_limit);
    if (std::find(rule->monitor_ips.begin(), rule->monitor_ips.end(), caller.client_ip) != rule->monitor_ips.end()) {
        log_.info("connection of a monitored client", spi::kv("client", caller.client_ip),
                  spi::kv("connection", caller.connection_id), spi::kv("app", caller.app), spi::kv("refused", refused));
    }
    if (!refused) {
        return {};
    }
    refused_.add();
    return {spi::Code::kUnavailable, std::to_string(connected) + " clients are connected, the limit is " +
                                         std::to_string(rule->count_limit) + " (countLimit)"};
}

void Controller::set_settings(Rules rules) {
    const std::lock_guard lock(mutex_);
    settings_ = std::move(rules);
    apply();
}

void Controller::set_files(Rules rules) {
    const std::lock_guard lock(mutex_);
    files_ = std::move(rules);
    apply();
}

std::map<std::string, Rule, std::less<>> Controller::in_force() const {
    std::map<std::string, Rule, std::less<>> rules = files_.points;
    rules.insert(settings_.points.begin(), settings_.points.end());
    return rules;
}

void Controller::apply() {
    const auto rules = in_force();
    const auto rule_of = [&](const std::string& name) {
        const auto found = rules.find(name);
        return found == rules.end() ? Rule{} : found->second;
    };
    for (const auto& [name, point] : points_) {
        point->set(Point::Of::kAll, rule_of(name));
        point->set(Point::Of::kHttp, rule_of(std::string(kHttp) + name));
    }
    connections_.store(std::make_shared<const ConnectionRule>(files_.connections));
}

std::vector<Controller::Row> Controller::rows() const {
    const std::lock_guard lock(mutex_);
    std::vector<Row> rows;
    for (const auto& [name, rule] : in_force()) {
        Row row{.point = name, .rule = rule, .from_file = files_.points.contains(name)};
        auto found = points_.find(name);
        auto of = Point::Of::kAll;
        if (found == points_.end() && name.starts_with(kHttp)) {
            found = points_.find(name.substr(kHttp.size()));
            of = Point::Of::kHttp;
        }
        row.is_known = found != points_.end();
        row.count = row.is_known ? found->second->count(of) : 0;
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace pharos::control
