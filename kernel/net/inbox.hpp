#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace pharos::net {

/// What other threads hand to a loop, which is woken once for all that comes before it looks. Any thread.
template <class T>
class Inbox {
public:
    /// True: the loop must be woken to take().
    [[nodiscard]] bool put(T thing) {
        std::lock_guard lock(mutex_);
        things_.push_back(std::move(thing));
        return things_.size() == 1;
    }
    [[nodiscard]] std::vector<T> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(things_, {});
    }

private:
    std::mutex mutex_;
    std::vector<T> things_;
};

}  // namespace pharos::net
