#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/executor.hpp>

#include "api_http/call.hpp"
#include "index/registry.hpp"

namespace pharos::naming {

/// The codes that a call gives to what the model says of its thing (`protocol/naming.md §0.2`).
struct ErrorCodes {
    protocol::ErrorCode not_found = protocol::ErrorCode::kServerError;
    protocol::ErrorCode conflict = protocol::ErrorCode::kServerError;
};
[[nodiscard]] Failure failure_of(const spi::Status& error, const ErrorCodes& codes = {});
/// Of a registration, whose conflicts are those of ephemeral and persistent.
[[nodiscard]] Failure registration_failure(const spi::Status& error);

/// Answers the call with `ok`, or with what went wrong. Takes the call's answer.
[[nodiscard]] spi::Completion<bool> answering(Call& call, const ErrorCodes& codes = {});

/// The same of a registration.
[[nodiscard]] spi::Completion<bool> registering(Call& call);

/// Answers a call when several changes have ended: with the body, or with the first error.
class AllDone {
public:
    AllDone(Call& call, std::size_t changes, std::string body);
    /// One of them has ended. Any thread.
    void one(const spi::Result<bool>& outcome);

private:
    Answer answer_;
    const std::string body_;
    std::mutex mutex_;  ///< guards the two below
    std::size_t left_;
    std::optional<Failure> failure_;
};

/// All instances of one cluster for operators, with their true health; or why there are none: service or cluster are
/// not there.
[[nodiscard]] std::optional<Failure> find_cluster_hosts(const Registry& registry, const ServiceKey& key,
                                                        std::string_view cluster, std::vector<HostPtr>& hosts);
/// The service if clients see it, else null.
[[nodiscard]] ServicePtr find_existing(const Registry& registry, const ServiceKey& key);

}  // namespace pharos::naming
