#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace pharos::rpc {

/// Map of shared objects whose locks are held for one look-up only. Any thread.
template <class Key, class Object, class Hash = std::hash<Key>>
class ShardedMap {
public:
    using Pointer = std::shared_ptr<Object>;

    /// Returns what was there before.
    Pointer put(const Key& key, Pointer object) {
        Shard& shard = shard_of(key);
        std::lock_guard lock(shard.mutex);
        return std::exchange(shard.objects[key], std::move(object));
    }

    [[nodiscard]] Pointer find(const Key& key) const {
        const Shard& shard = shard_of(key);
        std::lock_guard lock(shard.mutex);
        auto found = shard.objects.find(key);
        return found == shard.objects.end() ? nullptr : found->second;
    }

    /// Removes the key if `object` is what it stands for.
    void remove(const Key& key, const Object* object) {
        Pointer removed;  // destroyed outside the lock
        Shard& shard = shard_of(key);
        std::lock_guard lock(shard.mutex);
        auto found = shard.objects.find(key);
        if (found != shard.objects.end() && found->second.get() == object) {
            removed = std::move(found->second);
            shard.objects.erase(found);
        }
    }

    Pointer take(const Key& key) {
        Shard& shard = shard_of(key);
        std::lock_guard lock(shard.mutex);
        auto node = shard.objects.extract(key);
        return node.empty() ? nullptr : std::move(node.mapped());
    }

    /// Calls with each object under a lock: `use` must be short and must not come back here.
    template <class Use>
    void for_each(Use&& use) const {
        for (const Shard& shard : shards_) {
            std::lock_guard lock(shard.mutex);
            for (const auto& [key, object] : shard.objects) {
                use(object);
            }
        }
    }

private:
    static constexpr std::size_t kShards = 32;

    struct alignas(64) Shard {
        mutable std::mutex mutex;
        std::unordered_map<Key, Pointer, Hash> objects;
    };

    Shard& shard_of(const Key& key) noexcept { return shards_[Hash{}(key) % kShards]; }
    const Shard& shard_of(const Key& key) const noexcept { return shards_[Hash{}(key) % kShards]; }

    std::array<Shard, kShards> shards_;
};

}  // namespace pharos::rpc
