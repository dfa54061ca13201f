#include "persistent/health_commits.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace pharos::naming {

namespace {

/// Instances of one commit.
constexpr std::size_t kAtOnce = 1000;
/// How often instances may be deregistered while a commit is on its way.
constexpr int kMaxAttempts = 10;

/// What of it makes a difference to what is stored.
spi::StoreCommit plan(const spi::StoreSnapshot& snapshot, const std::map<StoredAddress, bool>& batch) {
    spi::StoreCommit commit;
    for (const auto& [address, healthy] : batch) {
        std::string instance = instance_key(address);
        const std::optional<spi::StoreValue> stored = snapshot.get(instance);
        const std::optional<Instance> registered = stored ? decode_instance(stored->value) : std::nullopt;
        if (!registered) {
            continue;
        }
        std::string health = health_key(address);
        const std::optional<spi::StoreValue> known = snapshot.get(health);
        if ((known ? decode_health(known->value) : std::optional(registered->healthy)) != healthy) {
            commit.compares.push_back({std::move(instance), spi::StoreCompare::Kind::kPresent, 0});
            commit.ops.push_back({std::move(health), encode_health(healthy)});
        }
    }
    return commit;
}

}  // namespace

void HealthCommits::report(const StoredAddress& address, bool healthy) {
    {
        std::lock_guard lock(mutex_);
        waiting_[address] = healthy;
    }
    write_next();
}

void HealthCommits::write_next() {
    auto batch = std::make_shared<Batch>();
    {
        std::lock_guard lock(mutex_);
        if (writing_ || waiting_.empty()) {
            return;
        }
        while (!waiting_.empty() && batch->size() < kAtOnce) {
            batch->insert(waiting_.extract(waiting_.begin()));
        }
        writing_ = true;
    }
    write(std::move(batch), 1);
}

void HealthCommits::end() {
    {
        std::lock_guard lock(mutex_);
        writing_ = false;
    }
    // Never in the call: the store's thread ends it.
    if (sdk::Gate::Pass pass = gate_.enter()) {
        executors_.work().post([this, pass = std::move(pass)] { write_next(); });
    }
}

void HealthCommits::write(std::shared_ptr<const Batch> batch, int attempt) {
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass || store_ == nullptr) {
        return;
    }
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_->snapshot();
    spi::StoreCommit commit = snapshot == nullptr ? spi::StoreCommit{} : plan(*snapshot, *batch);
    if (commit.ops.empty()) {
        end();
        return;
    }
    store_->commit(std::move(commit), [this, batch = std::move(batch), attempt,
                                       pass = std::move(pass)](const spi::Result<spi::Revision>& outcome) mutable {
        if (!outcome && outcome.error().code() == spi::Code::kConflict && attempt < kMaxAttempts) {
            executors_.work().post([this, batch = std::move(batch), attempt, pass = std::move(pass)]() mutable {
                write(std::move(batch), attempt + 1);
            });
            return;
        }
        if (!outcome) {
            log_.warn("found health can't be written, it is tried again after the next probes",
                      spi::kv("instances", batch->size()), spi::kv("error", outcome.error().message()));
        }
        end();
    });
}

}  // namespace pharos::naming
