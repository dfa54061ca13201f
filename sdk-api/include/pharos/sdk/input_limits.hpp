#pragma once

#include <atomic>
#include <cstddef>

#include <pharos/spi/metrics.hpp>

namespace pharos::sdk {

/// One limit of what is read out of requests. Any thread.
class InputLimit {
public:
    constexpr explicit InputLimit(std::size_t most) noexcept : most_(most) {}

    [[nodiscard]] std::size_t most() const noexcept { return most_.load(std::memory_order_relaxed); }
    /// For whoever refuses something because of it.
    void count_refusal() noexcept {
        if (spi::Counter* const counter = refused_.load(std::memory_order_acquire)) {
            counter->add();
        }
    }
    /// The node's alone. The counter must outlive what counts, or be taken back with null.
    void set(std::size_t most, spi::Counter* refused) noexcept {
        most_.store(most, std::memory_order_relaxed);
        refused_.store(refused, std::memory_order_release);
    }

private:
    std::atomic<std::size_t> most_;
    std::atomic<spi::Counter*> refused_{nullptr};
};

/// Limits that every plugin keeps which reads parameters or JSON of clients (docs/limits.md): one for a process, because
/// the readers are compiled into each plugin. The node sets them before any plugin starts; until then the defaults hold.
struct InputLimits {
    static constexpr std::size_t kMostJsonDepth = 256;  ///< whatever is set: readers use the stack

    InputLimit parameters{1024};  ///< of one request: "http.max_parameters"
    InputLimit json_depth{32};    ///< over HTTP and gRPC: "server.max_json_depth"
};

[[nodiscard]] InputLimits& input_limits() noexcept;

}  // namespace pharos::sdk
