#pragma once

#include "api_http/call.hpp"
#include "api_http/parameters.hpp"
#include "index/registry.hpp"
#include "state/catalogue.hpp"

namespace pharos::naming {

/// Calls about single services and their names, in all generations (`protocol/naming.md §2.3–2.6`).
class ServiceCalls {
public:
    ServiceCalls(Registry& registry, Catalogue& catalogue) : registry_(registry), catalogue_(catalogue) {}

    void create(Call& call);
    void update(Call& call);
    void remove(Call& call);
    void detail(Call& call);
    /// v1 and v2: the names in a group.
    void list(Call& call);
    void selector_types(Call& call);
    void update_cluster(Call& call);

private:
    Registry& registry_;
    Catalogue& catalogue_;
};

}  // namespace pharos::naming
