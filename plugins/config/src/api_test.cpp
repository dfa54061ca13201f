// The calls that SDKs make, as they see them, over the real repository and a store in memory.
#include "api_testing.hpp"

namespace pharos::config {
namespace {

TEST_F(ApiTest, HttpPublishesAndReads) {
    const Answer published = post("dataId=a.json&group=G1&content=%7B%22k%22%3A+1%7D&type=json&encryptedDataKey=xyz");
    EXPECT_EQ(published.status, 200);
    EXPECT_EQ(published.body, "true");
    Answer read = get("dataId=a.json&group=G1&tenant=");
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(read.body, "{\"k\": 1}");
    EXPECT_EQ(read.headers["Config-Type"], "json");
    EXPECT_EQ(read.headers["Content-MD5"], md5_hex("{\"k\": 1}"));
    EXPECT_EQ(read.headers["Last-Modified"], "Tue, 14 Nov 2023 22:13:20 GMT");
    EXPECT_EQ(read.headers["Encrypted-Data-Key"], "xyz");
    EXPECT_EQ(read.headers["Pragma"], "no-cache");
    EXPECT_EQ(read.headers["Expires"], "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(read.headers["Cache-Control"], "no-cache,no-store");
    EXPECT_THAT(read.type, HasSubstr("charset=UTF-8"));
    EXPECT_EQ(get("dataId=a.json&group=G1&tenant=public").body, "{\"k\": 1}");
    EXPECT_EQ(get("dataId=a.json&group=G1&tenant=dev").status, 404);
}

TEST_F(ApiTest, HttpNotFound) {
    const Answer read = get("dataId=none&group=G1");
    EXPECT_EQ(read.status, 404);
    EXPECT_EQ(read.body, "config data not exist\n");
    post("dataId=a&group=G1&content=x");
    EXPECT_EQ(get("dataId=a&group=G1&tag=t").status, 404);  // no fallback to the formal one
}

TEST_F(ApiTest, HttpRefusals) {
    const Answer blank = post("dataId=a&group=G1&content=");
    EXPECT_EQ(blank.status, 400);
    EXPECT_EQ(blank.body, "caused: content is blank : ;");
    const Answer missing = post("dataId=a&group=G1");
    EXPECT_EQ(missing.status, 400);
    EXPECT_THAT(missing.body, HasSubstr("Required parameter 'content' is not present."));
    const Answer illegal = get("dataId=a%2Fb&group=G1");
    EXPECT_EQ(illegal.status, 400);
    EXPECT_EQ(illegal.body, "Param 'dataId' is illegal, illegal characters should not appear in the param.\r\n");
    EXPECT_EQ(post("dataId=a&group=G1&content=x&tag=gray").status, 400);
    EXPECT_EQ(post("dataId=a&group=G1&content=x", {{"betaIps", "1.1.1.1"}}).status, 400);
    EXPECT_TRUE(store_.data.empty());
}

TEST_F(ApiTest, TooManyTagsIsThe3xAnswer) {
    const Answer refused = post("dataId=a&group=G1&content=x&config_tags=1,2,3,4,5,6");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.body, "false");  // protocol/config.md §2.3
}

TEST_F(ApiTest, HttpCas) {
    EXPECT_EQ(post("dataId=a&group=G1&content=hello", {{"casMd5", ""}}).body, "true");
    const Answer refused = post("dataId=a&group=G1&content=x", {{"casMd5", "0"}});
    EXPECT_EQ(refused.status, 500);
    EXPECT_EQ(refused.body, "false");
    EXPECT_EQ(post("dataId=a&group=G1&content=x", {{"casMd5", "5d41402abc4b2a76b9719d911017c592"}}).body, "true");
}

TEST_F(ApiTest, HttpRecordsWhoAndFromWhere) {
    post("dataId=a&group=G1&content=x&username=eve", {{"X-Forwarded-For", "8.8.8.8, 10.0.0.1"}});
    const auto record = decode(store_.data.at(make_key("", "G1", "a").store_key()).first);
    EXPECT_EQ(record->source_ip, "8.8.8.8");
    EXPECT_EQ(record->source_user, "eve");
}

TEST_F(ApiTest, HttpRemoves) {
    post("dataId=a&group=G1&content=x");
    EXPECT_EQ(call(spi::HttpMethod::kDelete, "dataId=a&group=G1&tag=t").body, "true");
    EXPECT_EQ(get("dataId=a&group=G1").status, 200);  // only a gray one was meant
    EXPECT_EQ(call(spi::HttpMethod::kDelete, "dataId=a&group=G1").body, "true");
    EXPECT_EQ(get("dataId=a&group=G1").status, 404);
    EXPECT_EQ(call(spi::HttpMethod::kDelete, "dataId=a&group=G1").body, "true");
}

TEST_F(ApiTest, CallsOfTheConsoleThatAreNotHereAreNoPlainOnes) {
    using spi::HttpMethod;
    post("dataId=a&group=G1&content=x");
    const spi::Revision before = store_.revision;
    const std::pair<HttpMethod, const char*> calls[] = {
        {HttpMethod::kGet, "beta=true"},    {HttpMethod::kGet, "export=true"},  {HttpMethod::kGet, "exportV2=true"},
        {HttpMethod::kDelete, "beta=true"}, {HttpMethod::kPost, "import=true"}, {HttpMethod::kPost, "clone=true"}};
    for (const auto& [method, flag] : calls) {
        const std::string query = "dataId=a&group=G1&content=other&ids=1&" + std::string(flag);
        const Answer answer = call(method, query);
        EXPECT_EQ(answer.status, 501) << flag;
        EXPECT_THAT(answer.body, HasSubstr("\"message\":\"no such api:" + std::string(spi::to_string(method)) +
                                           ":/v1/cs/configs?" + flag + "\""));
        EXPECT_THAT(answer.body, HasSubstr(R"("path":"/v1/cs/configs")"));
    }
    EXPECT_EQ(call(HttpMethod::kGet, "export=true").status, 501);  // whatever else is missing
    EXPECT_EQ(store_.revision, before);
    EXPECT_EQ(get("dataId=a&group=G1").body, "x");
}

TEST_F(ApiTest, FlagsWithOtherValuesArePlainCalls) {  // protocol/config.md §10.35
    using spi::HttpMethod;
    EXPECT_EQ(post("dataId=a&group=G1&content=x&import=false&clone=&beta=true").body, "true");
    for (const char* flag : {"beta=false", "show=", "search=none", "export=false", "exportV2=0", "delType=ids"}) {
        EXPECT_EQ(get("dataId=a&group=G1&" + std::string(flag)).body, "x") << flag;
    }
    EXPECT_EQ(call(HttpMethod::kDelete, "dataId=a&group=G1&beta=false&show=all").body, "true");
    EXPECT_EQ(get("dataId=a&group=G1").status, 404);
}

TEST_F(ApiTest, LongPollFromHoldToWakeUp) {
    post("dataId=a.json&group=G1&content=hello");
    const std::string body =
        "Listening-Configs=a.json%02G1%025d41402abc4b2a76b9719d911017c592%02public%01none%02G1%02%01";
    Answer held;
    send(held, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", body, {{"Long-Pulling-Timeout", "30000"}});
    EXPECT_EQ(held.sent, 0);
    post("dataId=a.json&group=G1&content=other");
    executors_.queue.run();
    EXPECT_EQ(held.body, "a.json%02G1%02public%01\n");
    Answer at_once;
    send(at_once, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", body, {{"Long-Pulling-Timeout", "30000"}});
    EXPECT_EQ(at_once.body, "a.json%02G1%02public%01\n");
}

TEST_F(ApiTest, LongPollTimes) {
    const std::string body = "Listening-Configs=none%02G1%02%01";
    for (const auto& [header, time] : {std::pair("30000", 29500ms), std::pair("5000", 10000ms)}) {
        Answer held;
        send(held, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", body, {{"Long-Pulling-Timeout", header}});
        executors_.advance(time - 1ms);
        EXPECT_EQ(held.sent, 0);
        executors_.advance(1ms);
        EXPECT_EQ(held.sent, 1);
        EXPECT_EQ(held.body, "");
    }
    Answer no_hangup;
    send(no_hangup, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", body,
         {{"Long-Pulling-Timeout", "30000"}, {"Long-Pulling-Timeout-No-Hangup", "true"}});
    EXPECT_EQ(no_hangup.sent, 1);
    EXPECT_EQ(no_hangup.body, "");
    Answer wrong;
    send(wrong, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", body, {{"Long-Pulling-Timeout", "soon"}});
    EXPECT_EQ(wrong.status, 400);
    Answer blank;
    send(blank, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", "x=y", {{"Long-Pulling-Timeout", "30000"}});
    EXPECT_EQ(blank.status, 400);
    EXPECT_EQ(blank.body, "caused: invalid probeModify;");
}

TEST_F(ApiTest, ShortPollOfAnOldClient) {
    Answer old;
    send(old, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", "Listening-Configs=a%02G1%02x%01");
    EXPECT_EQ(old.body, "");
    EXPECT_EQ(old.headers["Probe-Modify-Response"], "a:G1;");
    EXPECT_THAT(old.headers["Probe-Modify-Response-New"], HasSubstr("a%02G1%01"));
    Answer newer;
    send(newer, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", "Listening-Configs=a%02G1%02x%01",
         {{"Client-Version", "2.0.4"}});
    EXPECT_FALSE(newer.headers.contains("Probe-Modify-Response"));
}

TEST_F(ApiTest, RpcBodiesAsObserved) {  // protocol/config.md §3.9
    EXPECT_EQ(invoke("ConfigPublishRequest",
                     R"({"dataId":"g1","group":"G1","tenant":"","content":"hello","casMd5":"","additionMap":)"
                     R"({"type":"yaml","src_user":"me","config_tags":"x,y"},"module":"config"})"),
              R"(ConfigPublishResponse {"resultCode":200,"errorCode":0,"success":true})");
    EXPECT_EQ(invoke("ConfigPublishRequest",
                     R"({"dataId":"g1","group":"G1","tenant":"","content":"x","casMd5":"0","additionMap":{}})"),
              R"(ConfigPublishResponse {"resultCode":500,"errorCode":500,"message":"Cas publish fail, server md5 may )"
              R"(have changed.","success":false})");
    EXPECT_EQ(invoke("ConfigQueryRequest", R"({"dataId":"g1","group":"G1","tenant":"","tag":""})"),
              R"(ConfigQueryResponse {"resultCode":200,"errorCode":0,"content":"hello","encryptedDataKey":"",)"
              R"("contentType":"yaml","md5":"5d41402abc4b2a76b9719d911017c592","lastModified":1700000000000,)"
              R"("beta":false,"success":true})");
    EXPECT_EQ(invoke("ConfigQueryRequest", R"({"dataId":"none","group":"G1"})"),
              R"(ConfigQueryResponse {"resultCode":500,"errorCode":300,"message":"config data not exist",)"
              R"("lastModified":0,"beta":false,"success":false})");
    EXPECT_EQ(invoke("ConfigQueryRequest", R"({"dataId":"g1","group":"G1","tag":"zzz"})"),
              R"(ConfigQueryResponse {"resultCode":500,"errorCode":300,"message":"config data not exist",)"
              R"("lastModified":0,"tag":"zzz","beta":false,"success":false})");
}

TEST_F(ApiTest, RpcListensInTheClientsNotation) {
    invoke("ConfigPublishRequest", R"({"dataId":"g1","group":"G1","content":"hello"})");
    const std::string reply = invoke(
        "ConfigBatchListenRequest",
        R"({"listen":true,"configListenContexts":[{"group":"G1","md5":"","dataId":"g1","tenant":""},)"
        R"({"group":"G1","md5":"","dataId":"nope","tenant":""},{"group":"G1","md5":"zz","dataId":"n2","tenant":"public"},)"
        R"({"group":"G1","md5":"zz","dataId":"n3"}]})");
    EXPECT_EQ(reply, R"(ConfigChangeBatchListenResponse {"resultCode":200,"errorCode":0,"changedConfigs":[)"
                     R"({"group":"G1","dataId":"g1","tenant":""},{"group":"G1","dataId":"n2","tenant":"public"},)"
                     R"({"group":"G1","dataId":"n3"}],"success":true})");
    invoke("ConfigPublishRequest", R"({"dataId":"g1","group":"G1","content":"again"})");
    executors_.queue.run();
    ASSERT_EQ(connections_.pushes.size(), 1u);
    EXPECT_EQ(connections_.pushes.front().type, "ConfigChangeNotifyRequest");
    EXPECT_EQ(connections_.pushes.front().members, R"("dataId":"g1","group":"G1","module":"config"})");
    connections_.ack();
    EXPECT_EQ(invoke("ConfigBatchListenRequest",
                     R"({"listen":false,"configListenContexts":[{"group":"G1","dataId":"g1","tenant":""}]})"),
              R"(ConfigChangeBatchListenResponse {"resultCode":200,"errorCode":0,"changedConfigs":[],"success":true})");
    invoke("ConfigRemoveRequest", R"({"dataId":"g1","group":"G1"})");
    executors_.queue.run();
    EXPECT_TRUE(connections_.pushes.empty());
}

TEST_F(ApiTest, RpcRefusals) {
    EXPECT_EQ(
        invoke("ConfigPublishRequest", R"({"dataId":"g1","group":"G1","content":""})"),
        R"(ConfigPublishResponse {"resultCode":500,"errorCode":400,"message":"content is blank : ","success":false})");
    EXPECT_THAT(invoke("ConfigQueryRequest", R"({"dataId":"a/b","group":"G1"})"),
                HasSubstr(R"("errorCode":400,"message":"Param check invalid:Param 'dataId' is illegal)"));
    EXPECT_THAT(invoke("ConfigPublishRequest",
                       R"({"dataId":"g1","group":"G1","content":"x","additionMap":{"betaIps":"1.1.1.1"}})"),
                HasSubstr("\"success\":false"));
    EXPECT_TRUE(store_.data.empty());
    EXPECT_THAT(invoke("ConfigQueryRequest", "{"), HasSubstr("\"success\":false"));
    EXPECT_EQ(invoke("ConfigRemoveRequest", R"({"dataId":"none","group":"G1"})"),
              R"(ConfigRemoveResponse {"resultCode":200,"errorCode":0,"success":true})");
}

TEST_F(ApiTest, AStoreOutageIsNotAnAbsentConfig) {
    post("dataId=a&group=G1&content=" + std::string(200'000, 'x'));
    store_.broken = true;
    Answer read;
    send(read, spi::HttpMethod::kGet, "/v1/cs/configs", "dataId=a&group=G1");
    executors_.blocking.run();
    EXPECT_EQ(read.status, 500);
}

/// Lets a fixed number of clients be connected.
class FewClients final : public spi::LoadControl {
public:
    spi::LimitPoint* point(std::string_view) noexcept override { return nullptr; }
    spi::Status admit_connection(const spi::LimitedCaller& caller, std::size_t connected) noexcept override {
        ip = caller.client_ip;
        return connected < 2 ? spi::Status() : spi::Status(spi::Code::kUnavailable, "connections over limit :2");
    }
    std::string ip;
};

// protocol/config.md §2.4: refused with the message, 1 to 3 s later.
TEST_F(ApiTest, ALongPollCountsAsAConnection) {
    FewClients control;
    http_.limit_by(&control);
    const std::string body = "Listening-Configs=d%02g%02%01";
    const auto poll = [&](Answer& answer, const Headers& headers) {
        send(answer, spi::HttpMethod::kPost, "/v1/cs/configs/listener", "", body, headers);
    };
    const Headers long_poll{{"Long-Pulling-Timeout", "30000"}, {"X-Real-IP", "8.8.8.8"}};
    Answer first;  // beside the gRPC connection of the fixture
    poll(first, long_poll);
    EXPECT_EQ(polls_.held(), 1u);
    EXPECT_EQ(control.ip, "127.0.0.1") << "of the socket";
    Answer second;
    poll(second, long_poll);
    EXPECT_EQ(polls_.held(), 1u);
    executors_.advance(999ms);
    EXPECT_EQ(second.sent, 0);
    executors_.advance(2001ms);
    EXPECT_EQ(second.status, 503);
    EXPECT_EQ(second.body, "connections over limit :2");
    Answer short_poll;
    poll(short_poll, {});
    EXPECT_EQ(short_poll.status, 200) << "what does not stay does not count";
    EXPECT_EQ(first.sent, 0);
    first.abandon();
}

}  // namespace
}  // namespace pharos::config
