#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugin/host.hpp"

namespace pharos::plugin {
namespace {

/// What plugins did. A step that hangs goes on in a thread that nobody waits for.
class Trace {
public:
    void add(std::string step) {
        const std::lock_guard lock(mutex_);
        steps_.push_back(std::move(step));
    }
    std::vector<std::string> steps() {
        const std::lock_guard lock(mutex_);
        return steps_;
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        steps_.clear();
    }

private:
    std::mutex mutex_;
    std::vector<std::string> steps_;
};
Trace trace;

enum class Fault { kNone, kInitFails, kInitThrows, kStartFails, kStartThrows, kStartHangs, kStopHangs };
Fault fault_of_b = Fault::kNone;
std::atomic<bool> hanging{false};

template <char kName>
class Traced : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext&) noexcept override {
        return step("init", Fault::kInitFails, Fault::kInitThrows);
    }
    spi::Status start() noexcept override { return step("start", Fault::kStartFails, Fault::kNone); }
    void stop() noexcept override {
        trace.add(std::string("stop ") + kName);
        hang_if(Fault::kStopHangs);
    }
    void health(spi::HealthSink& sink) const noexcept override { sink.report("cap", spi::HealthState::kOk, ""); }

private:
    spi::Status step(const char* name, Fault fails, Fault) {
        trace.add(std::string(name) + " " + kName);
        if (kName == 'b' && fault_of_b == fails) {
            return {spi::Code::kInternal, "no luck"};
        }
        if (std::string(name) == "start") {
            hang_if(Fault::kStartHangs);
            if (kName == 'b' && fault_of_b == Fault::kStartThrows) {
                throw std::runtime_error("made to throw");
            }
        }
        return {};
    }
    static void hang_if(Fault fault) {
        if (kName == 'b' && fault_of_b == fault) {
            hanging = true;
            hanging.wait(true);  // until the test has seen enough
        }
    }
};

template <char kName>
spi::Descriptor descriptor(const char* name, spi::NameList provides, spi::NameList requires_) {
    return {spi::kDescriptorMagic,
            sizeof(spi::Descriptor),
            &PHAROS_SPI_ABI_SYMBOL,
            PHAROS_FINGERPRINT,
            name,
            "1",
            provides,
            requires_,
            nullptr,
            0,
            []() -> spi::Plugin* {
                if (kName == 'b' && fault_of_b == Fault::kInitThrows) {
                    throw std::runtime_error("made to throw");
                }
                return new Traced<kName>();
            },
            [](spi::Plugin* plugin) { delete plugin; }};
}

const spi::Descriptor kA = descriptor<'a'>("a", {{"x/1"}}, {});
const spi::Descriptor kB = descriptor<'b'>("b", {{"y/1"}}, {{"x/1"}});
const spi::Descriptor kC = descriptor<'c'>("c", {}, {{"y/1"}});
const spi::Descriptor kD = descriptor<'d'>("d", {}, {{"y/1?"}});

class NoSettings final : public spi::Settings {
    bool boolean(std::string_view) const noexcept override { return false; }
    std::int64_t integer(std::string_view) const noexcept override { return 0; }
    std::string_view string(std::string_view) const noexcept override { return {}; }
    const std::vector<std::string>& list(std::string_view) const noexcept override { return none_; }
    std::vector<std::string> none_;
};

class NoLog final : public spi::Log {
    bool enabled(spi::LogLevel) const noexcept override { return false; }
    void write(spi::LogLevel, std::string_view, const spi::LogField*, std::size_t) noexcept override {}
};

class HostTest : public testing::Test {
protected:
    void SetUp() override {
        trace.clear();
        fault_of_b = Fault::kNone;
    }

    /// The plugins of this test touch nothing of the node, so references to nothing do.
    template <class T>
    static T& nothing() {
        static char storage[256];
        return *reinterpret_cast<T*>(storage);
    }

    static Module required(const spi::Descriptor& descriptor) { return {.name = "", .descriptor = &descriptor}; }
    static Module optional(const spi::Descriptor& descriptor) {
        return {.name = "", .descriptor = &descriptor, .optional = true};
    }
    static Module refused(const char* name, std::vector<std::string> provides, std::string why) {
        return {.name = name, .optional = true, .refused = std::move(why), .provides = std::move(provides)};
    }

    std::unique_ptr<Host> make(std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
        return make({required(kB), required(kA)}, deadline);
    }
    std::unique_ptr<Host> make(std::vector<Module> modules,
                               std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
        Surroundings around{node,
                            nothing<spi::Executors>(),
                            nothing<spi::HttpRoutes>(),
                            nothing<spi::RpcMethods>(),
                            nothing<spi::Connections>(),
                            nothing<spi::Members>(),
                            nothing<spi::Net>(),
                            nothing<spi::Metrics>(),
                            nothing<spi::LogLevels>(),
                            [this](const std::string&) -> spi::Log& { return log; },
                            [this](const std::string&) -> const spi::Settings& { return settings; }};
        return std::make_unique<Host>(std::move(modules), std::move(around), deadline);
    }

    spi::NodeInfo node;
    NoLog log;
    NoSettings settings;
};

TEST_F(HostTest, StartsProvidersFirstAndStopsInInverseOrder) {
    auto host = make();
    ASSERT_TRUE(host->start());
    EXPECT_EQ(host->health().size(), 2u);
    host->stop();
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "start a", "start b", "stop b", "stop a"}));
    EXPECT_EQ(host->table().at(0).state, State::kStopped);
}

TEST_F(HostTest, AFailedInitRollsBackAndNamesThePlugin) {
    fault_of_b = Fault::kInitFails;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' init failed: no luck");
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "stop b", "stop a"}));
}

TEST_F(HostTest, AFailedStartRollsBack) {
    fault_of_b = Fault::kStartFails;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' start failed: no luck");
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "start a", "start b", "stop b", "stop a"}));
}

TEST_F(HostTest, AnExceptionIsContained) {
    fault_of_b = Fault::kInitThrows;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' init failed: threw: made to throw");
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "stop a"}));
}

TEST_F(HostTest, AStepThatHangsIsNamedAfterItsDeadline) {
    fault_of_b = Fault::kStartHangs;
    auto host = make(std::chrono::milliseconds(200));
    EXPECT_EQ(host->start().message(), "plugin 'b' start has not ended after 200 ms");
    EXPECT_TRUE(host->has_hung());
    hanging = false;
    hanging.notify_all();
}

TEST_F(HostTest, AnExceptionOutOfANoexceptFunctionIsContainedToo) {
    fault_of_b = Fault::kStartThrows;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' start failed: threw: made to throw");
    EXPECT_EQ(host->hung(), "plugin 'b' start");  // its thread stays where it threw
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "start a", "start b", "stop a"}));
}

TEST_F(HostTest, AStopThatHangsIsNamedAndTheOthersStop) {
    fault_of_b = Fault::kStopHangs;
    auto host = make(std::chrono::milliseconds(200));
    ASSERT_TRUE(host->start());
    host->stop();
    EXPECT_EQ(host->hung(), "plugin 'b' stop");
    EXPECT_EQ(trace.steps().back(), "stop a");
    hanging = false;
    hanging.notify_all();
}

TEST_F(HostTest, AnOptionalPluginThatFailsIsLeftOutWithThoseThatNeedIt) {
    fault_of_b = Fault::kStartFails;
    auto host = make({required(kA), optional(kB), optional(kC), required(kD)});
    ASSERT_TRUE(host->start());
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "init c", "init d", "start a", "start b",
                                                       "stop b", "stop c", "start d"}));
    const std::vector<PluginRow> rows = host->table();
    EXPECT_EQ(rows.at(0).state, State::kStarted);
    EXPECT_EQ(rows.at(1).state, State::kFailed);
    EXPECT_EQ(rows.at(1).reason, "plugin 'b' start failed: no luck");
    EXPECT_EQ(rows.at(2).state, State::kRefused);
    EXPECT_EQ(rows.at(2).reason,
              "requires y/1, which plugin 'b' would provide, but it is left out: plugin 'b' start failed: no luck");
    EXPECT_EQ(rows.at(3).state, State::kStarted);
    const std::vector<CapabilityHealth> health = host->health();
    ASSERT_EQ(health.size(), 4u);
    EXPECT_EQ(health.at(1).capability, "plugin.b");
    EXPECT_EQ(health.at(1).state, spi::HealthState::kDegraded);
    EXPECT_EQ(health.at(1).reason, "plugin 'b' start failed: no luck");
    host->stop();
    EXPECT_EQ(trace.steps().size(), 11u);  // what is left out is not stopped twice
    EXPECT_FALSE(host->has_hung());
}

TEST_F(HostTest, AnOptionalPluginThatHangsIsLeftOutWithoutAStop) {
    fault_of_b = Fault::kStartHangs;
    auto host = make({required(kA), optional(kB)}, std::chrono::milliseconds(200));
    ASSERT_TRUE(host->start());
    EXPECT_EQ(host->table().at(1).state, State::kHung);
    EXPECT_EQ(host->hung(), "plugin 'b' start");
    host->stop();
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "start a", "start b", "stop a"}));
    hanging = false;
    hanging.notify_all();
}

TEST_F(HostTest, WhatNeedsARefusedPluginStopsTheStartOrIsLeftOut) {
    EXPECT_EQ(make({refused("b", {"y/1"}, "not an ELF file"), required(kC)})->start().message(),
              "plugin 'c' requires y/1, which plugin 'b' would provide, but it is left out: not an ELF file");
    EXPECT_TRUE(trace.steps().empty());
    auto host = make({refused("b", {"y/1"}, "not an ELF file"), optional(kC), required(kA)});
    ASSERT_TRUE(host->start());
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "start a"}));
    EXPECT_EQ(host->table().at(1).reason, "not an ELF file");
}

TEST_F(HostTest, WhatNeedsAPluginThatFailedStopsTheStartWhenItIsRequired) {
    fault_of_b = Fault::kInitFails;
    EXPECT_EQ(make({required(kA), optional(kB), required(kC)})->start().message(),
              "plugin 'c' requires y/1, which plugin 'b' would provide, but it is left out: plugin 'b' init failed: "
              "no luck");
    EXPECT_EQ(trace.steps(), (std::vector<std::string>{"init a", "init b", "stop b", "stop a"}));
}

}  // namespace
}  // namespace pharos::plugin
