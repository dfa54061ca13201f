#pragma once

#include <string>
#include <string_view>

#include <pharos/spi/http.hpp>

namespace pharos::http {

/// What the request says about the form of its reply.
struct ReplyForm {
    bool http10 = false;
    bool keep_alive = true;
    bool head = false;  ///< no body, but its length
};

/// Appends a whole reply. Header fields with control characters are left out: they would split the reply.
void append_reply(std::string& out, const spi::HttpReply& reply, ReplyForm form);

/// The JSON that the reference server answers when no handler has spoken.
[[nodiscard]] std::string error_body(int status, std::string_view message, std::string_view path);

/// Appends a reply with error_body().
void append_error(std::string& out, int status, std::string_view message, std::string_view path, ReplyForm form,
                  std::string_view allow = {});

[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace pharos::http
