#include "index/service.hpp"

#include <algorithm>

#include "index/client.hpp"

namespace pharos::naming {

namespace {

/// Whether clients see no difference: a registration that is repeated tells nobody anything.
bool shows_the_same(const Publication& a, const Publication& b) {
    return std::equal(a.hosts.begin(), a.hosts.end(), b.hosts.begin(), b.hosts.end(),
                      [](const HostPtr& x, const HostPtr& y) { return x == y || x->json() == y->json(); });
}

}  // namespace

Service::Service(ServiceKey key, sdk::Lane& lane, std::int64_t now_ref)
    : key_(std::move(key)),
      grouped_name_(key_.grouped_name()),
      lane_(lane),
      snapshot_(std::make_shared<const ServiceSnapshot>(std::vector<HostPtr>{}, now_ref)) {}

Service::Changes Service::sync(const TiePtr& tie) {
    return {.hosts = sync_publication(tie), .subscribed = sync_subscription(tie)};
}

bool Service::sync_publication(const TiePtr& tie) {
    const std::uint64_t number = tie->client->number();
    const auto place =
        std::lower_bound(publishers_.begin(), publishers_.end(), number,
                         [](const Publisher& p, std::uint64_t n) { return p.tie->client->number() < n; });
    const bool known = place != publishers_.end() && place->tie->client->number() == number;
    PublicationPtr wanted = tie->publication.load();
    if (wanted == nullptr) {
        // A newer tie of the same client may have taken the place: it is not this one's to clear.
        if (!known || place->tie != tie) {
            return false;
        }
        publishers_.erase(place);
    } else if (!known) {
        publishers_.insert(place, {tie, std::move(wanted)});
    } else {
        const bool same = shows_the_same(*place->applied, *wanted);
        *place = {tie, std::move(wanted)};
        if (same) {
            return false;
        }
    }
    publisher_count_.store(publishers_.size(), std::memory_order_relaxed);
    return true;
}

bool Service::sync_subscription(const TiePtr& tie) {
    const bool wanted = tie->subscription.load() != nullptr;
    const auto place = std::find(subscribers_.begin(), subscribers_.end(), tie);
    const bool is = place != subscribers_.end();
    if (wanted == is) {
        return false;
    }
    if (wanted) {
        subscribers_.push_back(tie);
    } else {
        *place = std::move(subscribers_.back());
        subscribers_.pop_back();
    }
    subscriber_count_.store(subscribers_.size(), std::memory_order_relaxed);
    return wanted;
}

void Service::renew_snapshot(std::int64_t last_ref_time) {
    std::vector<HostPtr> hosts;
    hosts.reserve(publishers_.size());
    for (const Publisher& publisher : publishers_) {
        hosts.insert(hosts.end(), publisher.applied->hosts.begin(), publisher.applied->hosts.end());
    }
    snapshot_.store(std::make_shared<const ServiceSnapshot>(std::move(hosts), last_ref_time));
}

}  // namespace pharos::naming
