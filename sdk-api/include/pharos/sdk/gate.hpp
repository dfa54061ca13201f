#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include <pharos/spi/executor.hpp>

namespace pharos::sdk {

/// Lets work in until it is closed, then waits for what is inside. A plugin closes its gate first when it stops.
class Gate {
public:
    /// Proof of being inside; leaves when destroyed. Empty when the gate was closed.
    class Pass {
    public:
        Pass() noexcept = default;
        explicit Pass(Gate* gate) noexcept : gate_(gate) {}
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&& other) noexcept {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~Pass() {
            if (gate_ != nullptr) {
                gate_->leave();
            }
        }
        explicit operator bool() const noexcept { return gate_ != nullptr; }

    private:
        Gate* gate_ = nullptr;
    };

    [[nodiscard]] Pass enter() noexcept {
        std::lock_guard lock(mutex_);
        if (closed_) {
            return {};
        }
        ++inside_;
        return Pass(this);
    }

    /// Refuses whoever comes from now on and waits until nobody is inside. False: somebody still is after `patience`.
    bool close(spi::Duration patience) noexcept {
        std::unique_lock lock(mutex_);
        closed_ = true;
        return empty_.wait_for(lock, patience, [this] { return inside_ == 0; });
    }

private:
    void leave() noexcept {
        std::lock_guard lock(mutex_);
        if (--inside_ == 0 && closed_) {
            empty_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable empty_;
    std::size_t inside_ = 0;
    bool closed_ = false;
};

}  // namespace pharos::sdk
