#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <pharos/spi/http.hpp>

#include "api_http/failure.hpp"

namespace pharos::naming {

/// The way back of one call, in the shapes of its generation: v1 answers bare text and JSON, v2 and v3 wrap both
/// (`protocol/naming.md §0`). Answers at most once; may be kept and used later, on any thread.
class Answer {
public:
    Answer(Generation generation, spi::HttpResponder responder) noexcept
        : responder_(std::move(responder)), generation_(generation), wraps_(generation != Generation::kV1) {}

    [[nodiscard]] Generation generation() const noexcept { return generation_; }

    /// Success is told as v1 tells it: some calls of v2 do so (`protocol/naming.md §11`, trap 38).
    void unwrap() noexcept { wraps_ = false; }

    /// A change was made: `ok`.
    void ok() noexcept;
    /// JSON, wrapped.
    void json(std::string_view data) noexcept;
    /// JSON in three parts, wrapped: what is shared by many replies is not copied.
    void json(const std::array<spi::Piece, 3>& data) noexcept;
    /// JSON that v1 wraps too, in an envelope of its own: `{"code":200,"message":null,"data":…,"noRight":false}`.
    void rest_json(std::string_view data) noexcept;
    /// Any stage but kFilter, whose shape shows the request's path.
    void refuse(const Failure& failure) noexcept;
    /// The servlet container's error JSON.
    void servlet_error(int status, std::string_view message, std::string_view path, std::int64_t now_ms) noexcept;
    /// A status and nothing else.
    void empty(int status) noexcept;

private:
    spi::HttpResponder responder_;
    Generation generation_;
    bool wraps_;
};

}  // namespace pharos::naming
