#include "call.hpp"

#include <string>
#include <utility>

namespace pharos::core {

namespace {

bool is_json(std::string_view content_type) {
    constexpr std::string_view kType = "application/json";
    return protocol::equals_ignoring_case(content_type.substr(0, kType.size()), kType);
}

}  // namespace

void Reply::json(std::string_view data) {
    switch (envelope_) {
        case Envelope::kBare: protocol::reply_json(std::move(responder_), 200, data); break;
        case Envelope::kRest: protocol::reply_rest_result(std::move(responder_), data); break;
        case Envelope::kResult: protocol::reply_result(std::move(responder_), data); break;
    }
}

void Reply::fail(int status, protocol::ErrorCode code, std::string_view detail) {
    switch (envelope_) {
        case Envelope::kBare:
            protocol::reply_text(std::move(responder_), status, "caused: " + std::string(detail) + ";");
            break;
        case Envelope::kRest: protocol::reply_rest_failure(std::move(responder_), status, detail); break;
        case Envelope::kResult: protocol::reply_result_error(std::move(responder_), status, code, detail); break;
    }
}

std::optional<std::string_view> Call::require(std::string_view name, std::string_view type) {
    if (params.find(name)) {
        return params.get(name);
    }
    if (reply.envelope() == Envelope::kResult) {
        protocol::reply_missing_parameter(reply.take(), name, type);
    } else {
        protocol::reply_servlet_error(reply.take(), 400, "Required parameter '" + std::string(name) + "' is not present.",
                                      request.path, clock_.wall_ms());
    }
    return std::nullopt;
}

bool Call::read_body() {
    if (request.body.empty() || !is_json(request.header("Content-Type"))) {
        return true;
    }
    body_.emplace(request.body);
    if (const spi::Status& status = body_->status(); !status) {
        reply.fail(400, protocol::ErrorCode::kParameterValidateError,
                   "the body is not a JSON object: " + status.message());
        return false;
    }
    return true;
}

std::string_view Call::member(std::string_view name) const {
    const std::string_view given = params.get(name);
    return given.empty() && body_ ? body_->text(name) : given;
}

void CallRoutes::add(const spi::HttpRoute& route, Envelope envelope, Handler handler) {
    registrations_.take(
        routes_.add(route, [this_clock = &clock_, envelope, handler = std::move(handler)](
                               const spi::HttpRequest& request, spi::HttpResponder responder) {
            Call call(request, Reply(envelope, std::move(responder)), *this_clock);
            if (call.params.overflowed()) {
                call.reply.fail(400, protocol::ErrorCode::kParameterValidateError,
                                protocol::Params::refuse_overflow());
                return;
            }
            handler(call);
        }));
}

void CallRoutes::add(spi::HttpMethod method, std::string_view path, std::string_view resource, Envelope envelope,
                     Handler handler) {
    const spi::Action action = method == spi::HttpMethod::kGet ? spi::Action::kRead : spi::Action::kWrite;
    add({method, path, {action, resource, nullptr, {}, {}}}, envelope, std::move(handler));
}

void CallRoutes::add_writing_get(std::string_view path, std::string_view resource, Envelope envelope,
                                 Handler handler) {
    add({spi::HttpMethod::kGet, path, {spi::Action::kWrite, resource, nullptr, {}, {}}}, envelope, std::move(handler));
}

void CallRoutes::add_anonymous(std::string_view path, std::string_view resource, std::string_view because,
                               Envelope envelope, Handler handler) {
    add({spi::HttpMethod::kGet, path, {spi::Action::kRead, resource, nullptr, {}, because}}, envelope,
        std::move(handler));
}

}  // namespace pharos::core
