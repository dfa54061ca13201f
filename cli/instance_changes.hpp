#pragma once

#include <string>
#include <vector>

#include "cli/naming_api.hpp"

namespace pharos::cli {

struct InstanceChange {
    std::string event;  ///< added, removed, changed
    Instance instance;  ///< as it is now; when removed, as it was
    std::string what;   ///< "healthy weight 1"; of a change, only what is different
};

/// What has happened between two lists of instances, told apart by address and cluster: removals, then additions and
/// changes, each in the order of the addresses.
[[nodiscard]] std::vector<InstanceChange> changes_between(const std::vector<Instance>& before,
                                                          const std::vector<Instance>& after);

}  // namespace pharos::cli
