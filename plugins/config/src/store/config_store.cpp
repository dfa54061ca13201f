#include "store/config_store.hpp"

#include <utility>

namespace pharos::config {

using spi::Code;
using spi::Revision;
using spi::Status;

namespace {

constexpr int kMaxTries = 1000;
constexpr spi::Duration kStopPatience = std::chrono::seconds(10);

}  // namespace

struct ConfigStore::Publishing {
    ConfigKey key;
    Publish publish;
    spi::Completion<Revision> done;
    sdk::Gate::Pass pass;
    int tries = 0;
};

ConfigStore::ConfigStore(spi::Executors& executors, spi::Log& log, std::size_t hot_bytes)
    : executors_(executors), log_(log), index_(hot_bytes) {}

Status ConfigStore::start(spi::Store& store, spi::UniqueFunction<void(const ConfigKey&)> changed) {
    store_ = &store;
    changed_ = std::move(changed);
    // Watching begins before reading, and what is told meanwhile waits: so nothing falls between the two.
    watch_ = store.watch(std::string(kStorePrefix), 0,
                         [this](std::span<const spi::StoreChange> changes) { on_changes(changes); });
    auto snapshot = store.snapshot();
    if (snapshot == nullptr) {
        return {Code::kUnavailable, "the store gives no snapshot to load the configs from"};
    }
    snapshot->scan(kStorePrefix, {}, [this](std::string_view key, const spi::StoreValue& value) {
        auto record = decode(value.value);
        auto name = ConfigKey::from_store(key);
        if (!record || !name) {
            log_.error("config_unreadable", spi::kv("key", key), spi::kv("bytes", value.value.size()));
            return true;
        }
        index_.set(*name, make_entry(*record, value.revision), nullptr);
        return true;
    });
    snapshot.reset();
    std::lock_guard lock(loading_mutex_);
    for (const Missed& missed : missed_) {
        apply(missed.key, missed.value, missed.revision, false);
    }
    missed_ = {};
    loading_ = false;
    return Status::ok();
}

void ConfigStore::stop() noexcept {
    if (!gate_.close(kStopPatience)) {
        log_.error("config_writes_still_open");
    }
    watch_.reset();
}

void ConfigStore::on_changes(std::span<const spi::StoreChange> changes) {
    {
        std::lock_guard lock(loading_mutex_);
        if (loading_) {
            for (const spi::StoreChange& change : changes) {
                missed_.push_back({std::string(change.key),
                                   change.value ? std::optional<std::string>(*change.value) : std::nullopt,
                                   change.revision});
            }
            return;
        }
    }
    for (const spi::StoreChange& change : changes) {
        apply(change.key, change.value, change.revision, true);
    }
}

void ConfigStore::apply(std::string_view store_key, std::optional<std::string_view> value, Revision revision,
                        bool tell) {
    auto key = ConfigKey::from_store(store_key);
    if (!key) {
        return;
    }
    bool changed = false;
    if (!value) {
        changed = index_.remove(*key, revision);
    } else if (auto record = decode(*value)) {
        ContentPtr content;
        if (record->content.size() <= Index::kLargestHot) {
            content = std::make_shared<const std::string>(record->content);
        }
        changed = index_.set(*key, make_entry(*record, revision), std::move(content));
    } else {
        log_.error("config_unreadable", spi::kv("key", store_key), spi::kv("bytes", value->size()));
    }
    if (changed && tell) {
        changed_(*key);
    }
}

spi::Result<Loaded> ConfigStore::read(const ConfigKey& key) {
    auto snapshot = store_->snapshot();
    if (snapshot == nullptr) {
        return Status(Code::kUnavailable, "the store can't be read");
    }
    auto stored = snapshot->get(key.store_key());
    if (!stored) {
        return Status(Code::kNotFound, "config data not exist");
    }
    auto record = decode(stored->value);
    if (!record) {
        return Status(Code::kInternal, "the stored config is unreadable");
    }
    // The record may be newer than the index: then its own entry goes with it.
    Loaded loaded{make_entry(*record, stored->revision), std::make_shared<const std::string>(record->content)};
    index_.keep(key.text(), loaded);
    return loaded;
}

void ConfigStore::load(const ConfigKey& key, spi::Completion<Loaded> done) {
    Index::Found found = index_.find(key.text());
    if (found.entry == nullptr) {
        done(Status(Code::kNotFound, "config data not exist"));
        return;
    }
    if (found.content != nullptr) {
        done(Loaded{std::move(found.entry), std::move(found.content)});
        return;
    }
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        done(Status(Code::kUnavailable, "the server is stopping"));
    } else if (found.entry->size <= kReadInPlace) {
        done(read(key));
    } else {
        executors_.block().post([this, key, done = std::move(done), pass = std::move(pass)]() mutable {
            done(read(key));
        });
    }
}

void ConfigStore::publish(ConfigKey key, Publish publish, spi::Completion<Revision> done) {
    auto job = std::make_unique<Publishing>(
        Publishing{std::move(key), std::move(publish), std::move(done), gate_.enter(), 0});
    if (!job->pass) {
        job->done(Status(Code::kUnavailable, "the server is stopping"));
        return;
    }
    attempt(std::move(job));
}

void ConfigStore::attempt(std::unique_ptr<Publishing> job) {
    spi::StoreCommit commit;
    std::string key = job->key.store_key();
    {
        auto snapshot = store_->snapshot();
        if (snapshot == nullptr) {
            job->done(Status(Code::kUnavailable, "the store can't be read"));
            return;
        }
        std::optional<RecordView> current;
        auto stored = snapshot->get(key);
        if (stored) {
            current = decode(stored->value);
        }
        // §10.27: on a config that does not exist, casMd5 inserts.
        if (current && !job->publish.cas_md5.empty() && current->md5 != job->publish.cas_md5) {
            job->done(Status(Code::kConflict, std::string(kCasFailed)));
            return;
        }
        Record record = merge(job->publish, current ? &*current : nullptr, executors_.clock().wall_ms());
        commit.compares.push_back({key,
                                   stored ? spi::StoreCompare::Kind::kRevisionIs : spi::StoreCompare::Kind::kAbsent,
                                   stored ? stored->revision : 0});
        commit.ops.push_back({std::move(key), encode(record)});
    }
    store_->commit(std::move(commit), [this, job = std::move(job)](spi::Result<Revision> result) mutable {
        if (!result && result.error().code() == Code::kConflict && ++job->tries < kMaxTries) {
            attempt(std::move(job));  // somebody else was first; casMd5 is compared anew
            return;
        }
        job->done(std::move(result));
    });
}

void ConfigStore::remove(const ConfigKey& key, spi::Completion<Revision> done) {
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        done(Status(Code::kUnavailable, "the server is stopping"));
        return;
    }
    spi::StoreCommit commit;
    std::string name = key.store_key();
    commit.compares.push_back({name, spi::StoreCompare::Kind::kPresent, 0});
    commit.ops.push_back({std::move(name), std::nullopt});
    struct Removing {
        spi::Completion<Revision> done;
        sdk::Gate::Pass pass;
    };
    auto job = std::make_unique<Removing>(Removing{std::move(done), std::move(pass)});
    store_->commit(std::move(commit), [job = std::move(job)](spi::Result<Revision> result) {
        if (!result && result.error().code() == Code::kConflict) {
            job->done(Revision{0});  // there was nothing
        } else {
            job->done(std::move(result));
        }
    });
}

}  // namespace pharos::config
