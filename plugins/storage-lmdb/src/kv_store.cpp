#include "kv_store.hpp"

#include <algorithm>
#include <utility>

namespace pharos::storage_lmdb {

namespace {

constexpr std::size_t kLongestKey = 511;

class Snapshot final : public spi::KvSnapshot {
public:
    explicit Snapshot(Environment& environment) noexcept : environment_(environment), txn_(environment) {}

    [[nodiscard]] bool is_open() const noexcept { return txn_.get() != nullptr; }
    [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const noexcept override {
        return environment_.get(txn_.get(), Environment::Table::kKv, key);
    }
    void scan(std::string_view prefix, std::string_view from,
              spi::UniqueFunction<bool(std::string_view, std::string_view)> each) const override {
        environment_.scan(txn_.get(), Environment::Table::kKv, prefix, from, each);
    }

private:
    const Environment& environment_;
    ReadTxn txn_;
};

class KvWrite final : public WriteRequest {
public:
    KvWrite(Environment& environment, spi::KvBatch batch, spi::Durability durability, spi::Completion<bool> done)
        : environment_(environment), batch_(std::move(batch)), durability_(durability), done_(std::move(done)) {}

    spi::Status apply(MDB_txn* txn, bool& poisons) override {
        for (const spi::KvBatch::Op& op : batch_.ops) {
            if (spi::Status status = check_key(op.key, kLongestKey); !status) {
                return status;
            }
        }
        for (const spi::KvBatch::Op& op : batch_.ops) {
            if (spi::Status status =
                    put_or_remove(environment_, txn, Environment::Table::kKv, op.key, {}, op.value, poisons);
                !status) {
                return status;
            }
            poisons = true;  // from here on, a failure leaves half of the batch behind
        }
        poisons = false;
        return {};
    }
    void finish(const spi::Status& outcome) noexcept override {
        done_(outcome ? spi::Result<bool>(true) : spi::Result<bool>(outcome));
    }
    [[nodiscard]] bool is_lazy() const noexcept override { return durability_ == spi::Durability::kLazy; }
    [[nodiscard]] bool adds() const noexcept override {
        return std::any_of(batch_.ops.begin(), batch_.ops.end(), [](const auto& op) { return op.value.has_value(); });
    }
    [[nodiscard]] std::size_t bytes() const noexcept override {
        std::size_t bytes = 0;
        for (const spi::KvBatch::Op& op : batch_.ops) {
            bytes += op.key.size() + (op.value ? op.value->size() : 0);
        }
        return bytes;
    }

private:
    Environment& environment_;
    const spi::KvBatch batch_;
    const spi::Durability durability_;
    spi::Completion<bool> done_;
};

}  // namespace

spi::Status check_key(std::string_view key, std::size_t limit) {
    if (!key.empty() && key.size() <= limit) {
        return {};
    }
    return {spi::Code::kInvalidArgument,
            "a key of " + std::to_string(key.size()) + " bytes: keys have 1 to " + std::to_string(limit) + " bytes"};
}

spi::Status put_or_remove(Environment& environment, MDB_txn* txn, Environment::Table table, std::string_view key,
                          std::string_view head, const std::optional<std::string>& value, bool& poisons) {
    if (!value) {
        MDB_val name = value_of(key);
        const int code = mdb_del(txn, environment.dbi(table), &name, nullptr);
        poisons = poisons || (code != 0 && code != MDB_NOTFOUND);
        return code == 0 || code == MDB_NOTFOUND ? spi::Status() : error_of(code, "removing a key");
    }
    // The revision in the table "meta" is exempt: a full store must still take removals.
    if (table != Environment::Table::kMeta && environment.used_bytes(txn) + value->size() > environment.max_bytes()) {
        return {spi::Code::kTooLarge, "the store has reached its limit of " + std::to_string(environment.max_bytes()) +
                                          " bytes (storage-lmdb.max_size); remove something or raise it"};
    }
    if (const int code = environment.put(txn, table, key, head, *value); code != 0) {
        poisons = true;
        return error_of(code, "writing a key");
    }
    return {};
}

std::unique_ptr<spi::KvSnapshot> LmdbKvStore::snapshot() const noexcept {
    auto snapshot = std::make_unique<Snapshot>(environment_);
    return snapshot->is_open() ? std::move(snapshot) : nullptr;
}

void LmdbKvStore::write(spi::KvBatch batch, spi::Durability durability, spi::Completion<bool> done) noexcept {
    writer_.submit(std::make_unique<KvWrite>(environment_, std::move(batch), durability, std::move(done)));
}

}  // namespace pharos::storage_lmdb
