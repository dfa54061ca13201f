#include "api_rpc/naming_rpc.hpp"

#include <gtest/gtest.h>

#include "testing.hpp"

namespace pharos::naming {
namespace {

class NamingRpcTest : public ::testing::Test {
protected:
    NamingRpcTest() {
        EXPECT_TRUE(rpc.add_to(methods));
        rpc.on_registered(connection);
    }

    testing::Answer call(const std::string& type, const std::string& body) {
        testing::Answer answer = methods.call(connection, type, body);
        EXPECT_EQ(answer.sent, 1);
        return answer;
    }

    World world;
    testing::FakeConnections& connections = world.connections;
    Registry& registry = world.registry;
    spi::ConnectionPtr connection = testing::make_connection(1);
    Methods methods;
    NamingRpc rpc{registry, world.switches, world.persistent.writer(), connections};
};

constexpr const char* kRegister =
    R"({"namespace":"public","serviceName":"s1","groupName":"DEFAULT_GROUP","type":"registerInstance",)"
    R"("instance":{"ip":"1.1.1.1","port":80,"ephemeral":false},"module":"naming"})";

// Known answers: `protocol/naming.md §3.1, §3.2, §10`.
TEST_F(NamingRpcTest, RegisterQueryDeregister) {
    testing::Answer answer = call("InstanceRequest", kRegister);
    EXPECT_EQ(answer.type, "InstanceResponse");
    EXPECT_EQ(answer.body, R"({"resultCode":200,"errorCode":0,"type":"registerInstance","success":true})");

    const std::string query = R"({"namespace":"","serviceName":"s1","groupName":"DEFAULT_GROUP","cluster":""})";
    answer = call("ServiceQueryRequest", query);
    EXPECT_EQ(answer.type, "QueryServiceResponse");
    EXPECT_TRUE(answer.body.starts_with(R"({"resultCode":200,"errorCode":0,"serviceInfo":{"name":"s1",)"))
        << answer.body;
    EXPECT_NE(answer.body.find(R"("ephemeral":true)"), std::string::npos);  // trap 5

    answer =
        call("ServiceListRequest", R"({"namespace":"public","groupName":"DEFAULT_GROUP","pageNo":1,"pageSize":10})");
    EXPECT_EQ(answer.body, R"({"resultCode":200,"errorCode":0,"count":1,"serviceNames":["s1"],"success":true})");

    answer = call(
        "InstanceRequest",
        R"({"serviceName":"s1","groupName":"DEFAULT_GROUP","type":"deregisterInstance","instance":{"ip":"9.9.9.9"}})");
    EXPECT_EQ(answer.body, R"({"resultCode":200,"errorCode":0,"type":"deregisterInstance","success":true})");
    EXPECT_NE(call("ServiceQueryRequest", query).body.find(R"("hosts":[])"), std::string::npos);
}

TEST_F(NamingRpcTest, SubscribeAnswersWithTheServiceAndAMessage) {
    const testing::Answer answer =
        call("SubscribeServiceRequest",
             R"({"serviceName":"s1","groupName":"DEFAULT_GROUP","subscribe":true,"clusters":"c1"})");
    EXPECT_EQ(answer.type, "SubscribeServiceResponse");
    EXPECT_TRUE(answer.body.starts_with(
        R"({"resultCode":200,"errorCode":0,"message":"success","serviceInfo":{"name":"s1","groupName":"DEFAULT_GROUP","clusters":"c1",)"))
        << answer.body;
    EXPECT_EQ(connections.pushes.size(), 1u);
    const testing::Answer off =
        call("SubscribeServiceRequest",
             R"({"serviceName":"s1","groupName":"DEFAULT_GROUP","subscribe":false,"clusters":"c1"})");
    EXPECT_NE(off.body.find("\"serviceInfo\""), std::string::npos);  // trap 32
}

TEST_F(NamingRpcTest, Errors) {
    testing::Answer answer =
        call("InstanceRequest", R"({"serviceName":"s1","groupName":"G","type":"xx","instance":{"ip":"1.1.1.1"}})");
    EXPECT_EQ(answer.type, "ErrorResponse");
    EXPECT_EQ(answer.body,
              R"({"resultCode":400,"errorCode":400,"message":"Unsupported request type xx","success":false})");

    answer = call("InstanceRequest",
                  R"({"serviceName":"a b","groupName":"G","type":"registerInstance","instance":{"ip":"1.1.1.1"}})");
    EXPECT_EQ(answer.type, "InstanceResponse");
    EXPECT_EQ(answer.body, R"({"resultCode":500,"errorCode":400,"message":"Param check invalid:Param 'serviceName' is )"
                           R"(illegal, illegal characters should not appear in the param.","success":false})");

    answer = call("InstanceRequest", R"({"serviceName":"","groupName":"G","type":"registerInstance"})");
    EXPECT_EQ(answer.body,
              R"({"resultCode":500,"errorCode":500,"message":"Param 'serviceName' is illegal, serviceName )"
              R"(is blank","success":false})");

    answer = call("InstanceRequest", "nonsense");
    EXPECT_EQ(answer.type, "ErrorResponse");
    EXPECT_NE(answer.body.find(R"("resultCode":500,"errorCode":502)"), std::string::npos);

    rpc.on_closed(connection);
    answer = call("InstanceRequest", kRegister);
    EXPECT_EQ(answer.body,
              R"({"resultCode":-401,"errorCode":-401,"message":"errCode: -401, errMsg: Client [)" + connection->id +
                  R"(] connection already disconnect, can't register ephemeral instance. ","success":false})");
}

TEST_F(NamingRpcTest, ABatchReplacesTheWholeRecord) {
    call("InstanceRequest", kRegister);
    const testing::Answer answer =
        call("BatchInstanceRequest",
             R"({"serviceName":"s1","groupName":"DEFAULT_GROUP","namespace":"public","type":"batchRegisterInstance",)"
             R"("instances":[{"ip":"2.2.2.1","port":1},{"ip":"2.2.2.2","port":2}]})");
    EXPECT_EQ(answer.body, R"({"resultCode":200,"errorCode":0,"type":"batchRegisterInstance","success":true})");
    EXPECT_EQ(registry.snapshot({"public", "DEFAULT_GROUP", "s1"})->hosts().size(), 2u);
}

}  // namespace
}  // namespace pharos::naming
