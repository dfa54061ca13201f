#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine.hpp"
#include "none/none_checker.hpp"
#include "testing.hpp"

namespace pharos::health {

using namespace std::chrono_literals;

/// An engine with types whose probes the test answers, and time that it moves.
class HealthEngineTest : public ::testing::Test {
protected:
    struct Told {
        bool healthy;
        std::string reason;
    };

    void SetUp() override {
        services.add("TCP", tcp);
        services.add("HTTP", http);
        services.add("REDIS", redis);  // somebody else's
        services.add("NONE", none);
        make({});
    }
    void TearDown() override {
        watches.clear();
        watch.reset();
        engine->stop(1s);
    }
    void make(Engine::Options options) {
        engine.reset();
        engine.emplace(services, executors, metrics, log, options);
    }

    static spi::CheckTarget target(std::string type = "TCP", bool healthy = true) {
        spi::CheckTarget wanted;
        wanted.name = "public DEFAULT_GROUP@@orders DEFAULT 10.0.0.1:8080";
        wanted.ip = "10.0.0.1";
        wanted.port = 8080;
        wanted.type = std::move(type);
        wanted.healthy = healthy;
        return wanted;
    }
    void begin(spi::CheckTarget wanted = target()) {
        watch = engine->watch(std::move(wanted), [this](bool healthy, std::string_view reason) {
            told.push_back({healthy, std::string(reason)});
        });
    }
    /// Moves time on until somebody is probed, and returns how long that took.
    spi::Duration until_probed(FakeChecker& checker) {
        const spi::Duration began = executors.time.now;
        while (checker.asked.empty() && executors.time.now - began < 100s) {
            executors.advance(10ms);
        }
        EXPECT_FALSE(checker.asked.empty());
        return executors.time.now - began;
    }
    void probe(FakeChecker& checker, Outcome outcome, std::string reason = "reason") {
        until_probed(checker);
        checker.answer(outcome, std::move(reason));
        executors.run();
    }
    double metric(const std::string& name) { return metrics.read("pharos_health_" + name); }

    testing::FakeExecutors executors;
    ReadableMetrics metrics;
    LinesLog log;
    FakeServices services;
    FakeChecker tcp;
    FakeChecker http;
    FakeChecker redis;
    NoneChecker none;
    std::optional<Engine> engine;
    std::unique_ptr<spi::HealthWatch> watch;
    std::vector<std::unique_ptr<spi::HealthWatch>> watches;
    std::vector<Told> told;
};

}  // namespace pharos::health
