#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/spi/store.hpp>

#include "environment.hpp"
#include "writer.hpp"

namespace pharos::storage_lmdb {

/// The Store of a node that stands alone: one commit is one synced batch. A value in the table "data" is, below
/// its seal, the revision that wrote it, 64 bits little endian, then the bytes.
class LocalStore final : public spi::Store {
public:
    LocalStore(Environment& environment, Writer& writer) : environment_(environment), writer_(writer) {}

    /// Begins with the environment's revision, once that is open.
    void start() noexcept;

    [[nodiscard]] std::unique_ptr<spi::StoreSnapshot> snapshot() const noexcept override;
    void commit(spi::StoreCommit commit, spi::Completion<spi::Revision> done) noexcept override;
    spi::Registration watch(std::string prefix, spi::Revision after,
                            spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher) noexcept override;
    void barrier(spi::Completion<spi::Revision> done) noexcept override;
    [[nodiscard]] spi::Status readiness() const noexcept override { return writer_.failure(); }

private:
    class Commit;
    class Barrier;
    struct Watch {
        std::string prefix;
        spi::Revision after;
        spi::UniqueFunction<void(std::span<const spi::StoreChange>)> watcher;
    };

    void tell(const std::vector<spi::StoreOp>& ops, spi::Revision revision) noexcept;

    Environment& environment_;
    Writer& writer_;
    std::atomic<spi::Revision> committed_{0};
    std::mutex watches_mutex_;  ///< held while watchers are told, so that the end of a watch waits for them
    std::list<Watch> watches_;
};

}  // namespace pharos::storage_lmdb
