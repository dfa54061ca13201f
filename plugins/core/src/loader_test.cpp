#include <gtest/gtest.h>

#include <pharos/testing/fakes.hpp>

#include "loader.hpp"
#include "ops_http.hpp"
#include "state_http.hpp"

namespace pharos::core {
namespace {

spi::ConnectionPtr connection(spi::ConnectionNumber number, std::string source) {
    auto info = std::make_shared<spi::ConnectionInfo>(*testing::make_connection(number));
    info->labels["source"] = std::move(source);
    return info;
}

TEST(Loader, ShedsTheOldestSdkConnectionsAndNoOthers) {
    testing::FakeConnections table;
    testing::NullLog log;
    table.registered = {connection(5, "sdk"), connection(1, "cluster"), connection(3, "sdk"), connection(4, "sdk")};
    Loader loader(table, log);
    EXPECT_EQ(loader.shed_to(3, ""), 0u);
    EXPECT_EQ(loader.shed_to(1, "10.0.0.2:8848"), 2u);
    ASSERT_EQ(table.pushes.size(), 2u);
    const auto first = table.ack();
    EXPECT_EQ(first.connection, 3u);
    EXPECT_EQ(first.type, "ConnectResetRequest");
    EXPECT_EQ(first.members, R"("serverIp":"10.0.0.2","serverPort":"8848","connectionId":"1795402384190_127.0.0.1_3",)"
                             R"("module":"internal"})");
    EXPECT_EQ(table.ack().connection, 4u);
}

// Without a redirect the fields are absent (`protocol/core.md §1.8`).
TEST(Loader, ResetsOneConnectionById) {
    testing::FakeConnections table;
    testing::NullLog log;
    table.registered = {connection(7, "sdk")};
    Loader loader(table, log);
    EXPECT_FALSE(loader.reset("none", ""));
    EXPECT_TRUE(loader.reset("1795402384190_127.0.0.1_7", ""));
    EXPECT_EQ(table.ack().members, R"("connectionId":"1795402384190_127.0.0.1_7","module":"internal"})");
    EXPECT_NE(reset_members(*table.registered[0], "[::1]").find(R"("serverIp":"[::1]","connectionId")"),
              std::string::npos);
    EXPECT_NE(reset_members(*table.registered[0], "[::1]:9").find(R"("serverIp":"[::1]","serverPort":"9")"),
              std::string::npos);
}

TEST(Loader, SummaryAndMoves) {
    const std::vector<ServerLoad> servers{{.address = "a", .sdk_connections = 100},
                                          {.address = "b", .sdk_connections = 200},
                                          {.address = "c", .sdk_connections = 10},
                                          {.address = "d", .sdk_connections = 50}};
    const LoadSummary sum = summarise(servers);
    EXPECT_EQ(sum.max, 200u);
    EXPECT_EQ(sum.min, 10u);
    EXPECT_EQ(sum.total, 360u);
    EXPECT_EQ(sum.average, 90u);
    EXPECT_DOUBLE_EQ(sum.threshold(), 99.0);
    // over = 99, low = 81: b and a are too full, c and d too empty.
    const auto moves = plan_moves(servers, 0.1);
    ASSERT_EQ(moves.size(), 2u);
    EXPECT_EQ(moves[0].from, "b");
    EXPECT_EQ(moves[0].to, "c");
    EXPECT_EQ(moves[0].keep, 99u);
    EXPECT_EQ(moves[1].from, "a");
    EXPECT_EQ(moves[1].to, "d");
    EXPECT_TRUE(plan_moves({{.address = "a", .sdk_connections = 5}}, 0.1).empty());
    EXPECT_TRUE(plan_moves({}, 0.1).empty());
}

TEST(Loader, ConnectionsAreShownWhole) {
    spi::ConnectionInfo info;
    info.id = "1_127.0.0.1_2";
    info.client_ip = "10.0.0.9";
    info.remote_ip = "127.0.0.1";
    info.remote_port = 2;
    info.local_port = 9848;
    info.client_version = "v";
    info.app_name = "shop";
    info.namespace_id = "dev";
    info.created_ms = 1'000;
    info.labels = {{"app_zone", "z1"}, {"source", "sdk"}, {"Vipserver-Tag", "blue"}};
    EXPECT_EQ(connection_json(info, 5'000),
              R"({"metaInfo":{"connectType":"GRPC","clientIp":"10.0.0.9","remoteIp":"127.0.0.1","remotePort":2,)"
              R"("localPort":9848,"version":"v","connectionId":"1_127.0.0.1_2",)"
              R"("createTime":"1970-01-01T00:00:01.000+00:00","lastActiveTime":5000,"appName":"shop",)"
              R"("namespaceId":"dev","labels":{"Vipserver-Tag":"blue","app_zone":"z1","source":"sdk"},)"
              R"("tlsProtected":false,"tag":"blue","appLabels":{"zone":"z1"},"clusterSource":false,"sdkSource":true},)"
              R"("traced":false,"abilityTable":null,"connected":true,)"
              R"("labels":{"Vipserver-Tag":"blue","app_zone":"z1","source":"sdk"},"appLabels":{"zone":"z1"}})");
    info.has_ability_table = true;
    info.abilities = {{"lock", true}};
    EXPECT_NE(connection_json(info, 0).find(R"("abilityTable":{"lock":true})"), std::string::npos);
}

TEST(Ops, LoggerNamesOfTheOriginal) {
    const std::vector<std::string> parts{"config", "core", "kernel", "lookup", "naming", "rpc", "storage-lmdb"};
    using Names = std::vector<std::string>;
    EXPECT_EQ(logs_of("ROOT", parts), Names{""});
    EXPECT_EQ(logs_of("naming", parts), Names{"naming"});
    EXPECT_EQ(logs_of("naming-push", parts), Names{"naming"});
    EXPECT_EQ(logs_of("config-server", parts), Names{"config"});
    EXPECT_EQ(logs_of("core-raft", parts), (Names{"core", "kernel", "lookup", "rpc"}));
    EXPECT_EQ(logs_of("rpc", parts), Names{"rpc"});
    EXPECT_EQ(logs_of("storage-lmdb", parts), Names{"storage-lmdb"});
    EXPECT_TRUE(logs_of("nope", parts).empty());
    EXPECT_EQ(log_level_of("WARN"), spi::LogLevel::kWarn);
    EXPECT_EQ(log_level_of("trace"), spi::LogLevel::kDebug);
    EXPECT_FALSE(log_level_of("loud"));
}

class Health final : public spi::NodeHealth {
public:
    void report_to(spi::HealthSink& sink) const override {
        for (const auto& [capability, state] : states) {
            sink.report(capability, state, "why");
        }
    }
    std::vector<std::pair<std::string, spi::HealthState>> states;
};

// Degraded still serves; the text is of `protocol/core.md §3.7`.
TEST(Readiness, NamesTheModulesThatHaveFailed) {
    Health health;
    health.states = {{"naming.ap", spi::HealthState::kOk}, {"config.write", spi::HealthState::kDegraded}};
    EXPECT_EQ(readiness_failure(health), "");
    health.states.emplace_back("naming.ap", spi::HealthState::kFailed);
    EXPECT_EQ(readiness_failure(health), "naming not in readiness");
    health.states.emplace_back("config.read", spi::HealthState::kFailed);
    health.states.emplace_back("config.write", spi::HealthState::kFailed);
    EXPECT_EQ(readiness_failure(health), "config and naming not in readiness");
}

TEST(State, SaysWhatIsOn) {
    spi::NodeInfo node;
    node.version = "1.2.3";
    node.port = 8848;
    node.modules = {"core", "naming"};
    const std::string state = state_json(node, true);
    for (const std::string_view part :
         {R"("version":"1.2.3")", R"("startup_mode":"standalone")", R"("function_mode":"naming")",
          R"("server_port":"8848")", R"("auth_enabled":"true")", R"("login_page_enabled":"true")"}) {
        EXPECT_NE(state.find(part), std::string::npos) << part << " in " << state;
    }
    EXPECT_EQ(state.find("maxContent"), std::string::npos);
    node.modules.emplace_back("config");
    EXPECT_NE(state_json(node, false).find(R"("function_mode":null)"), std::string::npos);
}

}  // namespace
}  // namespace pharos::core
