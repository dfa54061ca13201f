#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/http.hpp>
#include <pharos/spi/metrics.hpp>

namespace pharos::http {

struct DecoderLimits {
    std::size_t header_bytes = 64 * 1024;
    std::size_t headers = 200;
    std::size_t body_bytes = 16u << 20;
    /// What counts refusals; may be null.
    spi::Counter* refused_header_bytes = nullptr;
    spi::Counter* refused_headers = nullptr;
    spi::Counter* refused_body_bytes = nullptr;
};

/// Turns bytes into one request at a time. Knows nothing of sockets.
///
/// The caller keeps the bytes of the message, from its first one on, and may move them between calls: headers are
/// remembered as offsets. A body that arrives in one piece is not copied.
class RequestDecoder {
public:
    enum class Progress : std::uint8_t { kNeedMore, kComplete, kFailed };

    explicit RequestDecoder(const DecoderLimits& limits);
    ~RequestDecoder();
    RequestDecoder(const RequestDecoder&) = delete;
    RequestDecoder& operator=(const RequestDecoder&) = delete;

    /// Forgets the message; keeps small buffers.
    void reset();

    /// `data` is all that is kept of the message, what was decoded before included. After kFailed only the failure
    /// may be asked for.
    Progress decode(const char* data, std::size_t size);

    /// Bytes of `data` that need not be decoded again; of a complete message, its length.
    [[nodiscard]] std::size_t consumed() const noexcept { return consumed_; }
    /// Cuts body bytes that have been dealt with out of the kept data. Returns the new size.
    std::size_t compact(char* data, std::size_t size) noexcept;

    /// HTTP status of the failure: 400, 413, 431 or 505.
    [[nodiscard]] int failure() const noexcept { return failure_; }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

    [[nodiscard]] bool header_complete() const noexcept { return header_bytes_ != 0; }
    /// The client waits for "100 Continue" before it sends the body.
    [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
    [[nodiscard]] bool keep_alive() const noexcept;
    [[nodiscard]] bool is_http10() const noexcept { return version_ == 10; }

    /// Of a complete message; `data` as in the last decode(). Views live until reset() or the end of `data`.
    /// False: a method that no route can have.
    [[nodiscard]] bool request(const char* data, spi::HttpRequest& request);
    /// Once the start line is there, else "".
    [[nodiscard]] std::string_view method_text(const char* data) const noexcept { return method_text_.in(data); }
    [[nodiscard]] std::string_view target(const char* data) const noexcept { return target_.in(data); }

private:
    class Parser;
    struct Slice {
        std::uint32_t at = 0;
        std::uint32_t size = 0;
        [[nodiscard]] std::string_view in(const char* data) const noexcept { return {data + at, size}; }
    };
    struct Field {
        Slice name;
        Slice value;
    };

    Progress fail(int status, std::string reason, spi::Counter* refused = nullptr);
    Progress fail_header();
    [[nodiscard]] bool slice(const char* text, std::size_t size, Slice& out) const noexcept;

    const DecoderLimits limits_;
    std::unique_ptr<Parser> parser_;
    std::vector<Field> fields_;
    std::vector<spi::HttpHeader> headers_;
    std::string body_;             ///< when it came in pieces
    std::string_view whole_body_;  ///< when it came in one
    const char* data_ = nullptr;   ///< during decode()
    std::size_t size_ = 0;
    std::size_t consumed_ = 0;
    std::size_t header_bytes_ = 0;
    Slice method_text_;
    Slice target_;
    int method_ = -1;
    int version_ = 11;
    bool expects_continue_ = false;
    int failure_ = 0;
    std::string reason_;
};

}  // namespace pharos::http
