#include "net/resolver.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <latch>
#include <list>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/inbox.hpp"

namespace pharos::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Of one server, for the first try; it doubles with each further one.
constexpr int kTryMillis = 1000;
constexpr int kTries = 4;
constexpr std::size_t kLongestName = 253;
/// When the system's files are read anew, provided that nothing is asked just then.
constexpr std::chrono::seconds kChannelAge{60};

spi::Status stopping() { return {spi::Code::kUnavailable, "the node stops"}; }

spi::Status status_of(int status, const std::string& name) {
    switch (status) {
        case ARES_ENOTFOUND: return {spi::Code::kNotFound, "there is no host '" + name + "'"};
        case ARES_ENODATA: return {spi::Code::kNotFound, "'" + name + "' has no record of this kind"};
        case ARES_EBADNAME: return {spi::Code::kInvalidArgument, "'" + name + "' is not a host name"};
        case ARES_ETIMEOUT: return {spi::Code::kTimeout, "no DNS server answered for '" + name + "'"};
        case ARES_ECONNREFUSED: return {spi::Code::kUnavailable, "no DNS server can be reached for '" + name + "'"};
        case ARES_ECANCELLED:
        case ARES_EDESTRUCTION: return stopping();
        default: return {spi::Code::kInternal, "cannot resolve '" + name + "': " + ares_strerror(status)};
    }
}

/// Ok, or what is wrong with the name of whom to ask for.
spi::Status check_name(const std::string& name) {
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (name.empty() || name.size() > kLongestName || !printable) {
        return {spi::Code::kInvalidArgument, "a host name has 1 to " + std::to_string(kLongestName) +
                                                 " characters, none of them a space or beyond ASCII: '" +
                                                 name.substr(0, kLongestName) + "'"};
    }
    return {};
}

bool is_numeric(const std::string& name) {
    error_code error;
    asio::ip::make_address(name, error);
    return !error;
}

/// The library's own tables, made once and never given back.
bool library_ready() {
    static const bool ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    return ready;
}

}  // namespace

spi::Result<std::string> parse_dns_servers(const std::vector<std::string>& servers) {
    std::string all;
    for (const std::string& server : servers) {
        std::string_view ip = server;
        std::string_view port;
        if (server.starts_with('[') && server.find(']') != std::string::npos) {
            const std::size_t end = server.find(']');
            ip = std::string_view(server).substr(1, end - 1);
            port = std::string_view(server).substr(end + 1);
        } else if (std::count(server.begin(), server.end(), ':') == 1) {
            ip = std::string_view(server).substr(0, server.find(':'));
            port = std::string_view(server).substr(server.find(':'));
        }
        error_code error;
        const asio::ip::address address = asio::ip::make_address(ip, error);
        unsigned number = 53;
        bool good = !error;
        if (!port.empty()) {
            const char* const last = port.data() + port.size();
            const auto [end, failure] = std::from_chars(port.data() + 1, last, number);
            good &= port.front() == ':' && failure == std::errc() && end == last && number > 0 && number <= 65535;
        }
        if (!good) {
            return spi::Status(spi::Code::kInvalidArgument,
                               "'" + server +
                                   "' is no address of a DNS server such as 10.0.0.2, 10.0.0.2:5353 or "
                                   "[fd00::2]:5353");
        }
        const std::string text = address.to_string();
        all += (all.empty() ? "" : ",") + (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(number);
    }
    return all;
}

/// What happens on the loop. A c-ares channel is not for several threads.
class Resolver::Loop : public std::enable_shared_from_this<Resolver::Loop> {
public:
    Loop(asio::io_context& io, std::string servers) : io_(io), servers_(std::move(servers)), timer_(io) {}
    ~Loop() { close_channel(); }

    struct Query {
        std::string name;
        spi::Duration timeout;
        Addresses addresses;  ///< one of the two is asked for
        Records records;
    };

    asio::io_context& io() noexcept { return io_; }

    /// Any thread.
    void put(Query query) {
        if (inbox_.put(std::move(query))) {
            asio::post(io_, [self = shared_from_this()] { self->begin_some(); });
        }
    }

    /// On the loop, or when it does not run.
    void stop() {
        stopped_ = true;
        for (Query& query : inbox_.take()) {
            tell(query, stopping());
        }
        close_channel();  // ends each query
        while (!running_.empty()) {
            end(running_.front(), stopping());
        }
        timer_.cancel();
    }

private:
    /// A query under way. It is told of once: by the answer, the time-out or the stop; the library keeps it until its
    /// own end of it.
    struct Running {
        Running(Loop& owner, Query asked) : loop(owner), query(std::move(asked)), timer(owner.io_) {}
        Loop& loop;
        Query query;
        asio::steady_timer timer;
        std::list<std::shared_ptr<Running>>::iterator place;
        bool told = false;
    };
    using RunningPtr = std::shared_ptr<Running>;

    /// A socket of the library.
    struct Watched {
        Watched(asio::io_context& io, int fd) : descriptor(io, fd) {}
        ~Watched() { let_go(); }
        /// The library closes it. At once: the next one may have its number before whoever holds this lets go.
        void let_go() noexcept {
            if (descriptor.is_open()) {
                descriptor.release();
            }
        }
        asio::posix::stream_descriptor descriptor;
        bool readable = false;  ///< wanted
        bool writable = false;
        bool reading = false;  ///< waited for
        bool writing = false;
    };

    static void tell(Query& query, const spi::Status& error) {
        query.addresses ? query.addresses(error) : query.records(error);
    }

    void begin_some() {
        for (Query& query : inbox_.take()) {
            if (stopped_) {
                tell(query, stopping());
            } else if (const spi::Status name = check_name(query.name); !name) {
                tell(query, name);
            } else if (query.addresses && is_numeric(query.name)) {
                query.addresses(std::vector{query.name});
            } else if (const spi::Status status = open_channel(); !status) {
                tell(query, status);
            } else {
                begin(std::move(query));
            }
        }
        arm();
    }

    void begin(Query query) {
        auto running = std::make_shared<Running>(*this, std::move(query));
        running_.push_front(running);
        running->place = running_.begin();
        running->timer.expires_after(running->query.timeout);
        running->timer.async_wait([self = shared_from_this(), running](const error_code& error) {
            if (!error) {
                const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(running->query.timeout);
                self->end(running,
                          spi::Status(spi::Code::kTimeout, "no answer for '" + running->query.name + "' within " +
                                                               std::to_string(limit.count()) + " ms"));
            }
        });
        auto* const kept = new RunningPtr(running);  // the callback takes it back
        ++asked_;
        if (running->query.addresses) {
            ares_addrinfo_hints hints{};
            hints.ai_family = AF_UNSPEC;
            hints.ai_flags = ARES_AI_NOSORT;
            ares_getaddrinfo(channel_, running->query.name.c_str(), nullptr, &hints, on_addresses, kept);
        } else {
            ares_search(channel_, running->query.name.c_str(), ns_c_in, ns_t_srv, on_records, kept);
        }
    }

    /// The query that a callback of the library is about.
    static RunningPtr take_back(void* kept) {
        const std::unique_ptr<RunningPtr> owned(static_cast<RunningPtr*>(kept));
        --(*owned)->loop.asked_;
        return *owned;
    }

    static void on_addresses(void* kept, int status, int, ares_addrinfo* found) {
        const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(found, &ares_freeaddrinfo);
        const RunningPtr running = take_back(kept);
        if (status != ARES_SUCCESS) {
            running->loop.end(running, status_of(status, running->query.name));
            return;
        }
        std::vector<std::string> addresses;
        for (const int family : {AF_INET, AF_INET6}) {
            for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
                if (node->ai_family == family) {
                    add_address(*node, addresses);
                }
            }
        }
        if (addresses.empty()) {
            running->loop.end(running, status_of(ARES_ENODATA, running->query.name));
            return;
        }
        if (running->loop.leave(running)) {
            running->query.addresses(std::move(addresses));
        }
    }

    static void add_address(const ares_addrinfo_node& node, std::vector<std::string>& addresses) {
        char text[INET6_ADDRSTRLEN] = "";
        const void* const bytes =
            node.ai_family == AF_INET
                ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(node.ai_addr)->sin_addr)
                : &reinterpret_cast<sockaddr_in6*>(node.ai_addr)->sin6_addr;
        ::inet_ntop(node.ai_family, bytes, text, sizeof text);
        if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) {
            addresses.emplace_back(text);
        }
    }

    static void on_records(void* kept, int status, int, unsigned char* answer, int length) {
        const RunningPtr running = take_back(kept);
        ares_srv_reply* found = nullptr;
        if (status == ARES_SUCCESS) {
            status = ares_parse_srv_reply(answer, length, &found);
            if (status != ARES_SUCCESS && status != ARES_ENODATA) {
                status = ARES_EBADRESP;
            }
        }
        const std::unique_ptr<ares_srv_reply, decltype(&ares_free_data)> owned(
            found, [](void* data) { ares_free_data(data); });
        std::vector<spi::SrvRecord> records;
        for (const ares_srv_reply* reply = found; reply != nullptr; reply = reply->next) {
            std::string host = reply->host;
            if (host.ends_with('.')) {
                host.pop_back();
            }
            if (!host.empty()) {  // "." says that the service is decidedly not offered (RFC 2782)
                records.push_back({std::move(host), reply->port, reply->priority, reply->weight});
            }
        }
        if (status != ARES_SUCCESS || records.empty()) {
            running->loop.end(running, status_of(status == ARES_SUCCESS ? ARES_ENODATA : status, running->query.name));
            return;
        }
        std::sort(records.begin(), records.end(), [](const spi::SrvRecord& a, const spi::SrvRecord& b) {
            return std::tie(a.priority, a.host, a.port) < std::tie(b.priority, b.host, b.port);
        });
        if (running->loop.leave(running)) {
            running->query.records(std::move(records));
        }
    }

    /// True: nobody has been told yet, and the caller must.
    bool leave(const RunningPtr& running) {
        if (std::exchange(running->told, true)) {
            return false;
        }
        running->timer.cancel();
        running_.erase(running->place);
        return true;
    }

    void end(RunningPtr running, const spi::Status& error) {
        if (leave(running)) {
            tell(running->query, error);
        }
    }

    spi::Status open_channel() {
        const auto now = std::chrono::steady_clock::now();
        if (channel_ != nullptr && asked_ == 0 && now - opened_ > kChannelAge) {
            close_channel();
        }
        if (channel_ != nullptr) {
            return {};
        }
        ares_options options{};
        options.timeout = kTryMillis;
        options.tries = kTries;
        options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
            static_cast<Loop*>(self)->watch(fd, readable != 0, writable != 0);
        };
        options.sock_state_cb_data = this;
        int status = library_ready() ? ares_init_options(&channel_, &options,
                                                         ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB)
                                     : ARES_ENOTINITIALIZED;
        if (status == ARES_SUCCESS && !servers_.empty()) {
            status = ares_set_servers_ports_csv(channel_, servers_.c_str());
        }
        if (status != ARES_SUCCESS) {
            close_channel();
            return {spi::Code::kInternal, std::string("cannot begin to ask DNS servers: ") + ares_strerror(status)};
        }
        opened_ = now;
        return {};
    }

    void close_channel() {
        if (channel_ != nullptr) {
            ares_destroy(std::exchange(channel_, nullptr));
        }
        watched_.clear();
    }

    /// What the library wants to know of a socket; nothing: it is about to be closed.
    void watch(int fd, bool readable, bool writable) {
        if (!readable && !writable) {
            if (const auto found = watched_.find(fd); found != watched_.end()) {
                found->second->let_go();
                watched_.erase(found);
            }
            return;
        }
        std::shared_ptr<Watched>& watched = watched_[fd];
        if (watched == nullptr) {
            watched = std::make_shared<Watched>(io_, fd);
        }
        watched->readable = readable;
        watched->writable = writable;
        wait(fd, watched);
    }

    void wait(int fd, const std::shared_ptr<Watched>& watched) {
        using Descriptor = asio::posix::stream_descriptor;
        const auto on_ready = [this, fd](bool Watched::*waiting, int read, int write) {
            return [self = shared_from_this(), this, fd, waiting, read, write,
                    weak = std::weak_ptr(watched_[fd])](const error_code& error) {
                const std::shared_ptr<Watched> still = weak.lock();
                if (error || still == nullptr || channel_ == nullptr) {
                    return;
                }
                (*still).*waiting = false;
                ares_process_fd(channel_, read, write);
                // The library may have closed it, and another may have its number by now.
                if (const auto found = watched_.find(fd); found != watched_.end() && found->second == still) {
                    wait(fd, still);
                }
                arm();
            };
        };
        if (watched->readable && !std::exchange(watched->reading, true)) {
            watched->descriptor.async_wait(Descriptor::wait_read, on_ready(&Watched::reading, fd, ARES_SOCKET_BAD));
        }
        if (watched->writable && !std::exchange(watched->writing, true)) {
            watched->descriptor.async_wait(Descriptor::wait_write, on_ready(&Watched::writing, ARES_SOCKET_BAD, fd));
        }
    }

    /// The library's own timer, for its tries.
    void arm() {
        if (channel_ == nullptr || asked_ == 0) {
            timer_.cancel();
            return;
        }
        timeval limit{kTryMillis / 1000, 0};
        timeval left{};
        const timeval* const next = ares_timeout(channel_, &limit, &left);
        timer_.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec + 1000));
        timer_.async_wait([self = shared_from_this(), this](const error_code& error) {
            if (!error && channel_ != nullptr) {
                ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
                arm();
            }
        });
    }

    asio::io_context& io_;
    const std::string servers_;
    Inbox<Query> inbox_;
    ares_channel channel_ = nullptr;
    std::chrono::steady_clock::time_point opened_;
    std::map<int, std::shared_ptr<Watched>> watched_;
    std::list<RunningPtr> running_;  ///< not told yet
    std::size_t asked_ = 0;          ///< of which the library still knows
    asio::steady_timer timer_;
    bool stopped_ = false;
};

Resolver::Resolver(IoThreads& io, std::string servers)
    : io_(io), loop_(std::make_shared<Loop>(io.at(0), std::move(servers))) {}

Resolver::~Resolver() = default;

void Resolver::resolve(std::string host, spi::Duration timeout, Addresses done) noexcept {
    if (ended_.load(std::memory_order_acquire)) {
        done(stopping());
        return;
    }
    loop_->put({std::move(host), timeout, std::move(done), nullptr});
}

void Resolver::resolve_srv(std::string name, spi::Duration timeout, Records done) noexcept {
    if (ended_.load(std::memory_order_acquire)) {
        done(stopping());
        return;
    }
    loop_->put({std::move(name), timeout, nullptr, std::move(done)});
}

void Resolver::stop() noexcept {
    if (!io_.is_running()) {
        ended_.store(true, std::memory_order_release);
        loop_->stop();
        return;
    }
    std::latch stopped(1);
    asio::post(loop_->io(), [&] {
        loop_->stop();
        stopped.count_down();
    });
    stopped.wait();
}

}  // namespace pharos::net
