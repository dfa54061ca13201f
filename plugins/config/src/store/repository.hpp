#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/store.hpp>

#include "model/key.hpp"
#include "store/index.hpp"

namespace pharos::config {

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
    std::string source_user;
    std::string source_ip;
    std::string cas_md5;  ///< "" = whatever is there
};

/// A config as a reader gets it.
struct Found {
    EntryPtr entry;
    std::shared_ptr<const std::string> content;
    bool unreadable = false;  ///< there may be one, but the store can't be read now
};

/// Reads and writes configs through the Store, and keeps the index true by watching it. Any thread.
class Repository {
public:
    /// Hears, on the store's thread, that clients see other content under this key than before.
    using OnChanged = std::function<void(const std::string& store_key)>;

    Repository(Index& index, std::size_t hot_bytes, spi::Executors& executors, spi::Metrics& metrics);

    /// Loads the index and watches the store, which must outlive this object's use. Error: the store can't be read.
    spi::Status start(spi::Store& store, OnChanged on_changed);
    /// No commit begins, no change is told; waits for what has begun.
    void stop(spi::Duration patience) noexcept;

    /// Done once it is durable and every later read here finds it. Errors: kConflict (casMd5 is not the current md5),
    /// and those of the Store.
    void publish(Publish publish, spi::Completion<bool> done);
    /// Done also when there was nothing.
    void remove(const ConfigKey& key, spi::Completion<bool> done);
    /// No content, when there is no such config or its content is blank, or the store can't be read. Small contents
    /// are answered in the call, large ones from a thread that may block.
    void query(const std::string& store_key, spi::UniqueFunction<void(const Found&)> done);

    [[nodiscard]] EntryPtr find(const std::string& store_key) const { return index_.find(store_key); }
    [[nodiscard]] std::size_t hot_bytes() const { return hot_.bytes(); }

    /// Whether the store gives snapshots now.
    [[nodiscard]] bool is_readable() const noexcept;
    /// Why the last commit failed; ok when it did not. Conflicts and refused input are no failures.
    [[nodiscard]] spi::Status write_failure() const;

private:
    struct Attempt;

    void try_publish(std::shared_ptr<Attempt> attempt);
    void on_store_changes(std::span<const spi::StoreChange> changes);
    /// Keeps in mind how a commit ended.
    void note(const spi::Result<spi::Revision>& outcome);
    [[nodiscard]] Found read(const std::string& store_key, const EntryPtr& entry);

    Index& index_;
    HotContents hot_;
    spi::Executors& executors_;
    spi::Counter& publishes_;
    std::atomic<spi::Store*> store_{nullptr};
    OnChanged on_changed_;
    spi::Registration watch_;
    std::atomic<bool> write_failed_{false};  ///< so that a commit that went well takes no lock
    mutable std::mutex failure_mutex_;
    spi::Status write_failure_;
    sdk::Gate gate_;
};

}  // namespace pharos::config
