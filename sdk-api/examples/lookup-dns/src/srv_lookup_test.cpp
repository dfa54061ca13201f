#include "srv_lookup.hpp"

#include <pharos/testing/contract/member_lookup_contract.hpp>
#include <pharos/testing/fakes.hpp>

namespace lookup_dns {
namespace {

namespace spi = pharos::spi;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A lookup with a hand-driven world around it.
struct World {
    pharos::testing::FakeNet net;
    pharos::testing::FakeExecutors executors;
    pharos::testing::NullLog log;
    SrvLookup lookup{net, executors, log, {.name = "_pharos._tcp.test", .interval = 10s, .timeout = 3s}};
    std::vector<std::vector<spi::MemberAddress>> told;

    spi::Status start() {
        return lookup.start([this](std::vector<spi::MemberAddress> members) { told.push_back(std::move(members)); });
    }
    void answer(spi::Result<std::vector<spi::SrvRecord>> records) {
        auto call = std::move(net.srv_lookups.front());
        net.srv_lookups.pop_front();
        call.done(std::move(records));
    }
    void answer(spi::Result<std::vector<std::string>> addresses) {
        auto call = std::move(net.lookups.front());
        net.lookups.pop_front();
        call.done(std::move(addresses));
    }
    void answer_all() {
        answer(std::vector<spi::SrvRecord>{{.host = "b.test", .port = 8858}, {.host = "a.test", .port = 8848}});
        answer(std::vector<std::string>{"10.0.0.2"});
        answer(std::vector<std::string>{"10.0.0.1", "10.0.0.9"});
    }
};

const spi::MemberAddress kA{"10.0.0.1", 8848};
const spi::MemberAddress kB{"10.0.0.2", 8858};

TEST(SrvLookup, TellsAddressesAndPortsInOrder) {
    World world;
    ASSERT_TRUE(world.start());
    EXPECT_EQ(world.net.srv_lookups.front().asked, "_pharos._tcp.test");
    world.answer_all();
    EXPECT_THAT(world.told, ElementsAre(ElementsAre(kA, kB)));
    EXPECT_EQ(world.lookup.trouble(), "");
}

TEST(SrvLookup, AsksAgainAfterTheInterval) {
    World world;
    ASSERT_TRUE(world.start());
    world.answer_all();
    world.executors.advance(9s);
    EXPECT_TRUE(world.net.srv_lookups.empty());
    world.executors.advance(1s);
    world.answer_all();
    EXPECT_EQ(world.told.size(), 2u);
}

TEST(SrvLookup, WhatFailsChangesNothingAndIsToldAsTrouble) {
    World world;
    ASSERT_TRUE(world.start());
    world.answer_all();
    world.executors.advance(10s);
    world.answer(spi::Result<std::vector<spi::SrvRecord>>(spi::Status(spi::Code::kNotFound, "no such name")));
    EXPECT_EQ(world.told.size(), 1u);
    EXPECT_THAT(world.lookup.trouble(), HasSubstr("no such name"));
    world.executors.advance(10s);
    // One target without an address: half a list would look as if members had left.
    world.answer(std::vector<spi::SrvRecord>{{.host = "a.test", .port = 1}, {.host = "b.test", .port = 2}});
    world.answer(std::vector<std::string>{"10.0.0.1"});
    world.answer(spi::Result<std::vector<std::string>>(spi::Status(spi::Code::kTimeout, "nobody answers")));
    EXPECT_EQ(world.told.size(), 1u);
    EXPECT_THAT(world.lookup.trouble(), HasSubstr("nobody answers"));
    world.executors.advance(10s);
    world.answer_all();
    EXPECT_EQ(world.lookup.trouble(), "");
}

TEST(SrvLookup, NeedsAName) {
    World world;
    SrvLookup nameless(world.net, world.executors, world.log, {.name = "", .interval = 10s, .timeout = 3s});
    const spi::Status status = nameless.start([](std::vector<spi::MemberAddress>) {});
    EXPECT_THAT(status.message(), HasSubstr("lookup-dns.name"));
}

/// What every member lookup promises.
class Subject final : public pharos::testing::MemberLookupContract::Subject {
public:
    spi::MemberLookup& lookup() override { return world_.lookup; }
    void let_it_look() override {
        world_.executors.advance(10s);
        if (!world_.net.srv_lookups.empty()) {
            world_.answer_all();
        }
    }

private:
    World world_;
};

using pharos::testing::MemberLookupContract;
INSTANTIATE_TEST_SUITE_P(Dns, MemberLookupContract, ::testing::Values(+[] {
                             return std::unique_ptr<MemberLookupContract::Subject>(std::make_unique<Subject>());
                         }));

}  // namespace
}  // namespace lookup_dns
