#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "engine/engine.hpp"
#include "testing.hpp"

namespace pharos::health {
namespace {

using namespace std::chrono_literals;

/// Two threads, and time that the test moves while they look at it.
class RacingExecutors final : public spi::Executors, public spi::Timers, public spi::Clock {
public:
    spi::Executor& work() noexcept override { return pool; }
    spi::Executor& block() noexcept override { return pool; }
    spi::Executor& dedicated(std::string_view) noexcept override { return pool; }
    spi::Timers& timers() noexcept override { return *this; }
    const spi::Clock& clock() noexcept override { return *this; }

    [[nodiscard]] spi::Duration steady() const noexcept override {
        const spi::Duration now(now_.load());
        std::this_thread::sleep_for(50us);  // and then somebody else comes first
        return now;
    }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return now_.load() / 1'000'000; }

    spi::TimerId after(spi::Duration delay, spi::Task task) noexcept override {
        std::lock_guard lock(mutex_);
        armed_.emplace(std::pair(now_.load() + delay.count(), ++last_), std::move(task));
        return last_;
    }
    bool cancel(spi::TimerId timer) noexcept override {
        spi::Task dropped;
        std::lock_guard lock(mutex_);
        for (auto at = armed_.begin(); at != armed_.end(); ++at) {
            if (at->first.second == timer) {
                dropped = std::move(at->second);
                armed_.erase(at);
                return true;
            }
        }
        return false;
    }
    void advance(spi::Duration by) {
        now_ += by.count();
        for (;;) {
            spi::Task task;
            {
                std::lock_guard lock(mutex_);
                if (armed_.empty() || armed_.begin()->first.first > now_) {
                    return;
                }
                task = std::move(armed_.begin()->second);
                armed_.erase(armed_.begin());
            }
            task();
        }
    }

    testing::ThreadPool pool{2};

private:
    std::atomic<std::int64_t> now_{3'600'000'000'000};
    std::mutex mutex_;
    std::map<std::pair<std::int64_t, spi::TimerId>, spi::Task> armed_;
    spi::TimerId last_ = 0;
};

/// Answers on threads of its own, at times twice, at times never.
class WildChecker final : public spi::HealthChecker {
public:
    explicit WildChecker(testing::ThreadPool& pool) : pool_(pool) {}

    spi::Result<std::shared_ptr<spi::Probe>> configure(const spi::Properties&) noexcept override {
        return std::shared_ptr<spi::Probe>(std::make_shared<WildProbe>(*this));
    }

    std::atomic<int> probes{0};

private:
    class WildProbe final : public spi::Probe {
    public:
        explicit WildProbe(WildChecker& checker) : checker_(checker) {}
        void run(const spi::ProbeTarget&, spi::UniqueFunction<void(spi::ProbeResult)> done) noexcept override {
            const int number = ++checker_.probes;
            if (number % 7 == 0) {
                return;
            }
            checker_.pool_.post([number, done = std::move(done)]() mutable {
                const spi::ProbeResult result{number % 2 == 0 ? Outcome::kFailedNow : Outcome::kPassed, "so it is"};
                done(result);
                if (number % 5 == 0) {
                    done(result);
                }
            });
        }

    private:
        WildChecker& checker_;
    };

    testing::ThreadPool& pool_;
};

/// Watches come, change and go while they are probed; once a watch is gone, nobody is told of it.
TEST(HealthEngineRaces, NobodyIsToldAfterTheWatchHasGone) {
    RacingExecutors executors;
    testing::ThreadPool answers(2);
    testing::FakeMetrics metrics;
    testing::NullLog log;
    FakeServices services;
    WildChecker checker(answers);
    services.add("WILD", checker);
    Engine engine(services, executors, metrics, log, {.max_in_flight = 8, .seed = 1});
    engine.set_policy({.times = 1, .tcp = {100ms, 200ms, 0.5}});

    struct One {
        std::atomic<bool> gone{false};
        std::unique_ptr<spi::HealthWatch> watch;
    };
    std::atomic<int> told{0};
    std::atomic<int> told_too_late{0};
    std::vector<std::unique_ptr<One>> kept;  // outlive what may be told too late
    std::vector<One*> here;
    std::minstd_rand random(1);
    const auto wanted = [&](bool healthy) {
        spi::CheckTarget target;
        target.name = "target";
        target.ip = "10.0.0.1";
        target.port = static_cast<std::uint16_t>(1 + random() % 100);
        target.type = "wild";
        target.healthy = healthy;
        return target;
    };
    for (int round = 0; round < 3000; ++round) {
        if (here.size() < 50) {
            kept.push_back(std::make_unique<One>());
            One& one = *kept.back();
            one.watch = engine.watch(wanted(true), [&](bool, std::string_view) {
                ++told;
                told_too_late += one.gone ? 1 : 0;
            });
            here.push_back(&one);
        }
        One*& chosen = here[random() % here.size()];
        switch (random() % 8) {
            case 0: chosen->watch->update(wanted(random() % 2 == 0)); break;
            case 1: chosen->watch->assume(random() % 2 == 0); break;
            case 2: static_cast<void>(chosen->watch->last()); break;
            case 3:
                chosen->watch.reset();
                chosen->gone = true;
                chosen = here.back();
                here.pop_back();
                break;
            default: break;
        }
        executors.advance(20ms);
        if (round % 50 == 0) {
            std::this_thread::sleep_for(1ms);  // let the others run
        }
    }
    // No wake-up was lost on the way: who is left is probed on and on.
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (const int before = checker.probes; checker.probes < before + 500;) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << checker.probes - before;
        executors.advance(20ms);
        std::this_thread::sleep_for(100us);
    }
    for (One* one : here) {
        one->watch.reset();
        one->gone = true;
    }
    EXPECT_TRUE(engine.stop(10s));
    answers.finish();
    executors.pool.finish();
    EXPECT_GT(checker.probes, 100);
    EXPECT_GT(told, 10);
    EXPECT_EQ(told_too_late, 0);
}

}  // namespace
}  // namespace pharos::health
