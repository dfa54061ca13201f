#include "controller.hpp"

#include <pharos/testing/contract/load_control_contract.hpp>
#include <pharos/testing/fakes.hpp>

namespace pharos::control {
namespace {

using namespace std::chrono_literals;
using pharos::testing::LoadControlContract;

struct World {
    explicit World(Brake brake = {.from = 1}) : controller(clock, metrics, log, brake) {}

    void limit(const std::string& point, Rule rule) {
        Rules rules;
        rules.points[point] = rule;
        controller.set_settings(rules);
    }
    spi::Verdict ask(const char* point, bool over_http = false) {
        return controller.point(point)->admit({"10.0.0.1", over_http ? "" : "connection", "app"});
    }
    /// How many of so many at once are taken.
    int taken(const char* point, int of, bool over_http = false) {
        int count = 0;
        for (int i = 0; i < of; ++i) {
            count += ask(point, over_http).status ? 1 : 0;
        }
        return count;
    }

    pharos::testing::ManualClock clock;
    pharos::testing::FakeMetrics metrics;
    pharos::testing::NullLog log;
    Controller controller;
};

class Subject final : public LoadControlContract::Subject {
public:
    Subject() {
        Rules rules;
        rules.points["Limited"] = {.max_count = 10};
        rules.connections.count_limit = 2;
        world_.controller.set_files(rules);
    }
    spi::LoadControl& control() override { return world_.controller; }

private:
    World world_;
};

INSTANTIATE_TEST_SUITE_P(Control, LoadControlContract, ::testing::Values(+[] {
                             return std::unique_ptr<LoadControlContract::Subject>(std::make_unique<Subject>());
                         }));

TEST(Controller, TakesEverythingWithoutRules) {
    World world;
    EXPECT_EQ(world.taken("ConfigPublish", 10'000), 10'000);
    EXPECT_EQ(world.ask("ConfigPublish").delay.count(), 0);
}

// protocol/core.md §6: the message, and a second until it comes.
TEST(Controller, ARefusalNamesTheLimit) {
    World world;
    world.limit("P", {.max_count = 100});
    EXPECT_EQ(world.taken("P", 150), 100);
    EXPECT_EQ(world.ask("P").status.message(), "tps over limit :100");
    EXPECT_EQ(world.ask("P").delay, 1s);
}

TEST(Controller, AMonitorTakesAllAndCounts) {
    World world;
    world.limit("P", {.max_count = 10, .intercept = false});
    EXPECT_EQ(world.taken("P", 50), 50);
    EXPECT_EQ(world.controller.rows().at(0).count, 50);
}

TEST(Controller, AnHttpRuleIsForHttpAlone) {
    World world;
    world.limit("HttpP", {.max_count = 10});
    EXPECT_EQ(world.taken("P", 50, true), 10);
    EXPECT_EQ(world.taken("P", 50, false), 50);
    EXPECT_TRUE(world.controller.rows().at(0).is_known);
}

TEST(Controller, NamesOfGrpcAreThoseOfHttp) {
    World world;
    world.limit("NamingInstanceRegister", {.max_count = 10});
    EXPECT_EQ(world.taken("RemoteNamingInstanceRegisterDeregister", 6), 6);
    EXPECT_EQ(world.taken("NamingInstanceRegister", 6, true), 4);
    EXPECT_EQ(world.taken("RemoteNamingServiceQuery", 20), 20);
}

TEST(Controller, ANameOfGrpcMayHaveARuleOfItsOwn) {
    World world;
    Rules rules;
    rules.points["RemoteNamingServiceQuery"] = {.max_count = 3};
    rules.points["RemoteNamingInstanceBatchRegister"] = {.max_count = 2};
    rules.points["NamingInstanceRegister"] = {.max_count = 10};
    world.controller.set_files(rules);
    EXPECT_EQ(world.taken("RemoteNamingServiceQuery", 20), 3);
    EXPECT_EQ(world.taken("NamingServiceQuery", 20, true), 20);
    EXPECT_EQ(world.taken("RemoteNamingInstanceBatchRegister", 20), 2);
    EXPECT_EQ(world.taken("RemoteNamingInstanceRegisterDeregister", 20), 8);
    EXPECT_EQ(world.ask("RemoteNamingInstanceRegisterDeregister").status.message(), "tps over limit :10");
    for (const Controller::Row& row : world.controller.rows()) {
        EXPECT_TRUE(row.is_known) << row.point;
    }
}

TEST(Controller, RulesChangeWhileItRunsAndFilesComeFirst) {
    World world;
    world.limit("P", {.max_count = 10});
    EXPECT_EQ(world.taken("P", 20), 10);
    Rules files;
    files.points["P"] = {.max_count = 15};
    world.controller.set_files(files);
    EXPECT_EQ(world.taken("P", 20), 5);
    world.controller.set_files({});
    EXPECT_EQ(world.taken("P", 20), 0);
    world.controller.set_settings({});
    EXPECT_EQ(world.taken("P", 20), 20);
}

}  // namespace
}  // namespace pharos::control
