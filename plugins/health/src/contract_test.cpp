// Our own types and engine keep what every one of them promises; those of others run the same suites.
#include <pharos/testing/contract/health_checker_contract.hpp>
#include <pharos/testing/contract/health_checks_contract.hpp>

#include "engine/engine.hpp"
#include "http/http_checker.hpp"
#include "tcp/tcp_checker.hpp"
#include "testing.hpp"

namespace pharos::health {
namespace {

using testing::HealthCheckerContract;
using testing::HealthChecksContract;

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

class OwnEngine final : public HealthChecksContract::Subject {
public:
    explicit OwnEngine(spi::HealthChecker& checker) : engine_(services_, executors_, metrics_, log_, {}) {
        services_.add("FAKE", checker);
    }
    ~OwnEngine() override { engine_.stop(std::chrono::seconds(1)); }
    spi::HealthChecks& checks() override { return engine_; }
    void advance(spi::Duration by) override {
        executors_.run();
        executors_.advance(by);
    }

private:
    testing::FakeExecutors executors_;
    testing::FakeMetrics metrics_;
    testing::NullLog log_;
    FakeServices services_;
    Engine engine_;
};

INSTANTIATE_TEST_SUITE_P(Engine, HealthChecksContract, ::testing::Values(+[](spi::HealthChecker& checker) {
                             return std::unique_ptr<HealthChecksContract::Subject>(
                                 std::make_unique<OwnEngine>(checker));
                         }));

}  // namespace
}  // namespace pharos::health
