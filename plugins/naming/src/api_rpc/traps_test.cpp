// The traps of `protocol/naming.md §11` that concern gRPC and are not told by other tests.
#include <gtest/gtest.h>

#include "api_rpc/naming_rpc.hpp"
#include "testing.hpp"

namespace pharos::naming {
namespace {

using namespace std::chrono_literals;

const ServiceKey kService{"public", "DEFAULT_GROUP", "s1"};

/// A request about s1 with these further members.
std::string about_s1(const std::string& members) {
    return R"({"namespace":"public","serviceName":"s1","groupName":"DEFAULT_GROUP",)" + members + "}";
}
std::string registering(const std::string& instance) {
    return about_s1(R"("type":"registerInstance","instance":)" + instance);
}

class TrapsTest : public ::testing::Test {
protected:
    TrapsTest() {
        EXPECT_TRUE(rpc.add_to(methods));
        for (const spi::ConnectionPtr& each : {connection, other}) {
            rpc.on_registered(each);
        }
    }
    std::string call(const std::string& type, const std::string& body) {
        testing::Answer answer = methods.call(connection, type, body);
        EXPECT_EQ(answer.sent, 1);
        this->type = answer.type;
        return answer.body;
    }
    std::string query(const std::string& members) { return call("ServiceQueryRequest", about_s1(members)); }
    static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

    testing::MemoryStore store;
    World world{&store};
    spi::ConnectionPtr connection = testing::make_connection(1);
    spi::ConnectionPtr other = testing::make_connection(2);
    Methods methods;
    NamingRpc rpc{world.registry, world.switches, world.persistent.writer(), world.connections};
    std::string type;  ///< of the last answer
};

// Trap 4; the texts of §3.2 and §3.3.
TEST_F(TrapsTest, APersistentServiceRefusesEphemeralInstances) {
    world.create(kService);
    EXPECT_EQ(call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":80})")),
              R"({"resultCode":400,"errorCode":400,"message":"errCode: 400, errMsg: Current service DEFAULT_GROUP@@s1 )"
              R"(is persistent service, can't register ephemeral instance. ","success":false})");
    EXPECT_EQ(type, "ErrorResponse");
    EXPECT_EQ(call("BatchInstanceRequest", about_s1(R"("type":"batchRegisterInstance","instances":[])")),
              R"({"resultCode":400,"errorCode":400,"message":"errCode: 400, errMsg: Current service DEFAULT_GROUP@@s1 )"
              R"(is persistent service, can't batch register ephemeral instance. ","success":false})");
    EXPECT_EQ(type, "ErrorResponse");
    EXPECT_TRUE(has(call("InstanceRequest", about_s1(R"("type":"deregisterInstance","instance":{"ip":"1.1.1.1"})")),
                    R"("resultCode":200)"));
}

TEST_F(TrapsTest, PersistentInstancesAreOfTheirIpAndAnnounced) {
    rpc.announce_persistent(methods);
    EXPECT_EQ(methods.abilities, std::vector<std::string>{"supportPersistentInstanceByGrpc"});
    const std::string persistent = registering(R"({"ip":"1.1.1.1","port":80,"ephemeral":false})");
    const auto stored = [&](const std::string& body) {
        testing::Answer answer = methods.call(connection, "PersistentInstanceRequest", body);
        world.executors.run();
        type = answer.type;
        return answer.body;
    };
    EXPECT_EQ(stored(persistent), R"({"resultCode":200,"errorCode":0,"type":"registerInstance","success":true})");
    EXPECT_EQ(type, "InstanceResponse");
    EXPECT_TRUE(has(query(R"("cluster":"")"), R"("ephemeral":false)"));
    rpc.on_closed(connection);  // its end takes nothing away
    EXPECT_EQ(world.ips(kService), std::vector<std::string>{"1.1.1.1"});
    rpc.on_registered(connection);
    EXPECT_TRUE(has(call("InstanceRequest", persistent), "is persistent service, can't register ephemeral instance."));
    EXPECT_EQ(stored(about_s1(R"("type":"deregisterInstance","instance":{"ip":"1.1.1.1","port":80})")),
              R"({"resultCode":200,"errorCode":0,"type":"deregisterInstance","success":true})");
    EXPECT_TRUE(world.ips(kService).empty());
    EXPECT_EQ(stored(about_s1(R"("type":"xx","instance":{"ip":"1.1.1.1","port":80})")),
              R"({"resultCode":400,"errorCode":400,"message":"Unsupported request type xx","success":false})");
    EXPECT_TRUE(has(stored(registering(R"({"ip":"1.1.1.1","port":80,"clusterName":"a,b"})")),
                    "Param 'cluster' is illegal, illegal characters should not appear in the param."));
    EXPECT_EQ(type, "InstanceResponse");
}

TEST_F(TrapsTest, AnEphemeralServiceRefusesPersistentInstances) {
    call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":80})"));
    testing::Answer answer = methods.call(connection, "PersistentInstanceRequest",
                                          registering(R"({"ip":"1.1.1.1","port":80,"ephemeral":false})"));
    world.executors.run();
    EXPECT_EQ(answer.body,
              R"({"resultCode":400,"errorCode":400,"message":"errCode: 400, errMsg: Current service DEFAULT_GROUP@@s1 )"
              R"(is ephemeral service, can't register persistent instance. ","success":false})");
    EXPECT_EQ(answer.type, "ErrorResponse");
}

// Trap 6: an id is always there; one that the client gives is kept.
TEST_F(TrapsTest, InstanceIds) {
    call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":80,"clusterName":null})"));
    EXPECT_TRUE(has(query(R"("cluster":"")"), R"("instanceId":"1.1.1.1#80#DEFAULT#DEFAULT_GROUP@@s1")"));
    call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":80,"clusterName":"","instanceId":"mine"})"));
    EXPECT_TRUE(has(query(R"("cluster":"")"), R"("instanceId":"mine")"));
}

// Traps 7 and 8, and §3.3: healthy=false is honoured.
TEST_F(TrapsTest, DisabledOnesVanishAndLightOnesDoNot) {
    call("BatchInstanceRequest",
         about_s1(R"("type":"batchRegisterInstance","instances":[{"ip":"1.1.1.1","port":1,"enabled":false},)"
                  R"({"ip":"1.1.1.2","port":2,"weight":0},{"ip":"1.1.1.3","port":3,"healthy":false}])"));
    const std::string all = query(R"("cluster":"")");
    EXPECT_FALSE(has(all, "1.1.1.1"));
    EXPECT_TRUE(has(all, R"("ip":"1.1.1.2","port":2,"weight":0.0)"));
    EXPECT_TRUE(has(all, R"("ip":"1.1.1.3","port":3,"weight":1.0,"healthy":false)"));
    const std::string healthy = query(R"("cluster":"","healthyOnly":true)");
    EXPECT_FALSE(has(healthy, "1.1.1.3"));
    EXPECT_TRUE(has(healthy, "1.1.1.2"));
    EXPECT_EQ(world.registry.snapshot(kService)->hosts().size(), 3u);
}

// Traps 9 and 10.
TEST_F(TrapsTest, NamesAndClusters) {
    EXPECT_TRUE(has(call("InstanceRequest", R"({"serviceName":"providers:com.x/Foo:1.0:","groupName":"G",)"
                                            R"("type":"registerInstance","instance":{"ip":"1.1.1.1","port":80}})"),
                    R"("resultCode":200)"));
    EXPECT_TRUE(has(call("InstanceRequest", R"({"serviceName":"G@@s","groupName":"G","type":"registerInstance",)"
                                            R"("instance":{"ip":"1.1.1.1","port":80}})"),
                    "Param check invalid:Param 'serviceName' is illegal"));
    EXPECT_EQ(call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":80,"clusterName":"a_b"})")),
              R"x({"resultCode":400,"errorCode":400,"message":"Instance 'clusterName' should be characters with only )x"
              R"x(0-9a-zA-Z-. (current: a_b)","success":false})x");
    EXPECT_TRUE(has(call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":80,"clusterName":"c1,c2"})")),
                    "Param 'cluster' is illegal, illegal characters should not appear in the param."));
    EXPECT_EQ(type, "InstanceResponse");
}

// §0: what is unknown is ignored, numbers and flags may be text, scalars for texts are taken.
TEST_F(TrapsTest, LenientJson) {
    EXPECT_TRUE(has(call("InstanceRequest",
                         registering(R"({"ip":"1.1.1.1","port":"80","weight":"2.500000","healthy":"true","new":[1,{}],)"
                                     R"("metadata":{"a":1,"b":true,"c":null}})")),
                    R"("resultCode":200)"));
    const std::string hosts = query(R"("cluster":null,"healthyOnly":"false","udpPort":"0","other":{})");
    EXPECT_TRUE(has(hosts, R"("port":80,"weight":2.5,"healthy":true)")) << hosts;
    EXPECT_TRUE(has(hosts, R"("metadata":{"a":"1","b":"true"})")) << hosts;
    EXPECT_TRUE(
        has(call("InstanceRequest", registering(R"({"ip":"1.1.1.1","port":"eighty"})")), "Param 'port' is illegal"));
    EXPECT_TRUE(has(query(R"("cluster":"","udpPort":65536)"), "Param 'port' is illegal"));
    EXPECT_EQ(type, "QueryServiceResponse");
    EXPECT_EQ(call("InstanceRequest", about_s1(R"("type":"registerInstance","instance":null)")),
              R"({"resultCode":400,"errorCode":400,"message":"Instance can not be null.","success":false})");
}

// Trap 11.
TEST_F(TrapsTest, ABlankNamespaceIsThePublicOne) {
    call("InstanceRequest", R"({"namespace":"","serviceName":"s1","groupName":"DEFAULT_GROUP",)"
                            R"("type":"registerInstance","instance":{"ip":"1.1.1.1","port":80}})");
    EXPECT_TRUE(has(query(R"("cluster":"")"), "1.1.1.1"));
}

// Traps 14, 15 and 16.
TEST_F(TrapsTest, AMissingServiceIsAnEmptyOne) {
    for (const std::string& body :
         {query(R"("cluster":"c1,c2")"),
          call("SubscribeServiceRequest", about_s1(R"("subscribe":false,"clusters":"c1,c2")"))}) {
        EXPECT_TRUE(has(body, R"("serviceInfo":{"name":"s1","groupName":"DEFAULT_GROUP","clusters":"c1,c2",)")) << body;
        EXPECT_TRUE(has(body, R"("hosts":[])")) << body;
        EXPECT_TRUE(has(body, R"("resultCode":200)")) << body;
    }
    EXPECT_EQ(world.registry.find(kService), nullptr);
    EXPECT_TRUE(has(query(R"("cluster":null)"), R"("clusters":"")"));
}

// Trap 17, in queries, subscriptions and pushes.
TEST_F(TrapsTest, Protection) {
    call("BatchInstanceRequest",
         about_s1(R"("type":"batchRegisterInstance","instances":[{"ip":"1.1.1.1","port":1,"healthy":false},)"
                  R"({"ip":"1.1.1.2","port":2}])"));
    world.update(kService, [](ServiceMetadata& metadata) { metadata.protect_threshold = 0.5; });
    const std::string answers[] = {
        query(R"("cluster":"")"),
        call("SubscribeServiceRequest", about_s1(R"("subscribe":true,"clusters":"")")),
        world.connections.ack().members,
    };
    for (const std::string& each : answers) {
        EXPECT_TRUE(has(each, R"("reachProtectionThreshold":true)")) << each;
        EXPECT_FALSE(has(each, R"("healthy":false)")) << each;
    }
}

// Re-subscribing with other clusters: no first push again, and the last clusters win.
TEST_F(TrapsTest, TheLastClustersOfASubscriptionWin) {
    call("SubscribeServiceRequest", about_s1(R"("subscribe":true,"clusters":"c1")"));
    world.connections.ack();
    const std::string again = call("SubscribeServiceRequest", about_s1(R"("subscribe":true,"clusters":"c2")"));
    EXPECT_TRUE(has(again, R"("clusters":"c2")"));
    EXPECT_TRUE(world.connections.pushes.empty());
    world.publish(world.registry.find_connection(2), kService, {make_instance("1.1.1.1", 80, "c2")});
    const std::string push = world.connections.ack().members;
    EXPECT_TRUE(has(push, R"("clusters":"c2")"));
    EXPECT_TRUE(has(push, "1.1.1.1"));
}

// Traps 26, 28 and 29: a refused push comes again, and an empty one is sent.
TEST_F(TrapsTest, RefusedPushesComeAgainAndEmptyOnesAreSent) {
    call("SubscribeServiceRequest", about_s1(R"("subscribe":true,"clusters":"")"));
    world.connections.ack();
    const ClientPtr publisher = world.registry.find_connection(2);
    world.publish(publisher, kService, "1.1.1.1");
    world.connections.ack();
    world.executors.advance(1s);
    world.withdraw(publisher, kService);
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    const std::string push = world.connections.fail(spi::Code::kInternal).members;
    EXPECT_TRUE(has(push, R"("hosts":[])"));
    EXPECT_TRUE(push.starts_with(R"("serviceInfo":{"name":"s1")")) << push;
    world.executors.advance(1100ms);
    ASSERT_EQ(world.connections.pushes.size(), 1u);
    EXPECT_TRUE(has(world.connections.ack().members, R"("hosts":[])"));
}

// §3.3: what operators see of a subscriber.
TEST_F(TrapsTest, SubscriberInfo) {
    auto info = std::make_shared<spi::ConnectionInfo>(*testing::make_connection(3));
    info->client_version = "Nacos-Java-Client:v3.1.0";
    info->client_ip = "10.9.8.7";
    info->app_name = "app1";
    rpc.on_registered(info);
    methods.call(info, "SubscribeServiceRequest", about_s1(R"("subscribe":true,"clusters":"")"));
    const SubscriberInfoPtr shown = world.registry.find_connection(3)->subscriber_info();
    ASSERT_NE(shown, nullptr);
    EXPECT_EQ(shown->ip, "10.9.8.7");
    EXPECT_EQ(shown->agent, "Nacos-Java-Client:v3.1.0");
    EXPECT_EQ(shown->app, "app1");
    EXPECT_EQ(shown->port, 0);
    call("SubscribeServiceRequest", about_s1(R"("subscribe":true,"clusters":"")"));
    EXPECT_EQ(world.registry.find_connection(1)->subscriber_info()->app, "unknown");
}

// Trap 21.
TEST_F(TrapsTest, ServiceListPages) {
    for (const char* name : {"b", "a", "c"}) {
        world.publish(world.registry.find_connection(1), {"public", "G", name}, "1.1.1.1");
    }
    const auto page = [&](const std::string& members) {
        return call("ServiceListRequest", R"({"namespace":"public","serviceName":"","groupName":"G",)" + members + "}");
    };
    EXPECT_EQ(page(R"("pageNo":1,"pageSize":2)"),
              R"({"resultCode":200,"errorCode":0,"count":3,"serviceNames":["a","b"],"success":true})");
    EXPECT_EQ(page(R"("pageNo":"2","pageSize":"2","selector":"{}")"),
              R"({"resultCode":200,"errorCode":0,"count":3,"serviceNames":["c"],"success":true})");
    EXPECT_EQ(page(R"("pageNo":3,"pageSize":2)"),
              R"({"resultCode":200,"errorCode":0,"count":3,"serviceNames":[],"success":true})");
    EXPECT_TRUE(has(page(R"("pageNo":9223372036854775807,"pageSize":9223372036854775807)"), R"("serviceNames":[])"));
    EXPECT_EQ(type, "ServiceListResponse");
}

}  // namespace
}  // namespace pharos::naming
