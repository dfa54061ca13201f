#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <pharos/sdk/shared_cell.hpp>
#include <pharos/spi/store.hpp>

#include "model/record.hpp"

namespace pharos::config {

/// What memory holds of a config. Immutable but for its content, which may be here while it is hot.
struct Entry {
    std::string md5;
    std::string type;
    std::string encrypted_data_key;
    std::int64_t modified_ms = 0;
    spi::Revision revision = 0;
    std::size_t content_size = 0;

    mutable sdk::SharedCell<const std::string> content;  ///< see HotContents
    mutable std::atomic<bool> used{false};
};
using EntryPtr = std::shared_ptr<const Entry>;

[[nodiscard]] EntryPtr make_entry(const ConfigRecord& record, spi::Revision revision);

/// Contents that are kept in memory, within a budget of bytes: the oldest goes first, unless it was used since it was
/// last looked at. Any thread.
class HotContents {
public:
    explicit HotContents(std::size_t budget) : budget_(budget) {}

    /// The entry's content, if it is here.
    [[nodiscard]] static std::shared_ptr<const std::string> find(const Entry& entry);
    /// Keeps the content; contents larger than an eighth of the budget are not kept.
    void keep(const EntryPtr& entry, std::shared_ptr<const std::string> content);
    [[nodiscard]] std::size_t bytes() const;

private:
    struct Kept {
        std::weak_ptr<const Entry> entry;
        std::size_t size;
    };

    const std::size_t budget_;
    mutable std::mutex mutex_;
    std::deque<Kept> kept_;
    std::size_t bytes_ = 0;
};

/// All configs of the node by their store key. Only the store's watcher and the first load change it, so it is the
/// same whatever stands behind the store. Any thread.
class Index {
public:
    [[nodiscard]] EntryPtr find(const std::string& store_key) const;
    /// Takes a newer entry, or, null, a removal at that revision. False: what is there is as new or newer.
    bool apply(const std::string& store_key, spi::Revision revision, EntryPtr entry);

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t count(std::string_view namespace_id) const;

private:
    static constexpr std::size_t kShards = 64;
    struct Shard {
        mutable std::shared_mutex mutex;
        std::unordered_map<std::string, EntryPtr> entries;
    };
    [[nodiscard]] Shard& shard_of(const std::string& key) const noexcept {
        return shards_[std::hash<std::string>{}(key) % kShards];
    }

    mutable std::array<Shard, kShards> shards_;
};

}  // namespace pharos::config
