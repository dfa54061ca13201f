#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include <pharos/spi/status.hpp>

#include "cli/http_client.hpp"

namespace pharos::cli {

/// Why a server refused, as one readable line, from any of the shapes it may say it in (`protocol/core.md §3.1`): the
/// v2/v3 Result, the v1 RestResult, the servlet container's JSON, and plain text. Never empty.
[[nodiscard]] std::string refusal_of(const HttpReply& reply);

/// True when the server has no such call: an unknown path, a method that it does not take there, or a generation of the
/// API that is switched off (`protocol/core.md §3.4`). A thing that is missing is something else.
[[nodiscard]] bool is_missing_call(const HttpReply& reply);

/// True when a call was understood and the thing that it names is not there.
[[nodiscard]] bool is_missing_thing(const HttpReply& reply);

/// True when the server wants another login or none at all for this call. Envelopes use the same status for other
/// mistakes, so only what is none counts (`protocol/core.md §4.2`).
[[nodiscard]] bool is_access_refused(const HttpReply& reply);

/// What a successful reply holds: the `data` of an envelope, or the JSON itself when there is none. Errors: the refusal
/// with kNotFound, kConflict or kDenied, or kInternal when the reply is not JSON.
[[nodiscard]] spi::Result<boost::json::value> data_of(const HttpReply& reply);

/// The refusal as a Status, for replies that are not JSON when all is well.
[[nodiscard]] spi::Status refused(const HttpReply& reply);

/// Without line breaks and other control characters, which become blanks; at most `limit` bytes.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit);

}  // namespace pharos::cli
