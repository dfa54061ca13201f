#include "redis_check.hpp"

#include <pharos/testing/contract/health_checker_contract.hpp>

namespace health_redis {
namespace {

namespace spi = pharos::spi;
using pharos::testing::HealthCheckerContract;
using ::testing::HasSubstr;

// What every health check promises, with the settings that people give this one.
INSTANTIATE_TEST_SUITE_P(Redis, HealthCheckerContract,
                         ::testing::Values(HealthCheckerContract::Case{
                             .make = [](spi::Net& net) -> std::shared_ptr<spi::HealthChecker> {
                                 return std::make_shared<RedisChecker>(net);
                             },
                             .settings = {{"type", "REDIS"}, {"password", "pw"}, {"role", "master"}},
                             .good_answer = "+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",
                             .bad_answer = "SSH-2.0-OpenSSH_9.2\r\n"}));

TEST(RedisChecker, RefusesSettingsThatCanNotBeMeant) {
    pharos::testing::FakeNet net;
    RedisChecker checker(net);
    const auto role = checker.configure({{"type", "REDIS"}, {"role", "boss"}});
    ASSERT_FALSE(role);
    EXPECT_THAT(role.error().message(), HasSubstr("'boss'"));
    const auto user = checker.configure({{"type", "REDIS"}, {"username", "me"}});
    ASSERT_FALSE(user);
    EXPECT_THAT(user.error().message(), HasSubstr("'me'"));
}

}  // namespace
}  // namespace health_redis
