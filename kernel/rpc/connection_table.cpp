#include "rpc/connection_table.hpp"

#include <utility>

namespace pharos::rpc {

Connection::Connection(ConnectionNumber number_, const Peer& peer_, std::int64_t wall_ms, spi::Duration now)
    : number(number_),
      peer(peer_),
      created_ms(wall_ms),
      id(std::to_string(wall_ms) + '_' + peer_.ip + '_' + std::to_string(peer_.port)),
      last_active_(now.count()) {}

bool Connection::enter() noexcept {
    std::uint32_t inside = inside_.load(std::memory_order_relaxed);
    while ((inside & kEnding) == 0) {
        if (inside_.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel)) {
            return true;
        }
    }
    return false;
}

void Connection::publish(spi::ConnectionPtr info) noexcept {
    info_ = std::move(info);
    phase_.store(Phase::kPublished, std::memory_order_release);
}

const spi::ConnectionPtr& Connection::info() const noexcept {
    static const spi::ConnectionPtr none;
    return phase_.load(std::memory_order_acquire) == Phase::kOpened ? none : info_;
}

void ConnectionTable::add(std::shared_ptr<Connection> connection) {
    const ConnectionNumber number = connection->number;
    all_.put(number, std::move(connection));
}

void ConnectionTable::remove(const Connection& connection) { all_.remove(connection.number, &connection); }

std::vector<std::shared_ptr<Connection>> ConnectionTable::list() const {
    std::vector<std::shared_ptr<Connection>> found;
    all_.for_each([&found](const std::shared_ptr<Connection>& connection) { found.push_back(connection); });
    return found;
}

void ConnectionTable::count(const spi::ConnectionInfo& info, int by) noexcept {
    const std::string_view module = info.label("module");
    std::size_t index = 0;
    while (index + 1 < kModules.size() && kModules[index] != module) {
        ++index;
    }
    counts_[index].fetch_add(by, std::memory_order_relaxed);
}

}  // namespace pharos::rpc
