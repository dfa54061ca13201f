#include <pharos/sdk/lane.hpp>

#include <utility>

namespace pharos::sdk {

namespace {
constexpr std::size_t kBatch = 64;
}

void Lane::run(spi::Task task) noexcept {
    {
        std::lock_guard lock(mutex_);
        if (held_) {
            waiting_.push_back(std::move(task));
            return;
        }
        held_ = true;
    }
    task();
    task.reset();
    drain();
}

void Lane::post(spi::Task task) noexcept {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(task));
    if (!std::exchange(held_, true)) {
        pool_.post([this] { drain(); });
    }
}

void Lane::drain() noexcept {
    std::size_t done = 0;
    for (;;) {
        std::vector<spi::Task> batch;
        {
            std::lock_guard lock(mutex_);
            if (waiting_.empty()) {
                held_ = false;
                return;
            }
            if (done >= kBatch) {
                pool_.post([this] { drain(); });
                return;
            }
            if (waiting_.size() <= kBatch - done) {
                batch.swap(waiting_);
            } else {
                auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(kBatch - done);
                batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(middle));
                waiting_.erase(waiting_.begin(), middle);
            }
        }
        for (spi::Task& next : batch) {
            next();
            next.reset();
        }
        done += batch.size();
    }
}

}  // namespace pharos::sdk
