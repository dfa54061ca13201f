#include <pharos/protocol/replies.hpp>

#include <array>
#include <cstdio>
#include <ctime>

#include <pharos/sdk/json_writer.hpp>

namespace pharos::protocol {

namespace {

using sdk::JsonWriter;

constexpr std::array<spi::HttpHeader, 3> kNoCache{
    {{"Pragma", "no-cache"}, {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"}, {"Cache-Control", "no-cache,no-store"}}};

void send(spi::HttpResponder& responder, int status, std::string_view type, std::string_view body,
          std::span<const spi::HttpHeader> headers = {}) noexcept {
    const spi::Piece pieces[] = {body};
    responder.send({.status = status, .content_type = type, .headers = headers, .body = pieces});
}

std::tm utc(std::int64_t seconds) {
    const std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    gmtime_r(&time, &parts);
    return parts;
}

}  // namespace

std::string_view text_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::kSuccess: return "success";
        case ErrorCode::kParameterMissing: return "parameter missing";
        case ErrorCode::kAccessDenied: return "access denied";
        case ErrorCode::kDataAccessError: return "data access error";
        case ErrorCode::kTenantParamError: return "'tenant' parameter error";
        case ErrorCode::kParameterValidateError: return "parameter validate error";
        case ErrorCode::kMediaTypeError: return "MediaType Error";
        case ErrorCode::kResourceNotFound: return "resource not found";
        case ErrorCode::kResourceConflict: return "resource conflict";
        case ErrorCode::kParameterMismatch: return "parameter mismatch";
        case ErrorCode::kServiceNameError: return "service name error";
        case ErrorCode::kWeightError: return "weight error";
        case ErrorCode::kInstanceMetadataError: return "instance metadata error";
        case ErrorCode::kInstanceNotFound: return "instance not found";
        case ErrorCode::kInstanceError: return "instance error";
        case ErrorCode::kServiceMetadataError: return "service metadata error";
        case ErrorCode::kSelectorError: return "selector error";
        case ErrorCode::kServiceAlreadyExist: return "service already exist";
        case ErrorCode::kServiceNotExist: return "service not exist";
        case ErrorCode::kServiceDeleteFailure: return "service delete failure";
        case ErrorCode::kHealthyParamMissing: return "healthy param miss";
        case ErrorCode::kHealthCheckStillRunning: return "health check still running";
        case ErrorCode::kIllegalNamespace: return "illegal namespace";
        case ErrorCode::kNamespaceNotExist: return "namespace not exist";
        case ErrorCode::kNamespaceAlreadyExist: return "namespace already exist";
        case ErrorCode::kIllegalState: return "illegal state";
        case ErrorCode::kServerError: return "server error";
    }
    return "server error";
}

std::string_view reason_of(int status) noexcept {
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 413: return "Payload Too Large";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        default: return "Unknown";
    }
}

std::string iso_time(std::int64_t wall_ms) {
    const std::int64_t seconds = wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000;
    const std::tm parts = utc(seconds);
    char text[64];
    const int length = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03d+00:00",
                                     parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                                     parts.tm_sec, static_cast<int>(wall_ms - seconds * 1000));
    return {text, static_cast<std::size_t>(length)};
}

std::string http_date(std::int64_t wall_ms) {
    constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::tm parts = utc(wall_ms / 1000);
    char text[64];
    const int length =
        std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday], parts.tm_mday,
                      kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return {text, static_cast<std::size_t>(length)};
}

void reply_text(spi::HttpResponder responder, int status, std::string_view text) noexcept {
    send(responder, status, kTextPlain, text);
}

void reply_json(spi::HttpResponder responder, int status, std::string_view json) noexcept {
    send(responder, status, kJsonUtf8, json);
}

void reply_result(spi::HttpResponder responder, std::string_view data) noexcept {
    const spi::Piece pieces[] = {R"({"code":0,"message":"success","data":)", data, "}"};
    responder.send({.status = 200, .content_type = kJson, .headers = {}, .body = pieces});
}

void reply_result_error(spi::HttpResponder responder, int status, ErrorCode code, std::string_view detail) noexcept {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("code", static_cast<int>(code)).member("message", text_of(code));
    json.member("data", detail).end_object();
    send(responder, status, kJson, body);
}

void reply_missing_parameter(spi::HttpResponder responder, std::string_view name, std::string_view type) noexcept {
    reply_result_error(std::move(responder), 400, ErrorCode::kParameterMissing,
                       "Required parameter '" + std::string(name) + "' type " + std::string(type) + " is not present");
}

void reply_result_failure(spi::HttpResponder responder, std::string_view message, int status) noexcept {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("code", static_cast<int>(ErrorCode::kServerError)).member("message", message);
    json.key("data").null().end_object();
    send(responder, status, kJson, body);
}

void reply_rest_result(spi::HttpResponder responder, std::string_view data, std::string_view message) noexcept {
    std::string head = R"({"code":200,"message":)";
    if (message.empty()) {
        head += "null";
    } else {
        JsonWriter::append_quoted(head, message);
    }
    const spi::Piece pieces[] = {head, R"(,"data":)", data, R"(,"noRight":false})"};
    responder.send({.status = 200, .content_type = kJson, .headers = {}, .body = pieces});
}

void reply_rest_failure(spi::HttpResponder responder, int code, std::string_view message) noexcept {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("code", code).member("message", message).key("data").null();
    json.member("noRight", false).end_object();
    send(responder, 200, kJson, body);
}

void reply_servlet_error(spi::HttpResponder responder, int status, std::string_view message, std::string_view path,
                         std::int64_t now_ms) noexcept {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("timestamp", iso_time(now_ms)).member("status", status);
    json.member("error", reason_of(status)).member("message", message).member("path", path).end_object();
    send(responder, status, kJson, body);
}

void reply_check_failed(spi::HttpResponder responder, std::string_view message) noexcept {
    const spi::Piece pieces[] = {message, "\r\n"};
    responder.send({.status = 400, .content_type = {}, .headers = kNoCache, .body = pieces});
}

void reply_rpc_error(spi::RpcResponder responder, std::string_view type, int error_code, std::string_view message,
                     int result_code) noexcept {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("resultCode", result_code).member("errorCode", error_code);
    json.member("message", message).member("success", false).end_object();
    const spi::Piece pieces[] = {body};
    responder.send(type, pieces);
}

void reply_rpc_failure(spi::RpcResponder responder, int code, std::string_view message) noexcept {
    reply_rpc_error(std::move(responder), "ErrorResponse", code, message, code);
}

void reply_rpc_unparsable(spi::RpcResponder responder, std::string_view reason) noexcept {
    std::string message = "errCode: 101, errMsg: Nacos deserialize failed.  ";
    message += reason;
    reply_rpc_error(std::move(responder), "ErrorResponse", kRpcBadGateway, message);
}

void reply_rpc_check_failed(spi::RpcResponder responder, std::string_view type, std::string_view message) noexcept {
    reply_rpc_error(std::move(responder), type, kRpcInvalidParam, "Param check invalid:" + std::string(message));
}

}  // namespace pharos::protocol
