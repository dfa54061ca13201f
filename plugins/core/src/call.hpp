#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include <pharos/protocol/json.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/registrations.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>

namespace pharos::core {

/// How a call wraps what it answers (`protocol/core.md §3.1`): not at all, or as v1 or v2 and v3 do.
enum class Envelope { kBare, kRest, kResult };

/// The way back of a call, in its envelope. Move-only; may be kept to answer later.
class Reply {
public:
    Reply(Envelope envelope, spi::HttpResponder responder) : envelope_(envelope), responder_(std::move(responder)) {}

    /// `data` is JSON.
    void json(std::string_view data);
    /// Plain text, whatever the envelope.
    void text(std::string_view text) { protocol::reply_text(std::move(responder_), 200, text); }
    /// v1's envelope tells a failure with HTTP 200 and the status as its code; bare calls answer `caused: …;`.
    void fail(int status, protocol::ErrorCode code, std::string_view detail);

    [[nodiscard]] Envelope envelope() const noexcept { return envelope_; }
    /// For an answer in no envelope.
    [[nodiscard]] spi::HttpResponder take() noexcept { return std::move(responder_); }

private:
    Envelope envelope_;
    spi::HttpResponder responder_;
};

/// One request and its reply. Lives as long as the handler's call.
class Call {
public:
    Call(const spi::HttpRequest& request, Reply reply_to, const spi::Clock& clock)
        : request(request), params(request), reply(std::move(reply_to)), clock_(clock) {}

    /// The parameter, trimmed; nothing, and answered, when the request has none of this name. `type` is its Java type.
    [[nodiscard]] std::optional<std::string_view> require(std::string_view name, std::string_view type = "String");
    /// Reads a JSON body for member(). False, and answered, when there is one that is no object.
    [[nodiscard]] bool read_body();
    /// A parameter, or else a member of the body; "" when there is neither.
    [[nodiscard]] std::string_view member(std::string_view name) const;
    [[nodiscard]] const spi::Clock& clock() const noexcept { return clock_; }

    const spi::HttpRequest& request;
    const protocol::Params params;
    Reply reply;

private:
    const spi::Clock& clock_;
    std::optional<protocol::JsonDocument> body_;
};

/// Adds routes whose handlers take a Call.
class CallRoutes {
public:
    using Handler = std::function<void(Call&)>;

    CallRoutes(spi::HttpRoutes& routes, const spi::Clock& clock, sdk::Registrations& registrations)
        : routes_(routes), clock_(clock), registrations_(registrations) {}

    void add(spi::HttpMethod method, std::string_view path, std::string_view resource, Envelope envelope,
             Handler handler);
    /// A GET that changes something (`protocol/core.md §1.8`).
    void add_writing_get(std::string_view path, std::string_view resource, Envelope envelope, Handler handler);
    /// A GET that needs no login, and why.
    void add_anonymous(std::string_view path, std::string_view resource, std::string_view because, Envelope envelope,
                       Handler handler);

private:
    void add(const spi::HttpRoute& route, Envelope envelope, Handler handler);

    spi::HttpRoutes& routes_;
    const spi::Clock& clock_;
    sdk::Registrations& registrations_;
};

}  // namespace pharos::core
