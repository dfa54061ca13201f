#include "rpc/h2_session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>

namespace pharos::rpc {

namespace {

/// Names and values outlive every session: nghttp2 need not copy them.
nghttp2_nv header(std::string_view name, std::string_view value, int flags = NGHTTP2_NV_FLAG_NO_COPY_VALUE) noexcept {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            static_cast<std::uint8_t>(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME)};
}

const nghttp2_nv kStatusOk = header(":status", "200");
const nghttp2_nv kContentType = header("content-type", "application/grpc");
const nghttp2_nv kAcceptEncoding = header("grpc-accept-encoding", "identity,gzip");

bool is_grpc(std::string_view content_type) noexcept {
    constexpr std::string_view kBase = "application/grpc";
    return content_type.starts_with(kBase) && (content_type.size() == kBase.size() ||
                                               content_type[kBase.size()] == '+' || content_type[kBase.size()] == ';');
}

/// Frames that go well with one message: its window updates, and the pings by which clients measure the line.
constexpr std::size_t kFramesWithMessage = 8;

std::string_view text_of(nghttp2_rcbuf* buffer) noexcept {
    const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

}  // namespace

std::string_view setting_of(H2Limit limit) noexcept {
    switch (limit) {
        case H2Limit::kFrame: return "rpc.max_frame";
        case H2Limit::kUnsentReplies: return "rpc.max_unsent";
        case H2Limit::kHeaderList: return "rpc.max_header";
        case H2Limit::kStreams: return "rpc.max_streams";
        case H2Limit::kResets: return "rpc.max_resets";
        case H2Limit::kControlFrames: return "rpc.max_control_frames";
    }
    return {};
}

struct H2Session::Stream {
    enum class Kind : std::uint8_t { kUnknown, kCall, kBidi, kRefused };

    Stream(H2Session& session_, std::int32_t id_) : session(session_), id(id_) {}

    H2Session& session;
    const std::int32_t id;
    Kind kind = Kind::kUnknown;  ///< by its path; kRefused: ended by us, input is dropped
    bool grpc = false;
    bool post = false;
    bool gzip = false;
    bool has_request = false;  ///< `request` is the message of a unary call
    bool answered = false;     ///< on_call() has been told of it
    bool responded = false;    ///< headers of a response are on their way
    bool finishing = false;    ///< the bi-directional stream: trailers follow what is queued
    Status status = Status::kOk;
    std::size_t header_bytes = 0;
    H2Messages in;
    std::string request;
    H2Chain out;
    std::list<Stream>::iterator self;
};

/// nghttp2's callbacks. They come within receive() and produce().
struct H2Session::Callbacks {
    static H2Session& session_of(void* user_data) noexcept { return *static_cast<H2Session*>(user_data); }

    static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        if (frame->type == NGHTTP2_DATA) {
            self.data_left_ = frame->length;
        }
        self.count_frame(frame->type, frame->flags, frame->length);
        return self.calm_down_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;  // no more of a flood is read
    }

    static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            Stream& stream = self.streams_.emplace_front(self, frame->hd.stream_id);
            stream.self = self.streams_.begin();
            nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &stream);
        }
        return 0;
    }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name_buffer,
                         nghttp2_rcbuf* value_buffer, std::uint8_t, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        Stream* stream = self.find(frame->hd.stream_id);
        if (stream == nullptr) {
            return 0;
        }
        const std::string_view name = text_of(name_buffer);
        const std::string_view value = text_of(value_buffer);
        stream->header_bytes += name.size() + value.size() + 32;
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {  // trailers
            if (stream->header_bytes <= self.limits_.max_header_list) {
                return 0;
            }
            self.events_.on_limit(H2Limit::kHeaderList);
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        if (name == ":path") {
            stream->kind = value == "/Request/request"                   ? Stream::Kind::kCall
                           : value == "/BiRequestStream/requestBiStream" ? Stream::Kind::kBidi
                                                                         : Stream::Kind::kUnknown;
        } else if (name == ":method") {
            stream->post = value == "POST";
        } else if (name == "content-type") {
            stream->grpc = is_grpc(value);
        } else if (name == "grpc-encoding") {
            stream->gzip = value == "gzip";
        }
        return 0;
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        if (frame->hd.type == NGHTTP2_SETTINGS) {
            self.greeted_ = true;
        }
        if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
            return 0;
        }
        Stream* stream = self.find(frame->hd.stream_id);
        if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            self.on_headers_done(*stream);
        }
        if (stream != nullptr && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            self.on_end_of_requests(*stream);
        }
        return 0;
    }

    /// A stream that is one too many is refused by nghttp2: alone while the client may not know the limit yet, else
    /// with its connection.
    static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        if (frame->hd.type == NGHTTP2_HEADERS && self.streams_.size() >= self.limits_.max_streams) {
            self.events_.on_limit(H2Limit::kStreams);
        }
        return 0;
    }

    static int on_chunk(nghttp2_session*, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                        std::size_t size, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        self.data_left_ -= std::min(self.data_left_, size);
        if (Stream* stream = self.find(id)) {
            const bool last = (flags & NGHTTP2_FLAG_END_STREAM) != 0 && self.data_left_ == 0;
            self.on_data(*stream, {reinterpret_cast<const char*>(data), size}, last);
        }
        return 0;
    }

    static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t error,
                               void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        if (Stream* stream = self.find(id)) {
            nghttp2_session_set_stream_user_data(session, id, nullptr);
            self.on_stream_gone(*stream, error != NGHTTP2_NO_ERROR);
        }
        return 0;
    }

    /// A client that still sends after its answer is told to stop.
    static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void*) noexcept {
        if (frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
            nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0) {
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
        }
        return 0;
    }

    static ssize_t read_data(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room, std::uint32_t* flags,
                             nghttp2_data_source* source, void* user_data) noexcept {
        return session_of(user_data).plan_data(*static_cast<Stream*>(source->ptr), room, *flags);
    }

    static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header, std::size_t length,
                         nghttp2_data_source* source, void* user_data) noexcept {
        H2Session& self = session_of(user_data);
        if (self.out_->size() >= self.out_limit_) {
            return NGHTTP2_ERR_WOULDBLOCK;
        }
        constexpr std::size_t kFrameHeader = 9;
        self.write_data(*static_cast<Stream*>(source->ptr), {reinterpret_cast<const char*>(frame_header), kFrameHeader},
                        length);
        return 0;
    }

    static nghttp2_session_callbacks* make() {
        nghttp2_session_callbacks* callbacks = nullptr;
        if (nghttp2_session_callbacks_new(&callbacks) != 0) {
            throw std::bad_alloc();
        }
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
        nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
        return callbacks;
    }
};

H2Session::H2Session(const H2Limits& limits, Events& events) : limits_(limits), events_(events) {
    const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)> callbacks(
        Callbacks::make(), nghttp2_session_callbacks_del);
    nghttp2_option* made = nullptr;
    if (nghttp2_option_new(&made) != 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)> option(made, nghttp2_option_del);
    nghttp2_option_set_no_closed_streams(option.get(), 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(option.get(), 256);  // our headers are always the same few
    nghttp2_option_set_max_outbound_ack(option.get(), 10'000);             // more than one read can ask for
    nghttp2_option_set_stream_reset_rate_limit(option.get(), limits.max_resets, 100);
    if (nghttp2_session_server_new2(&session_, callbacks.get(), this, option.get()) != 0) {
        throw std::bad_alloc();
    }
    const std::array<nghttp2_settings_entry, 4> settings{{
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(limits.stream_window)},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.max_header_list)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    }};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits.connection_window);
}

H2Session::~H2Session() { nghttp2_session_del(session_); }

H2Session::Stream* H2Session::find(std::int32_t id) const noexcept {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

void H2Session::end(std::string_view reason) {
    if (end_reason_.empty()) {
        end_reason_ = reason;
    }
}

void H2Session::end_by(H2Limit limit, std::string reason) {
    if (end_reason_.empty()) {
        calm_down_ = true;
        end_reason_ = std::move(reason.append(" (").append(setting_of(limit)).append(")"));
        events_.on_limit(limit);
    }
}

// Input ---------------------------------------------------------------------------------------------------------------

void H2Session::receive(std::string_view bytes) {
    const ssize_t taken =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken == NGHTTP2_ERR_FLOODED) {
        end_by(H2Limit::kControlFrames, "too many frames want an acknowledgement, or headers are in too many pieces");
    } else if (taken < 0) {
        end(nghttp2_strerror(static_cast<int>(taken)));
    }
}

void H2Session::count_frame(std::uint8_t type, std::uint8_t flags, std::size_t length) {
    const bool brings_something =
        type == NGHTTP2_HEADERS || (type == NGHTTP2_DATA && (length != 0 || (flags & NGHTTP2_FLAG_END_STREAM) != 0));
    if (!brings_something && ++control_frames_ > limits_.max_control_frames) {
        end_by(H2Limit::kControlFrames,
               "more than " + std::to_string(limits_.max_control_frames) + " frames in a few seconds bring nothing");
    }
}

void H2Session::earn_frames() noexcept { control_frames_ -= std::min(control_frames_, kFramesWithMessage); }

void H2Session::on_headers_done(Stream& stream) {
    if (stream.header_bytes > limits_.max_header_list) {
        events_.on_limit(H2Limit::kHeaderList);
        refuse(stream, Status::kExhausted,
               "the headers have " + std::to_string(stream.header_bytes) + " bytes, the limit is " +
                   std::to_string(limits_.max_header_list) + " (rpc.max_header)");
        return;
    }
    if (!stream.post) {
        return refuse_http(stream, "405");
    }
    if (!stream.grpc) {
        return refuse_http(stream, "415");
    }
    if (stream.kind == Stream::Kind::kUnknown || (stream.kind == Stream::Kind::kBidi && bidi_ != nullptr)) {
        refuse(stream, Status::kUnimplemented,
               stream.kind == Stream::Kind::kUnknown ? "no such method" : "a connection has one stream");
        return;
    }
    if (stream.kind == Stream::Kind::kBidi) {
        bidi_ = &stream;
        start_response(stream);  // clients may wait for it before they send
        events_.on_stream_opened();
    }
}

void H2Session::on_data(Stream& stream, std::string_view data, bool last) {
    assembling_ -= stream.in.held();
    bool go_on = true;
    while (go_on && stream.kind != Stream::Kind::kRefused) {
        H2Messages::Message message;
        const H2Messages::Found found = stream.in.next(data, limits_.max_frame, message);
        if (found == H2Messages::Found::kNothing) {
            break;
        }
        go_on = found == H2Messages::Found::kMessage ? on_message(stream, message, last && data.empty())
                                                     : refuse_too_large(stream, stream.in.declared_size());
    }
    assembling_ += stream.in.held();
    if (assembling_ > limits_.max_assembling && go_on) {
        events_.on_limit(H2Limit::kFrame);
        refuse(stream, Status::kExhausted,
               "messages under way on this connection exceed " + std::to_string(limits_.max_assembling) +
                   " bytes (4 times rpc.max_frame)");
    }
}

bool H2Session::refuse_too_large(Stream& stream, std::size_t size) {
    events_.on_limit(H2Limit::kFrame);
    return refuse(stream, Status::kExhausted,
                  "gRPC message exceeds maximum size " + std::to_string(limits_.max_frame) + ": " +
                      std::to_string(size) + " (rpc.max_frame)");
}

bool H2Session::on_message(Stream& stream, const H2Messages::Message& message, bool last) {
    earn_frames();
    std::string_view frame = message.bytes;
    std::string unpacked;
    if (message.compressed) {
        if (!stream.gzip) {
            return refuse(stream, Status::kUnimplemented, "compressed by an unknown method");
        }
        std::optional<std::string> text = h2_gunzip(frame, limits_.max_frame);
        if (!text) {
            return refuse(stream, Status::kInternal, "not gzip, or too large");
        }
        unpacked = std::move(*text);
        frame = unpacked;
    }
    if (stream.kind == Stream::Kind::kBidi) {
        events_.on_stream_frame(frame);
        return true;
    }
    if (stream.has_request || stream.answered) {
        return refuse(stream, Status::kInternal, "more than one message in a unary call");
    }
    stream.has_request = true;
    if (last) {  // nothing can follow, so that the call need not wait for the end of the frame: no copy
        stream.answered = true;
        events_.on_call(stream.id, frame);
    } else {
        stream.request = frame;
        assembling_ += frame.size();
    }
    return true;
}

void H2Session::on_end_of_requests(Stream& stream) {
    switch (stream.kind) {
        case Stream::Kind::kBidi:
            stream.finishing = true;
            nghttp2_session_resume_data(session_, stream.id);
            end("stream ended");
            break;
        case Stream::Kind::kCall:
            if (stream.answered) {
                break;
            }
            if (!stream.has_request || stream.in.inside()) {
                refuse(stream, Status::kInternal, "no message in a unary call");
                break;
            }
            stream.answered = true;
            assembling_ -= stream.request.size();
            {
                const std::string request = std::move(stream.request);
                stream.request.clear();
                events_.on_call(stream.id, request);
            }
            break;
        case Stream::Kind::kUnknown:
        case Stream::Kind::kRefused: break;
    }
}

void H2Session::on_stream_gone(Stream& stream, bool reset) {
    assembling_ -= stream.in.held() + stream.request.size();
    unsent_replies_ -= stream.out.size();
    if (&stream == bidi_) {
        bidi_ = nullptr;
        end("stream cancelled");
    } else if ((reset || stream.kind == Stream::Kind::kRefused) && ++resets_ > limits_.max_resets) {
        // They cost work and bring nothing.
        end_by(H2Limit::kResets, "more than " + std::to_string(limits_.max_resets) + " streams were reset or refused");
    }
    streams_.erase(stream.self);
}

// Output --------------------------------------------------------------------------------------------------------------

void H2Session::start_response(Stream& stream) {
    stream.responded = true;
    const std::array<nghttp2_nv, 3> headers{kStatusOk, kContentType, kAcceptEncoding};
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = Callbacks::read_data;
    nghttp2_submit_response(session_, stream.id, headers.data(), headers.size(), &provider);
}

void H2Session::submit_trailer(std::int32_t id, Status status) {
    const std::string code = std::to_string(static_cast<int>(status));
    const nghttp2_nv trailer = header("grpc-status", code, NGHTTP2_NV_FLAG_NONE);
    nghttp2_submit_trailer(session_, id, &trailer, 1);
}

bool H2Session::refuse(Stream& stream, Status status, std::string_view message) {
    if (stream.kind == Stream::Kind::kBidi && &stream == bidi_) {
        stream.status = status;
        stream.finishing = true;
        nghttp2_session_resume_data(session_, stream.id);
        end(message);
    } else if (!std::exchange(stream.responded, true)) {
        const std::string code = std::to_string(static_cast<int>(status));
        const std::array<nghttp2_nv, 4> headers{kStatusOk, kContentType,
                                                header("grpc-status", code, NGHTTP2_NV_FLAG_NONE),
                                                header("grpc-message", message, NGHTTP2_NV_FLAG_NONE)};
        nghttp2_submit_response(session_, stream.id, headers.data(), headers.size(), nullptr);
    }
    stream.kind = Stream::Kind::kRefused;
    return false;
}

void H2Session::refuse_http(Stream& stream, std::string_view status) {
    stream.responded = true;
    const nghttp2_nv headers = header(":status", status);
    nghttp2_submit_response(session_, stream.id, &headers, 1, nullptr);
    stream.kind = Stream::Kind::kRefused;
}

void H2Session::reply(std::int32_t id, H2Chain message) {
    Stream* stream = find(id);
    if (stream == nullptr || stream->kind != Stream::Kind::kCall || stream->responded) {
        return;
    }
    unsent_replies_ += message.size();
    stream->out = std::move(message);
    if (unsent_replies_ > limits_.max_unsent_replies) {
        return end_by(H2Limit::kUnsentReplies, "the client does not read its answers: more than " +
                                                   std::to_string(limits_.max_unsent_replies) + " bytes wait for it");
    }
    start_response(*stream);
}

void H2Session::push(H2Chain message) {
    if (bidi_ == nullptr || bidi_->finishing) {
        return;
    }
    pushes_.push_back(std::move(message));
    if (pushes_.size() == 1) {
        nghttp2_session_resume_data(session_, bidi_->id);
    }
}

void H2Session::ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void H2Session::go_away() {
    if (calm_down_) {
        nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                              NGHTTP2_ENHANCE_YOUR_CALM, reinterpret_cast<const std::uint8_t*>(end_reason_.data()),
                              end_reason_.size());
    }
    nghttp2_session_terminate_session(session_, calm_down_ ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_NO_ERROR);
}

void H2Session::produce(H2Chain& out, std::size_t limit) {
    out_ = &out;
    out_limit_ = limit;
    while (out.size() < limit) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
        if (size < 0) {
            end(nghttp2_strerror(static_cast<int>(size)));
        }
        if (size <= 0) {
            break;
        }
        out.copy({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    }
    out_ = nullptr;
    if (nghttp2_session_want_read(session_) == 0) {
        end("protocol error or GOAWAY");
    }
}

/// How much of the stream's messages goes into the next DATA frame. Several small ones share a frame.
std::ptrdiff_t H2Session::plan_data(Stream& stream, std::size_t room, std::uint32_t& flags) {
    const bool is_bidi = &stream == bidi_;
    std::size_t ready = stream.out.size();
    for (auto push = pushes_.begin(); is_bidi && push != pushes_.end() && ready < room; ++push) {
        ready += push->size();
    }
    if (ready == 0 && is_bidi && !stream.finishing) {
        return NGHTTP2_ERR_DEFERRED;
    }
    flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (ready <= room && (!is_bidi || stream.finishing)) {
        flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailer(stream.id, stream.status);
    }
    return static_cast<std::ptrdiff_t>(std::min(ready, room));
}

void H2Session::write_data(Stream& stream, std::string_view frame_header, std::size_t length) {
    out_->copy(frame_header);
    earn_frames();
    if (&stream != bidi_) {
        unsent_replies_ -= length;
        sent_replies_ += length;
        return stream.out.move_to(*out_, length);
    }
    sent_.bytes += length;
    while (length > 0) {
        H2Chain& push = pushes_.front();
        const std::size_t part = std::min(length, push.size());
        push.move_to(*out_, part);
        length -= part;
        if (push.empty()) {
            pushes_.pop_front();
            ++sent_.frames;
        }
    }
}

}  // namespace pharos::rpc
