#include "http/router.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace pharos::http {
namespace {

using spi::HttpMethod;

struct NoExchange final : spi::HttpExchange {
    void send(const spi::HttpReply&) noexcept override {}
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}
};

class RouterTest : public testing::Test {
protected:
    void add(HttpMethod method, std::string_view path) {
        auto added = router.add({method, path, {spi::Action::kRead, "test"}}, [](const auto&, auto) {});
        ASSERT_TRUE(added.is_ok()) << added.error().message();
        registrations.push_back(std::move(added.value()));
    }

    std::string find(HttpMethod method, std::string_view path) {
        const auto match = view.table().match(method, path);
        return match.route != nullptr ? match.route->given_path() : match.known ? "405 " + match.allowed : "404";
    }

    Router router;
    Router::View view{router};
    std::vector<spi::Registration> registrations;
};

TEST_F(RouterTest, Finds) {
    add(HttpMethod::kGet, "/v1/cs/configs");
    add(HttpMethod::kPost, "/v1/cs/configs");
    add(HttpMethod::kGet, "//health/live");
    add(HttpMethod::kGet, "/v1/a/{id}");
    add(HttpMethod::kGet, "/v1/a/fixed");
    add(HttpMethod::kPut, "/v1/a/{id}/b");
    add(HttpMethod::kGet, "/v1/ns/**");
    add(HttpMethod::kGet, "/v1/ns/x/**");
    add(HttpMethod::kGet, "/v1/ns/instance");
    add(HttpMethod::kGet, "/");
    EXPECT_EQ("/v1/cs/configs", find(HttpMethod::kGet, "/nacos/v1/cs/configs"));
    EXPECT_EQ("/v1/cs/configs", find(HttpMethod::kHead, "/nacos/v1/cs/configs"));
    EXPECT_EQ("405 GET, POST", find(HttpMethod::kDelete, "/nacos/v1/cs/configs"));
    EXPECT_EQ("404", find(HttpMethod::kGet, "/v1/cs/configs"));
    EXPECT_EQ("404", find(HttpMethod::kGet, "/nacos/v1/cs/Configs"));
    EXPECT_EQ("//health/live", find(HttpMethod::kGet, "/health/live"));
    EXPECT_EQ("404", find(HttpMethod::kGet, "/nacos/health/live"));
    EXPECT_EQ("/v1/a/{id}", find(HttpMethod::kGet, "/nacos/v1/a/7"));
    EXPECT_EQ("/v1/a/fixed", find(HttpMethod::kGet, "/nacos/v1/a/fixed"));
    EXPECT_EQ("/v1/a/{id}/b", find(HttpMethod::kPut, "/nacos/v1/a/fixed/b"));
    EXPECT_EQ("405 PUT", find(HttpMethod::kGet, "/nacos/v1/a/7/b"));
    EXPECT_EQ("404", find(HttpMethod::kGet, "/nacos/v1/a"));
    EXPECT_EQ("/v1/ns/**", find(HttpMethod::kGet, "/nacos/v1/ns/what/ever"));
    EXPECT_EQ("/v1/ns/**", find(HttpMethod::kGet, "/nacos/v1/ns"));
    EXPECT_EQ("/v1/ns/x/**", find(HttpMethod::kGet, "/nacos/v1/ns/x/y"));
    EXPECT_EQ("/v1/ns/instance", find(HttpMethod::kGet, "/nacos/v1/ns/instance"));
    EXPECT_EQ("404", find(HttpMethod::kPost, "/nacos/v1/ns/what"));
    EXPECT_EQ("405 GET", find(HttpMethod::kPost, "/nacos/v1/ns/instance"));
    add(HttpMethod::kPost, "/v1/ns/**");
    EXPECT_EQ("/v1/ns/**", find(HttpMethod::kPost, "/nacos/v1/ns/instance"));
    EXPECT_EQ("/", find(HttpMethod::kGet, "/nacos"));
    EXPECT_EQ("404", find(HttpMethod::kGet, "/"));
}

TEST_F(RouterTest, RefusesDuplicates) {
    add(HttpMethod::kGet, "/a");
    EXPECT_EQ(spi::Code::kConflict, router.add({HttpMethod::kGet, "/a/", {}}, [](const auto&, auto) {}).error().code());
    EXPECT_EQ(spi::Code::kInvalidArgument,
              router.add({HttpMethod::kGet, "a", {}}, [](const auto&, auto) {}).error().code());
    ASSERT_EQ(1u, router.entries().size());
    EXPECT_EQ("GET /a", router.entries()[0].what);
    registrations.clear();
    EXPECT_EQ("404", find(HttpMethod::kGet, "/nacos/a"));
    EXPECT_TRUE(router.entries().empty());
}

TEST_F(RouterTest, NoCallAfterTheRegistrationHasEnded) {
    for (int round = 0; round < 50; ++round) {
        auto alive = std::make_shared<std::atomic<bool>>(true);
        std::atomic<bool> stop{false};
        std::atomic<int> calls{0};
        auto added =
            router.add({HttpMethod::kGet, "/x", {}}, [&calls, alive](const spi::HttpRequest&, spi::HttpResponder) {
                EXPECT_TRUE(alive->load());
                ++calls;
            });
        ASSERT_TRUE(added.is_ok());
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([&] {
                Router::View mine(router);
                NoExchange exchange;
                while (!stop) {
                    const auto match = mine.table().match(HttpMethod::kGet, "/nacos/x");
                    if (match.route != nullptr && match.route->enter()) {
                        match.route->call({}, spi::HttpResponder(&exchange));
                        match.route->leave();
                    }
                }
            });
        }
        while (calls < 10) {
            std::this_thread::yield();
        }
        added.value().reset();
        alive->store(false);
        EXPECT_EQ(1, alive.use_count()) << "the handler must be gone";
        std::this_thread::yield();
        stop = true;
        for (auto& thread : threads) {
            thread.join();
        }
    }
}

}  // namespace
}  // namespace pharos::http
