#pragma once

#include <utility>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>

namespace pharos::naming {

/// Runs what takes long, such as a search through all services, off the threads of connections. Any thread.
class Background {
public:
    explicit Background(spi::Executor& executor) : executor_(executor) {}

    /// Drops the task when it is closed.
    template <class Task>
    void run(Task task) {
        if (sdk::Gate::Pass pass = gate_.enter()) {
            executor_.post([task = std::move(task), pass = std::move(pass)]() mutable { task(); });
        }
    }
    /// No task begins; waits for those that have begun.
    void close(spi::Duration patience) noexcept { gate_.close(patience); }

private:
    spi::Executor& executor_;
    sdk::Gate gate_;
};

}  // namespace pharos::naming
