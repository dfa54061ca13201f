#pragma once

#include <mutex>
#include <vector>

#include <pharos/spi/cluster.hpp>

namespace pharos::cluster {

/// The members of this node's cluster, from the complete lists that a lookup tells. Always holds the node itself. Any
/// thread.
class MemberTable final : public spi::Members {
public:
    explicit MemberTable(spi::MemberAddress self);

    [[nodiscard]] spi::MemberList list() const override;
    /// Takes a complete list in place of the former one; doubles count once.
    void replace(const std::vector<spi::MemberAddress>& addresses);

private:
    const spi::MemberAddress self_;
    mutable std::mutex mutex_;
    spi::MemberList members_;
};

}  // namespace pharos::cluster
