#include "store/index.hpp"

#include <utility>

#include "model/key.hpp"

namespace pharos::config {

EntryPtr make_entry(const ConfigRecord& record, spi::Revision revision) {
    auto entry = std::make_shared<Entry>();
    entry->md5 = record.md5;
    entry->type = record.type;
    entry->encrypted_data_key = record.encrypted_data_key;
    entry->modified_ms = record.modified_ms;
    entry->revision = revision;
    entry->content_size = record.content.size();
    return entry;
}

std::shared_ptr<const std::string> HotContents::find(const Entry& entry) {
    if (!entry.used.load(std::memory_order_relaxed)) {
        entry.used.store(true, std::memory_order_relaxed);
    }
    return entry.content.load();
}

void HotContents::keep(const EntryPtr& entry, std::shared_ptr<const std::string> content) {
    if (content->size() > budget_ / 8) {
        return;
    }
    std::lock_guard lock(mutex_);
    if (entry->content.load() != nullptr) {
        return;
    }
    bytes_ += content->size();
    kept_.push_back({entry, content->size()});
    entry->content.store(std::move(content));
    // Each is looked at once at most: when all are in use, the oldest goes.
    for (std::size_t looked_at = 0, all = kept_.size(); bytes_ > budget_; ++looked_at) {
        Kept oldest = std::move(kept_.front());
        kept_.pop_front();
        const EntryPtr owner = oldest.entry.lock();
        if (owner != nullptr && owner->used.exchange(false, std::memory_order_relaxed) && looked_at < all) {
            kept_.push_back(std::move(oldest));
            continue;
        }
        bytes_ -= oldest.size;
        if (owner != nullptr) {
            owner->content.store(nullptr);
        }
    }
}

std::size_t HotContents::bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
}

EntryPtr Index::find(const std::string& store_key) const {
    const Shard& shard = shard_of(store_key);
    std::shared_lock lock(shard.mutex);
    const auto found = shard.entries.find(store_key);
    return found == shard.entries.end() ? nullptr : found->second;
}

bool Index::apply(const std::string& store_key, spi::Revision revision, EntryPtr entry) {
    Shard& shard = shard_of(store_key);
    std::unique_lock lock(shard.mutex);
    const auto found = shard.entries.find(store_key);
    if (found != shard.entries.end() && found->second->revision >= revision) {
        return false;
    }
    if (entry != nullptr) {
        shard.entries.insert_or_assign(store_key, std::move(entry));
    } else if (found != shard.entries.end()) {
        shard.entries.erase(found);
    }
    return true;
}

std::size_t Index::size() const {
    std::size_t size = 0;
    for (const Shard& shard : shards_) {
        std::shared_lock lock(shard.mutex);
        size += shard.entries.size();
    }
    return size;
}

std::size_t Index::count(std::string_view namespace_id) const {
    const std::string prefix = std::string(kStorePrefix) + std::string(namespace_id) + '\0';
    std::size_t count = 0;
    for (const Shard& shard : shards_) {
        std::shared_lock lock(shard.mutex);
        for (const auto& [key, entry] : shard.entries) {
            count += key.starts_with(prefix) ? 1u : 0u;
        }
    }
    return count;
}

}  // namespace pharos::config
