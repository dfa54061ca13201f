// Our own types keep what every health check promises; those of others run the same suite.
#include <pharos/testing/contract/health_checker_contract.hpp>

#include "http/http_checker.hpp"
#include "tcp/tcp_checker.hpp"

namespace pharos::health {
namespace {

using testing::HealthCheckerContract;

template <class Checker>
std::shared_ptr<spi::HealthChecker> make(spi::Net& net) {
    return std::make_shared<Checker>(net);
}

INSTANTIATE_TEST_SUITE_P(Tcp, HealthCheckerContract,
                         ::testing::Values(HealthCheckerContract::Case{
                             .make = &make<TcpChecker>, .settings = {{"type", "TCP"}}, .good_answer = ""}));
INSTANTIATE_TEST_SUITE_P(
    Http, HealthCheckerContract,
    ::testing::Values(HealthCheckerContract::Case{
        .make = &make<HttpChecker>, .settings = {{"type", "HTTP"}, {"path", "/ready"}}, .good_answer = ""}));

}  // namespace
}  // namespace pharos::health
