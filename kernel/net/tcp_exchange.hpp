#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/function.hpp>
#include <pharos/spi/net.hpp>

#include "net/io_threads.hpp"

namespace pharos::net {

/// What a listener makes of what has arrived.
enum class Heard : std::uint8_t {
    kMore = 0,    ///< go on
    kEnough = 1,  ///< the conversation has ended well
    kBad = 2,     ///< it has ended, and `TcpTalk::error` says why
};

/// A conversation over TCP: connect, send, listen, close.
struct TcpTalk {
    std::string ip;
    std::uint16_t port = 0;
    std::string send;
    /// Sees what has arrived and may take away what it has dealt with. `ended`: nothing will follow. Null: to be
    /// connected is enough.
    spi::UniqueFunction<Heard(std::string& received, bool ended, spi::Status& error)> listen = nullptr;
    std::size_t max_received = 0;  ///< that is not dealt with, in bytes
    spi::Duration timeout{0};
    spi::Status refused;  ///< unless ok: nothing happens but that the caller is told this
};

/// Conversations over TCP, each on one of the io loops, many thousands a second: a loop waits for all of its sockets
/// with one epoll descriptor of its own and for all deadlines with one timer, and takes what other threads ask for in
/// batches. Who only wants to be connected gets a socket that has served before, as long as there is something to do;
/// it ends with a reset, so that nothing stays behind in the system (TIME_WAIT).
///
///     begin() ─► inbox ─► [connecting ─► sending, receiving] ─► done
///                           ╰── deadline, stop ──────────────────╯
///
/// begin() comes from any thread; everything else of a conversation happens on its loop, or in stop().
class TcpExchanges {
public:
    using Done = spi::Completion<std::string>;

    explicit TcpExchanges(IoThreads& io);
    ~TcpExchanges();
    TcpExchanges(const TcpExchanges&) = delete;
    TcpExchanges& operator=(const TcpExchanges&) = delete;

    /// Done, on an io thread, with what was received and not taken away.
    void begin(TcpTalk talk, Done done) noexcept;

    /// Ends what is under way or comes later with kUnavailable: on the loops if they run, else in the call. Called
    /// before the loops end, so that completions run where they should, and once more afterwards, for what came in
    /// between. Not from an io thread.
    void stop() noexcept;

private:
    class Loop;

    IoThreads& io_;
    std::vector<std::shared_ptr<Loop>> loops_;
    std::atomic<bool> ended_{false};  ///< no loop runs any more: what comes now is refused in the call
};

}  // namespace pharos::net
