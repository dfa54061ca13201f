// Wiring only; the logic is in src/.
#include <pharos/spi/plugin.hpp>

#include <optional>

#include "srv_lookup.hpp"

namespace {

namespace spi = pharos::spi;

constexpr std::int64_t kSecond = spi::Duration(std::chrono::seconds(1)).count();

constexpr spi::SettingSpec kSettings[] = {
    {"name", spi::SettingType::kString, "", 0, 0, "DNS name whose SRV records list the members."},
    {"interval", spi::SettingType::kDuration, "10s", kSecond, 3600 * kSecond, "Time between two questions."},
    {"timeout", spi::SettingType::kDuration, "3s", kSecond / 10, 60 * kSecond, "How long one question may take."},
};

class LookupDns final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        const spi::Settings& settings = context.settings();
        lookup_.emplace(context.net(), context.executors(), context.log(),
                        lookup_dns::SrvLookup::Options{.name = std::string(settings.string("name")),
                                                       .interval = spi::Duration(settings.integer("interval")),
                                                       .timeout = spi::Duration(settings.integer("timeout"))});
        spi::Result<spi::Registration> provided =
            context.services().provide<spi::MemberLookup>(*lookup_, {{"type", "dns"}});
        if (!provided) {
            return provided.error();
        }
        registration_ = std::move(provided.value());
        return {};
    }
    spi::Status start() noexcept override { return {}; }
    void stop() noexcept override { registration_.reset(); }
    void health(spi::HealthSink& sink) const noexcept override {
        const std::string trouble = lookup_->trouble();
        sink.report("lookup.dns", trouble.empty() ? spi::HealthState::kOk : spi::HealthState::kDegraded, trouble);
    }

private:
    std::optional<lookup_dns::SrvLookup> lookup_;
    spi::Registration registration_;
};

}  // namespace

PHAROS_PLUGIN(LookupDns, "lookup-dns", "0.1.0", PHAROS_PROVIDES("pharos.MemberLookup/1"), PHAROS_REQUIRES(), kSettings)
