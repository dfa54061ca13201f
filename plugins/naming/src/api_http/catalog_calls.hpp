#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/protocol/paging.hpp>

#include "api_http/background.hpp"
#include "api_http/call.hpp"
#include "api_http/name_pattern.hpp"
#include "index/registry.hpp"

namespace pharos::naming {

/// What operators look at: searches through services, and all instances of one with their true health, in all
/// generations (`protocol/naming.md §2.3, §2.4, §2.6`). Searches run in the background.
class CatalogCalls {
public:
    CatalogCalls(Registry& registry, Background& background, const spi::Clock& clock)
        : registry_(registry), background_(background), clock_(clock) {}

    void service(Call& call);
    /// v1: of one cluster; v2: of all.
    void cluster_instances(Call& call);
    void instances(Call& call);
    void services(Call& call);
    void service_page(Call& call);  ///< v3's form of services()
    void names(Call& call);
    /// v1: of all services whose group and name contain the given ones; v3: of one service.
    void subscribers(Call& call);
    void subscriber_page(Call& call);

private:
    struct Search;

    void search(Call& call, Search search);
    void run(const Search& search, Answer& answer) const;
    /// The services of a namespace, or of all for "", that `matches` likes; nothing when that takes too long.
    template <class Matches>
    [[nodiscard]] std::optional<std::vector<ServicePtr>> find(std::string_view namespace_id, Matches matches) const;
    void collect_subscribers(std::vector<ServicePtr> services, protocol::PageRequest page, Answer answer) const;

    Registry& registry_;
    Background& background_;
    const spi::Clock& clock_;
};

}  // namespace pharos::naming
