#include "store/index.hpp"

#include <algorithm>
#include <utility>

#include "model/key.hpp"

namespace pharos::config {

namespace {

std::string_view namespace_in(std::string_view store_key) {
    store_key.remove_prefix(std::min(kStorePrefix.size(), store_key.size()));
    return store_key.substr(0, store_key.find('\0'));
}

}  // namespace

EntryPtr make_entry(const RecordView& record, spi::Revision revision) {
    auto entry = std::make_shared<Entry>();
    entry->md5 = record.md5;
    entry->type = normalised_type(record.type);
    entry->encrypted_data_key = record.encrypted_data_key;
    if (!record.app_name.empty() || !record.tags.empty()) {
        entry->labels = std::make_unique<const Entry::Labels>(
            Entry::Labels{std::string(record.app_name), std::string(record.tags)});
    }
    entry->id = id_of(record, revision);
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
    if (!takes(content->size())) {
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
    const EntryPtr before = find(store_key);
    if (before != nullptr && before->revision >= revision) {
        return false;
    }
    if (entry == nullptr) {
        if (before != nullptr) {
            list(store_key, before, nullptr);
            std::unique_lock lock(shard.mutex);
            shard.entries.erase(store_key);
        }
        return true;
    }
    const std::string* place = nullptr;
    {
        std::unique_lock lock(shard.mutex);
        place = &shard.entries.insert_or_assign(store_key, entry).first->first;
    }
    list(*place, before, entry);
    return true;
}

void Index::list(const std::string& store_key, const EntryPtr& before, const EntryPtr& after) {
    std::unique_lock lock(lists_mutex_);
    const std::string_view namespace_id = namespace_in(store_key);
    auto found = lists_.find(namespace_id);
    if (found == lists_.end()) {
        found = lists_.try_emplace(std::string(namespace_id)).first;
    }
    if (before != nullptr && (after == nullptr || after->id != before->id)) {
        found->second.erase(before->id);
    }
    if (after != nullptr) {
        found->second.insert_or_assign(after->id, Listed{&store_key, after});
    } else if (found->second.empty()) {
        lists_.erase(found);
    }
}

std::size_t Index::size() const {
    std::shared_lock lock(lists_mutex_);
    std::size_t size = 0;
    for (const auto& [namespace_id, list] : lists_) {
        size += list.size();
    }
    return size;
}

std::size_t Index::count(std::string_view namespace_id) const {
    std::shared_lock lock(lists_mutex_);
    const auto found = lists_.find(namespace_id);
    return found == lists_.end() ? 0 : found->second.size();
}

std::size_t Index::count_group(std::string_view group) const {
    std::size_t count = 0;
    for (const Shard& shard : shards_) {
        std::shared_lock lock(shard.mutex);
        for (const auto& [store_key, entry] : shard.entries) {
            const std::size_t begin = store_key.find('\0') + 1;
            count += std::string_view(store_key).substr(begin, store_key.find('\0', begin) - begin) == group ? 1u : 0u;
        }
    }
    return count;
}

std::optional<std::string> Index::find_id(std::uint64_t id) const {
    std::shared_lock lock(lists_mutex_);
    for (const auto& [namespace_id, list] : lists_) {
        if (const auto found = list.find(id); found != list.end()) {
            return *found->second.store_key;
        }
    }
    return std::nullopt;
}

std::vector<std::string> Index::namespaces() const {
    std::shared_lock lock(lists_mutex_);
    std::vector<std::string> names;
    names.reserve(lists_.size());
    for (const auto& [namespace_id, list] : lists_) {
        names.push_back(namespace_id);
    }
    return names;
}

}  // namespace pharos::config
