#include <gtest/gtest.h>

#include <set>

#include <pharos/testing/fakes.hpp>

#include "namespaces.hpp"

namespace pharos::core {
namespace {

class Usage final : public spi::NamespaceUsage {
public:
    [[nodiscard]] std::uint64_t config_count(std::string_view id) const noexcept override {
        return id == "dev" ? 3 : 7;
    }
};

class NamespacesTest : public ::testing::Test {
protected:
    spi::Completion<bool> keep() {
        return [this](spi::Result<bool> done) { last = done ? spi::Status() : done.error(); };
    }
    spi::Code create(std::string_view id, std::string_view name = "n",
                     std::optional<std::string_view> description = std::nullopt) {
        namespaces.create(id, name, description, keep());
        return last.code();
    }

    testing::MemoryStore store;
    Usage usage;
    Namespaces namespaces{&store, {&usage}};
    spi::Status last;
};

TEST_F(NamespacesTest, ThePublicOneIsAlwaysThereAndFirst) {
    ASSERT_EQ(create("dev", "Development", "for us"), spi::Code::kOk);
    ASSERT_EQ(create("a", "A"), spi::Code::kOk);
    const auto all = namespaces.list();
    ASSERT_TRUE(all);
    ASSERT_EQ(all.value().size(), 3u);
    EXPECT_EQ(all.value()[0].id, "public");
    EXPECT_EQ(all.value()[0].config_count, 7u);
    EXPECT_EQ(all.value()[1].id, "a");
    EXPECT_FALSE(all.value()[1].description);
    EXPECT_EQ(all.value()[2].id, "dev");
    EXPECT_EQ(all.value()[2].name, "Development");
    EXPECT_EQ(all.value()[2].description, "for us");
    EXPECT_EQ(all.value()[2].config_count, 3u);
    EXPECT_TRUE(namespaces.find("")->is_public());
    EXPECT_TRUE(namespaces.find("public")->is_public());
}

TEST_F(NamespacesTest, AnIdCanBeTakenOnceAndPublicNever) {
    EXPECT_EQ(create("dev"), spi::Code::kOk);
    EXPECT_EQ(create("dev"), spi::Code::kConflict);
    EXPECT_EQ(last.message(), "namespaceId [dev] already exist");
    EXPECT_EQ(create("public"), spi::Code::kConflict);
}

TEST_F(NamespacesTest, AnUpdateReplacesBothTextsAndNeedsTheNamespace) {
    create("dev", "Development", "for us");
    namespaces.update("dev", "Dev", std::nullopt, keep());
    EXPECT_TRUE(last);
    EXPECT_EQ(namespaces.find("dev")->name, "Dev");
    EXPECT_FALSE(namespaces.find("dev")->description);  // a PUT without it sets null
    namespaces.update("none", "x", std::nullopt, keep());
    EXPECT_EQ(last.code(), spi::Code::kNotFound);
    namespaces.update("public", "x", std::nullopt, keep());
    EXPECT_EQ(last.code(), spi::Code::kDenied);
}

TEST_F(NamespacesTest, RemovingWhatIsNotThereIsNoError) {
    create("dev");
    for (int i = 0; i < 2; ++i) {
        namespaces.remove("dev", keep());
        EXPECT_TRUE(last);
        EXPECT_EQ(namespaces.find("dev").error().code(), spi::Code::kNotFound);
    }
    namespaces.remove("", keep());
    EXPECT_EQ(last.code(), spi::Code::kDenied);
}

TEST_F(NamespacesTest, ErrorsOfTheStoreComeThrough) {
    store.failure = {spi::Code::kUnavailable, "no leader"};
    EXPECT_EQ(create("dev"), spi::Code::kUnavailable);
    EXPECT_EQ(last.message(), "no leader");
    store.broken = true;
    EXPECT_EQ(namespaces.list().error().code(), spi::Code::kUnavailable);
    EXPECT_EQ(namespaces.find("dev").error().code(), spi::Code::kUnavailable);
}

TEST(Namespaces, WithoutAStoreThereIsThePublicOneOnly) {
    const Namespaces namespaces(nullptr, {});
    EXPECT_EQ(namespaces.list()->size(), 1u);
    EXPECT_EQ(namespaces.find("dev").error().code(), spi::Code::kNotFound);
    spi::Code code = spi::Code::kOk;
    namespaces.create("dev", "n", std::nullopt, [&](spi::Result<bool> done) { code = done.error().code(); });
    EXPECT_EQ(code, spi::Code::kUnavailable);
}

TEST(NamespaceRecord, ReadsWhatItWroteAndNothingElse) {
    for (const NamespaceRecord& record : {NamespaceRecord{"name", "text"}, NamespaceRecord{"名", std::nullopt},
                                          NamespaceRecord{"n", std::string_view("")}}) {
        const std::string bytes = encode_namespace(record);
        const auto read = decode_namespace(bytes);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->name, record.name);
        EXPECT_EQ(read->description, record.description);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(decode_namespace(std::string_view(bytes).substr(0, size))) << size;
        }
        EXPECT_FALSE(decode_namespace(bytes + "x"));
    }
    EXPECT_FALSE(decode_namespace(std::string("\2\0\0\0\0\0\0\0\0\0", 10)));
}

// Rules: `protocol/core.md §3.8`.
TEST(NamespaceRules, IdsAndTexts) {
    EXPECT_FALSE(check_namespace_id("a_B-9"));
    EXPECT_FALSE(check_namespace_id(std::string(128, 'a')));
    EXPECT_EQ(check_namespace_id(std::string(129, 'a')), "too long namespaceId, over 128");
    EXPECT_EQ(check_namespace_id("a b"), "namespaceId [a b] mismatch the pattern");
    EXPECT_TRUE(check_namespace_id(""));
    EXPECT_FALSE(check_namespace_texts("開発 1", "any @ text"));
    EXPECT_EQ(check_namespace_texts("a@b", {}), "namespaceName [a@b] contains illegal char");
    EXPECT_TRUE(check_namespace_texts("", {}));
    EXPECT_EQ(check_namespace_texts(std::string(257, 'a'), {}), "too long namespaceName, over 256");
    EXPECT_EQ(check_namespace_texts("a", std::string(257, 'a')), "too long namespaceDesc, over 256");
}

TEST(NamespaceRules, RandomIdsAreUuids) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const std::string id = random_namespace_id();
        ASSERT_EQ(id.size(), 36u);
        EXPECT_EQ(id[8], '-');
        EXPECT_EQ(id[14], '4');
        EXPECT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos);
        EXPECT_FALSE(check_namespace_id(id));
        EXPECT_TRUE(seen.insert(id).second);
    }
}

TEST(NamespaceJson, GenerationsShowThePublicOneAndTypesDifferently) {
    const Namespace open{"public", "public", "Default Namespace", 1};
    const Namespace own{"dev", "Dev", std::nullopt, 2};
    EXPECT_EQ(namespace_json(open, {"", 2}),
              R"({"namespace":"","namespaceShowName":"public","namespaceDesc":"Default Namespace","quota":200,)"
              R"("configCount":1,"type":0})");
    EXPECT_EQ(namespaces_json({open, own}, {"public", 1}),
              R"([{"namespace":"public","namespaceShowName":"public","namespaceDesc":"Default Namespace","quota":200,)"
              R"("configCount":1,"type":0},{"namespace":"dev","namespaceShowName":"Dev","namespaceDesc":null,)"
              R"("quota":200,"configCount":2,"type":1}])");
}

}  // namespace
}  // namespace pharos::core
