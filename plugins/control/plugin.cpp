#include <pharos/spi/plugin.hpp>

#include <filesystem>
#include <optional>

#include "control_http.hpp"
#include "controller.hpp"
#include "rule_files.hpp"

namespace {

namespace control = pharos::control;
namespace spi = pharos::spi;
using namespace std::chrono_literals;

constexpr std::int64_t kSecond = spi::Duration(1s).count();

constexpr spi::SettingSpec kSettings[] = {
    {"rules", spi::SettingType::kStringList, "", 0, 0,
     "Limits of points, such as ConfigPublish=1000/s; a file for the same point comes first."},
    {"dir", spi::SettingType::kString, "", 0, 0, "Directory of rule files; empty: control in the data directory."},
    {"reload", spi::SettingType::kDuration, "5s", kSecond, 3600 * kSecond, "How often the rule files are read."},
    {"slow_from", spi::SettingType::kInteger, "80", 1, 100,
     "Per cent of a limit from which on requests are slowed; 100: never."},
    {"longest_delay", spi::SettingType::kDuration, "1s", 0, 5 * kSecond,
     "How long a request is slowed at most, at the limit."},
};
constexpr spi::Duration kPatience = 5s;

/// Control of load: limits at the points of the wire.
class ControlPlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        const spi::Settings& settings = context.settings();
        const control::Brake brake{.from = static_cast<double>(settings.integer("slow_from")) / 100.0,
                                   .longest = spi::Duration(settings.integer("longest_delay"))};
        controller_.emplace(context.executors().clock(), context.metrics(), context.log(), brake);
        control::Rules rules;
        for (const std::string& text : settings.list("rules")) {
            spi::Result<control::NamedRule> rule = control::parse_setting(text);
            if (!rule) {
                return {rule.error().code(), "control.rules: " + rule.error().message()};
            }
            rules.points[rule->point] = rule->rule;
        }
        controller_->set_settings(std::move(rules));
        const std::string given(settings.string("dir"));
        files_.emplace(
            *controller_, context.executors(), context.log(),
            given.empty() ? std::filesystem::path(context.node().data_dir) / "control" : std::filesystem::path(given),
            spi::Duration(settings.integer("reload")));
        http_.emplace(*controller_);
        spi::Result<spi::Registration> provided = context.services().provide<spi::LoadControl>(*controller_);
        if (!provided) {
            return provided.error();
        }
        registration_ = std::move(provided.value());
        return http_->add_to(context.http());
    }
    spi::Status start() noexcept override {
        files_->start();
        return {};
    }
    void stop() noexcept override {
        if (files_) {
            files_->stop(kPatience);
        }
        if (http_) {
            http_->remove();
        }
        registration_.reset();
    }
    void health(spi::HealthSink& sink) const noexcept override {
        const std::string trouble = files_->trouble();
        sink.report("control", trouble.empty() ? spi::HealthState::kOk : spi::HealthState::kDegraded, trouble);
    }

private:
    std::optional<control::Controller> controller_;
    std::optional<control::RuleFiles> files_;
    std::optional<control::ControlHttp> http_;
    spi::Registration registration_;
};

}  // namespace

PHAROS_PLUGIN(ControlPlugin, "control", "0.1.0", PHAROS_PROVIDES("pharos.LoadControl/1"), PHAROS_REQUIRES(), kSettings)
