#include "tcp/tcp_checker.hpp"

#include <string>
#include <utility>

namespace pharos::health {

namespace {

using Outcome = spi::ProbeResult::Outcome;

/// `protocol/naming.md §4.2`: refused = fail now; time-out and other errors count.
spi::ProbeResult judge(const spi::Result<std::string>& connected) {
    if (connected) {
        return {};
    }
    const spi::Status& error = connected.error();
    switch (error.code()) {
        case spi::Code::kUnavailable: return {Outcome::kFailedNow, error.message()};
        case spi::Code::kDenied: return {Outcome::kNotProbed, error.message()};
        default: return {Outcome::kFailed, error.message()};
    }
}

class TcpProbe final : public spi::Probe {
public:
    explicit TcpProbe(spi::Net& net) : net_(net) {}

    void run(const spi::ProbeTarget& target, spi::UniqueFunction<void(spi::ProbeResult)> done) noexcept override {
        spi::TcpExchange exchange;
        exchange.ip = target.ip;
        exchange.port = target.port;
        exchange.timeout = target.timeout;
        net_.exchange(std::move(exchange),
                      [done = std::move(done)](spi::Result<std::string> result) mutable { done(judge(result)); });
    }

private:
    spi::Net& net_;
};

}  // namespace

spi::Result<std::shared_ptr<spi::Probe>> TcpChecker::configure(const spi::Properties&) noexcept {
    return std::shared_ptr<spi::Probe>(std::make_shared<TcpProbe>(net_));
}

}  // namespace pharos::health
