#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <pharos/spi/auth.hpp>
#include <pharos/testing/auth.hpp>

namespace pharos::testing {

/// A provider that knows one user, who may read "config" in the namespace "mine" and nothing else.
class AuthProviderSubject {
public:
    virtual ~AuthProviderSubject() = default;
    virtual const spi::AuthProvider& provider() = 0;
    /// What the user's requests carry, such as {{"accessToken", "…"}}.
    virtual FakeIdentity::Fields identity() = 0;
};

/// What every spi::AuthProvider promises. Instantiate it with functions that make a subject:
///
///     INSTANTIATE_TEST_SUITE_P(Mine, AuthProviderContract, ::testing::Values(&make_mine));
class AuthProviderContract : public ::testing::TestWithParam<std::unique_ptr<AuthProviderSubject> (*)()> {
public:
    using Subject = AuthProviderSubject;

protected:
    using Action = spi::Action;

    spi::Result<spi::Principal> authenticate(FakeIdentity::Fields fields) {
        return provider_.authenticate(FakeIdentity(std::move(fields)));
    }
    spi::Principal user() {
        auto known = authenticate(subject_->identity());
        EXPECT_TRUE(known) << (known ? "" : known.error().message());
        return known ? known.value() : spi::Principal{};
    }
    static void expect_denied(const spi::Status& status, const std::string& what) {
        EXPECT_EQ(status.code(), spi::Code::kDenied) << what;
        EXPECT_NE(status.message(), "") << "the client is told: " << what;
    }

    const std::unique_ptr<AuthProviderSubject> subject_ = GetParam()();
    const spi::AuthProvider& provider_ = subject_->provider();
    const spi::Resource mine_{"mine", "DEFAULT_GROUP", "a.yaml"};
};

TEST_P(AuthProviderContract, KnowsTheUserEachTime) {
    const spi::Principal first = user();
    EXPECT_NE(first.name, "");
    EXPECT_EQ(user().name, first.name);
}

TEST_P(AuthProviderContract, WhoSaysNothingOrSomethingElseIsDenied) {
    expect_denied(authenticate({}).error(), "nothing");
    for (const auto& [name, value] : subject_->identity()) {
        for (const std::string& wrong : {value + "x", value.substr(0, value.size() / 2), std::string("x")}) {
            FakeIdentity::Fields fields = subject_->identity();
            for (auto& field : fields) {
                field.second = field.first == name ? wrong : field.second;
            }
            const auto denied = authenticate(fields);
            ASSERT_FALSE(denied) << name << ": " << wrong;
            expect_denied(denied.error(), name);
            EXPECT_THAT(denied.error().message(), ::testing::Not(::testing::HasSubstr(value)))
                << "it does not help to guess";
        }
    }
}

TEST_P(AuthProviderContract, AllowsWhatIsPermittedAndNothingElse) {
    const spi::Principal known = user();
    const spi::Status allowed = provider_.authorize(known, Action::kRead, "config", mine_);
    EXPECT_TRUE(allowed) << allowed.message();
    expect_denied(provider_.authorize(known, Action::kWrite, "config", mine_), "to write");
    if (provider_.decides_by_resource()) {
        expect_denied(provider_.authorize(known, Action::kRead, "config", {"theirs", "DEFAULT_GROUP", "a.yaml"}),
                      "another namespace");
        expect_denied(provider_.authorize(known, Action::kRead, "config", {}), "the namespace public");
    }
}

TEST_P(AuthProviderContract, AStrangerMayDoNothing) {
    for (const char* name : {"", "pharos-nobody-has-this-name"}) {
        expect_denied(provider_.authorize({name}, Action::kRead, "config", mine_), name);
    }
}

TEST_P(AuthProviderContract, ManyThreadsAskAtOnce) {
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, good = i % 2 == 0] {
            for (int round = 0; round < 500; ++round) {
                const FakeIdentity identity(good ? subject_->identity() : FakeIdentity::Fields{});
                const auto known = provider_.authenticate(identity);
                const bool allowed = known && provider_.authorize(known.value(), Action::kRead, "config", mine_);
                right += allowed == good ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(right, 4 * 500);
}

}  // namespace pharos::testing
