#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pharos/sdk/gate.hpp>
#include <pharos/spi/cluster.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/net.hpp>

namespace lookup_dns {

/// Finds members by DNS: asks for the SRV records of one name, then for the addresses of their targets, and again after
/// each interval. An answer that fails, as a whole or for one target, changes nothing: the list that was told holds.
class SrvLookup final : public pharos::spi::MemberLookup {
public:
    struct Options {
        std::string name;
        pharos::spi::Duration interval;
        pharos::spi::Duration timeout;
    };

    SrvLookup(pharos::spi::Net& net, pharos::spi::Executors& executors, pharos::spi::Log& log, Options options)
        : net_(net), executors_(executors), log_(log), options_(std::move(options)) {}

    pharos::spi::Status start(Sink sink) noexcept override;
    void stop() noexcept override;

    /// Why the newest question found nothing; "" when it did. Any thread.
    [[nodiscard]] std::string trouble() const;

private:
    /// One round of questions: the records, then each target's addresses.
    struct Round {
        std::vector<pharos::spi::SrvRecord> records;
        std::vector<pharos::spi::MemberAddress> found;
    };
    using RoundPtr = std::shared_ptr<Round>;

    void ask();
    void ask_address(RoundPtr round, std::size_t index);
    void end(RoundPtr round, const pharos::spi::Status& status);
    void arm();

    pharos::spi::Net& net_;
    pharos::spi::Executors& executors_;
    pharos::spi::Log& log_;
    const Options options_;

    Sink sink_;                 ///< called by one round at a time
    pharos::sdk::Gate gate_;    ///< whoever calls the sink or asks is inside
    mutable std::mutex mutex_;  ///< guards what follows
    pharos::spi::TimerId timer_ = 0;
    std::string trouble_;
};

}  // namespace lookup_dns
