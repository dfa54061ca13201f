#include "http/server.hpp"

#include "http/session.hpp"
#include "http/worker.hpp"

namespace pharos::http {

namespace {

constexpr std::size_t kSpareDecoders = 16;
/// Seconds that a client may read nothing while much waits for such clients.
constexpr std::uint32_t kPressedPatience = 2;
/// A loop that has not come round in this time is stuck.
constexpr std::chrono::seconds kForcedClose{5};

}  // namespace

ServerState::ServerState(const access::Filter& f, spi::Metrics& metrics, ServerSettings s)
    : settings(std::move(s)),
      filter(f),
      malformed(limit(metrics, "malformed")),
      timed_out(limit(metrics, "request_timeout")),
      stalled(limit(metrics, "write_stalled")),
      too_many_held(limit(metrics, "max_held")),
      too_much_unsent(limit(metrics, "max_unsent")) {
    for (std::size_t i = 0; i < by_class.size(); ++i) {
        const std::string status = i >= 1 && i <= 5 ? std::to_string(i) + "xx" : "other";
        by_class[i] = &metrics.counter("pharos_http_requests_total", "Requests answered, by class of the status.",
                                       {{"server", settings.name}, {"status", status}});
    }
}

spi::Counter& ServerState::limit(spi::Metrics& metrics, const char* reason) const {
    return metrics.counter("pharos_http_refused_total", "Requests and connections refused or ended because of a limit.",
                           {{"server", settings.name}, {"reason", reason}});
}

Worker::Worker(std::shared_ptr<ServerState> s, boost::asio::io_context& loop, const Router& router)
    : server(std::move(s)),
      routes(router),
      scratch(std::make_unique<char[]>(kScratch)),
      loop_(&loop),
      identity_(&loop),
      timer_(std::make_unique<boost::asio::steady_timer>(loop)) {}

Worker::~Worker() = default;

void Worker::close() noexcept {
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
}

void Worker::start() {
    if (timer_ == nullptr) {
        return;
    }
    timer_->expires_after(std::chrono::seconds(1));
    timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        if (auto self = weak.lock(); self != nullptr && !error) {
            self->sweep();
            self->start();
        }
    });
}

void Worker::sweep() {
    ++now;
    const ServerSettings& settings = server->settings;
    const auto patience = static_cast<std::uint32_t>(settings.stall_timeout.count());
    const bool pressed = server->unsent.load(std::memory_order_relaxed) > settings.max_unsent / 2;
    const std::uint32_t early = pressed && patience > kPressedPatience ? patience - kPressedPatience : 0;
    // Closing one may run a plugin's task, which may close others: collect first.
    std::vector<Session::Ptr> expired;
    for (Session* session = first_; session != nullptr; session = session->next_) {
        if (!session->unsent_.empty() && session->deadline_ <= now + early) {
            session->deadline_ = now;
        }
        if (session->deadline_ <= now) {
            expired.emplace_back(session);
        }
    }
    for (const Session::Ptr& session : expired) {
        session->check_deadline();
    }
}

void Worker::add(Session& session) noexcept {
    intrusive_ptr_add_ref(&session);
    session.next_ = first_;
    if (first_ != nullptr) {
        first_->previous_ = &session;
    }
    first_ = &session;
    server->connections.fetch_add(1, std::memory_order_relaxed);
}

void Worker::remove(Session& session) noexcept {
    (session.previous_ != nullptr ? session.previous_->next_ : first_) = session.next_;
    if (session.next_ != nullptr) {
        session.next_->previous_ = session.previous_;
    }
    session.next_ = session.previous_ = nullptr;
    {
        std::lock_guard lock(server->mutex);
        server->connections.fetch_sub(1, std::memory_order_relaxed);
    }
    if (server->draining.load(std::memory_order_relaxed)) {
        server->changed.notify_all();
    }
    intrusive_ptr_release(&session);
}

void Worker::close_idle() {
    std::vector<Session::Ptr> sessions;
    for (Session* session = first_; session != nullptr; session = session->next_) {
        sessions.emplace_back(session);
    }
    for (const Session::Ptr& session : sessions) {
        session->close_if_idle();
    }
}

void Worker::close_all() {
    timer_.reset();
    while (first_ != nullptr) {
        first_->close();
    }
}

std::unique_ptr<RequestDecoder> Worker::take_decoder() {
    if (spare_.empty()) {
        return std::make_unique<RequestDecoder>(server->settings.limits);
    }
    auto decoder = std::move(spare_.back());
    spare_.pop_back();
    return decoder;
}

void Worker::give_back(std::unique_ptr<RequestDecoder> decoder) {
    if (decoder != nullptr && spare_.size() < kSpareDecoders) {
        decoder->reset();
        spare_.push_back(std::move(decoder));
    }
}

Server::Server(net::IoThreads& io, const Router& router, const access::Filter& filter, spi::Metrics& metrics,
               ServerSettings settings)
    : io_(io), state_(std::make_shared<ServerState>(filter, metrics, std::move(settings))) {
    for (std::size_t i = 0; i < io.size(); ++i) {
        workers_.push_back(std::make_shared<Worker>(state_, io.at(i), router));
        workers_.back()->post([worker = workers_.back()] { worker->start(); });
    }
    const spi::Labels labels{{"server", state_->settings.name}};
    connections_gauge_ = metrics.gauge("pharos_http_connections", "Open HTTP connections.", labels, [state = state_] {
        return static_cast<double>(state->connections.load(std::memory_order_relaxed));
    });
    held_gauge_ = metrics.gauge("pharos_http_held_requests", "Requests whose answer is held back.", labels,
                                [state = state_] { return static_cast<double>(state->held.load()); });
    unsent_gauge_ = metrics.gauge("pharos_http_unsent_bytes", "Replies that wait for clients to read.", labels,
                                  [state = state_] { return static_cast<double>(state->unsent.load()); });
}

Server::~Server() { stop(spi::Duration::zero()); }

void Server::adopt(net::AcceptedSocket socket) {
    const std::size_t index = io_.next_index();
    std::shared_ptr<Worker> worker = workers_[index];
    worker->post([worker, &loop = io_.at(index), socket = std::move(socket)]() mutable {
        if (!worker->server->draining.load(std::memory_order_relaxed)) {
            const Session::Ptr session(new Session(worker, loop, std::move(socket)));
            worker->add(*session);
            session->start();
        }
    });
}

void Server::stop(spi::Duration grace) noexcept {
    if (std::exchange(stopped_, true)) {
        return;
    }
    state_->draining.store(true, std::memory_order_relaxed);
    if (!io_.is_running()) {
        // A start that was refused before the io threads began, or they have ended: nobody would run what is posted, and
        // nobody else is on the loops.
        for (const auto& worker : workers_) {
            worker->close_all();
            worker->close();
        }
        return;
    }
    for (const auto& worker : workers_) {
        worker->post([worker] { worker->close_idle(); });
    }
    {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait_for(lock, grace, [this] { return state_->connections.load() == 0; });
    }
    auto open = std::make_shared<std::size_t>(workers_.size());  // workers whose sessions are not all closed
    for (const auto& worker : workers_) {
        worker->post([worker, open] {
            worker->close_all();
            std::lock_guard lock(worker->server->mutex);
            --*open;
            worker->server->changed.notify_all();
        });
    }
    {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait_for(lock, kForcedClose, [&] { return *open == 0; });
    }
    for (const auto& worker : workers_) {
        worker->close();
    }
}

std::size_t Server::connections() const noexcept { return state_->connections.load(std::memory_order_relaxed); }

std::size_t Server::held() const noexcept { return state_->held.load(std::memory_order_relaxed); }

std::size_t Server::long_polls() const noexcept {
    const std::size_t paced = state_->paced.load(std::memory_order_relaxed);
    const std::size_t all = held();
    return all > paced ? all - paced : 0;
}

}  // namespace pharos::http
