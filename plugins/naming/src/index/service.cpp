#include "index/service.hpp"

#include <algorithm>
#include <utility>

#include "index/client.hpp"

namespace pharos::naming {

namespace {

/// Whether clients see no difference: a registration that is repeated tells nobody anything.
bool shows_the_same(const HostPtr& a, const HostPtr& b) { return a == b || a->json() == b->json(); }
bool shows_the_same(const Publication& a, const Publication& b) {
    return std::equal(a.hosts.begin(), a.hosts.end(), b.hosts.begin(), b.hosts.end(),
                      [](const HostPtr& x, const HostPtr& y) { return shows_the_same(x, y); });
}

}  // namespace

PublicationPtr publication_of(std::vector<Instance> instances, const ServiceKey& service) {
    auto made = std::make_shared<Publication>();
    made->hosts.reserve(instances.size());
    for (Instance& instance : instances) {
        made->hosts.push_back(std::make_shared<const Host>(std::move(instance), service));
    }
    return made;
}

/// What is shown beside the live hosts, by override tag, which tells instances apart here as well.
struct Service::Held {
    std::unordered_map<std::string, HostPtr> hosts;
    std::size_t enough = 0;
    std::size_t live = 0;  ///< hosts of all publishers

    /// What a client no longer publishes, though it could, has been deregistered. True: some of it was here.
    bool forget_missing(const Publication& before, const Publication& after) {
        std::size_t forgotten = 0;
        for (const HostPtr& host : before.hosts) {
            const std::string tag = override_tag(host->instance());
            if (std::none_of(after.hosts.begin(), after.hosts.end(),
                             [&](const HostPtr& other) { return override_tag(other->instance()) == tag; })) {
                forgotten += hosts.erase(tag);
            }
        }
        return forgotten != 0;
    }
    /// Whether all of it is here as it is: it makes no difference to what is shown.
    [[nodiscard]] bool covers(const Publication& publication) const {
        return std::all_of(publication.hosts.begin(), publication.hosts.end(), [this](const HostPtr& host) {
            const auto found = hosts.find(override_tag(host->instance()));
            return found != hosts.end() && shows_the_same(found->second, host);
        });
    }
};

Service::Service(ServiceKey key, sdk::Lane& lane, std::int64_t now_ref, TextBudgetPtr texts)
    : key_(std::move(key)),
      grouped_name_(key_.grouped_name()),
      lane_(lane),
      texts_(std::move(texts)),
      snapshot_(std::make_shared<const ServiceSnapshot>(std::vector<HostPtr>{}, now_ref)) {}

Service::~Service() = default;

bool Service::takes(bool ephemeral) const noexcept {
    return is_reserved() ? reserved_ephemeral_ == ephemeral : !exists() || is_ephemeral() == ephemeral;
}

bool Service::admits(const TiePtr& tie) const {
    // Who is in stays in: two nodes may have decided differently, and then the flag changes under the publishers.
    return tie->client->is_persistent() || takes(true) ||
           std::any_of(publishers_.begin(), publishers_.end(),
                       [&](const Publisher& publisher) { return publisher.tie == tie; });
}

Service::Changes Service::sync(const TiePtr& tie, Cause cause, spi::Duration now) {
    return {.hosts = sync_publication(tie, cause, now), .subscribed = sync_subscription(tie)};
}

bool Service::sync_publication(const TiePtr& tie, Cause cause, spi::Duration now) {
    const std::uint64_t number = tie->client->number();
    const auto place =
        std::lower_bound(publishers_.begin(), publishers_.end(), number,
                         [](const Publisher& p, std::uint64_t n) { return p.tie->client->number() < n; });
    const bool known = place != publishers_.end() && place->tie->client->number() == number;
    const PublicationPtr after = tie->publication.load();
    const PublicationPtr before = known ? place->applied : nullptr;
    if (after == nullptr) {
        // A newer tie of the same client may have taken the place: it is not this one's to clear.
        if (!known || place->tie != tie) {
            return false;
        }
        publishers_.erase(place);
        count_publishers(*tie->client, false, now);
        if (cause == Cause::kEnded) {
            lost_at_.store(now.count(), std::memory_order_relaxed);
        }
    } else if (!known) {
        publishers_.insert(place, {tie, after});
        count_publishers(*tie->client, true, now);
    } else {
        const bool same = shows_the_same(*before, *after);
        *place = {tie, after};
        if (same) {
            return false;
        }
    }
    if (held_ == nullptr || tie->client->is_persistent()) {
        return true;
    }
    held_->live += after != nullptr ? after->hosts.size() : 0;
    held_->live -= before != nullptr ? before->hosts.size() : 0;
    if (before != nullptr && after != nullptr && held_->forget_missing(*before, *after)) {
        return true;
    }
    return held_->live >= held_->enough || (before != nullptr && !held_->covers(*before)) ||
           (after != nullptr && !held_->covers(*after));
}

void Service::count_publishers(const Client& changed, bool joined, spi::Duration now) noexcept {
    publisher_count_.store(publishers_.size(), std::memory_order_relaxed);
    if (changed.is_persistent()) {
        persistent_count_.fetch_add(joined ? 1u : ~0u, std::memory_order_relaxed);
    }
    if (joined) {
        create(!changed.is_persistent(), now);
        if (changed.is_persistent() && publishers_.size() == 1) {
            // Another node made it persistent when it was gone there already: what is stored is the truth.
            ephemeral_.store(false, std::memory_order_relaxed);
        }
    } else if (publishers_.empty()) {
        empty_since_.store(now.count(), std::memory_order_relaxed);
    }
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

void Service::renew_snapshot(std::int64_t last_ref_time, spi::Duration now) {
    std::vector<HostPtr> hosts;
    hosts.reserve(publishers_.size() + (held_ != nullptr ? held_->hosts.size() : 0));
    for (const Publisher& publisher : publishers_) {
        hosts.insert(hosts.end(), publisher.applied->hosts.begin(), publisher.applied->hosts.end());
    }
    if (held_ != nullptr && held_->live >= held_->enough) {
        release(now);
    }
    if (held_ != nullptr) {
        std::unordered_map<std::string, HostPtr> absent = held_->hosts;
        for (const HostPtr& host : hosts) {
            absent.erase(override_tag(host->instance()));
        }
        for (auto& [tag, host] : absent) {
            hosts.push_back(std::move(host));
        }
    }
    if (overrides_ != nullptr) {
        auto after = std::make_unique<Merged>();
        for (HostPtr& host : hosts) {
            host = merged(host, *after);
        }
        merged_ = std::move(after);
    }
    snapshot_.store(
        std::make_shared<const ServiceSnapshot>(std::move(hosts), last_ref_time, metadata_, overrides_, texts_));
}

HostPtr Service::merged(const HostPtr& host, Merged& after) const {
    const auto override = overrides_->find(override_tag(host->instance()));
    if (override == overrides_->end()) {
        return host;
    }
    const auto known = merged_ == nullptr ? Merged::const_iterator{} : merged_->find(host);
    const bool is_known = merged_ != nullptr && known != merged_->end();
    HostPtr shown =
        is_known ? known->second : std::make_shared<const Host>(merge(host->instance(), override->second), key_);
    after.emplace(host, shown);
    return shown;
}

void Service::create(bool ephemeral, spi::Duration now) noexcept {
    if (!exists()) {
        ephemeral_.store(ephemeral, std::memory_order_relaxed);
        empty_since_.store(now.count(), std::memory_order_relaxed);
        exists_.store(true, std::memory_order_relaxed);
    }
}

void Service::set_metadata(ServiceMetadataPtr metadata, spi::Duration now) {
    metadata_ = std::move(metadata);
    if (metadata_ == nullptr) {
        return;
    }
    create(metadata_->ephemeral, now);
    if (publishers_.empty()) {
        ephemeral_.store(metadata_->ephemeral, std::memory_order_relaxed);
    }
}

void Service::set_override(const std::string& tag, const InstanceOverride* override) {
    Overrides changed = overrides_ == nullptr ? Overrides{} : *overrides_;
    if (override != nullptr) {
        changed.insert_or_assign(tag, *override);
    } else {
        changed.erase(tag);
    }
    overrides_ = changed.empty() ? nullptr : std::make_shared<const Overrides>(std::move(changed));
    merged_.reset();
}

void Service::remove() noexcept { exists_.store(false, std::memory_order_relaxed); }

void Service::hold(std::vector<HostPtr> hosts, std::size_t enough, spi::Duration now) {
    held_ = std::make_unique<Held>();
    held_->enough = std::max<std::size_t>(enough, 1);
    for (HostPtr& host : hosts) {
        std::string tag = override_tag(host->instance());
        held_->hosts.insert_or_assign(std::move(tag), std::move(host));
    }
    for (const Publisher& publisher : publishers_) {
        held_->live += publisher.tie->client->is_persistent() ? 0 : publisher.applied->hosts.size();
    }
    create(true, now);
    is_held_.store(true, std::memory_order_relaxed);
}

bool Service::forget_held(std::string_view ip, std::uint16_t port) {
    return held_ != nullptr && std::erase_if(held_->hosts, [&](const auto& entry) {
                                   const Instance& instance = entry.second->instance();
                                   return instance.port == port && instance.ip == ip;
                               }) != 0;
}

void Service::release(spi::Duration now) noexcept {
    held_.reset();
    is_held_.store(false, std::memory_order_relaxed);
    if (publishers_.empty()) {
        empty_since_.store(now.count(), std::memory_order_relaxed);
    }
}

}  // namespace pharos::naming
