#include "index/clock_mark.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include <pharos/testing/fakes.hpp>

namespace pharos::naming {
namespace {

/// A store in memory.
class MapStore final : public spi::KvStore {
public:
    class View final : public spi::KvSnapshot {
    public:
        explicit View(const std::map<std::string, std::string>& values) : values_(values) {}
        [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const noexcept override {
            const auto found = values_.find(std::string(key));
            return found == values_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
        }
        void scan(std::string_view, std::string_view,
                  spi::UniqueFunction<bool(std::string_view, std::string_view)>) const override {}

    private:
        const std::map<std::string, std::string>& values_;
    };
    [[nodiscard]] std::unique_ptr<spi::KvSnapshot> snapshot() const noexcept override {
        return std::make_unique<View>(values);
    }
    void write(spi::KvBatch batch, spi::Durability, spi::Completion<bool> done) noexcept override {
        for (spi::KvBatch::Op& op : batch.ops) {
            values[op.key] = *op.value;
        }
        done(true);
    }
    std::map<std::string, std::string> values;
};

TEST(ClockMark, TimesGrowOverARestartWithAWallClockThatWasSetBack) {
    MapStore store;
    testing::ManualClock wall;
    std::int64_t last = 0;
    for (int run = 0; run < 3; ++run) {
        HybridClock clock(wall);
        ClockMark mark(clock, &store);
        mark.restore();
        EXPECT_GT(clock.next(), last);
        wall.wall += 20'000;
        mark.save();
        wall.wall += 30'000;
        last = clock.next();
        wall.wall -= 3'600'000;
    }
}

TEST(ClockMark, WorksWithoutAStore) {
    testing::ManualClock wall;
    HybridClock clock(wall);
    ClockMark mark(clock, nullptr);
    mark.restore();
    EXPECT_GE(clock.next(), wall.wall);
}

}  // namespace
}  // namespace pharos::naming
