#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// Where a member may be reached. Only a hint: who answers there is told by its member id.
struct MemberAddress {
    std::string host;
    std::uint16_t port = 0;  ///< main (HTTP) port
    bool operator==(const MemberAddress&) const = default;
};

/// Finds the addresses of all members. Chosen by `cluster.lookup = "<type>"`, matched with the property `type`.
class MemberLookup {
public:
    static constexpr std::string_view kInterface = "pharos.MemberLookup/1";

    /// Takes the complete list each time; an empty list means "this node alone". Any thread.
    using Sink = UniqueFunction<void(std::vector<MemberAddress>)>;

    /// Begins to tell the sink; tells it at least once, possibly in the call.
    virtual Status start(Sink sink) noexcept = 0;
    /// The sink is not called after this returns.
    virtual void stop() noexcept = 0;

protected:
    ~MemberLookup() = default;
};

/// A member as this node sees it.
struct Member {
    std::string address;  ///< "host:port"
    std::string ip;
    std::uint16_t port = 0;
    std::string state;  ///< "UP", "SUSPICIOUS", "DOWN"
    bool self = false;
};

using MemberList = std::shared_ptr<const std::vector<Member>>;

/// The members of this node's cluster. Any thread.
class Members {
public:
    [[nodiscard]] virtual MemberList list() const = 0;

protected:
    ~Members() = default;
};

}  // namespace pharos::spi
