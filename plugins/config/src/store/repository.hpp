#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/store.hpp>

#include "model/key.hpp"
#include "store/index.hpp"
#include "store/write_queue.hpp"

namespace pharos::config {

/// Who changes something, and from where, as history shows it.
struct Author {
    std::string user;
    std::string ip;
};

/// What a publisher gives. What is not given follows `protocol/config.md §5.2, §10` trap 3: appName and tags keep
/// their value, the others are cleared.
struct Publish {
    ConfigKey key;
    std::string content;
    std::string type;
    std::optional<std::string> app_name;
    std::optional<std::string> tags;
    std::string description;
    std::string use;
    std::string effect;
    std::string schema;
    std::string encrypted_data_key;
    std::string cas_md5;  ///< "" = whatever is there
    Author author;
};

/// A config as a reader gets it.
struct Found {
    EntryPtr entry;
    std::shared_ptr<const std::string> content;
    bool unreadable = false;  ///< there may be one, but the store can't be read now
};

/// A config with everything that is stored of it.
struct StoredConfig {
    ConfigRecord record;
    std::uint64_t id = 0;
};

/// Reads and writes configs through the Store, with a row of history in the same commit for each change, and keeps the
/// index true by watching it. Any thread.
///
/// Writers of one config take turns (WriteQueue), and each commits on the condition that the config is still the one
/// that it looked at. Only changes made elsewhere can be in the way then; the write looks again until it gets through.
class Repository {
public:
    /// Hears, on the store's thread, that clients see other content under this key than before.
    using OnChanged = std::function<void(const std::string& store_key)>;

    Repository(Index& index, std::size_t hot_bytes, spi::Executors& executors, spi::Metrics& metrics);

    /// Loads the index and watches the store, which must outlive this object's use. Error: the store can't be read.
    spi::Status start(spi::Store& store, OnChanged on_changed);
    /// No commit begins, no change is told; waits for what has begun.
    void stop(spi::Duration patience) noexcept;

    /// Done once it is durable and every later read here finds it. Where the new or the present content is large, the
    /// work is done on a thread that may block. Errors: kConflict (casMd5 is not the current md5),
    /// and those of the Store.
    void publish(Publish publish, spi::Completion<bool> done);
    /// Done also when there was nothing.
    void remove(const ConfigKey& key, Author author, spi::Completion<bool> done);
    /// No content, when there is no such config or its content is blank, or the store can't be read. Small contents
    /// are answered in the call, large ones from a thread that may block.
    void query(const std::string& store_key, spi::UniqueFunction<void(const Found&)> done);

    /// All of a config; nothing when there is none. On the threads of query(). Error: the store can't be read.
    void detail(const std::string& store_key, spi::Completion<std::optional<StoredConfig>> done);

    /// Has `read` look at the store on a thread that may block; null when it can't be read, or nothing more is.
    void read_later(spi::UniqueFunction<void(const spi::StoreSnapshot*)> read);

    [[nodiscard]] EntryPtr find(const std::string& store_key) const { return index_.find(store_key); }
    /// The store as it is now; null when it can't be read.
    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept;
    [[nodiscard]] std::size_t hot_bytes() const { return hot_.bytes(); }
    /// Writes that wait for another one of the same config.
    [[nodiscard]] std::size_t waiting() const noexcept { return queue_.waiting(); }

    /// Whether the store gives snapshots now.
    [[nodiscard]] bool is_readable() const noexcept;
    /// Ok while the store takes writes; else why it does not.
    [[nodiscard]] spi::Status write_failure() const;

private:
    struct Write;
    using WritePtr = std::shared_ptr<Write>;

    void begin(WritePtr write);
    void take_turn(const WritePtr& write);
    /// Has its turn: looks at the config and commits.
    void attempt(const WritePtr& write);
    void retry(const WritePtr& write);
    void finish(const WritePtr& write, spi::Result<bool> outcome);
    /// A number for a row of history that is greater than this one and than all that were taken here.
    [[nodiscard]] std::uint64_t take_number(std::uint64_t above);
    void on_store_changes(std::span<const spi::StoreChange> changes);
    /// The mutex must be held.
    void apply(const spi::StoreChange& change);
    [[nodiscard]] spi::Result<std::optional<StoredConfig>> read_detail(const std::string& store_key) const;
    [[nodiscard]] Found read(const std::string& store_key, const EntryPtr& entry);

    Index& index_;
    HotContents hot_;
    spi::Executors& executors_;
    spi::Counter& publishes_;
    std::atomic<spi::Store*> store_{nullptr};
    OnChanged on_changed_;
    WriteQueue queue_;
    std::atomic<std::uint64_t> last_number_{0};
    /// A change that the store told of while the first load ran.
    struct Told {
        std::string key;
        std::optional<std::string> value;
        spi::Revision revision = 0;
    };
    std::mutex index_mutex_;  ///< of whoever changes the index, the watcher or the first load; guards what follows
    bool loading_ = false;
    std::vector<Told> told_while_loading_;
    spi::Registration watch_;
    sdk::Gate gate_;
};

}  // namespace pharos::config
