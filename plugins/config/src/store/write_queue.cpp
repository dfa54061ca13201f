#include "store/write_queue.hpp"

#include <utility>

namespace pharos::config {

bool WriteQueue::enter(const std::string& key, spi::Task& task) {
    {
        Shard& shard = shard_of(key);
        std::lock_guard lock(shard.mutex);
        const auto [place, is_free] = shard.held.try_emplace(key);
        if (!is_free) {
            if (place->second.size() == kMostWaiting) {
                return false;
            }
            place->second.push_back(std::move(task));
            waiting_.fetch_add(1, std::memory_order_relaxed);
            return true;
        }
    }
    task();
    return true;
}

void WriteQueue::leave(const std::string& key) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    const auto place = shard.held.find(key);
    if (place->second.empty()) {
        shard.held.erase(place);
        return;
    }
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    pool_.post(std::move(place->second.front()));
    place->second.pop_front();
}

}  // namespace pharos::config
