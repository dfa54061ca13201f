#pragma once

#include <pharos/spi/kv_store.hpp>

#include "environment.hpp"
#include "writer.hpp"

namespace pharos::storage_lmdb {

/// The KvStore in the environment's table "kv".
class LmdbKvStore final : public spi::KvStore {
public:
    LmdbKvStore(Environment& environment, Writer& writer) : environment_(environment), writer_(writer) {}

    [[nodiscard]] std::unique_ptr<spi::KvSnapshot> snapshot() const noexcept override;
    void write(spi::KvBatch batch, spi::Durability durability, spi::Completion<bool> done) noexcept override;

private:
    Environment& environment_;
    Writer& writer_;
};

/// Puts or removes one key. kTooLarge when the store's limit is reached: removals still go.
[[nodiscard]] spi::Status put_or_remove(Environment& environment, MDB_txn* txn, Environment::Table table,
                                        std::string_view key, std::string_view head,
                                        const std::optional<std::string>& value, bool& poisons);
/// Whether a key has an allowed length.
[[nodiscard]] spi::Status check_key(std::string_view key, std::size_t limit);

}  // namespace pharos::storage_lmdb
