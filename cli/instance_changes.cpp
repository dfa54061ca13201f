#include "cli/instance_changes.hpp"

#include <map>

#include "cli/number_text.hpp"

namespace pharos::cli {

namespace {

using ByPlace = std::map<std::string, const Instance*>;

ByPlace by_place(const std::vector<Instance>& instances) {
    ByPlace places;
    for (const Instance& instance : instances) {
        places[instance.address() + " " + instance.cluster] = &instance;
    }
    return places;
}

std::string health_text(const Instance& instance) { return instance.healthy ? "healthy" : "unhealthy"; }

std::string all_of(const Instance& instance) {
    return health_text(instance) + (instance.enabled ? "" : " disabled") + " weight " + number_text(instance.weight) +
           (instance.metadata.empty() ? "" : " " + to_text(instance.metadata));
}

std::string difference(const Instance& before, const Instance& after) {
    std::string out;
    const auto say = [&out](const std::string& what) { out += (out.empty() ? "" : ", ") + what; };
    if (before.healthy != after.healthy) {
        say(health_text(after));
    }
    if (before.enabled != after.enabled) {
        say(after.enabled ? "enabled" : "disabled");
    }
    if (before.weight != after.weight) {
        say("weight " + number_text(before.weight) + " -> " + number_text(after.weight));
    }
    if (before.metadata != after.metadata) {
        say("metadata " + (after.metadata.empty() ? "empty" : to_text(after.metadata)));
    }
    if (before.ephemeral != after.ephemeral) {
        say(after.ephemeral ? "ephemeral" : "persistent");
    }
    return out;
}

}  // namespace

std::vector<InstanceChange> changes_between(const std::vector<Instance>& before, const std::vector<Instance>& after) {
    const ByPlace old_places = by_place(before);
    const ByPlace new_places = by_place(after);
    std::vector<InstanceChange> changes;
    for (const auto& [place, instance] : old_places) {
        if (!new_places.contains(place)) {
            changes.push_back({"removed", *instance, all_of(*instance)});
        }
    }
    for (const auto& [place, instance] : new_places) {
        const auto known = old_places.find(place);
        if (known == old_places.end()) {
            changes.push_back({"added", *instance, all_of(*instance)});
        } else if (!(*known->second == *instance)) {
            changes.push_back({"changed", *instance, difference(*known->second, *instance)});
        }
    }
    return changes;
}

}  // namespace pharos::cli
