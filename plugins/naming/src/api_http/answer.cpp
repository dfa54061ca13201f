#include "api_http/answer.hpp"

namespace pharos::naming {

namespace {

constexpr std::string_view kOpen = R"({"code":0,"message":"success","data":)";

}  // namespace

void Answer::ok() noexcept {
    if (wraps_) {
        protocol::reply_result(std::move(responder_), R"("ok")");
    } else {
        protocol::reply_text(std::move(responder_), 200, "ok");
    }
}

void Answer::json(std::string_view data) noexcept {
    if (wraps_) {
        protocol::reply_result(std::move(responder_), data);
    } else {
        protocol::reply_json(std::move(responder_), 200, data);
    }
}

void Answer::json(const std::array<spi::Piece, 3>& data) noexcept {
    if (wraps_) {
        const spi::Piece wrapped[] = {kOpen, data[0], data[1], data[2], "}"};
        responder_.send({.status = 200, .content_type = protocol::kJson, .headers = {}, .body = wrapped});
    } else {
        responder_.send({.status = 200, .content_type = protocol::kJsonUtf8, .headers = {}, .body = data});
    }
}

void Answer::rest_json(std::string_view data) noexcept {
    if (generation_ == Generation::kV1) {
        protocol::reply_rest_result(std::move(responder_), data);
    } else {
        json(data);
    }
}

void Answer::refuse(const Failure& failure) noexcept {
    if (failure.stage == Failure::Stage::kCheck) {
        protocol::reply_check_failed(std::move(responder_), failure.message);
    } else if (generation_ == Generation::kV1) {
        protocol::reply_text(std::move(responder_), failure.status, failure.message);
    } else if (failure.stage == Failure::Stage::kConversion) {
        protocol::reply_result_failure(std::move(responder_), failure.message);
    } else {
        protocol::reply_result_error(std::move(responder_), failure.status, failure.code, failure.message);
    }
}

void Answer::servlet_error(int status, std::string_view message, std::string_view path, std::int64_t now_ms) noexcept {
    protocol::reply_servlet_error(std::move(responder_), status, message, path, now_ms);
}

void Answer::empty(int status) noexcept {
    responder_.send({.status = status, .content_type = {}, .headers = {}, .body = {}});
}

}  // namespace pharos::naming
