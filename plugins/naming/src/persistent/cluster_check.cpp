#include "persistent/cluster_check.hpp"

#include <boost/json/serialize.hpp>

#include <pharos/protocol/json.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::naming {

namespace {

/// The members of the checker with their values as text (spi/health_check.hpp).
spi::Properties settings_of(const HealthChecker& checker) {
    std::string text;
    sdk::JsonWriter json(text);
    append_json(json, checker);
    const protocol::JsonDocument document(text, protocol::JsonDocument::Stored());
    spi::Properties settings;
    for (const auto& [name, value] : document.root()) {
        const bool is_scalar = value.is_string() || value.is_number() || value.is_bool();
        settings.emplace_back(std::string_view(name),
                              is_scalar ? std::string(document.text_of(value)) : boost::json::serialize(value));
    }
    return settings;
}

}  // namespace

ClusterCheck check_of(const ServiceMetadata* metadata, const std::string& cluster) {
    static const ClusterMetadata kUsual;
    const ClusterMetadata* set = &kUsual;
    if (metadata != nullptr) {
        if (const auto found = metadata->clusters.find(cluster); found != metadata->clusters.end()) {
            set = &found->second;
        }
    }
    return {set->checker.type, settings_of(set->checker), set->use_instance_port ? std::uint16_t{0} : set->check_port};
}

}  // namespace pharos::naming
