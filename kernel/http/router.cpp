#include "http/router.hpp"

#include <algorithm>

namespace pharos::http {

namespace {

std::size_t index_of(spi::HttpMethod method) noexcept { return static_cast<std::size_t>(method); }

/// Takes the first segment off a path such as "/a/b".
std::string_view next_segment(std::string_view& rest) noexcept {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    return segment;
}

bool is_variable(std::string_view segment) noexcept {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool is_literal(std::string_view path) noexcept {
    return path.find("/{") == std::string_view::npos && !path.ends_with("/**");
}

}  // namespace

Route::Route(const spi::HttpRoute& route, std::string full_path, spi::HttpHandler handler)
    : method_(route.method),
      path_(std::move(full_path)),
      given_path_(route.path),
      resource_type_(route.access.resource_type),
      limit_point_(route.access.limit_point),
      anonymous_because_(route.access.anonymous_because),
      access_{route.access.action, resource_type_, route.access.resource_of, limit_point_, anonymous_because_},
      handler_(std::move(handler)) {}

void Route::close() noexcept {
    std::uint32_t state = state_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
    while (state != kClosed) {
        state_.wait(state, std::memory_order_acquire);
        state = state_.load(std::memory_order_acquire);
    }
    handler_.reset();
}

RouteTable::RouteTable(const std::vector<std::shared_ptr<Route>>& routes) : routes_(routes) {
    for (const auto& route : routes_) {
        if (is_literal(route->path())) {
            exact_[route->path()][index_of(route->method())] = route.get();
        } else {
            insert(*route);
        }
    }
}

void RouteTable::insert(Route& route) {
    std::string_view rest = route.path();
    const bool below = rest.ends_with("/**");
    if (below) {
        rest.remove_suffix(3);
    }
    Node* node = &root_;
    while (!rest.empty()) {
        const std::string_view segment = next_segment(rest);
        auto& next = is_variable(segment) ? node->any : node->literal[std::string(segment)];
        if (next == nullptr) {
            next = std::make_unique<Node>();
        }
        node = next.get();
    }
    (below ? node->below : node->here)[index_of(route.method())] = &route;
}

Route* RouteTable::pick(const Methods& methods, spi::HttpMethod method) noexcept {
    Route* route = methods[index_of(method)];
    if (route == nullptr && method == spi::HttpMethod::kHead) {
        route = methods[index_of(spi::HttpMethod::kGet)];
    }
    return route;
}

void RouteTable::note(const Methods& methods, Match& seen) {
    for (const Route* route : methods) {
        if (route != nullptr) {
            seen.known = true;
            seen.allowed += (seen.allowed.empty() ? "" : ", ");
            seen.allowed += spi::to_string(route->method());
        }
    }
}

Route* RouteTable::walk(const Node& node, std::string_view rest, spi::HttpMethod method, bool fallback, Match& seen) {
    if (rest.empty() && !fallback) {
        Route* route = pick(node.here, method);
        if (route == nullptr) {
            note(node.here, seen);
        }
        return route;
    }
    if (!rest.empty()) {
        std::string_view tail = rest;
        const std::string_view segment = next_segment(tail);
        if (auto next = node.literal.find(segment); next != node.literal.end()) {
            if (Route* route = walk(*next->second, tail, method, fallback, seen)) {
                return route;
            }
        }
        if (node.any != nullptr && !segment.empty()) {
            if (Route* route = walk(*node.any, tail, method, fallback, seen)) {
                return route;
            }
        }
    }
    return fallback ? pick(node.below, method) : nullptr;
}

RouteTable::Match RouteTable::match(spi::HttpMethod method, std::string_view canonical_path) const {
    Match result;
    const auto exact = exact_.find(canonical_path);
    if (exact != exact_.end()) {
        result.route = pick(exact->second, method);
        if (result.route != nullptr) {
            return result;
        }
        note(exact->second, result);
    }
    const std::string_view rest = canonical_path == "/" ? std::string_view{} : canonical_path;
    result.route = walk(root_, rest, method, false, result);
    if (result.route == nullptr) {
        Match ignored;
        result.route = walk(root_, rest, method, true, ignored);
    }
    return result;
}

Router::Router(std::string context_path) : context_path_(std::move(context_path)) {}

std::string Router::full_path(std::string_view path) const {
    std::string full = path.starts_with("//") ? std::string(path.substr(1)) : context_path_ + std::string(path);
    while (full.size() > 1 && full.ends_with('/')) {
        full.pop_back();
    }
    return full;
}

spi::Result<spi::Registration> Router::add(const spi::HttpRoute& given, spi::HttpHandler handler) {
    if (!given.path.starts_with('/') || !handler) {
        return spi::Status(spi::Code::kInvalidArgument,
                           "route '" + std::string(given.path) + "' needs a path that begins with '/' and a handler");
    }
    auto route = std::make_shared<Route>(given, full_path(given.path), std::move(handler));
    std::lock_guard lock(mutex_);
    const bool taken = std::any_of(routes_.begin(), routes_.end(), [&](const auto& other) {
        return other->method() == route->method() && other->path() == route->path();
    });
    if (taken) {
        return spi::Status(spi::Code::kConflict, "route " + std::string(spi::to_string(route->method())) + " " +
                                                     route->path() + " is registered already");
    }
    route->limit_by(control_);
    routes_.push_back(route);
    note_change();
    return spi::Registration([this, route] { remove(route); });
}

void Router::use(spi::LoadControl* control) {
    std::lock_guard lock(mutex_);
    control_ = control;
    for (const auto& route : routes_) {
        route->limit_by(control);
    }
}

void Router::remove(const std::shared_ptr<Route>& route) noexcept {
    {
        std::lock_guard lock(mutex_);
        std::erase(routes_, route);
        note_change();
    }
    route->close();
}

void Router::note_change() noexcept {
    table_.reset();
    generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const RouteTable> Router::table(std::uint64_t& generation) const {
    std::lock_guard lock(mutex_);
    if (table_ == nullptr) {
        table_ = std::make_shared<RouteTable>(routes_);
    }
    generation = generation_.load(std::memory_order_relaxed);
    return table_;
}

std::vector<access::Entry> Router::entries() const {
    std::lock_guard lock(mutex_);
    std::vector<access::Entry> entries;
    for (const auto& route : routes_) {
        const auto& access = route->access();
        entries.push_back({std::string(spi::to_string(route->method())) + " " + route->given_path(), access.action,
                           std::string(access.resource_type), access.resource_of != nullptr,
                           std::string(access.limit_point), std::string(access.anonymous_because), route->calls()});
    }
    return entries;
}

const RouteTable& Router::View::table() {
    if (generation_ != router_.generation_.load(std::memory_order_acquire)) {
        table_ = router_.table(generation_);
    }
    return *table_;
}

}  // namespace pharos::http
