#include "rpc/pushes.hpp"

#include <algorithm>
#include <utility>

namespace pharos::rpc {

bool PendingPushes::add(std::uint64_t id, PushDone& done) {
    std::lock_guard lock(mutex_);
    if (closed_) {
        return false;
    }
    waiting_.push_back({id, std::move(done)});
    return true;
}

std::optional<PushDone> PendingPushes::take(std::uint64_t id) {
    std::lock_guard lock(mutex_);
    auto found = std::find_if(waiting_.begin(), waiting_.end(), [id](const Push& push) { return push.id == id; });
    if (found == waiting_.end()) {
        return std::nullopt;
    }
    PushDone done = std::move(found->done);
    if (waiting_.size() == 1) {
        std::vector<Push>().swap(waiting_);  // held connections are many and mostly quiet
    } else {
        *found = std::move(waiting_.back());
        waiting_.pop_back();
    }
    return done;
}

std::vector<PushDone> PendingPushes::close() {
    std::vector<PushDone> taken;
    std::lock_guard lock(mutex_);
    closed_ = true;
    taken.reserve(waiting_.size());
    for (Push& push : waiting_) {
        taken.push_back(std::move(push.done));
    }
    waiting_.clear();
    return taken;
}

void PushDeadlines::add(const Deadline& deadline) {
    std::lock_guard lock(mutex_);
    queue_.push(deadline);
}

std::vector<PushDeadlines::Deadline> PushDeadlines::due(spi::Duration now) {
    std::vector<Deadline> taken;
    std::lock_guard lock(mutex_);
    while (!queue_.empty() && queue_.top().due <= now) {
        taken.push_back(queue_.top());
        queue_.pop();
    }
    return taken;
}

bool PushDeadlines::empty() const {
    std::lock_guard lock(mutex_);
    return queue_.empty();
}

}  // namespace pharos::rpc
