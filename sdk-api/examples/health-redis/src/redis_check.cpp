#include "redis_check.hpp"

#include "redis_reply.hpp"

namespace health_redis {

namespace spi = pharos::spi;

namespace {

using Outcome = spi::ProbeResult::Outcome;

Outcome outcome_of(spi::Code code) {
    switch (code) {
        case spi::Code::kUnavailable: return Outcome::kFailedNow;  // nobody listens there
        case spi::Code::kDenied: return Outcome::kNotProbed;       // this node lacked something: no fault of the target
        default: return Outcome::kFailed;
    }
}

class RedisProbe final : public spi::Probe {
public:
    RedisProbe(spi::Net& net, Question question) : net_(net), question_(std::move(question)) {}

    void run(const spi::ProbeTarget& target, spi::UniqueFunction<void(spi::ProbeResult)> done) noexcept override {
        spi::TcpExchange exchange;
        exchange.ip = target.ip;
        exchange.port = target.port;
        exchange.timeout = target.timeout;
        exchange.max_received = 4096;
        exchange.send = encode(question_);
        exchange.is_complete = [this](std::string_view received) { return read_reply(question_, received).complete; };
        net_.exchange(std::move(exchange), [this, done = std::move(done)](spi::Result<std::string> received) mutable {
            if (received) {
                done(read_reply(question_, received.value()).result);
                return;
            }
            done({outcome_of(received.error().code()), received.error().message()});
        });
    }

private:
    spi::Net& net_;
    const Question question_;
};

}  // namespace

spi::Result<std::shared_ptr<spi::Probe>> RedisChecker::configure(const spi::Properties& settings) noexcept {
    Question question{.user = std::string(spi::property(settings, "username")),
                      .password = std::string(spi::property(settings, "password")),
                      .role = std::string(spi::property(settings, "role"))};
    if (!question.role.empty() && question.role != "master" && question.role != "slave") {
        return spi::Status(spi::Code::kInvalidArgument,
                           "role is '" + question.role + "', allowed are master and slave, or none for any");
    }
    if (!question.user.empty() && question.password.empty()) {
        return spi::Status(spi::Code::kInvalidArgument,
                           "username is '" + question.user + "' without a password: give both or neither");
    }
    return std::shared_ptr<spi::Probe>(std::make_shared<RedisProbe>(net_, std::move(question)));
}

}  // namespace health_redis
