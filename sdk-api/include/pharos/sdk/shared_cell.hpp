#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace pharos::sdk {

/// A shared pointer that several threads read and replace.
///
/// Not std::atomic<std::shared_ptr>: in libstdc++ 12 its load() gives its lock back with relaxed order, so that the
/// read of the pointer and a later write of it race. The lock here is held for a few instructions.
template <class T>
class SharedCell {
public:
    SharedCell() noexcept = default;
    explicit SharedCell(std::shared_ptr<T> value) noexcept : value_(std::move(value)) {}
    SharedCell(const SharedCell&) = delete;
    SharedCell& operator=(const SharedCell&) = delete;

    [[nodiscard]] std::shared_ptr<T> load() const noexcept {
        lock();
        std::shared_ptr<T> value = value_;
        locked_.clear(std::memory_order_release);
        return value;
    }
    /// The old value is destroyed outside of the lock.
    void store(std::shared_ptr<T> value) noexcept {
        lock();
        value_.swap(value);
        locked_.clear(std::memory_order_release);
    }

private:
    void lock() const noexcept {
        while (locked_.test_and_set(std::memory_order_acquire)) {
            std::this_thread::yield();
        }
    }

    mutable std::atomic_flag locked_;
    std::shared_ptr<T> value_;
};

}  // namespace pharos::sdk
