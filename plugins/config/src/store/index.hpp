#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pharos/sdk/shared_cell.hpp>
#include <pharos/spi/store.hpp>

#include "model/record.hpp"

namespace pharos::config {

/// What memory holds of a config. Immutable but for its content, which may be here while it is hot.
struct Entry {
    /// What few configs have.
    struct Labels {
        std::string app_name;
        std::string tags;
    };

    std::string md5;
    std::string_view type;  ///< a known one, which lives as long as the program
    std::string encrypted_data_key;
    std::unique_ptr<const Labels> labels;  ///< null = none
    std::uint64_t id = 0;
    std::int64_t modified_ms = 0;
    spi::Revision revision = 0;
    std::size_t content_size = 0;

    mutable sdk::SharedCell<const std::string> content;  ///< see HotContents
    mutable std::atomic<bool> used{false};

    [[nodiscard]] std::string_view app_name() const noexcept {
        return labels ? std::string_view(labels->app_name) : "";
    }
    [[nodiscard]] std::string_view tags() const noexcept { return labels ? std::string_view(labels->tags) : ""; }
};
using EntryPtr = std::shared_ptr<const Entry>;

[[nodiscard]] EntryPtr make_entry(const RecordView& record, spi::Revision revision);

/// Contents that are kept in memory, within a budget of bytes: the oldest goes first, unless it was used since it was
/// last looked at. Any thread.
class HotContents {
public:
    explicit HotContents(std::size_t budget) : budget_(budget) {}

    /// The entry's content, if it is here.
    [[nodiscard]] static std::shared_ptr<const std::string> find(const Entry& entry);
    /// Contents larger than an eighth of the budget are not kept.
    [[nodiscard]] bool takes(std::size_t size) const noexcept { return size <= budget_ / 8; }
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

/// All configs of the node by their store key, and each namespace's in the order of their ids, which is the order of
/// lists. Only the store's watcher and the first load change it, one at a time, so it is the same whatever stands
/// behind the store. Any thread reads.
class Index {
public:
    [[nodiscard]] EntryPtr find(const std::string& store_key) const;
    /// Takes a newer entry, or, null, a removal at that revision. False: what is there is as new or newer.
    bool apply(const std::string& store_key, spi::Revision revision, EntryPtr entry);

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t count(std::string_view namespace_id) const;
    /// Configs of this group in all namespaces; looks at all configs.
    [[nodiscard]] std::size_t count_group(std::string_view group) const;

    /// Store key of the config with this id; nothing when there is none.
    [[nodiscard]] std::optional<std::string> find_id(std::uint64_t id) const;
    /// The namespaces that have configs, sorted.
    [[nodiscard]] std::vector<std::string> namespaces() const;
    /// Calls `each(id, store_key, entry)` for the namespace's configs with greater ids than `after`, in their order,
    /// for `most` of them. True: there are more. `each` holds up the store's watcher: it must be quick.
    template <class Each>
    bool scan(std::string_view namespace_id, std::uint64_t after, std::size_t most, Each each) const {
        std::shared_lock lock(lists_mutex_);
        const auto list = lists_.find(namespace_id);
        if (list == lists_.end()) {
            return false;
        }
        auto at = list->second.upper_bound(after);
        for (; at != list->second.end() && most > 0; ++at, --most) {
            each(at->first, *at->second.store_key, at->second.entry);
        }
        return at != list->second.end();
    }

private:
    static constexpr std::size_t kShards = 64;
    struct Shard {
        mutable std::shared_mutex mutex;
        std::unordered_map<std::string, EntryPtr> entries;
    };
    struct Listed {
        const std::string* store_key;  ///< of the shard; there for as long as this is
        EntryPtr entry;
    };

    [[nodiscard]] Shard& shard_of(const std::string& key) const noexcept {
        return shards_[std::hash<std::string>{}(key) % kShards];
    }
    /// Replaces the listed entry `before` by `after`; either may be null.
    void list(const std::string& store_key, const EntryPtr& before, const EntryPtr& after);

    mutable std::array<Shard, kShards> shards_;
    mutable std::shared_mutex lists_mutex_;
    std::map<std::string, std::map<std::uint64_t, Listed>, std::less<>> lists_;  ///< by namespace and id
};

}  // namespace pharos::config
