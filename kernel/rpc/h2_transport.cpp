#include "rpc/h2_transport.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "rpc/h2_connection.hpp"

namespace pharos::rpc {

namespace asio = boost::asio;

H2Transport::H2Transport(net::IoThreads& io, H2Settings settings, spi::Metrics* metrics)
    : io_(io), core_(std::make_shared<H2Core>(io, settings, metrics)) {}

H2Transport::~H2Transport() { stop(std::chrono::seconds(5)); }

void H2Transport::start(TransportEvents& events) {
    const std::unique_lock lock(mutex_);
    core_->events = &events;
    running_ = true;
    for (auto& loop : core_->loops) {
        asio::post(loop->io(), [&loop = *loop, core = core_] { loop.start(core); });
    }
}

ConnectionNumber H2Transport::adopt(int fd, const Peer& peer) noexcept {
    net::UniqueFd owned(fd);
    const std::shared_lock lock(mutex_);
    if (!running_) {
        return 0;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);

    const ConnectionNumber number = ++core_->last_number;
    H2Loop& loop = *core_->loops[io_.next_index()];
    const auto connection = std::make_shared<H2Connection>(core_, loop, number, std::move(owned));
    core_->events->opened(number, peer);
    core_->connections.put(number, connection);
    asio::post(loop.io(), [connection] { connection->begin(); });
    return number;
}

spi::Status H2Transport::send(ConnectionNumber number, std::string_view head, spi::Pieces body) noexcept {
    const H2ConnectionPtr connection = core_->connections.find(number);
    return connection != nullptr ? connection->send(head, body) : spi::Status(spi::Code::kClosed, "no such connection");
}

void H2Transport::close(ConnectionNumber number, std::string_view reason) noexcept {
    if (const H2ConnectionPtr connection = core_->connections.find(number)) {
        connection->end(reason);
    }
}

bool H2Transport::stop(spi::Duration patience) noexcept {
    {
        const std::unique_lock lock(mutex_);
        if (!std::exchange(running_, false)) {
            return true;
        }
    }
    std::vector<H2ConnectionPtr> open;
    core_->connections.for_each([&open](const H2ConnectionPtr& connection) { open.push_back(connection); });
    for (const H2ConnectionPtr& connection : open) {
        connection->end("stop");
    }
    open.clear();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (core_->unanswered != 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    // The ends are queued before these; the second round follows the handlers that closing sockets has cancelled.
    bool quiet = true;
    for (int round = 0; round < 2; ++round) {
        std::vector<std::future<void>> passed;
        for (auto& loop : core_->loops) {
            auto promise = std::make_shared<std::promise<void>>();
            passed.push_back(promise->get_future());
            asio::post(loop->io(), [promise, &loop = *loop, core = core_] {
                loop.stop();
                promise->set_value();
            });
        }
        for (std::future<void>& one : passed) {  // the threads may have ended, against the rule
            quiet = one.wait_for(std::chrono::seconds(5)) == std::future_status::ready && quiet;
        }
    }
    return core_->unanswered == 0 && quiet;
}

}  // namespace pharos::rpc
