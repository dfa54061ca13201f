#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pharos/spi/http.hpp>

#include "access/filter.hpp"
#include "access/limit.hpp"

namespace pharos::http {

inline constexpr std::size_t kMethods = 7;

/// One registered route. A call holds it by enter() and leave(); the registration's end closes it and waits for them.
class Route {
public:
    Route(const spi::HttpRoute& route, std::string full_path, spi::HttpHandler handler);

    /// False: the route is gone.
    [[nodiscard]] bool enter() noexcept {
        if ((state_.fetch_add(kCall, std::memory_order_acquire) & kClosed) == 0) {
            return true;
        }
        leave();
        return false;
    }
    void leave() noexcept {
        if (state_.fetch_sub(kCall, std::memory_order_release) == (kClosed | kCall)) {
            state_.notify_all();
        }
    }
    /// Refuses new calls, waits for the ones under way and destroys the handler. Not from a call of this route.
    void close() noexcept;

    void call(const spi::HttpRequest& request, spi::HttpResponder responder) {
        calls_.fetch_add(1, std::memory_order_relaxed);
        handler_(request, std::move(responder));
    }

    void limit_by(spi::LoadControl* control) noexcept { limit_.resolve(control, limit_point_); }
    [[nodiscard]] const access::Limit& limit() const noexcept { return limit_; }

    [[nodiscard]] spi::HttpMethod method() const noexcept { return method_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// As given at registration: without the context path.
    [[nodiscard]] const std::string& given_path() const noexcept { return given_path_; }
    [[nodiscard]] const spi::Access<spi::HttpRequest>& access() const noexcept { return access_; }
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }

private:
    static constexpr std::uint32_t kClosed = 1;
    static constexpr std::uint32_t kCall = 2;

    const spi::HttpMethod method_;
    const std::string path_;
    const std::string given_path_;
    /// Owned copies of what the access refers to.
    const std::string resource_type_;
    const std::string limit_point_;
    const std::string anonymous_because_;
    const spi::Access<spi::HttpRequest> access_;
    spi::HttpHandler handler_;
    std::atomic<std::uint32_t> state_{0};  ///< calls under way * 2 + closed
    std::atomic<std::uint64_t> calls_{0};  ///< that reached the handler
    access::Limit limit_;
};

/// An immutable set of routes. Literal paths cost one hash lookup; the others are in a tree of segments.
class RouteTable {
public:
    struct Match {
        Route* route = nullptr;  ///< null: `known` tells 404 from 405
        bool known = false;      ///< the path exists with another method
        std::string allowed;     ///< those methods, for the Allow header
    };

    explicit RouteTable(const std::vector<std::shared_ptr<Route>>& routes);

    /// A literal path wins over "{name}" segments, these over "/**", the longest of which wins. HEAD is served by GET.
    [[nodiscard]] Match match(spi::HttpMethod method, std::string_view canonical_path) const;

private:
    using Methods = std::array<Route*, kMethods>;
    struct Node {
        std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
        std::unique_ptr<Node> any;
        Methods here{};
        Methods below{};  ///< "/**"
    };

    [[nodiscard]] static Route* pick(const Methods& methods, spi::HttpMethod method) noexcept;
    void insert(Route& route);
    static Route* walk(const Node& node, std::string_view rest, spi::HttpMethod method, bool fallback, Match& seen);
    static void note(const Methods& methods, Match& seen);

    std::vector<std::shared_ptr<Route>> routes_;
    std::unordered_map<std::string_view, Methods> exact_;
    Node root_;
};

/// All routes of the node. After changes the next lookup makes a new table; each io thread keeps the current one in a
/// View, so that a lookup touches no shared count.
class Router final : public spi::HttpRoutes {
public:
    explicit Router(std::string context_path = "/nacos");

    /// The path may end in "/**": the lowest priority, for what no other route of this method knows, so that its
    /// handler answers instead of 404 and 405.
    spi::Result<spi::Registration> add(const spi::HttpRoute& route, spi::HttpHandler handler) override;

    /// Has routes, also later ones, ask it. It must outlive the requests. Null: nothing is limited.
    void use(spi::LoadControl* control);

    /// Every route, in order of registration.
    [[nodiscard]] std::vector<access::Entry> entries() const;

    /// A thread's window on the routes. Not thread-safe; one per io thread.
    class View {
    public:
        explicit View(const Router& router) noexcept : router_(router) {}
        /// Valid until the next call.
        [[nodiscard]] const RouteTable& table();

    private:
        const Router& router_;
        std::uint64_t generation_ = 0;
        std::shared_ptr<const RouteTable> table_;
    };

private:
    [[nodiscard]] std::string full_path(std::string_view path) const;
    void remove(const std::shared_ptr<Route>& route) noexcept;
    void note_change() noexcept;
    /// The newest, and of which generation it is.
    [[nodiscard]] std::shared_ptr<const RouteTable> table(std::uint64_t& generation) const;

    const std::string context_path_;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<Route>> routes_;
    spi::LoadControl* control_ = nullptr;
    mutable std::shared_ptr<const RouteTable> table_;  ///< of routes_; null: nobody has needed it yet
    std::atomic<std::uint64_t> generation_{1};
};

}  // namespace pharos::http
