#include "plugin/ledger.hpp"

#include <utility>

namespace pharos::plugin {

spi::Registration Ledger::keep(spi::Registration made) {
    std::lock_guard lock(mutex_);
    if (closed_) {
        return {};
    }
    const std::uint64_t number = ++last_number_;
    kept_.emplace(number, std::move(made));
    return spi::Registration([ledger = shared_from_this(), number] { ledger->end(number); });
}

spi::Result<spi::Registration> Ledger::keep(spi::Result<spi::Registration> made) {
    if (!made) {
        return made;
    }
    if (is_closed()) {
        return spi::Status(spi::Code::kUnavailable, "the plugin is left out");
    }
    return keep(std::move(made.value()));
}

void Ledger::close() noexcept {
    std::unique_lock lock(mutex_);
    closed_ = true;
    auto ended = std::exchange(kept_, {});
    lock.unlock();  // an end may wait for calls that register something
    ended.clear();
}

bool Ledger::is_closed() const noexcept {
    std::lock_guard lock(mutex_);
    return closed_;
}

void Ledger::end(std::uint64_t number) noexcept {
    std::unique_lock lock(mutex_);
    auto ended = kept_.extract(number);
    lock.unlock();
}

}  // namespace pharos::plugin
