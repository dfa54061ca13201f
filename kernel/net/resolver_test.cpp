#include "net/resolver.hpp"

#include <functional>

#include "net/test_support.hpp"

namespace pharos::net {
namespace {

using namespace std::chrono_literals;
using Bytes = std::string;

Bytes two(unsigned number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)}; }

constexpr unsigned kA = 1;
constexpr unsigned kAaaa = 28;
constexpr unsigned kSrv = 33;

/// A question as it arrived.
struct Question {
    Bytes id;
    std::string name;  ///< "a.b.c"
    unsigned type = 0;
    Bytes section;  ///< as it was sent
};

Question parse(const Bytes& query) {
    Question question{query.substr(0, 2), "", 0, ""};
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
        const auto length = static_cast<std::size_t>(query[at]);
        question.name += (question.name.empty() ? "" : ".") + query.substr(at + 1, length);
        at += length + 1;
    }
    question.type = static_cast<unsigned char>(query.at(at + 2));
    question.section = query.substr(12, at + 5 - 12);
    return question;
}

Bytes name(const std::string& dotted) {
    Bytes wire;
    std::size_t begin = 0;
    while (begin < dotted.size()) {
        const std::size_t end = std::min(dotted.find('.', begin), dotted.size());
        wire += static_cast<char>(end - begin) + dotted.substr(begin, end - begin);
        begin = end + 1;
    }
    return wire + '\0';
}

Bytes record(unsigned type, const Bytes& data) {
    return two(0xc00c) + two(type) + two(1) + two(0) + two(60) + two(static_cast<unsigned>(data.size())) + data;
}

Bytes srv(unsigned priority, unsigned weight, unsigned port, const std::string& host) {
    return record(kSrv, two(priority) + two(weight) + two(port) + name(host));
}

constexpr unsigned kAnswer = 0x8180;
constexpr unsigned kTruncated = 0x8380;
constexpr unsigned kNoSuchName = 0x8183;
constexpr unsigned kServerFailure = 0x8182;

Bytes reply(const Question& question, unsigned flags, const std::vector<Bytes>& records) {
    Bytes text = question.id + two(flags) + two(1) + two(static_cast<unsigned>(records.size())) + two(0) + two(0) +
                 question.section;
    for (const Bytes& one : records) {
        text += one;
    }
    return text;
}

/// A DNS server of this test, on one port by UDP and by TCP. What it answers is the test's affair.
class DnsServer {
public:
    using Answer = std::function<std::vector<Bytes>(const Question&)>;  ///< datagrams, one after the other

    DnsServer(Answer by_udp, Answer by_tcp, std::uint16_t wanted = 0) {
        const auto serve_tcp = [by_tcp = std::move(by_tcp)](int connection) {
            const Bytes query = read_until(connection, two(1));  // ends with the class, IN
            for (const Bytes& text : by_tcp ? by_tcp(parse(query.substr(2))) : std::vector<Bytes>()) {
                write_all(connection, two(static_cast<unsigned>(text.size())) + text);
            }
            readable_within(connection, 1000);
        };
        for (int i = 0; i < 20 && port_ == 0; ++i) {  // a port that both have
            auto [fd, port] = bound_socket(SOCK_DGRAM, wanted);
            fd_ = std::move(fd);
            tcp_ = std::make_unique<Peer>(serve_tcp, port);
            port_ = tcp_->port();
        }
        thread_ = std::thread([this, by_udp = std::move(by_udp)] {
            char bytes[1500];
            while (!ended_) {
                sockaddr_in from{};
                socklen_t size = sizeof from;
                if (!readable_within(fd_.get(), 20)) {
                    continue;
                }
                const ssize_t length =
                    ::recvfrom(fd_.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
                if (length < 17) {
                    continue;
                }
                ++asked;
                for (const Bytes& text : by_udp(parse({bytes, static_cast<std::size_t>(length)}))) {
                    ::sendto(fd_.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
                }
            }
        });
    }
    ~DnsServer() {
        ended_ = true;
        thread_.join();
    }

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::uint16_t port() const { return port_; }

    std::atomic<int> asked{0};

private:
    UniqueFd fd_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Peer> tcp_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

class ResolverTest : public testing::Test {
protected:
    using Addresses = std::vector<std::string>;

    void serve(DnsServer::Answer by_udp, DnsServer::Answer by_tcp = nullptr) {
        server = std::make_unique<DnsServer>(std::move(by_udp), std::move(by_tcp));
        use({server->address()});
    }
    void use(const std::vector<std::string>& servers) {
        auto parsed = parse_dns_servers(servers);
        ASSERT_TRUE(parsed);
        resolver = std::make_unique<Resolver>(io, parsed.value());
        io.start();
    }
    void TearDown() override {
        if (resolver) {
            resolver->stop();
            io.stop();
            resolver->stop();
        }
    }

    spi::Result<Addresses> resolve(const std::string& host, spi::Duration timeout = 10s) {
        Outcomes<Addresses> outcomes;
        resolver->resolve(host, timeout, outcomes.completion());
        auto result = outcomes.one();
        EXPECT_EQ(outcomes.in_the_call, 0);
        EXPECT_TRUE(outcomes.on_a_loop);
        return result;
    }
    spi::Result<std::vector<spi::SrvRecord>> resolve_srv(const std::string& host, spi::Duration timeout = 10s) {
        Outcomes<std::vector<spi::SrvRecord>> outcomes;
        resolver->resolve_srv(host, timeout, outcomes.completion());
        return outcomes.one();
    }

    IoThreads io{2};
    std::unique_ptr<DnsServer> server;
    std::unique_ptr<Resolver> resolver;
};

/// Two IPv4 addresses and one IPv6 address, whatever is asked.
std::vector<Bytes> three_addresses(const Question& question) {
    if (question.type == kA) {
        return {reply(question, kAnswer, {record(kA, "\x0a\x01\x01\x02"), record(kA, "\x0a\x01\x01\x01")})};
    }
    return {reply(question, kAnswer, {record(kAaaa, Bytes("\xfd", 1) + Bytes(14, '\0') + "\x05")})};
}

TEST_F(ResolverTest, AddressesWithIPv4First) {
    serve(three_addresses);
    auto result = resolve("pharos.test.");
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value(), (Addresses{"10.1.1.2", "10.1.1.1", "fd00::5"}));
}

TEST_F(ResolverTest, OneFamilyIsEnough) {
    serve([](const Question& question) {
        return question.type == kA ? std::vector{reply(question, kAnswer, {})} : three_addresses(question);
    });
    auto result = resolve("pharos.test.");
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value(), (Addresses{"fd00::5"}));
}

TEST_F(ResolverTest, NumericHostsAskNobody) {
    serve(three_addresses);
    EXPECT_EQ(resolve("10.2.3.4").value(), (Addresses{"10.2.3.4"}));
    EXPECT_EQ(resolve("fd00::1").value(), (Addresses{"fd00::1"}));
    EXPECT_EQ(server->asked, 0);
}

TEST_F(ResolverTest, WhatDoesNotExistIsNotFound) {
    serve([](const Question& question) { return std::vector{reply(question, kNoSuchName, {})}; });
    auto result = resolve("nobody.test.");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kNotFound) << result.error().message();
    EXPECT_NE(result.error().message().find("nobody.test."), std::string::npos);
    EXPECT_EQ(resolve_srv("_pharos._tcp.test.").error().code(), spi::Code::kNotFound);
}

TEST_F(ResolverTest, ANameWithoutRecordsIsNotFound) {
    serve([](const Question& question) { return std::vector{reply(question, kAnswer, {})}; });
    EXPECT_EQ(resolve("empty.test.").error().code(), spi::Code::kNotFound);
    EXPECT_EQ(resolve_srv("_empty._tcp.test.").error().code(), spi::Code::kNotFound);
}

TEST_F(ResolverTest, ServiceRecordsInOrder) {
    serve([](const Question& question) {
        return std::vector{reply(question, kAnswer,
                                 {srv(20, 1, 8848, "c.test"), srv(10, 5, 9000, "b.test"), srv(10, 6, 8848, "b.test"),
                                  srv(10, 7, 8848, "a.test")})};
    });
    auto result = resolve_srv("_pharos._tcp.test.");
    ASSERT_TRUE(result) << result.error().message();
    std::string text;
    for (const spi::SrvRecord& found : result.value()) {
        text += found.host + ":" + std::to_string(found.port) + " " + std::to_string(found.priority) + " " +
                std::to_string(found.weight) + "\n";
    }
    EXPECT_EQ(text, "a.test:8848 10 7\nb.test:8848 10 6\nb.test:9000 10 5\nc.test:8848 20 1\n");
}

TEST_F(ResolverTest, ADotSaysThatNobodyOffersTheService) {
    serve([](const Question& question) { return std::vector{reply(question, kAnswer, {srv(0, 0, 0, "")})}; });
    EXPECT_EQ(resolve_srv("_pharos._tcp.test.").error().code(), spi::Code::kNotFound);
}

TEST_F(ResolverTest, AnAnswerThatWasCutIsAskedForByTcp) {
    serve([](const Question& question) { return std::vector{reply(question, kTruncated, {})}; },
          [](const Question& question) {
              std::vector<Bytes> all;
              for (unsigned i = 0; i < 100; ++i) {
                  all.push_back(srv(i, 0, 8848, "host" + std::to_string(i) + ".test"));
              }
              return std::vector{reply(question, kAnswer, all)};
          });
    auto result = resolve_srv("_many._tcp.test.");
    ASSERT_TRUE(result) << result.error().message();
    ASSERT_EQ(result.value().size(), 100u);
    EXPECT_EQ(result.value().back().host, "host99.test");
}

TEST_F(ResolverTest, LiesAreNotBelieved) {
    serve([](const Question& question) {
        Question other = question;
        other.id = {static_cast<char>(question.id[0] ^ 1), question.id[1]};  // not what was asked with
        Question elsewhere = question;
        elsewhere.section = name("elsewhere.test") + two(question.type) + two(1);
        std::vector<Bytes> all = {"", "x", Bytes(600, '\xff'), reply(other, kAnswer, {record(kA, "\x06\x06\x06\x06")}),
                                  reply(elsewhere, kAnswer, {record(kA, "\x06\x06\x06\x06")})};
        for (Bytes& good : three_addresses(question)) {
            all.push_back(std::move(good));
        }
        return all;
    });
    auto result = resolve("pharos.test.");
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value(), (Addresses{"10.1.1.2", "10.1.1.1", "fd00::5"}));
}

TEST_F(ResolverTest, RecordsThatAreCutOrLoopFail) {
    serve([turn = 0](const Question& question) mutable {
        Bytes text = reply(question, kAnswer, {srv(1, 1, 8848, "pharos.test")});
        switch (turn++ % 3) {
            case 0: text.resize(text.size() - 5); break;  // the record is cut
            case 1:
                text.replace(text.size() - 13, 13, two(0xc000 + static_cast<unsigned>(text.size()) - 13));
                break;                                        // a name that names itself
            default: text[text.size() - 13] = '\x3f'; break;  // a label beyond the end
        }
        return std::vector{text};
    });
    for (int i = 0; i < 3; ++i) {
        const auto result = resolve_srv("_pharos._tcp.test.", 3s);
        ASSERT_FALSE(result);
        EXPECT_TRUE(result.error().code() == spi::Code::kInternal || result.error().code() == spi::Code::kTimeout)
            << result.error().message();
    }
}

TEST_F(ResolverTest, AServerThatFailsIsTold) {
    serve([](const Question& question) { return std::vector{reply(question, kServerFailure, {})}; });
    const auto result = resolve_srv("_pharos._tcp.test.");
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().code() == spi::Code::kInternal || result.error().code() == spi::Code::kUnavailable)
        << result.error().message();
}

TEST_F(ResolverTest, SilenceTimesOut) {
    serve([](const Question&) { return std::vector<Bytes>(); });
    const auto began = std::chrono::steady_clock::now();
    const auto result = resolve("pharos.test.", 100ms);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), spi::Code::kTimeout);
    EXPECT_EQ(result.error().message(), "no answer for 'pharos.test.' within 100 ms");
    EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms);
}

TEST_F(ResolverTest, ALostDatagramIsSentAgain) {
    serve([turn = 0](const Question& question) mutable {
        return turn++ < 2 ? std::vector<Bytes>() : three_addresses(question);
    });
    auto result = resolve("pharos.test.", 15s);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value().size(), 3u);
}

TEST_F(ResolverTest, TheNextServerIsAskedWhenOneIsAway) {
    server = std::make_unique<DnsServer>(three_addresses, nullptr);
    const auto [away, port] = bound_socket(SOCK_STREAM);  // nobody has this port for UDP
    use({"127.0.0.1:" + std::to_string(port), server->address()});
    auto result = resolve("pharos.test.");
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value().size(), 3u);
}

TEST_F(ResolverTest, AServerThatComesBackIsHeard) {
    serve(three_addresses);
    ASSERT_TRUE(resolve("pharos.test."));
    const std::uint16_t port = server->port();
    server.reset();
    EXPECT_FALSE(resolve("pharos.test.", 1500ms));  // refused: the library closes its socket and opens another
    server = std::make_unique<DnsServer>(three_addresses, nullptr, port);
    ASSERT_EQ(server->port(), port);
    auto result = resolve("pharos.test.");
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value().size(), 3u);
}

TEST_F(ResolverTest, WhatIsNoNameIsTold) {
    serve(three_addresses);
    for (const std::string& host : {std::string(), std::string("a b"), std::string("a\0b", 3), std::string("\xc3\xa4"),
                                    std::string(254, 'x'), std::string(100, 'x') + ".test."}) {
        EXPECT_EQ(resolve(host).error().code(), spi::Code::kInvalidArgument) << host;
    }
    EXPECT_EQ(server->asked, 0);
}

TEST_F(ResolverTest, StopEndsWhatIsUnderWayOnce) {
    serve([](const Question&) { return std::vector<Bytes>(); });
    Outcomes<Addresses> outcomes;
    for (int i = 0; i < 20; ++i) {
        resolver->resolve("pharos" + std::to_string(i) + ".test.", 60s, outcomes.completion());
    }
    std::thread late([&] {
        for (int i = 0; i < 20; ++i) {
            resolver->resolve("late.test.", 60s, outcomes.completion());
        }
    });
    resolver->stop();
    late.join();
    io.stop();
    resolver->stop();
    for (const auto& result : outcomes.wait(40)) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), spi::Code::kUnavailable);
    }
    EXPECT_EQ(outcomes.count(), 40u);
}

TEST_F(ResolverTest, TheSystemsHostsAreKnown) {
    use({});
    auto result = resolve("localhost");
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result.value().front(), "127.0.0.1");
}

TEST(DnsServers, Spellings) {
    EXPECT_EQ(parse_dns_servers({}).value(), "");
    EXPECT_EQ(parse_dns_servers({"10.0.0.2", "10.0.0.3:5353", "fd00::2", "[fd00::3]", "[fd00::4]:54"}).value(),
              "10.0.0.2:53,10.0.0.3:5353,[fd00::2]:53,[fd00::3]:53,[fd00::4]:54");
    for (const char* bad : {"", "dns.test", "10.0.0.2:", "10.0.0.2:0", "10.0.0.2:65536", "10.0.0.2:x", "[10.0.0.2",
                            "[fd00::2]5353", "fd00::2]", "10.0.0.2:53:53"}) {
        auto parsed = parse_dns_servers({bad});
        ASSERT_FALSE(parsed) << bad << parsed.value();
        EXPECT_EQ(parsed.error().code(), spi::Code::kInvalidArgument);
        EXPECT_NE(parsed.error().message().find(bad), std::string::npos);
    }
}

}  // namespace
}  // namespace pharos::net
