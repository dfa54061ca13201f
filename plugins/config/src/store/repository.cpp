#include "store/repository.hpp"

#include <utility>

#include <pharos/protocol/params.hpp>

namespace pharos::config {

namespace {

/// Contents up to this size are read on the calling thread.
constexpr std::size_t kSmall = 64 * 1024;
/// How often a publish meets another one of the same config before it gives up.
constexpr int kMaxAttempts = 100;

}  // namespace

struct Repository::Attempt {
    Publish publish;
    std::string store_key;
    std::string md5;
    spi::Completion<bool> done;
    sdk::Gate::Pass pass;
    int count = 0;
};

Repository::Repository(Index& index, std::size_t hot_bytes, spi::Executors& executors, spi::Metrics& metrics)
    : index_(index),
      hot_(hot_bytes),
      executors_(executors),
      publishes_(metrics.counter("pharos_config_publishes_total", "Configs that were published or removed.")) {}

spi::Status Repository::start(spi::Store& store, OnChanged on_changed) {
    store_ = &store;
    on_changed_ = std::move(on_changed);
    // Watch first, then read: what is in both tells itself by its revision.
    watch_ = store.watch(std::string(kStorePrefix), 0,
                         [this](std::span<const spi::StoreChange> changes) { on_store_changes(changes); });
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store.snapshot();
    if (snapshot == nullptr) {
        return {spi::Code::kUnavailable, "the store can't be read"};
    }
    std::string unreadable;
    snapshot->scan(kStorePrefix, kStorePrefix, [&](std::string_view key, const spi::StoreValue& value) {
        const std::optional<ConfigRecord> record = decode(value.value);
        if (!record) {
            unreadable = key;
            return false;
        }
        index_.apply(std::string(key), value.revision, make_entry(*record, value.revision));
        return true;
    });
    if (!unreadable.empty()) {
        return {spi::Code::kInternal,
                "the stored config '" + unreadable + "' can't be read: damaged, or of a newer version"};
    }
    return {};
}

void Repository::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    watch_.reset();
}

void Repository::on_store_changes(std::span<const spi::StoreChange> changes) {
    for (const spi::StoreChange& change : changes) {
        const std::string key(change.key);
        const EntryPtr before = index_.find(key);
        EntryPtr after;
        if (change.value) {
            std::optional<ConfigRecord> record = decode(*change.value);
            if (!record) {
                continue;  // nobody but this plugin writes here
            }
            after = make_entry(*record, change.revision);
            hot_.keep(after, std::make_shared<const std::string>(std::move(record->content)));
        }
        const bool same = (before == nullptr) == (after == nullptr) && (before == nullptr || before->md5 == after->md5);
        if (index_.apply(key, change.revision, std::move(after)) && !same) {
            on_changed_(key);
        }
    }
}

void Repository::publish(Publish publish, spi::Completion<bool> done) {
    auto attempt = std::make_shared<Attempt>();
    attempt->pass = gate_.enter();
    if (!attempt->pass) {
        done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
        return;
    }
    attempt->store_key = publish.key.store_key();
    attempt->md5 = md5_hex(publish.content);
    attempt->publish = std::move(publish);
    attempt->done = std::move(done);
    try_publish(std::move(attempt));
}

void Repository::try_publish(std::shared_ptr<Attempt> attempt) {
    const Publish& wanted = attempt->publish;
    ConfigRecord record;
    spi::StoreCompare compare{attempt->store_key, spi::StoreCompare::Kind::kAbsent, 0};
    if (const std::unique_ptr<spi::StoreSnapshot> snapshot = store_.load()->snapshot()) {
        if (const std::optional<spi::StoreValue> value = snapshot->get(attempt->store_key)) {
            compare.kind = spi::StoreCompare::Kind::kRevisionIs;
            compare.revision = value->revision;
            if (std::optional<ConfigRecord> current = decode(value->value)) {
                record = std::move(*current);
            }
        }
    }
    const bool exists = compare.kind == spi::StoreCompare::Kind::kRevisionIs;
    if (exists && !wanted.cas_md5.empty() && wanted.cas_md5 != record.md5) {
        attempt->done(spi::Status(spi::Code::kConflict, "Cas publish fail, server md5 may have changed."));
        return;
    }
    record.content = wanted.content;
    record.md5 = attempt->md5;
    record.type = normalised_type(wanted.type);
    record.app_name = wanted.app_name.value_or(record.app_name);
    record.tags = wanted.tags.value_or(record.tags);
    record.description = wanted.description;
    record.use = wanted.use;
    record.effect = wanted.effect;
    record.schema = wanted.schema;
    record.encrypted_data_key = wanted.encrypted_data_key;
    record.source_user = wanted.source_user;
    record.source_ip = wanted.source_ip;
    record.modified_ms = executors_.clock().wall_ms();
    record.created_ms = exists ? record.created_ms : record.modified_ms;

    spi::StoreCommit commit;
    commit.compares.push_back(std::move(compare));
    commit.ops.push_back({attempt->store_key, encode(record)});
    store_.load()->commit(std::move(commit), [this, attempt](spi::Result<spi::Revision> outcome) {
        note(outcome);
        if (outcome) {
            publishes_.add();
            attempt->done(true);
        } else if (outcome.error().code() == spi::Code::kConflict && ++attempt->count < kMaxAttempts) {
            try_publish(attempt);  // somebody was faster: look again
        } else {
            attempt->done(outcome.error());
        }
    });
}

void Repository::remove(const ConfigKey& key, spi::Completion<bool> done) {
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
        return;
    }
    std::string store_key = key.store_key();
    if (index_.find(store_key) == nullptr) {
        done(true);
        return;
    }
    spi::StoreCommit commit;
    commit.ops.push_back({std::move(store_key), std::nullopt});
    store_.load()->commit(std::move(commit), [this, done = std::move(done),
                                              pass = std::move(pass)](spi::Result<spi::Revision> outcome) mutable {
        note(outcome);
        if (outcome) {
            publishes_.add();
            done(true);
        } else {
            done(outcome.error());
        }
    });
}

void Repository::note(const spi::Result<spi::Revision>& outcome) {
    const spi::Code code = outcome ? spi::Code::kOk : outcome.error().code();
    const bool failed = code == spi::Code::kInternal || code == spi::Code::kTooLarge || code == spi::Code::kUnavailable;
    if (failed || (outcome && write_failed_.load(std::memory_order_acquire))) {
        std::lock_guard lock(failure_mutex_);
        write_failure_ = failed ? outcome.error() : spi::Status();
        write_failed_.store(failed, std::memory_order_release);
    }
}

bool Repository::is_readable() const noexcept {
    const spi::Store* store = store_.load();
    return store != nullptr && store->snapshot() != nullptr;
}

spi::Status Repository::write_failure() const {
    std::lock_guard lock(failure_mutex_);
    return write_failure_;
}

Found Repository::read(const std::string& store_key, const EntryPtr& entry) {
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_.load()->snapshot();
    if (snapshot == nullptr) {
        return {.unreadable = true};
    }
    const std::optional<spi::StoreValue> value = snapshot->get(store_key);
    if (!value) {
        return {};  // removed a moment ago
    }
    std::optional<ConfigRecord> record = decode(value->value);
    if (!record) {
        return {.unreadable = true};
    }
    // The store may be ahead of the index for a moment: what is answered must fit together.
    const EntryPtr fitting = value->revision == entry->revision ? entry : make_entry(*record, value->revision);
    auto content = std::make_shared<const std::string>(std::move(record->content));
    hot_.keep(fitting, content);
    return {fitting, std::move(content), false};
}

void Repository::query(const std::string& store_key, spi::UniqueFunction<void(const Found&)> done) {
    const EntryPtr entry = index_.find(store_key);
    if (entry == nullptr) {
        done({});
        return;
    }
    if (std::shared_ptr<const std::string> content = HotContents::find(*entry)) {
        done({entry, std::move(content), false});
        return;
    }
    if (entry->content_size <= kSmall) {
        done(read(store_key, entry));
        return;
    }
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        done({.unreadable = true});
        return;
    }
    executors_.block().post([this, store_key, entry, done = std::move(done), pass = std::move(pass)]() mutable {
        done(read(store_key, entry));
    });
}

}  // namespace pharos::config
