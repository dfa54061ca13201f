#pragma once

#include <filesystem>
#include <future>
#include <optional>
#include <string>

#include <stdlib.h>

#include <pharos/testing/fakes.hpp>

#include "kv_store.hpp"
#include "local_store.hpp"
#include "writer.hpp"

namespace pharos::storage_lmdb::testing {

/// A folder of its own, removed at the end.
class TempFolder {
public:
    explicit TempFolder(const std::filesystem::path& where = std::filesystem::temp_directory_path()) {
        std::string pattern = (where / "pharos-store-XXXXXX").string();
        path_ = mkdtemp(pattern.data()) == nullptr ? "" : pattern;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    /// For many small stores of which nothing must survive.
    [[nodiscard]] static std::filesystem::path in_memory() {
        return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    }
    [[nodiscard]] const std::string& root() const { return path_; }
    [[nodiscard]] std::string store() const { return path_ + "/store"; }

private:
    std::string path_;
};

/// Both stores on a folder, as the plugin opens them.
class OpenStore {
public:
    explicit OpenStore(const std::string& folder, std::uint64_t map_bytes = std::uint64_t{1} << 30,
                       std::uint64_t max_bytes = std::uint64_t{512} << 20) {
        environment.emplace(Environment::Settings{.directory = folder, .map_bytes = map_bytes, .max_bytes = max_bytes});
        writer.emplace(*environment, executors, metrics, log);
        kv_store.emplace(*environment, *writer);
        local_store.emplace(*environment, *writer);
        status = environment->open();
        if (status) {
            local_store->start();
            writer->start();
        }
    }
    ~OpenStore() { writer->stop(std::chrono::seconds(30)); }
    OpenStore(const OpenStore&) = delete;
    OpenStore& operator=(const OpenStore&) = delete;

    [[nodiscard]] spi::Store& store() { return *local_store; }
    [[nodiscard]] spi::KvStore& kv() { return *kv_store; }
    [[nodiscard]] std::uint64_t count(const std::string& counter) const {
        return metrics.counters.at(counter)->value();
    }

    spi::Status status;
    pharos::testing::FakeMetrics metrics;
    pharos::testing::NullLog log;
    pharos::testing::ThreadedExecutors executors;
    std::optional<Environment> environment;
    std::optional<Writer> writer;
    std::optional<LmdbKvStore> kv_store;
    std::optional<LocalStore> local_store;
};

inline spi::Result<spi::Revision> commit_now(spi::Store& store, spi::StoreCommit commit) {
    auto done = std::make_shared<std::promise<spi::Result<spi::Revision>>>();
    auto future = done->get_future();
    store.commit(std::move(commit), [done](spi::Result<spi::Revision> result) { done->set_value(std::move(result)); });
    return future.get();
}

inline spi::Result<bool> write_now(spi::KvStore& store, spi::KvBatch batch) {
    auto done = std::make_shared<std::promise<spi::Result<bool>>>();
    auto future = done->get_future();
    store.write(std::move(batch), spi::Durability::kDurable,
                [done](spi::Result<bool> result) { done->set_value(std::move(result)); });
    return future.get();
}

inline spi::KvBatch one(std::string key, std::optional<std::string> value) {
    spi::KvBatch batch;
    batch.ops.push_back({std::move(key), std::move(value)});
    return batch;
}

inline spi::StoreCommit put(std::string key, std::string value) {
    spi::StoreCommit commit;
    commit.ops.push_back({std::move(key), std::move(value)});
    return commit;
}

}  // namespace pharos::storage_lmdb::testing
