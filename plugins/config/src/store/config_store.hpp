#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/store.hpp>

#include "model/rules.hpp"
#include "store/index.hpp"

namespace pharos::config {

/// Reads and writes configs: the index in memory before, the Store behind.
///
/// A write is a commit that compares with what was read; the index follows by watching the store, so that a commit of
/// another node arrives in the same way. Completions come after the index has the change and listeners were told.
class ConfigStore {
public:
    /// Values up to this size are read where they are asked for, larger ones on the block executor.
    static constexpr std::size_t kReadInPlace = std::size_t{64} << 10;
    static constexpr std::string_view kCasFailed = "Cas publish fail, server md5 may have changed.";

    ConfigStore(spi::Executors& executors, spi::Log& log, std::size_t hot_bytes);

    /// Loads the index and follows the store. `changed` is called on the store's thread for each config whose md5 has
    /// become another one; it must be quick.
    spi::Status start(spi::Store& store, spi::UniqueFunction<void(const ConfigKey&)> changed);
    /// Refuses new work and waits for what is under way.
    void stop() noexcept;

    [[nodiscard]] Index& index() noexcept { return index_; }

    /// Errors: kNotFound, kUnavailable, kInternal. Done in the call or on the block executor.
    void load(const ConfigKey& key, spi::Completion<Loaded> done);
    /// Errors: kConflict (casMd5; the message is the client's), and those of Store::commit. Done on the store's thread,
    /// or in the call.
    void publish(ConfigKey key, Publish publish, spi::Completion<spi::Revision> done);
    /// Done as publish(). Ok also when there was nothing.
    void remove(const ConfigKey& key, spi::Completion<spi::Revision> done);

private:
    struct Publishing;
    struct Missed {
        std::string key;
        std::optional<std::string> value;
        spi::Revision revision;
    };

    void attempt(std::unique_ptr<Publishing> job);
    void on_changes(std::span<const spi::StoreChange> changes);
    void apply(std::string_view store_key, std::optional<std::string_view> value, spi::Revision revision, bool tell);
    spi::Result<Loaded> read(const ConfigKey& key);

    spi::Executors& executors_;
    spi::Log& log_;
    Index index_;
    sdk::Gate gate_;
    spi::Store* store_ = nullptr;
    spi::UniqueFunction<void(const ConfigKey&)> changed_;

    std::mutex loading_mutex_;
    bool loading_ = true;
    std::vector<Missed> missed_;  ///< changes told while the index was being loaded
    spi::Registration watch_;
};

}  // namespace pharos::config
