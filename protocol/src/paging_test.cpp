#include <gtest/gtest.h>

#include <string>
#include <utility>

#include <pharos/protocol/paging.hpp>

namespace pharos::protocol {
namespace {

TEST(Paging, SlicesStayWithinTheList) {
    const auto slice = [](std::int64_t number, std::int64_t size, std::size_t total) {
        const PageSlice found = slice_of({number, size}, total);
        return std::pair(found.begin, found.end);
    };
    using Pair = std::pair<std::size_t, std::size_t>;
    EXPECT_EQ(slice(1, 10, 25), Pair(0, 10));
    EXPECT_EQ(slice(3, 10, 25), Pair(20, 25));
    EXPECT_EQ(slice(4, 10, 25), Pair(25, 25));
    EXPECT_EQ(slice(2, 5, 10), Pair(5, 10));
    EXPECT_EQ(slice(3, 5, 10), Pair(10, 10));
    EXPECT_EQ(slice(1, 10, 0), Pair(0, 0));
    EXPECT_EQ(slice(0, 10, 25), Pair(25, 25));
    EXPECT_EQ(slice(1, -1, 25), Pair(25, 25));
    EXPECT_EQ(slice(INT64_MAX, INT64_MAX, 25), Pair(25, 25));
    EXPECT_EQ(slice(1, INT64_MAX, 25), Pair(0, 25));
}

// `protocol/naming.md §2.6`: total/pageSize + 1, so exact multiples report one too many; 0 for an empty total.
TEST(Paging, PagesAreCountedInTwoWays) {
    const auto head = [](std::size_t total, PageCount count) {
        std::string out;
        sdk::JsonWriter json(out);
        begin_page(json, {2, 10}, total, count);
        return out;
    };
    EXPECT_EQ(head(20, PageCount::kExact), R"({"totalCount":20,"pageNumber":2,"pagesAvailable":2,"pageItems":[)");
    EXPECT_EQ(head(20, PageCount::kOneMore), R"({"totalCount":20,"pageNumber":2,"pagesAvailable":3,"pageItems":[)");
    EXPECT_EQ(head(21, PageCount::kExact), R"({"totalCount":21,"pageNumber":2,"pagesAvailable":3,"pageItems":[)");
    EXPECT_EQ(head(0, PageCount::kOneMore), R"({"totalCount":0,"pageNumber":2,"pagesAvailable":0,"pageItems":[)");
}

/// Takes the first error that is answered.
class Exchange final : public spi::HttpExchange {
public:
    void send(const spi::HttpReply& reply) noexcept override {
        status = reply.status;
        for (const spi::Piece& piece : reply.body) {
            body += piece.text;
        }
    }
    void on_abandoned(spi::Task) noexcept override {}
    void release() noexcept override {}
    int status = 0;
    std::string body;
};

// `protocol/config.md §2.8`.
TEST(Paging, WrongNumbersAreAnswered) {
    const auto ask = [](std::string_view query) {
        Exchange exchange;
        spi::HttpResponder responder(&exchange);
        const Params params(query, {});
        const std::optional<PageRequest> page = page_of(params, {1, 100}, responder);
        if (page) {
            const spi::Piece ok[] = {std::string_view("ok")};
            responder.send({.status = 200, .content_type = {}, .headers = {}, .body = ok});
        }
        return std::pair(exchange.status, exchange.body);
    };
    EXPECT_EQ(ask("pageNo=2&pageSize=7").second, "ok");
    EXPECT_EQ(ask("").second, "ok");
    EXPECT_EQ(
        ask("pageNo=0"),
        std::pair(400, std::string(R"({"code":20002,"message":"parameter validate error","data":)"
                                   R"("Required parameter 'pageNo' should be positive integer, current is 0"})")));
    EXPECT_EQ(ask("pageSize=-3").first, 400);
    EXPECT_EQ(ask("pageSize=x").first, 500);
    EXPECT_EQ(ask("pageSize=99999999999").first, 500);
}

}  // namespace
}  // namespace pharos::protocol
