#include "runtime/thread_pool.hpp"

#include <pthread.h>

namespace pharos::runtime {

void name_this_thread(const std::string& name) noexcept {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

ThreadPool::ThreadPool(std::string name, std::size_t threads) : name_(std::move(name)), size_(threads) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this, i] {
            name_this_thread(size_ == 1 ? name_ : name_ + "-" + std::to_string(i));
            loop();
        });
    }
}

void ThreadPool::post(spi::Task task) noexcept {
    bool wake = false;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) {
            return;
        }
        tasks_.push_back(std::move(task));
        wake = sleeping_ > 0;
    }
    if (wake) {
        wake_.notify_one();
    }
}

void ThreadPool::stop() noexcept {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) {
        if (thread.joinable()) {
            thread.join();
        }
    }
}

std::size_t ThreadPool::queued() const {
    std::lock_guard lock(mutex_);
    return tasks_.size();
}

void ThreadPool::loop() noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (tasks_.empty()) {
            if (stopping_) {
                return;
            }
            ++sleeping_;
            wake_.wait(lock);
            --sleeping_;
            continue;
        }
        spi::Task task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        task.reset();
        lock.lock();
    }
}

}  // namespace pharos::runtime
