#include "state/last_views.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/codec.hpp"

namespace pharos::naming {

namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kPrefix = "naming/view/";
/// What a store takes as a key (spi/kv_store.hpp).
constexpr std::size_t kLongestKey = 511;
constexpr spi::Duration kTick = 2s;
/// What ends without a word is written so much later: longer than a stop takes.
constexpr spi::Duration kLossIsTrueAfter = 10s;
/// What one tick writes at most.
constexpr std::size_t kServicesEach = 2000;
constexpr std::size_t kBytesEach = std::size_t{4} << 20;

std::string key_of(const ServiceKey& service) {
    std::string key(kPrefix);
    key += service.namespace_id;
    key += '\0';
    key += service.group;
    key += '\0';
    key += service.name;
    return key;
}

bool is_ephemeral(const HostPtr& host) { return host->instance().ephemeral; }

std::optional<ServiceKey> service_of(std::string_view key) {
    key.remove_prefix(kPrefix.size());
    const std::size_t first = key.find('\0');
    const std::size_t second = first == std::string_view::npos ? first : key.find('\0', first + 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    return ServiceKey{std::string(key.substr(0, first)), std::string(key.substr(first + 1, second - first - 1)),
                      std::string(key.substr(second + 1))};
}

}  // namespace

std::string encode_view(const std::vector<HostPtr>& hosts) {
    std::string out;
    ByteWriter bytes(out);
    bytes.number(kVersion, 1);
    bytes.count(static_cast<std::size_t>(std::count_if(hosts.begin(), hosts.end(), is_ephemeral)));
    for (const HostPtr& host : hosts) {
        const Instance& instance = host->instance();
        if (!instance.ephemeral) {
            continue;
        }
        bytes.text(instance.ip);
        bytes.number(instance.port, 2);
        bytes.real(instance.weight);
        bytes.boolean(instance.healthy);
        bytes.boolean(instance.enabled);
        bytes.text(instance.cluster);
        bytes.text(instance.id);
        bytes.pairs(instance.metadata);
    }
    return out;
}

std::optional<std::vector<Instance>> decode_view(std::string_view stored) {
    constexpr std::size_t kSmallestHost = 28;
    ByteReader bytes(stored);
    if (bytes.number(1) != kVersion) {
        return std::nullopt;
    }
    std::vector<Instance> hosts;
    for (std::size_t left = bytes.count(kSmallestHost); left > 0 && bytes.ok(); --left) {
        Instance& instance = hosts.emplace_back();
        instance.ip = bytes.text();
        instance.port = static_cast<std::uint16_t>(bytes.number(2));
        instance.weight = bytes.real();
        instance.healthy = bytes.boolean();
        instance.enabled = bytes.boolean();
        instance.cluster = bytes.text();
        instance.id = bytes.text();
        instance.metadata = bytes.pairs();
    }
    return bytes.ended() ? std::optional(std::move(hosts)) : std::nullopt;
}

LastViews::LastViews(Registry& registry, spi::Executors& executors, spi::Log& log, Options options)
    : registry_(registry), executors_(executors), log_(log), options_(options) {}

void LastViews::start(spi::KvStore* store) {
    store_ = store;
    if (store_ == nullptr) {
        return;
    }
    load();
    tick();
}

void LastViews::load() {
    const std::unique_ptr<spi::KvSnapshot> snapshot = store_->snapshot();
    if (snapshot == nullptr || options_.settle <= 0s) {
        return;
    }
    const spi::Duration now = executors_.clock().steady();
    std::size_t services = 0;
    std::size_t instances = 0;
    snapshot->scan(kPrefix, kPrefix, [&](std::string_view key, std::string_view value) {
        const std::optional<ServiceKey> service = service_of(key);
        const std::optional<std::vector<Instance>> view = decode_view(value);
        if (!service || !view) {
            log_.warn("a last view can't be read and is left out", spi::kv("key", key));
            return true;
        }
        std::vector<HostPtr> hosts;
        hosts.reserve(view->size());
        for (const Instance& instance : *view) {
            hosts.push_back(std::make_shared<const Host>(instance, *service));
        }
        const auto enough = static_cast<std::size_t>(std::ceil(static_cast<double>(hosts.size()) * options_.share));
        instances += hosts.size();
        services += hosts.empty() ? 0u : 1u;
        if (!hosts.empty()) {
            registry_.on_lane(*service, Registry::Entry::kRun,
                              [this, enough, now, hosts = std::move(hosts)](const ServicePtr& held) mutable {
                                  held->hold(std::move(hosts), enough, now);
                                  registry_.show(held, Registry::Telling::kQuietly);
                              });
        }
        return true;
    });
    if (services == 0) {
        return;
    }
    settled_at_.store((now + options_.settle).count(), std::memory_order_relaxed);
    log_.info("services are answered from their last view until their instances are back",
              spi::kv("services", services), spi::kv("instances", instances),
              spi::kv("at_most_seconds", std::chrono::duration<double>(options_.settle).count()));
    executors_.timers().after(options_.settle, [this] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, pass = std::move(pass)] { settle(); });
        }
    });
}

void LastViews::settle() {
    std::size_t services = 0;
    for (const ServicePtr& service : registry_.all_services()) {
        if (!service->is_held()) {
            continue;
        }
        ++services;
        service->lane().post([this, service] {
            if (service->is_held()) {
                service->release(executors_.clock().steady());
                registry_.show(service, Registry::Telling::kTell);
            }
        });
    }
    settled_at_.store(0, std::memory_order_relaxed);
    if (services != 0) {
        log_.warn("instances did not come back in time, services show what is there now",
                  spi::kv("services", services));
    } else {
        log_.info("all services are settled");
    }
}

spi::Duration LastViews::left() const noexcept {
    const spi::Duration end(settled_at_.load(std::memory_order_relaxed));
    return std::max<spi::Duration>(end - executors_.clock().steady(), 0s);
}

std::size_t LastViews::backlog() const {
    std::lock_guard lock(mutex_);
    return dirty_.size();
}

void LastViews::on_hosts_changed(const ServicePtr& service) noexcept {
    if (store_ != nullptr && !service->view_is_dirty.exchange(true, std::memory_order_acq_rel)) {
        std::lock_guard lock(mutex_);
        dirty_.push_back(service);
    }
}

void LastViews::tick() {
    executors_.timers().after(kTick, [this] {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executors_.work().post([this, pass = std::move(pass)] {
                write_some();
                tick();
            });
        }
    });
}

void LastViews::write_some() {
    std::vector<ServicePtr> services;
    {
        std::lock_guard lock(mutex_);
        services.swap(dirty_);
    }
    const spi::Duration now = executors_.clock().steady();
    std::vector<ServicePtr> later;
    spi::KvBatch batch;
    std::size_t bytes = 0;
    for (ServicePtr& service : services) {
        const bool is_lost = service->lost_at() != 0s && now - service->lost_at() < kLossIsTrueAfter;
        if (is_lost || batch.ops.size() >= kServicesEach || bytes >= kBytesEach) {
            later.push_back(std::move(service));
            continue;
        }
        // First clean, then read: who changes it in between marks it again.
        service->view_is_dirty.store(false, std::memory_order_release);
        const SnapshotPtr snapshot = service->snapshot();
        std::string key = key_of(service->key());
        if (key.size() > kLongestKey) {
            continue;
        }
        std::optional<std::string> view;
        if (std::any_of(snapshot->hosts().begin(), snapshot->hosts().end(), is_ephemeral)) {
            view = encode_view(snapshot->hosts());
        }
        bytes += key.size() + (view ? view->size() : 0);
        batch.ops.push_back({std::move(key), std::move(view)});
    }
    if (!later.empty()) {
        std::lock_guard lock(mutex_);
        dirty_.insert(dirty_.end(), std::make_move_iterator(later.begin()), std::make_move_iterator(later.end()));
    }
    if (!batch.ops.empty()) {
        store_->write(std::move(batch), spi::Durability::kLazy, [this](const spi::Result<bool>& outcome) {
            if (!outcome) {
                log_.warn("last views can't be written", spi::kv("error", outcome.error().message()));
            }
        });
    }
}

}  // namespace pharos::naming
