#pragma once

#include <pharos/spi/cluster.hpp>

namespace pharos::lookup {

/// The lookup of a node that stands alone: there are no others.
class StandaloneLookup final : public spi::MemberLookup {
public:
    spi::Status start(Sink sink) noexcept override;
    void stop() noexcept override {}
};

}  // namespace pharos::lookup
