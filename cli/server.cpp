#include "cli/server.hpp"

#include <charconv>

#include <boost/json/value.hpp>
#include <pharos/protocol/params.hpp>

#include "cli/reply_text.hpp"

namespace pharos::cli {

namespace {

constexpr std::string_view kDefaultPort = "8848";
constexpr std::string_view kDefaultContext = "/nacos";

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

std::string encoded(const Params& params) {
    std::string out;
    for (const auto& [name, value] : params) {
        if (!value.empty()) {
            out += (out.empty() ? "" : "&") + name + "=" + protocol::encode_uri(value);
        }
    }
    return out;
}

}  // namespace

std::string Endpoint::text() const {
    return "http://" + (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + port;
}

spi::Result<Endpoint> parse_endpoint(std::string_view text) {
    const std::string given(text);
    Endpoint endpoint{.host = {}, .port = std::string(kDefaultPort), .context = std::string(kDefaultContext)};
    if (text.starts_with("https://")) {
        return bad("server '" + given + "': this command does not speak TLS yet; name the server's http:// address");
    }
    const bool is_url = text.starts_with("http://");
    if (is_url) {
        text.remove_prefix(7);
    } else if (text.find("://") != std::string_view::npos) {
        return bad("server '" + given + "' is neither HOST:PORT nor an http:// URL");
    }
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        std::string_view context = text.substr(slash);
        while (context.ends_with('/')) {
            context.remove_suffix(1);
        }
        if (!context.empty()) {
            endpoint.context = context;
        }
        text = text.substr(0, slash);
    }
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return bad("server '" + given + "': the ']' after the IPv6 address is missing");
        }
        endpoint.host = text.substr(1, end - 1);
        const std::string_view rest = text.substr(end + 1);
        has_port = rest.starts_with(':');
        port = has_port ? rest.substr(1) : rest;
        if (!has_port && !rest.empty()) {
            return bad("server '" + given + "' is not [IPV6]:PORT");
        }
    } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        if (text.find(':', colon + 1) != std::string_view::npos) {
            return bad("server '" + given + "': write an IPv6 address in brackets, [::1]:8848");
        }
        endpoint.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        has_port = true;
    } else {
        endpoint.host = text;
    }
    if (has_port) {
        if (!is_port(port)) {
            return bad("server '" + given + "': '" + std::string(port) + "' is not a port, 1 to 65535");
        }
        endpoint.port = port;
    }
    if (endpoint.host.empty() || endpoint.host.find_first_of(" \t\r\n@?#") != std::string::npos) {
        return bad("server '" + given + "' names no host; write HOST:PORT");
    }
    return endpoint;
}

Server::Server(Endpoint endpoint, Login login)
    : endpoint_(std::move(endpoint)),
      login_(std::move(login)),
      client_(endpoint_.host, endpoint_.port),
      access_token_(login_.token) {}

spi::Result<HttpReply> Server::exchange(HttpClient::Request request) {
    if (!access_token_.empty()) {
        request.headers.emplace_back("accessToken", access_token_);
    }
    spi::Result<HttpReply> reply = client_.send(request);
    if (reply) {
        return reply;
    }
    std::string message = endpoint_.text() + ": " + reply.error().message();
    if (reply.error().message() == "connection refused") {
        message += "; is a server running there? --server or PHAROS_SERVER names another";
    } else if (reply.error().code() == spi::Code::kUnavailable || reply.error().code() == spi::Code::kInternal) {
        message += "; is this the HTTP port of a server? --server or PHAROS_SERVER names another";
    }
    return spi::Status(reply.error().code(), std::move(message));
}

spi::Status Server::log_in() {
    if (login_.user.empty() || !access_token_.empty()) {
        return {};
    }
    const Params params{{"username", login_.user}, {"password", login_.password}};
    for (const char* path : {"/v1/auth/login", "/v3/auth/user/login"}) {
        const spi::Result<HttpReply> reply =
            exchange({.method = "POST",
                      .target = endpoint_.context + path,
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = encoded(params),
                      .patience = patience_});
        if (!reply) {
            return reply.error();
        }
        if (is_missing_call(reply.value())) {
            continue;
        }
        const spi::Result<boost::json::value> data = data_of(reply.value());
        if (!data) {
            return {spi::Code::kDenied,
                    endpoint_.text() + ": login as '" + login_.user + "' refused: " + data.error().message()};
        }
        const boost::json::object* object = data.value().if_object();
        const boost::json::value* token = object == nullptr ? nullptr : object->if_contains("accessToken");
        if (token == nullptr || !token->is_string()) {
            return {spi::Code::kInternal, endpoint_.text() + ": the answer to the login holds no accessToken"};
        }
        access_token_ = std::string(token->get_string());
        return {};
    }
    return {spi::Code::kDenied, endpoint_.text() + ": this server has no login; leave --user out"};
}

spi::Result<HttpReply> Server::send(const Call& call, std::chrono::milliseconds patience) {
    if (const spi::Status status = log_in(); !status) {
        return status;
    }
    HttpClient::Request request{.method = call.method,
                                .target = endpoint_.context + call.path,
                                .headers = call.headers,
                                .body = {},
                                .patience = patience};
    const std::string text = encoded(call.params);
    if (call.method == "GET" || call.method == "DELETE") {
        request.target += text.empty() ? "" : "?" + text;
    } else {
        request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8");
        request.body = text;
    }
    spi::Result<HttpReply> reply = exchange(std::move(request));
    if (reply && is_access_refused(reply.value())) {
        return spi::Status(spi::Code::kDenied,
                           endpoint_.text() + ": " + refusal_of(reply.value()) +
                               (has_login() ? "" : "; log in with --user and PHAROS_PASSWORD, or with --token"));
    }
    return reply;
}

spi::Result<Server::Answer> Server::send_first(const std::vector<Call>& calls) {
    std::string reason;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        spi::Result<HttpReply> reply = send(calls[i]);
        if (!reply) {
            return reply.error();
        }
        if (!is_missing_call(reply.value())) {
            return Answer{std::move(reply.value()), i};
        }
        reason = calls[i].path + ": " + refusal_of(reply.value());
    }
    return spi::Status(spi::Code::kDenied, endpoint_.text() + ": the server has no call for this (" + reason +
                                               "); is it Nacos-compatible, and is the module on?");
}

spi::Result<HttpReply> Server::get_root(const std::string& path) {
    if (const spi::Status status = log_in(); !status) {
        return status;
    }
    return exchange({.method = "GET", .target = path, .headers = {}, .body = {}, .patience = patience_});
}

spi::Result<boost::json::value> Server::ask(const std::vector<Call>& calls) {
    const spi::Result<Answer> answer = send_first(calls);
    return answer ? data_of(answer.value().reply) : answer.error();
}

}  // namespace pharos::cli
