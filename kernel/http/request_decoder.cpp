#include "http/request_decoder.hpp"

#include <cstring>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>

namespace pharos::http {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

namespace {

/// Body buffers above this size are given back after their request.
constexpr std::size_t kKeptBody = 16 * 1024;
/// A chunk header with its extensions, or a trailer.
constexpr std::size_t kMaxFraming = 8 * 1024;
/// "0\r\n\r\n": this much follows at least while a chunked body is incomplete. The library asserts so when it looks
/// at a last chunk for the second time, hence shorter pieces wait.
constexpr std::size_t kLeastChunked = 5;

int method_of(bhttp::verb verb) noexcept {
    switch (verb) {
        case bhttp::verb::get: return static_cast<int>(spi::HttpMethod::kGet);
        case bhttp::verb::post: return static_cast<int>(spi::HttpMethod::kPost);
        case bhttp::verb::put: return static_cast<int>(spi::HttpMethod::kPut);
        case bhttp::verb::delete_: return static_cast<int>(spi::HttpMethod::kDelete);
        case bhttp::verb::patch: return static_cast<int>(spi::HttpMethod::kPatch);
        case bhttp::verb::head: return static_cast<int>(spi::HttpMethod::kHead);
        case bhttp::verb::options: return static_cast<int>(spi::HttpMethod::kOptions);
        default: return -1;
    }
}

}  // namespace

/// The library's parser does framing and syntax; what it finds goes into the decoder. It can't be reused, so there is
/// a fresh one in the same place for each message.
class RequestDecoder::Parser {
public:
    explicit Parser(RequestDecoder& decoder) : decoder_(decoder) { renew(); }

    void renew() {
        impl_.emplace(decoder_);
        impl_->header_limit(static_cast<std::uint32_t>(decoder_.limits_.header_bytes));
        impl_->body_limit(decoder_.limits_.body_bytes);
    }

    struct Impl final : bhttp::basic_parser<true> {
        using Text = beast::string_view;
        explicit Impl(RequestDecoder& d) : decoder(d) {}

        void on_request_impl(bhttp::verb verb, Text method, Text target, int version, error_code& ec) override {
            if (!decoder.slice(method.data(), method.size(), decoder.method_text_) ||
                !decoder.slice(target.data(), target.size(), decoder.target_)) {
                ec = bhttp::error::bad_target;
            }
            decoder.method_ = method_of(verb);
            decoder.version_ = version;
        }
        void on_response_impl(int, Text, int, error_code&) override {}
        void on_field_impl(bhttp::field field, Text name, Text value, error_code& ec) override {
            if (decoder.header_complete()) {
                return;  // trailers mean nothing to us
            }
            if (decoder.fields_.size() >= decoder.limits_.headers) {
                ec = bhttp::error::header_limit;
                return;
            }
            Field entry;
            // A folded value lives in the parser's own buffer; folding is obsolete and a smuggling aid: refused.
            if (!decoder.slice(name.data(), name.size(), entry.name) ||
                !decoder.slice(value.data(), value.size(), entry.value)) {
                ec = bhttp::error::bad_value;
                return;
            }
            decoder.fields_.push_back(entry);
            if (field == bhttp::field::transfer_encoding && !beast::iequals(value, "chunked")) {
                ec = bhttp::error::bad_transfer_encoding;
            }
            if (field == bhttp::field::expect && beast::iequals(value, "100-continue")) {
                decoder.expects_continue_ = true;
            }
        }
        void on_header_impl(error_code&) override { header_done = true; }
        void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
            body_size = length.value_or(0);
        }
        std::size_t on_body_impl(Text text, error_code&) override {
            if (decoder.body_.empty() && text.size() == body_size) {
                decoder.whole_body_ = {text.data(), text.size()};
            } else {
                decoder.body_.append(text.data(), text.size());
            }
            return text.size();
        }
        void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
        std::size_t on_chunk_body_impl(std::uint64_t, Text text, error_code&) override {
            decoder.body_.append(text.data(), text.size());
            return text.size();
        }
        void on_finish_impl(error_code&) override {}

        RequestDecoder& decoder;
        std::uint64_t body_size = 0;
        bool header_done = false;
    };

    Impl& impl() noexcept { return *impl_; }

private:
    RequestDecoder& decoder_;
    std::optional<Impl> impl_;
};

RequestDecoder::RequestDecoder(const DecoderLimits& limits)
    : limits_(limits), parser_(std::make_unique<Parser>(*this)) {}

RequestDecoder::~RequestDecoder() = default;

void RequestDecoder::reset() {
    parser_->renew();
    fields_.clear();
    headers_.clear();
    body_.clear();
    if (body_.capacity() > kKeptBody) {
        body_ = {};
    }
    whole_body_ = {};
    consumed_ = 0;
    header_bytes_ = 0;
    method_text_ = {};
    target_ = {};
    method_ = -1;
    version_ = 11;
    expects_continue_ = false;
    failure_ = 0;
    reason_.clear();
}

bool RequestDecoder::slice(const char* text, std::size_t size, Slice& out) const noexcept {
    if (size == 0) {
        out = {};
        return true;
    }
    if (text < data_ || text + size > data_ + size_) {
        return false;
    }
    out = {static_cast<std::uint32_t>(text - data_), static_cast<std::uint32_t>(size)};
    return true;
}

RequestDecoder::Progress RequestDecoder::fail(int status, std::string reason, spi::Counter* refused) {
    if (refused != nullptr) {
        refused->add();
    }
    failure_ = status;
    reason_ = std::move(reason);
    return Progress::kFailed;
}

RequestDecoder::Progress RequestDecoder::fail_header() {
    if (fields_.size() >= limits_.headers) {
        return fail(
            431, "the request has more than " + std::to_string(limits_.headers) + " header fields (http.max_headers)",
            limits_.refused_headers);
    }
    return fail(
        431, "the request header is larger than " + std::to_string(limits_.header_bytes) + " bytes (http.max_header)",
        limits_.refused_header_bytes);
}

RequestDecoder::Progress RequestDecoder::decode(const char* data, std::size_t size) {
    Parser::Impl& parser = parser_->impl();
    data_ = data;
    size_ = size;
    error_code error;
    while (consumed_ < size && !parser.is_done()) {
        if (parser.header_done && parser.chunked() && size - consumed_ < kLeastChunked) {
            break;
        }
        const std::size_t used = parser.put(boost::asio::const_buffer(data + consumed_, size - consumed_), error);
        consumed_ += used;
        if (error || used == 0) {
            break;
        }
        // The library's limit counts from the last field that was complete, ours from the first byte.
        if (!parser.header_done && consumed_ > limits_.header_bytes) {
            return fail_header();
        }
        if (parser.header_done && header_bytes_ == 0) {
            header_bytes_ = consumed_;
            parser.eager(true);  // not before: it would run on into the body
        }
    }
    if (error == bhttp::error::need_more) {
        error = {};
    }
    if (!error) {
        if (parser.is_done()) {
            return Progress::kComplete;
        }
        if (parser.header_done && size - consumed_ > kMaxFraming) {
            return fail(400, "bad chunk header");
        }
        if (!parser.header_done && size >= limits_.header_bytes) {
            return fail_header();
        }
        return Progress::kNeedMore;
    }
    if (error == bhttp::error::body_limit) {
        return fail(413,
                    "the request body is larger than " + std::to_string(limits_.body_bytes) + " bytes (http.max_body)",
                    limits_.refused_body_bytes);
    }
    if (error == bhttp::error::header_limit) {
        return fail_header();
    }
    if (error == bhttp::error::bad_version) {
        return fail(505, "the HTTP version is not supported");
    }
    return fail(400, "the request is malformed");
}

std::size_t RequestDecoder::compact(char* data, std::size_t size) noexcept {
    if (header_complete() && consumed_ > header_bytes_) {
        std::memmove(data + header_bytes_, data + consumed_, size - consumed_);
        size -= consumed_ - header_bytes_;
        consumed_ = header_bytes_;
    }
    return size;
}

bool RequestDecoder::keep_alive() const noexcept { return parser_->impl().keep_alive(); }

bool RequestDecoder::request(const char* data, spi::HttpRequest& request) {
    headers_.reserve(fields_.size());
    for (const Field& field : fields_) {
        headers_.push_back({field.name.in(data), field.value.in(data)});
    }
    request.headers = headers_;
    request.body = whole_body_.empty() ? std::string_view(body_) : whole_body_;
    request.target = target_.in(data);
    request.method = static_cast<spi::HttpMethod>(method_ < 0 ? 0 : method_);
    return method_ >= 0;
}

}  // namespace pharos::http
