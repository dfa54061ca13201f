#include <optional>

#include <pharos/spi/plugin.hpp>

#include "kv_store.hpp"
#include "local_store.hpp"
#include "store_tools.hpp"

namespace {

namespace spi = pharos::spi;
namespace storage = pharos::storage_lmdb;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kTiB = std::int64_t{1} << 40;

constexpr spi::SettingSpec kSettings[] = {
    {"max_size", spi::SettingType::kBytes, "16GiB", kMiB, kTiB,
     "Limit of the store's size; writes beyond it are refused."},
    {"map_size", spi::SettingType::kBytes, "64GiB", 64 * kMiB, 16 * kTiB,
     "Address space reserved for the store; no memory."},
};

constexpr spi::Duration kPatience = std::chrono::seconds(10);

/// Storage in one LMDB environment below the data directory: KvStore, and the Store of a standalone node.
class StoragePlugin final : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext& context) noexcept override {
        const spi::Settings& settings = context.settings();
        environment_.emplace(
            storage::Environment::Settings{.directory = context.node().data_dir + "/store",
                                           .map_bytes = static_cast<std::uint64_t>(settings.integer("map_size")),
                                           .max_bytes = static_cast<std::uint64_t>(settings.integer("max_size"))});
        writer_.emplace(*environment_, context.executors(), context.metrics(), context.log());
        kv_.emplace(*environment_, *writer_);
        store_.emplace(*environment_, *writer_);
        spi::Result<spi::Registration> kv = context.services().provide<spi::KvStore>(*kv_, {{"engine", "lmdb"}});
        spi::Result<spi::Registration> store = context.services().provide<spi::Store>(*store_, {{"engine", "lmdb"}});
        tools_.emplace(*environment_);
        spi::Result<spi::Registration> tools =
            context.services().provide<spi::StoreTools>(*tools_, {{"engine", "lmdb"}});
        for (const auto* provided : {&kv, &store, &tools}) {
            if (!*provided) {
                return provided->error();
            }
        }
        kv_registration_ = std::move(kv.value());
        store_registration_ = std::move(store.value());
        tools_registration_ = std::move(tools.value());
        read_only_ = context.metrics().gauge("pharos_store_read_only",
                                             "1 while the store refuses to take anything: full or failed disk.", {},
                                             [this] { return writer_->is_read_only() ? 1.0 : 0.0; });
        used_ = context.metrics().gauge("pharos_store_bytes", "Bytes of the store that hold something.", {}, [this] {
            const storage::ReadTxn txn(*environment_);
            return txn.get() == nullptr ? 0.0 : static_cast<double>(environment_->used_bytes(txn.get()));
        });
        return {};
    }

    spi::Status start() noexcept override {
        if (spi::Status status = environment_->open(); !status) {
            return status;
        }
        store_->start();
        writer_->start();
        return {};
    }

    void stop() noexcept override {
        used_.reset();
        read_only_.reset();
        kv_registration_.reset();
        store_registration_.reset();
        tools_registration_.reset();
        if (writer_) {
            writer_->stop(kPatience);
        }
    }

    void health(spi::HealthSink& sink) const noexcept override {
        const spi::Status failure = writer_->failure();
        // Degraded, not failed: naming and reads go on without it, and only a write can show that it is well again.
        sink.report("store", failure ? spi::HealthState::kOk : spi::HealthState::kDegraded, failure.message());
    }

private:
    // In this order: what comes later uses what comes before.
    std::optional<storage::Environment> environment_;
    std::optional<storage::Writer> writer_;
    std::optional<storage::LmdbKvStore> kv_;
    std::optional<storage::LocalStore> store_;
    std::optional<storage::LmdbStoreTools> tools_;
    spi::Registration kv_registration_;
    spi::Registration store_registration_;
    spi::Registration tools_registration_;
    spi::Registration used_;
    spi::Registration read_only_;
};

}  // namespace

PHAROS_PLUGIN(StoragePlugin, "storage-lmdb", "0.1.0",
              PHAROS_PROVIDES("pharos.KvStore/1", "pharos.Store/1", "pharos.StoreTools/1"), PHAROS_REQUIRES(),
              kSettings)
