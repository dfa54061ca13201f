#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <pharos/spi/http.hpp>
#include <pharos/spi/rpc.hpp>

namespace pharos::protocol {

inline constexpr std::string_view kTextPlain = "text/plain;charset=UTF-8";
inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kJsonUtf8 = "application/json;charset=UTF-8";

/// Detail codes of the v2/v3 envelope (`protocol/core.md §3.3`).
enum class ErrorCode : std::int32_t {
    kSuccess = 0,
    kParameterMissing = 10000,
    kAccessDenied = 10001,
    kDataAccessError = 10002,
    kTenantParamError = 20001,
    kParameterValidateError = 20002,
    kMediaTypeError = 20003,
    kResourceNotFound = 20004,
    kResourceConflict = 20005,
    kParameterMismatch = 20009,
    kServiceNameError = 21000,
    kWeightError = 21001,
    kInstanceMetadataError = 21002,
    kInstanceNotFound = 21003,
    kInstanceError = 21004,
    kServiceMetadataError = 21005,
    kSelectorError = 21006,
    kServiceAlreadyExist = 21007,
    kServiceNotExist = 21008,
    kServiceDeleteFailure = 21009,
    kHealthyParamMissing = 21010,
    kHealthCheckStillRunning = 21011,
    kIllegalNamespace = 22000,
    kNamespaceNotExist = 22001,
    kNamespaceAlreadyExist = 22002,
    kIllegalState = 23000,
    kServerError = 30000,
};

/// The generic text that goes with a code, such as "parameter missing".
[[nodiscard]] std::string_view text_of(ErrorCode code) noexcept;

/// Plain text.
void reply_text(spi::HttpResponder responder, int status, std::string_view text) noexcept;
/// JSON without an envelope.
void reply_json(spi::HttpResponder responder, int status, std::string_view json) noexcept;
/// v2/v3: {"code":0,"message":"success","data":…}; `data` is JSON.
void reply_result(spi::HttpResponder responder, std::string_view data) noexcept;
/// v2/v3 error: {"code":…,"message":<generic text>,"data":<text>}.
void reply_result_error(spi::HttpResponder responder, int status, ErrorCode code, std::string_view detail) noexcept;
/// v2/v3: 400, a required parameter is not there (`protocol/naming.md §0.2`). `type` is its Java type.
void reply_missing_parameter(spi::HttpResponder responder, std::string_view name,
                             std::string_view type = "String") noexcept;
/// v2/v3: {"code":30000,"message":<text>,"data":null}, for whatever has no code of its own, such as a parameter that
/// is no number. 500 but for the calls that keep 200 (`protocol/core.md §3.7`).
void reply_result_failure(spi::HttpResponder responder, std::string_view message, int status = 500) noexcept;
/// v1 core and namespaces: {"code":200,"message":<text or null>,"data":…,"noRight":false}; `data` is JSON.
void reply_rest_result(spi::HttpResponder responder, std::string_view data, std::string_view message = {}) noexcept;
/// The same for a failure, which still is HTTP 200: {"code":<code>,"message":<text>,"data":null,"noRight":false}.
void reply_rest_failure(spi::HttpResponder responder, int code, std::string_view message) noexcept;
/// The servlet container's error JSON (`protocol/naming.md §0.2`). `now_ms` is wall-clock time.
void reply_servlet_error(spi::HttpResponder responder, int status, std::string_view message, std::string_view path,
                         std::int64_t now_ms) noexcept;
/// What the parameter checker answers in every generation: 400, no content type, the message and CRLF.
void reply_check_failed(spi::HttpResponder responder, std::string_view message) noexcept;

/// Reason phrase of a status, such as "Bad Request".
[[nodiscard]] std::string_view reason_of(int status) noexcept;
/// 2026-01-01T00:00:00.000+00:00
[[nodiscard]] std::string iso_time(std::int64_t wall_ms);
/// Thu, 01 Jan 1970 00:00:00 GMT
[[nodiscard]] std::string http_date(std::int64_t wall_ms);

/// Result codes inside gRPC replies (`protocol/core.md §1.5`).
inline constexpr int kRpcInvalidParam = 400;
inline constexpr int kRpcServerError = 500;
inline constexpr int kRpcBadGateway = 502;

/// {"resultCode":500,"errorCode":…,"message":…,"success":false} of the given payload type.
void reply_rpc_error(spi::RpcResponder responder, std::string_view type, int error_code, std::string_view message,
                     int result_code = 500) noexcept;
/// An ErrorResponse whose resultCode equals its errorCode, as handlers' own errors have (`protocol/naming.md §3.2`).
void reply_rpc_failure(spi::RpcResponder responder, int code, std::string_view message) noexcept;
/// An ErrorResponse for a body that is not JSON.
void reply_rpc_unparsable(spi::RpcResponder responder, std::string_view reason) noexcept;
/// The handler's own type with "Param check invalid:<message>", errorCode 400.
void reply_rpc_check_failed(spi::RpcResponder responder, std::string_view type, std::string_view message) noexcept;

}  // namespace pharos::protocol
