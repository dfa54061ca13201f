#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <pharos/protocol/replies.hpp>

namespace pharos::naming {

/// Which API a call belongs to. They differ in how parameters are read and in how answers are wrapped; what a call does
/// is the same for all.
enum class Generation : std::uint8_t { kV1, kV2, kV3 };

/// Why a call is refused, before its generation gives it a shape (`protocol/naming.md §0.2`).
struct Failure {
    /// In order of precedence: what an earlier stage refuses never reaches a later one (`protocol/naming.md §0.1`).
    enum class Stage : std::uint8_t {
        kFilter,      ///< a filter of v1: servlet error JSON
        kCheck,       ///< the parameter check: plain text without a content type
        kConversion,  ///< text that is not of the parameter's type
        kCall,        ///< anything the call itself finds
    };
    Stage stage = Stage::kCall;
    int status = 400;
    protocol::ErrorCode code = protocol::ErrorCode::kServerError;
    std::string message;
};

/// An error with a code of its own.
[[nodiscard]] inline Failure business_error(int status, protocol::ErrorCode code, std::string message) {
    return {Failure::Stage::kCall, status, code, std::move(message)};
}
/// An illegal argument: 400.
[[nodiscard]] inline Failure illegal(std::string message) {
    return business_error(400, protocol::ErrorCode::kParameterValidateError, std::move(message));
}
/// What the reference throws at run time, such as a conflict of ephemeral and persistent: 400, and the text shows it.
[[nodiscard]] inline Failure runtime_error(std::string_view message) {
    return business_error(400, protocol::ErrorCode::kServerError,
                          "errCode: 400, errMsg: " + std::string(message) + " ");
}

}  // namespace pharos::naming
