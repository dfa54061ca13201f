#pragma once

#include <utility>
#include <vector>

#include <pharos/spi/services.hpp>

namespace pharos::sdk {

/// Collects what somebody registers and takes all of it back at once. Keeps the first error, so that a list of
/// registrations needs one check at its end.
class Registrations {
public:
    void take(spi::Result<spi::Registration> added) {
        if (added) {
            kept_.push_back(std::move(added.value()));
        } else if (status_) {
            status_ = added.error();
        }
    }
    void take(spi::Registration added) { kept_.push_back(std::move(added)); }

    /// Ok, or why the first registration that failed did.
    [[nodiscard]] const spi::Status& status() const noexcept { return status_; }
    void clear() noexcept { kept_.clear(); }

private:
    std::vector<spi::Registration> kept_;
    spi::Status status_;
};

}  // namespace pharos::sdk
