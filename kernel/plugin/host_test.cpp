#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "plugin/host.hpp"
#include "plugin/library.hpp"

namespace pharos::plugin {
namespace {

std::vector<std::string> trace;

enum class Fault { kNone, kInitFails, kInitThrows, kStartFails, kStartHangs };
Fault fault_of_b = Fault::kNone;
std::atomic<bool> hanging{false};

template <char kName>
class Traced : public spi::Plugin {
public:
    spi::Status init(spi::PluginContext&) noexcept override {
        return step("init", Fault::kInitFails, Fault::kInitThrows);
    }
    spi::Status start() noexcept override { return step("start", Fault::kStartFails, Fault::kNone); }
    void stop() noexcept override { trace.push_back(std::string("stop ") + kName); }
    void health(spi::HealthSink& sink) const noexcept override { sink.report("cap", spi::HealthState::kOk, ""); }

private:
    spi::Status step(const char* name, Fault fails, Fault) {
        trace.push_back(std::string(name) + " " + kName);
        if (kName == 'b' && fault_of_b == fails) {
            return {spi::Code::kInternal, "no luck"};
        }
        if (kName == 'b' && fault_of_b == Fault::kStartHangs && std::string(name) == "start") {
            hanging = true;
            hanging.wait(true);  // until the test has seen enough
        }
        return {};
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
const spi::Descriptor kB = descriptor<'b'>("b", {}, {{"x/1"}});

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

    std::unique_ptr<Host> make(std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
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
        return std::make_unique<Host>(std::vector{&kB, &kA}, std::move(around), deadline);
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
    EXPECT_EQ(trace, (std::vector<std::string>{"init a", "init b", "start a", "start b", "stop b", "stop a"}));
    EXPECT_EQ(host->table().at(0).state, State::kStopped);
}

TEST_F(HostTest, AFailedInitRollsBackAndNamesThePlugin) {
    fault_of_b = Fault::kInitFails;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' init failed: no luck");
    EXPECT_EQ(trace, (std::vector<std::string>{"init a", "init b", "stop b", "stop a"}));
}

TEST_F(HostTest, AFailedStartRollsBack) {
    fault_of_b = Fault::kStartFails;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' start failed: no luck");
    EXPECT_EQ(trace, (std::vector<std::string>{"init a", "init b", "start a", "start b", "stop b", "stop a"}));
}

TEST_F(HostTest, AnExceptionIsContained) {
    fault_of_b = Fault::kInitThrows;
    auto host = make();
    EXPECT_EQ(host->start().message(), "plugin 'b' init failed: threw: made to throw");
    EXPECT_EQ(trace, (std::vector<std::string>{"init a", "stop a"}));
}

TEST_F(HostTest, AStepThatHangsIsNamedAfterItsDeadline) {
    fault_of_b = Fault::kStartHangs;
    auto host = make(std::chrono::milliseconds(200));
    EXPECT_EQ(host->start().message(), "plugin 'b' start has not ended after 200 ms");
    EXPECT_TRUE(host->has_hung());
    hanging = false;
    hanging.notify_all();
}

TEST(Library, AnUnknownPluginNamesWhereItWasLookedFor) {
    const auto found = find_library("nope", {"/nonexistent-a", "/nonexistent-b"});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message(),
              "plugin 'nope' is not known: no nope.so in /nonexistent-a, /nonexistent-b; there are: none");
}

TEST(Library, AFileWithoutDescriptorIsRefused) {
    const auto loaded = load_library("/proc/self/exe");
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message().find("has no plugin descriptor"), std::string::npos) << loaded.error().message();
}

}  // namespace
}  // namespace pharos::plugin
