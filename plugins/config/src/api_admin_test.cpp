// The calls of consoles and administrators in v1, v2 and v3: bodies as protocol/config.md §2 has them.
#include "api_testing.hpp"
#include "history/history.hpp"
#include "model/rules.hpp"

namespace pharos::config {
namespace {

using spi::HttpMethod;

class AdminTest : public ApiTest {
protected:
    static constexpr auto kGet = HttpMethod::kGet;
    static constexpr auto kPost = HttpMethod::kPost;
    static constexpr auto kDelete = HttpMethod::kDelete;

    std::string id_of(std::string_view data_id, std::string_view tenant = "") {
        return std::to_string(index_.find(make_key(tenant, "G1", data_id).store_key())->id);
    }
    /// The numbers of the rows, oldest first.
    std::vector<std::string> rows_of(std::string_view data_id) {
        std::vector<std::string> texts;
        for (const std::uint64_t number :
             HistoryReader(*store_.snapshot()).numbers(make_key("", "G1", data_id).store_key())) {
            texts.push_back(std::to_string(number));
        }
        return texts;
    }
    void publish_full() {
        EXPECT_EQ(post("dataId=a&group=G1&content=hello&type=yaml&appName=app&config_tags=x,y&desc=d&use=u&effect=e"
                       "&schema=s&encryptedDataKey=key&src_user=me",
                       {{"X-Real-IP", "1.2.3.4"}})
                      .body,
                  "true");
    }
};

TEST_F(AdminTest, ShowAll) {
    publish_full();
    const std::string whole =
        R"({"id":")" + id_of("a") +
        R"(","dataId":"a","group":"G1","content":"hello",)"
        R"("md5":"5d41402abc4b2a76b9719d911017c592","encryptedDataKey":"key","tenant":"public",)"
        R"("appName":"app","type":"yaml","createTime":1700000000000,"modifyTime":1700000000000,)"
        R"("createUser":"me","createIp":"1.2.3.4","desc":"d","use":"u","effect":"e","schema":"s",)"
        R"("configTags":"x,y"})";
    EXPECT_EQ(get("dataId=a&group=G1&show=all").body, whole);
    post("dataId=a&group=G1&content=hello");  // protocol/config.md §10 trap 3
    EXPECT_THAT(get("dataId=a&group=G1&show=all").body,
                HasSubstr(R"("type":"text","createTime":1700000000000,"modifyTime":1700000000000,"createUser":null,)"
                          R"("createIp":"127.0.0.1","desc":null,"use":null,"effect":null,"schema":null,)"
                          R"("configTags":"x,y"})"));
    const Answer absent = get("dataId=none&group=G1&show=all");
    EXPECT_EQ(absent.status, 200);
    EXPECT_EQ(absent.body, "");
    EXPECT_EQ(get("dataId=a&show=all").status, 400);
}

TEST_F(AdminTest, V3Detail) {
    publish_full();
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/config", "dataId=a&groupName=G1").body,
              R"({"code":0,"message":"success","data":{"id":")" + id_of("a") +
                  R"(","namespaceId":"public","groupName":"G1","dataId":"a","md5":"5d41402abc4b2a76b9719d911017c592",)"
                  R"("type":"yaml","appName":"app","createTime":1700000000000,"modifyTime":1700000000000,)"
                  R"("content":"hello","desc":"d","encryptedDataKey":"key","createUser":"me","createIp":"1.2.3.4",)"
                  R"("configTags":"x,y"}})");
    const Answer absent = ask(kGet, "/v3/admin/cs/config", "dataId=none&groupName=G1");
    EXPECT_EQ(absent.status, 404);
    EXPECT_EQ(
        absent.body,
        R"({"code":20004,"message":"resource not found","data":"Config not exist, please publish Config first."})");
    const Answer missing = ask(kGet, "/v3/admin/cs/config", "dataId=a&group=&groupName=");
    EXPECT_EQ(missing.status, 400);
    EXPECT_EQ(missing.body, R"({"code":10000,"message":"parameter missing",)"
                            R"("data":"Required parameter 'groupName' type String is not present"})");
}

TEST_F(AdminTest, Catalog) {
    publish_full();
    EXPECT_EQ(ask(kGet, "/v1/cs/configs/catalog", "dataId=a&group=G1").body,
              R"({"code":200,"message":null,"data":{"createTime":1700000000000,"modifyTime":1700000000000,)"
              R"("createUser":"me","createIp":"1.2.3.4","desc":"d","use":"u","effect":"e","type":"yaml","schema":"s",)"
              R"("configTags":"x,y"},"noRight":false})");
    EXPECT_EQ(ask(kGet, "/v1/cs/configs/catalog", "dataId=none&group=G1").body,
              R"({"code":200,"message":null,"data":null,"noRight":false})");
}

TEST_F(AdminTest, V1Lists) {
    publish_full();
    post("dataId=b.yaml&group=G1&content=two");
    post("dataId=a&group=G1&tenant=dev&content=three");
    const std::string item = R"({"id":")" + id_of("a") +
                             R"(","dataId":"a","group":"G1","content":"hello",)"
                             R"("md5":"5d41402abc4b2a76b9719d911017c592","encryptedDataKey":"key","tenant":"public",)"
                             R"("appName":"app","type":"yaml"})";
    const auto list = [&](std::string_view query) { return ask(kGet, "/v1/cs/configs", query).body; };
    EXPECT_EQ(list("search=accurate&dataId=a&group=G1&pageNo=1&pageSize=10"),
              R"({"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[)" + item + "]}");
    EXPECT_EQ(list("search=accurate&dataId=&group=&pageNo=1&pageSize=1"),
              R"({"totalCount":2,"pageNumber":1,"pagesAvailable":2,"pageItems":[)" + item + "]}");
    EXPECT_EQ(list("search=blur&dataId=*a&group=&pageNo=1&pageSize=10&types=yaml,json"),
              R"({"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[)" + item + "]}");
    EXPECT_EQ(list("search=accurate&dataId=&group=&pageNo=3&pageSize=1"),
              R"({"totalCount":2,"pageNumber":3,"pagesAvailable":2,"pageItems":[]})");
    EXPECT_THAT(list("search=blur&dataId=&group=&tenant=*&pageNo=1&pageSize=10"), HasSubstr(R"("totalCount":3)"));
    EXPECT_THAT(list("search=blur&dataId=&group=&pageNo=1&pageSize=10&config_tags=x"), HasSubstr(R"("totalCount":1)"));
    EXPECT_THAT(list("search=blur&dataId=&group=&pageNo=1&pageSize=10&appName=ap"), HasSubstr(R"("totalCount":0)"));
    // Both have to be there, if only as "" (protocol/config.md §10 trap 20).
    EXPECT_EQ(ask(kGet, "/v1/cs/configs", "search=blur&dataId=a&pageNo=1&pageSize=10").status, 400);
    EXPECT_EQ(ask(kGet, "/v1/cs/configs", "search=blur&dataId=a&group=&pageSize=10").status, 400);
    EXPECT_EQ(list("search=blur&dataId=&group=&pageNo=0&pageSize=10"),
              "caused: pageNo and pageSize must be greater than zero;");
    EXPECT_EQ(ask(kGet, "/v1/cs/configs", "search=accurate&dataId=a*&group=&pageNo=1&pageSize=10").body,
              "Param 'dataId' is illegal, illegal characters should not appear in the param.\r\n");
}

TEST_F(AdminTest, V2SearchInContents) {
    post("dataId=a&group=G1&content=url%3A+db1");
    post("dataId=b&group=G1&content=other");
    const Answer found =
        ask(kGet, "/v2/cs/config/searchDetail", "dataId=&group=&config_detail=*db1*&search=blur&pageNo=1&pageSize=10");
    EXPECT_THAT(found.body, HasSubstr(R"({"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[{"id":")"));
    EXPECT_THAT(found.body, HasSubstr(R"("content":"url: db1")"));
    const Answer missing = ask(kGet, "/v2/cs/config/searchDetail", "dataId=&group=&pageNo=1&pageSize=10");
    EXPECT_EQ(missing.body, R"({"code":10000,"message":"parameter missing",)"
                            R"("data":"Required parameter 'config_detail' type String is not present"})");
    const Answer zero = ask(kGet, "/v2/cs/config/searchDetail", "dataId=&group=&config_detail=x&pageNo=0&pageSize=10");
    EXPECT_EQ(zero.status, 400);
    EXPECT_THAT(zero.body, HasSubstr(R"("code":20002)"));
}

TEST_F(AdminTest, SearchesBeyondTheLimitAre503) {
    post("dataId=a&group=G1&content=x");
    std::vector<std::unique_ptr<Answer>> answers;
    for (int i = 0; i < 7; ++i) {
        send(*answers.emplace_back(std::make_unique<Answer>()), kGet, "/v2/cs/config/searchDetail",
             "dataId=&group=&config_detail=*x*&pageNo=1&pageSize=10");
    }
    EXPECT_EQ(answers.back()->status, 503);
    EXPECT_THAT(answers.back()->body, HasSubstr("server limit match."));
    executors_.run();
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(answers[i]->status, 200);
    }
}

TEST_F(AdminTest, V3List) {
    publish_full();
    post("dataId=b&group=G1&content=two");
    const std::string item = R"({"id":")" + id_of("a") +
                             R"(","namespaceId":"public","groupName":"G1","dataId":"a",)"
                             R"("md5":"5d41402abc4b2a76b9719d911017c592","type":"yaml","appName":"app",)"
                             R"("createTime":0,"modifyTime":0})";
    const auto list = [&](std::string_view query) { return ask(kGet, "/v3/admin/cs/config/list", query).body; };
    EXPECT_EQ(list("dataId=a&groupName=*&configTags=x&type=yaml&appName=app&configDetail=hel*"),
              R"({"code":0,"message":"success","data":{"totalCount":1,"pageNumber":1,"pagesAvailable":1,)"
              R"("pageItems":[)" +
                  item + "]}}");
    EXPECT_THAT(list(""), HasSubstr(R"("totalCount":2)"));
    EXPECT_EQ(list("pageNo=0"), R"({"code":20002,"message":"parameter validate error",)"
                                R"("data":"Required parameter 'pageNo' should be positive integer, current is 0"})");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/config/list", "search=wild").status, 400);
}

TEST_F(AdminTest, RemovalByIds) {
    post("dataId=a&group=G1&content=1");
    post("dataId=b&group=G1&content=1");
    post("dataId=c&group=G1&tenant=dev&content=1");
    const std::string ids = id_of("a") + ",999999," + id_of("c", "dev");
    EXPECT_EQ(ask(kDelete, "/v1/cs/configs", "delType=ids&ids=" + ids + "&tenant=public").body,
              R"({"code":200,"message":null,"data":true,"noRight":false})");
    EXPECT_EQ(get("dataId=a&group=G1").status, 404);
    EXPECT_EQ(get("dataId=b&group=G1").status, 200);
    EXPECT_EQ(get("dataId=c&group=G1&tenant=dev").status, 200);  // not of the namespace that was named
    EXPECT_EQ(ask(kDelete, "/v3/admin/cs/config/batch", "ids=" + ids).body,
              R"({"code":0,"message":"success","data":true})");
    EXPECT_EQ(get("dataId=c&group=G1&tenant=dev").status, 404);
    EXPECT_EQ(ask(kDelete, "/v3/admin/cs/config/batch", "ids=1,x").status, 400);
    EXPECT_EQ(
        ask(kDelete, "/v3/admin/cs/config/batch", "").body,
        R"({"code":10000,"message":"parameter missing","data":"Required parameter 'ids' type String is not present"})");
    EXPECT_EQ(rows_of("a").size(), 2u);
    std::string many = "ids=1";
    for (int i = 0; i < 1000; ++i) {
        many += ",1";
    }
    EXPECT_EQ(ask(kDelete, "/v3/admin/cs/config/batch", many).body,
              R"({"code":20002,"message":"parameter validate error",)"
              R"("data":"1001 ids are too many, at most 1000 are taken at a time"})");
}

TEST_F(AdminTest, AccessToIdsWithoutANamespaceIsAccessToAll) {
    const spi::HttpRequest by_ids{.method = kDelete, .path = "/v1/cs/configs", .query = "delType=ids&ids=1"};
    EXPECT_EQ(namespace_of(by_ids).namespace_id, "*");
    const spi::HttpRequest named{.method = kDelete, .path = "/v1/cs/configs", .query = "delType=ids&ids=1&tenant=dev"};
    EXPECT_EQ(namespace_of(named).namespace_id, "dev");
    EXPECT_EQ(resource_of(named).namespace_id, "dev");
}

TEST_F(AdminTest, V1HistoryRows) {
    publish_full();
    post("dataId=a&group=G1&content=two&src_user=you");
    const std::vector<std::string> rows = rows_of("a");
    const std::string extra = R"({\"type\":\"yaml\",\"config_tags\":\"x,y\",\"effect\":\"e\",\"src_user\":\"me\",)"
                              R"(\"c_desc\":\"d\",\"c_use\":\"u\",\"c_schema\":\"s\"})";
    const auto item = [&](const std::string& number, std::string_view content, std::string_view ip,
                          std::string_view user, std::string_view operation) {
        const std::string quoted = content.empty() ? "null" : "\"" + std::string(content) + "\"";
        return R"({"id":")" + number + R"(","lastId":-1,"dataId":"a","group":"G1","tenant":"public","appName":"app",)" +
               R"("md5":)" + (content.empty() ? "null" : R"("5d41402abc4b2a76b9719d911017c592")") + R"(,"content":)" +
               quoted + R"(,"srcIp":")" + std::string(ip) + R"(","srcUser":")" + std::string(user) + R"(","opType":")" +
               std::string(operation) + R"(         ","publishType":"formal","grayName":"","extInfo":")" + extra +
               R"(","createdTime":"2023-11-14T22:13:20.000+00:00","lastModifiedTime":"2023-11-14T22:13:20.000+00:00",)" +
               R"("encryptedDataKey":)" + (content.empty() ? "null" : R"("key")") + "}";
    };
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "search=accurate&dataId=a&group=G1").body,
              R"({"totalCount":2,"pageNumber":1,"pagesAvailable":1,"pageItems":[)" +
                  item(rows[1], "", "127.0.0.1", "you", "U") + "," + item(rows[0], "", "1.2.3.4", "me", "I") + "]}");
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "dataId=a&group=G1&nid=" + rows[0]).body,
              item(rows[0], "hello", "1.2.3.4", "me", "I"));
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "dataId=a&group=G1&nid=" + rows[1]).body,
              item(rows[1], "hello", "127.0.0.1", "you", "U"));
    EXPECT_EQ(ask(kGet, "/v1/cs/history/previous", "dataId=a&group=G1&id=" + id_of("a")).body,
              item(rows[1], "hello", "127.0.0.1", "you", "U"));
    const Answer unknown = ask(kGet, "/v1/cs/history", "dataId=a&group=G1&nid=999999");
    EXPECT_EQ(unknown.status, 200);
    EXPECT_EQ(unknown.body, "");
    const Answer mismatch = ask(kGet, "/v1/cs/history", "dataId=b&group=G1&nid=" + rows[0]);
    EXPECT_EQ(mismatch.status, 403);
    EXPECT_EQ(mismatch.body, "Please check dataId, group or namespaceId.");
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "dataId=a&group=G1&nid=x").status, 400);
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "dataId=a&group=G1").status, 400);
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "search=accurate&dataId=a&group=G1&pageNo=2&pageSize=1").body,
              R"({"totalCount":2,"pageNumber":2,"pagesAvailable":2,"pageItems":[)" +
                  item(rows[0], "", "1.2.3.4", "me", "I") + "]}");
}

TEST_F(AdminTest, LaterGenerationsOfHistory) {
    publish_full();
    const std::vector<std::string> rows = rows_of("a");
    EXPECT_THAT(ask(kGet, "/v2/cs/history/list", "dataId=a&group=G1").body,
                HasSubstr(R"({"code":0,"message":"success","data":{"totalCount":1,"pageNumber":1,)"));
    EXPECT_EQ(ask(kGet, "/v2/cs/history", "dataId=a&group=G1&nid=999999").body,
              R"({"code":0,"message":"success","data":null})");
    EXPECT_EQ(ask(kGet, "/v2/cs/history/previous", "dataId=a&group=G1&id=" + id_of("a")).body,
              R"({"code":0,"message":"success","data":null})");  // an insertion is never found (trap 7)
    const Answer mismatch = ask(kGet, "/v2/cs/history", "dataId=b&group=G1&nid=" + rows[0]);
    EXPECT_EQ(mismatch.status, 403);
    EXPECT_EQ(mismatch.body,
              R"({"code":10001,"message":"access denied","data":"Please check dataId, group or namespaceId."})");
    const Answer unknown = ask(kGet, "/v3/admin/cs/history", "dataId=a&groupName=G1&nid=999999");
    EXPECT_EQ(unknown.status, 400);
    EXPECT_EQ(unknown.body, R"({"code":20002,"message":"parameter validate error","data":"Source must not be null"})");
    const std::string v3 = ask(kGet, "/v3/admin/cs/history", "dataId=a&groupName=G1&nid=" + rows[0]).body;
    EXPECT_THAT(v3, HasSubstr(R"("namespaceId":"public","groupName":"G1","dataId":"a")"));
    EXPECT_THAT(v3, HasSubstr(R"("createTime":1700000000000,"modifyTime":1700000000000)"));
    EXPECT_THAT(v3, HasSubstr(R"("opType":"I","publishType":"formal","content":"hello","encryptedDataKey":"key",)"));
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/history/list", "dataId=a&groupName=G1&pageSize=0").body,
              R"({"code":20002,"message":"parameter validate error",)"
              R"("data":"Required parameter 'pageSize' should be positive integer, current is 0"})");
}

TEST_F(AdminTest, Comparisons) {
    post("dataId=a&group=G1&content=hello&type=yaml");
    post("dataId=a&group=G1&content=two&type=json");
    call(kDelete, "dataId=a&group=G1&username=eve");
    const std::vector<std::string> rows = rows_of("a");
    const auto compare = [&](std::size_t i) { return ask(kGet, "/v2/cs/history/detail", "nid=" + rows[i]).body; };
    const std::string times =
        R"("createdTime":"2023-11-14T22:13:20.000+00:00","lastModifiedTime":"2023-11-14T22:13:20.000+00:00"}})";
    const auto head = [&](std::size_t i, std::string_view operation, std::string_view user) {
        return R"({"code":0,"message":"success","data":{"id":")" + rows[i] +
               R"(","lastId":-1,"dataId":"a","group":"G1","tenant":"public","opType":")" + std::string(operation) +
               R"(","publishType":"formal","grayName":"","appName":"","srcIp":"127.0.0.1","srcUser":)" +
               std::string(user) + ",";
    };
    const auto side = [](std::string_view name, std::string_view content, std::string_view type) {
        const std::string md5 = content.empty() ? "null" : "\"" + md5_hex(content) + "\"";
        const std::string text = content.empty() ? "null" : "\"" + std::string(content) + "\"";
        const std::string extra = content.empty() ? "null" : R"("{\"type\":\")" + std::string(type) + R"(\"}")";
        const std::string extra_name = name == "original" ? "originalExtInfo" : "updateExtInfo";
        return "\"" + std::string(name) + R"(Md5":)" + md5 + ",\"" + std::string(name) + R"(Content":)" + text + ",\"" +
               std::string(name) + R"(EncryptedDataKey":)" + (content.empty() ? "null" : R"("")") + ",\"" + extra_name +
               "\":" + extra + ",";
    };
    EXPECT_EQ(compare(0), head(0, "I", "null") + side("original", "", "") + side("updated", "hello", "yaml") + times);
    EXPECT_EQ(compare(1),
              head(1, "U", "null") + side("original", "hello", "yaml") + side("updated", "two", "json") + times);
    EXPECT_EQ(compare(2), head(2, "D", R"("eve")") + side("original", "two", "json") + side("updated", "", "") + times);
    EXPECT_EQ(ask(kGet, "/v2/cs/history/detail", "nid=" + rows[0] + "&namespaceId=dev").status, 403);
    EXPECT_EQ(ask(kGet, "/v2/cs/history/detail", "nid=999999").body, R"({"code":0,"message":"success","data":null})");
}

TEST_F(AdminTest, ConfigsOfANamespace) {
    post("dataId=a&group=G1&content=1&tenant=dev&type=yaml&appName=app");
    EXPECT_EQ(ask(kGet, "/v1/cs/history/configs", "tenant=dev").body,
              R"([{"id":"0","dataId":"a","group":"G1","content":null,"md5":null,"encryptedDataKey":null,)"
              R"("tenant":"dev","appName":"app","type":"yaml","lastModified":1700000000000}])");
    EXPECT_EQ(ask(kGet, "/v2/cs/history/configs", "namespaceId=none").body,
              R"({"code":0,"message":"success","data":[]})");
    EXPECT_EQ(ask(kGet, "/v1/cs/history/configs", "").status, 400);
}

TEST_F(AdminTest, V2AndV3Writes) {
    const std::string ok = R"({"code":0,"message":"success","data":true})";
    for (const auto& [path, group] :
         {std::pair("/v2/cs/config", "group=G1"), std::pair("/v3/admin/cs/config", "groupName=G1")}) {
        const std::string names = "dataId=a&" + std::string(group);
        const auto write = [&](const std::string& more, const Headers& headers = {}) {
            return ask(kPost, path, "", names + more, headers);
        };
        EXPECT_EQ(write("&content=hello&configTags=x,y&srcUser=me&type=yaml").body, ok) << path;
        const ConfigRecord record = *decode(store_.data.at(make_key("", "G1", "a").store_key()).first);
        EXPECT_EQ(record.tags, "x,y");
        EXPECT_EQ(record.source_user, "me");
        const Answer cas = write("&content=x", {{"casMd5", "0"}});
        EXPECT_EQ(cas.status, 500);
        EXPECT_EQ(cas.body, R"({"code":20005,"message":"resource conflict",)"
                            R"("data":"Cas publish fail, server md5 may have changed."})");
        EXPECT_EQ(write("&content=").body, R"({"code":10000,"message":"parameter missing",)"
                                           R"("data":"Required parameter 'content' type String is not present"})");
        EXPECT_EQ(write("&content=x&configTags=1,2,3,4,5,6").body,
                  R"({"code":20002,"message":"parameter validate error","data":"too much config_tags, over 5"})");
        EXPECT_EQ(write("&content=x&tag=t").body, R"({"code":20002,"message":"parameter validate error","data":")" +
                                                      std::string(kGrayUnsupported) + "\"}");
        EXPECT_EQ(write("&content=x", {{"betaIps", "1.1.1.1"}}).status, 400);
        EXPECT_EQ(ask(kDelete, path, names).body, ok);
        EXPECT_EQ(ask(kDelete, path, names).body, ok);
        EXPECT_EQ(ask(kDelete, path, "dataId=a").status, 400);
        store_.failure = spi::Status(spi::Code::kInternal, "disk full");
        EXPECT_EQ(write("&content=hello").body, R"({"code":10002,"message":"data access error","data":"disk full"})");
        store_.failure = {};
    }
}

TEST_F(AdminTest, V2Read) {
    post("dataId=a&group=G1&content=%22hello%22&type=json&encryptedDataKey=key");
    Answer found = ask(kGet, "/v2/cs/config", "dataId=a&group=G1&namespaceId=public");
    EXPECT_EQ(found.body, R"({"code":0,"message":"success","data":"\"hello\""})");
    EXPECT_EQ(found.headers["Config-Type"], "json");
    EXPECT_EQ(found.headers["Content-MD5"], md5_hex("\"hello\""));
    EXPECT_EQ(found.headers["Encrypted-Data-Key"], "key");
    EXPECT_THAT(found.type, HasSubstr("application/json"));
    const Answer absent = ask(kGet, "/v2/cs/config", "dataId=none&group=G1");
    EXPECT_EQ(absent.status, 404);
    EXPECT_EQ(absent.body, R"({"code":20004,"message":"resource not found","data":"config data not exist"})");
    EXPECT_EQ(ask(kGet, "/v2/cs/config", "dataId=a&group=G1&tag=t").status, 404);
}

TEST_F(AdminTest, V3ClientRead) {
    post("dataId=a&group=G1&content=k%3A+v&type=yaml");
    const Answer found = ask(kGet, "/v3/client/cs/config", "dataId=a&groupName=G1&tag=ignored");
    EXPECT_EQ(found.status, 200);
    EXPECT_EQ(found.body,
              R"({"code":0,"message":"success","data":{"resultCode":200,"errorCode":0,"message":null,"requestId":null,)"
              R"("content":"k: v","encryptedDataKey":"","contentType":"yaml","md5":")" +
                  md5_hex("k: v") + R"(","lastModified":1700000000000,"tag":null,"beta":false,"success":true}})");
    const Answer absent = ask(kGet, "/v3/client/cs/config", "dataId=none&groupName=G1");
    EXPECT_EQ(absent.status, 200);
    EXPECT_EQ(absent.body, R"({"code":20004,"message":"resource not found","data":null})");
    const Answer missing = ask(kGet, "/v3/client/cs/config", "dataId=a");
    EXPECT_EQ(missing.status, 400);
    EXPECT_EQ(missing.body, "caused: Required parameter 'groupName' type String is not present;");
    EXPECT_EQ(missing.type, "text/plain;charset=UTF-8");
}

TEST_F(AdminTest, WhoListens) {
    invoke("ConfigBatchListenRequest",
           R"({"configListenContexts":[{"group":"G1","md5":"m1","dataId":"a"},{"group":"G1","md5":"","dataId":"b",)"
           R"("tenant":"dev"}]})");
    post("dataId=a&group=G1&content=hello");
    Answer held;
    send(held, kPost, "/v1/cs/configs/listener", "", "Listening-Configs=a%02G1%02" + md5_hex("hello") + "%01",
         {{"Long-Pulling-Timeout", "30000"}, {"X-Real-IP", "8.8.8.8"}});
    EXPECT_EQ(held.sent, 0);
    const std::string of_a = R"({"8.8.8.8":"5d41402abc4b2a76b9719d911017c592","9.9.9.9":"m1"})";
    EXPECT_EQ(ask(kGet, "/v1/cs/configs/listener", "dataId=a&group=G1&sampleTime=1").body,
              R"({"collectStatus":200,"lisentersGroupkeyStatus":)" + of_a + "}");
    EXPECT_EQ(ask(kGet, "/v1/cs/communication/configWatchers", "dataId=a&group=G1").body,
              R"({"lisentersGroupkeyStatus":)" + of_a + "}");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/config/listener", "dataId=a&groupName=G1&aggregation=true").body,
              R"({"code":0,"message":"success","data":{"queryType":"config","listenersStatus":)" + of_a + "}}");
    EXPECT_EQ(ask(kGet, "/v1/cs/listener", "ip=9.9.9.9").body,
              R"({"collectStatus":200,"lisentersGroupkeyStatus":{"a+G1+public":"m1"}})");
    EXPECT_EQ(ask(kGet, "/v1/cs/listener", "ip=9.9.9.9&all=true").body,
              R"({"collectStatus":200,"lisentersGroupkeyStatus":{"a+G1+public":"m1","b+G1+dev":""}})");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/listener", "ip=9.9.9.9&namespaceId=dev").body,
              R"({"code":0,"message":"success","data":{"queryType":"ip","listenersStatus":{"b+G1+dev":""}}})");
    EXPECT_EQ(ask(kGet, "/v1/cs/communication/watcherConfigs", "ip=8.8.8.8").body,
              R"({"lisentersGroupkeyStatus":{"a+G1+public":"5d41402abc4b2a76b9719d911017c592"}})");
    EXPECT_EQ(ask(kGet, "/v1/cs/configs/listener", "dataId=none&group=G1").body,
              R"({"collectStatus":200,"lisentersGroupkeyStatus":{}})");
    EXPECT_EQ(ask(kGet, "/v1/cs/listener", "").status, 400);
    EXPECT_EQ(ask(kGet, "/v1/cs/listener", "ip=" + std::string(129, '1')).status, 400);
    polls_.stop(1s);
    EXPECT_EQ(held.sent, 1);
    EXPECT_EQ(ask(kGet, "/v1/cs/communication/watcherConfigs", "ip=8.8.8.8").body, R"({"lisentersGroupkeyStatus":{}})");
}

TEST_F(AdminTest, CapacityCountsAndLimitsNothing) {
    post("dataId=a&group=G1&content=1");
    post("dataId=b&group=G1&tenant=dev&content=1");
    post("dataId=c&group=G2&tenant=dev&content=1");
    const auto capacity = [](int usage, std::string_view name, std::string_view value) {
        return R"({"id":"0","quota":0,"usage":)" + std::to_string(usage) +
               R"(,"maxSize":0,"maxAggrCount":0,"maxAggrSize":0,"gmtCreate":null,"gmtModified":null,")" +
               std::string(name) + R"(":")" + std::string(value) + "\"}";
    };
    EXPECT_EQ(ask(kGet, "/v1/cs/capacity", "tenant=dev").body,
              R"({"code":200,"message":null,"data":)" + capacity(2, "namespaceId", "dev") + R"(,"noRight":false})");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/capacity", "groupName=G1").body,
              R"({"code":0,"message":"success","data":)" + capacity(2, "groupName", "G1") + "}");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/capacity", "groupName=").body,
              R"({"code":0,"message":"success","data":)" + capacity(3, "groupName", "") + "}");
    const Answer v1 = ask(kGet, "/v1/cs/capacity", "");
    EXPECT_EQ(v1.status, 400);
    EXPECT_EQ(v1.body, "The parameter group and tenant cannot be empty at the same time");
    EXPECT_THAT(ask(kGet, "/v3/admin/cs/capacity", "").body, HasSubstr(R"({"code":10000,)"));
}

TEST_F(AdminTest, HealthIsTheStores) {
    EXPECT_EQ(ask(kGet, "/v1/cs/health", "").body, "UP");
    store_.broken = true;
    EXPECT_THAT(ask(kGet, "/v1/cs/health", "").body, HasSubstr("DOWN:"));
}

TEST_F(AdminTest, AnOutageIsAnError) {
    post("dataId=a&group=G1&content=1");
    store_.broken = true;
    EXPECT_EQ(ask(kGet, "/v1/cs/configs", "dataId=a&group=G1&show=all").status, 500);
    EXPECT_EQ(ask(kGet, "/v1/cs/history", "search=accurate&dataId=a&group=G1").body,
              "caused: the store can't be read;");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/history/list", "dataId=a&groupName=G1").body,
              R"({"code":10002,"message":"data access error","data":"the store can't be read"})");
    EXPECT_EQ(ask(kGet, "/v3/admin/cs/config", "dataId=a&groupName=G1").status, 500);
    EXPECT_EQ(ask(kGet, "/v1/cs/configs", "search=blur&dataId=&group=&pageNo=1&pageSize=1").status, 500);
}

}  // namespace
}  // namespace pharos::config
