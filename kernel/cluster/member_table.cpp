#include "cluster/member_table.hpp"

#include <algorithm>

namespace pharos::cluster {

MemberTable::MemberTable(spi::MemberAddress self) : self_(std::move(self)) { replace({}); }

spi::MemberList MemberTable::list() const {
    std::lock_guard lock(mutex_);
    return members_;
}

void MemberTable::replace(const std::vector<spi::MemberAddress>& addresses) {
    auto members = std::make_shared<std::vector<spi::Member>>();
    const auto add = [&](const spi::MemberAddress& address) {
        const bool known = std::any_of(members->begin(), members->end(), [&](const spi::Member& member) {
            return member.ip == address.host && member.port == address.port;
        });
        if (!known) {
            members->push_back({address.host + ":" + std::to_string(address.port), address.host, address.port, "UP",
                                address == self_});
        }
    };
    std::for_each(addresses.begin(), addresses.end(), add);
    add(self_);
    std::sort(members->begin(), members->end(),
              [](const spi::Member& a, const spi::Member& b) { return a.address < b.address; });
    std::lock_guard lock(mutex_);
    members_ = std::move(members);
}

}  // namespace pharos::cluster
