#include "store/repository.hpp"

#include <algorithm>
#include <utility>

#include "history/history.hpp"

namespace pharos::config {

namespace {

using namespace std::chrono_literals;

/// Contents up to this size are read on the calling thread.
constexpr std::size_t kSmall = 64 * 1024;
/// For so long a write gives way to changes that other nodes make to the same config.
constexpr spi::Duration kPersistence = 10s;
constexpr spi::Duration kRetryPause = 10ms;

}  // namespace

struct Repository::Write {
    std::string store_key;
    ConfigKey key;
    std::optional<Publish> publish;  ///< nothing = a removal
    std::string md5;
    Author author;
    spi::Completion<bool> done;
    sdk::Gate::Pass pass;
    spi::Duration begun{};
};

Repository::Repository(Index& index, std::size_t hot_bytes, spi::Executors& executors, spi::Metrics& metrics)
    : index_(index),
      hot_(hot_bytes),
      executors_(executors),
      publishes_(metrics.counter("pharos_config_publishes_total", "Configs that were published or removed.")),
      queue_(executors.work()) {}

spi::Status Repository::start(spi::Store& store, OnChanged on_changed) {
    store_ = &store;
    on_changed_ = std::move(on_changed);
    {
        std::lock_guard lock(index_mutex_);
        loading_ = true;
    }
    // Watch first, then read: what is told meanwhile is applied afterwards, so that no removal comes before what it
    // removes; what is in both tells itself by its revision. The store is asked without the lock: it tells with its
    // own.
    watch_ = store.watch(std::string(kStorePrefix), 0,
                         [this](std::span<const spi::StoreChange> changes) { on_store_changes(changes); });
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store.snapshot();
    if (snapshot == nullptr) {
        return {spi::Code::kUnavailable, "the store can't be read"};
    }
    std::lock_guard lock(index_mutex_);
    std::string unreadable;
    snapshot->scan(kStorePrefix, kStorePrefix, [&](std::string_view key, const spi::StoreValue& value) {
        const std::optional<RecordView> record = view_of(value.value);
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
    last_number_ = greatest_number(*snapshot);
    loading_ = false;
    for (const Told& told : std::exchange(told_while_loading_, {})) {
        apply({told.key, told.value, told.revision});
    }
    return {};
}

void Repository::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    watch_.reset();
}

void Repository::on_store_changes(std::span<const spi::StoreChange> changes) {
    std::lock_guard lock(index_mutex_);
    for (const spi::StoreChange& change : changes) {
        if (loading_) {
            told_while_loading_.push_back({std::string(change.key),
                                           change.value ? std::optional<std::string>(*change.value) : std::nullopt,
                                           change.revision});
        } else {
            apply(change);
        }
    }
}

void Repository::apply(const spi::StoreChange& change) {
    const std::string key(change.key);
    const EntryPtr before = index_.find(key);
    EntryPtr after;
    if (change.value) {
        const std::optional<RecordView> record = view_of(*change.value);
        if (!record) {
            return;  // nobody but this plugin writes here
        }
        after = make_entry(*record, change.revision);
        if (hot_.takes(record->content.size())) {
            hot_.keep(after, std::make_shared<const std::string>(record->content));
        }
    }
    const bool same = (before == nullptr) == (after == nullptr) && (before == nullptr || before->md5 == after->md5);
    if (index_.apply(key, change.revision, std::move(after)) && !same) {
        on_changed_(key);
    }
}

void Repository::publish(Publish publish, spi::Completion<bool> done) {
    auto write = std::make_shared<Write>();
    write->key = publish.key;
    write->author = std::move(publish.author);
    write->publish = std::move(publish);
    write->done = std::move(done);
    begin(std::move(write));
}

void Repository::remove(const ConfigKey& key, Author author, spi::Completion<bool> done) {
    auto write = std::make_shared<Write>();
    write->key = key;
    write->author = std::move(author);
    write->done = std::move(done);
    begin(std::move(write));
}

void Repository::begin(WritePtr write) {
    write->store_key = write->key.store_key();
    write->pass = gate_.enter();
    if (!write->pass) {
        write->done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
        return;
    }
    const EntryPtr current = index_.find(write->store_key);
    const std::size_t size = write->publish ? write->publish->content.size() : 0;
    if (std::max(size, current == nullptr ? 0 : current->content_size) <= kSmall) {
        take_turn(write);
    } else {
        executors_.block().post([this, write = std::move(write)] { take_turn(write); });
    }
}

void Repository::take_turn(const WritePtr& write) {
    if (write->publish) {
        write->md5 = md5_hex(write->publish->content);
    }
    spi::Task turn = [this, write] {
        write->begun = executors_.clock().steady();
        attempt(write);
    };
    if (!queue_.enter(write->store_key, turn)) {
        write->done(spi::Status(spi::Code::kUnavailable, std::to_string(WriteQueue::kMostWaiting) +
                                                             " changes of this config are waiting already"));
        write->pass = {};
    }
}

void Repository::attempt(const WritePtr& write) {
    const std::unique_ptr<spi::StoreSnapshot> snapshot = this->snapshot();
    if (snapshot == nullptr) {
        finish(write, spi::Status(spi::Code::kUnavailable, "the store can't be read"));
        return;
    }
    const std::optional<spi::StoreValue> stored = snapshot->get(write->store_key);
    const std::optional<RecordView> current = stored ? view_of(stored->value) : std::nullopt;
    if (stored && !current) {
        finish(write,
               spi::Status(spi::Code::kInternal, "the stored config can't be read: damaged, or of a newer version"));
        return;
    }
    if (!write->publish && !current) {
        finish(write, true);
        return;
    }
    if (current && write->publish && !write->publish->cas_md5.empty() && write->publish->cas_md5 != current->md5) {
        finish(write, spi::Status(spi::Code::kConflict, "Cas publish fail, server md5 may have changed."));
        return;
    }
    const std::int64_t now = executors_.clock().wall_ms();
    const std::uint64_t number = take_number(
        std::max(snapshot->revision(), current ? current->last_change : greatest_number(*snapshot, write->store_key)));
    const std::uint64_t id = current ? id_of(*current, stored->revision) : number;

    HistoryRowView row;
    row.operation = !current ? Operation::kInsert : write->publish ? Operation::kUpdate : Operation::kRemove;
    row.at_ms = now;
    row.config_id = current ? id : 0;
    row.namespace_id = write->key.namespace_id;
    row.group = write->key.group;
    row.data_id = write->key.data_id;
    row.source_user = write->author.user;
    row.source_ip = write->author.ip;
    std::string without_content;
    if (current) {
        row.before = stored->value;
        row.content_is_next = write->publish && write->publish->content == current->content;
        if (row.content_is_next) {
            RecordView before = *current;
            before.content = {};
            row.before = without_content = encode(before);
        }
    }

    spi::StoreCommit commit;
    const std::string row_key = history_key(number);
    using Kind = spi::StoreCompare::Kind;
    commit.compares.push_back(current ? spi::StoreCompare{write->store_key, Kind::kRevisionIs, stored->revision}
                                      : spi::StoreCompare{write->store_key, Kind::kAbsent, 0});
    commit.compares.push_back({row_key, Kind::kAbsent, 0});
    std::optional<std::string> value;
    if (const std::optional<Publish>& wanted = write->publish) {
        RecordView record;
        record.content = wanted->content;
        record.md5 = write->md5;
        record.type = normalised_type(wanted->type);
        record.app_name = wanted->app_name ? std::string_view(*wanted->app_name) : current ? current->app_name : "";
        record.tags = wanted->tags ? std::string_view(*wanted->tags) : current ? current->tags : "";
        record.description = wanted->description;
        record.use = wanted->use;
        record.effect = wanted->effect;
        record.schema = wanted->schema;
        record.encrypted_data_key = wanted->encrypted_data_key;
        record.source_user = write->author.user;
        record.source_ip = write->author.ip;
        record.modified_ms = now;
        record.created_ms = current ? current->created_ms : now;
        record.id = id;
        record.last_change = number;
        value = encode(record);
    }
    commit.ops.push_back({write->store_key, std::move(value)});
    commit.ops.push_back({row_key, encode(row)});
    commit.ops.push_back({change_key(write->store_key, number), encode(ChangeMark{row.operation, now, row.config_id})});
    store_.load()->commit(std::move(commit), [this, write](const spi::Result<spi::Revision>& outcome) {
        if (outcome) {
            publishes_.add();
            finish(write, true);
        } else if (outcome.error().code() != spi::Code::kConflict) {
            finish(write, outcome.error());
        } else if (executors_.clock().steady() - write->begun < kPersistence) {
            retry(write);
        } else {
            finish(write, spi::Status(spi::Code::kUnavailable, "others change this config all the time"));
        }
    });
}

/// After a conflict, which another node has won: looks again, not at once, so that it gets done.
void Repository::retry(const WritePtr& write) {
    executors_.timers().after(kRetryPause, [this, write] {
        executors_.work().post([this, write] {
            // It may be the row's number that another node has taken.
            if (const std::unique_ptr<spi::StoreSnapshot> snapshot = this->snapshot()) {
                take_number(greatest_number(*snapshot));
            }
            attempt(write);
        });
    });
}

void Repository::finish(const WritePtr& write, spi::Result<bool> outcome) {
    queue_.leave(write->store_key);
    write->done(std::move(outcome));
    write->pass = {};
}

std::uint64_t Repository::take_number(std::uint64_t above) {
    std::uint64_t last = last_number_.load(std::memory_order_relaxed);
    std::uint64_t number = 0;
    do {
        number = std::max(last, above) + 1;
    } while (!last_number_.compare_exchange_weak(last, number, std::memory_order_relaxed));
    return number;
}

std::unique_ptr<spi::StoreSnapshot> Repository::snapshot() const noexcept {
    const spi::Store* store = store_.load();
    return store == nullptr ? nullptr : store->snapshot();
}

bool Repository::is_readable() const noexcept { return snapshot() != nullptr; }

spi::Status Repository::write_failure() const {
    const spi::Store* store = store_.load();
    return store == nullptr ? spi::Status(spi::Code::kUnavailable, "the store is not open yet") : store->readiness();
}

Found Repository::read(const std::string& store_key, const EntryPtr& entry) {
    const std::unique_ptr<spi::StoreSnapshot> snapshot = this->snapshot();
    if (snapshot == nullptr) {
        return {.unreadable = true};
    }
    const std::optional<spi::StoreValue> value = snapshot->get(store_key);
    if (!value) {
        return {};  // removed a moment ago
    }
    const std::optional<RecordView> record = view_of(value->value);
    if (!record) {
        return {.unreadable = true};
    }
    // The store may be ahead of the index for a moment: what is answered must fit together.
    const EntryPtr fitting = value->revision == entry->revision ? entry : make_entry(*record, value->revision);
    auto content = std::make_shared<const std::string>(record->content);
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

void Repository::detail(const std::string& store_key, spi::Completion<std::optional<StoredConfig>> done) {
    const EntryPtr entry = index_.find(store_key);
    if (entry == nullptr) {
        done(std::optional<StoredConfig>());
        return;
    }
    if (entry->content_size <= kSmall) {
        done(read_detail(store_key));
        return;
    }
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
        return;
    }
    executors_.block().post(
        [this, store_key, done = std::move(done), pass = std::move(pass)]() mutable { done(read_detail(store_key)); });
}

void Repository::read_later(spi::UniqueFunction<void(const spi::StoreSnapshot*)> read) {
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        read(nullptr);
        return;
    }
    executors_.block().post(
        [this, read = std::move(read), pass = std::move(pass)]() mutable { read(snapshot().get()); });
}

spi::Result<std::optional<StoredConfig>> Repository::read_detail(const std::string& store_key) const {
    const std::unique_ptr<spi::StoreSnapshot> snapshot = this->snapshot();
    if (snapshot == nullptr) {
        return spi::Status(spi::Code::kUnavailable, "the store can't be read");
    }
    const std::optional<spi::StoreValue> stored = snapshot->get(store_key);
    std::optional<ConfigRecord> record = stored ? decode(stored->value) : std::nullopt;
    if (!record) {
        return std::optional<StoredConfig>();
    }
    const std::uint64_t id = id_of(*record, stored->revision);
    return std::optional(StoredConfig{std::move(*record), id});
}

}  // namespace pharos::config
