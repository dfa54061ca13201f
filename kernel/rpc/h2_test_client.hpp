#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/h2_message.hpp"

namespace pharos::rpc::test {

/// A message with its prefix, whole bodies of one DATA frame being made by joining some.
inline std::string prefixed(std::string_view message, bool compressed = false) {
    std::string bytes = h2_prefix(message.size());
    bytes[0] = compressed ? 1 : 0;
    return bytes.append(message);
}

/// A gRPC client without I/O, for what a well-behaved client library never does.
class H2Client {
public:
    using Headers = std::vector<std::pair<std::string, std::string>>;
    struct Reply {
        std::map<std::string, std::string> headers;  ///< with trailers
        std::string data;
        bool closed = false;
        std::uint32_t error = 0;
    };
    static constexpr const char* kUnary = "/Request/request";
    static constexpr const char* kStream = "/BiRequestStream/requestBiStream";

    /// `window`: how many bytes the server may send on a stream; with 0 only open_window() allows any.
    explicit H2Client(std::uint32_t window = 1 << 24) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_option* option = nullptr;
        nghttp2_option_new(&option);
        nghttp2_option_set_no_auto_window_update(option, window == 0 ? 1 : 0);
        nghttp2_session_client_new2(&session_, callbacks, this, option);
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
        nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 26);
    }
    ~H2Client() { nghttp2_session_del(session_); }
    H2Client(const H2Client&) = delete;
    H2Client& operator=(const H2Client&) = delete;

    std::int32_t request(const char* path, std::string body, bool end, const Headers& more = {},
                         const char* content_type = "application/grpc", const char* method = "POST") {
        Headers all{
            {":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "test"}, {"te", "trailers"}};
        all.emplace_back("content-type", content_type);
        all.insert(all.end(), more.begin(), more.end());
        std::vector<nghttp2_nv> fields;
        for (auto& [name, value] : all) {
            fields.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                              reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                              NGHTTP2_NV_FLAG_NONE});
        }
        nghttp2_data_provider provider{};
        provider.read_callback = read_data;
        const std::int32_t id =
            nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, nullptr);
        outgoing_[id] = {std::move(body), end};
        return id;
    }
    void write(std::int32_t id, std::string_view bytes, bool end = false) {
        outgoing_[id].bytes += bytes;
        outgoing_[id].end |= end;
        nghttp2_session_resume_data(session_, id);
    }
    void reset(std::int32_t id) { nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL); }
    void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
    void open_window(std::int32_t id, std::int32_t by) {
        nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, id, by);
    }

    std::string output() {
        std::string all;
        const std::uint8_t* bytes = nullptr;
        for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;) {
            all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        }
        return all;
    }
    bool input(std::string_view bytes) {
        return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) >=
               0;
    }
    Reply& reply(std::int32_t id) { return replies_[id]; }
    /// grpc-status, or :status where it is not 200.
    std::string status(std::int32_t id) {
        Reply& of = replies_[id];
        return of.headers[":status"] == "200" ? of.headers["grpc-status"] : "http " + of.headers[":status"];
    }

private:
    struct Outgoing {
        std::string bytes;
        bool end = false;
    };
    static H2Client& self(void* user_data) { return *static_cast<H2Client*>(user_data); }
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user_data) {
        self(user_data).replies_[frame->hd.stream_id].headers[std::string(name, name + name_size)] =
            std::string(value, value + value_size);
        return 0;
    }
    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                       void* user_data) {
        self(user_data).replies_[id].data.append(data, data + size);
        return 0;
    }
    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user_data) {
        self(user_data).replies_[id].closed = true;
        self(user_data).replies_[id].error = error;
        return 0;
    }
    static ssize_t read_data(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t room,
                             std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
        Outgoing& out = self(user_data).outgoing_[id];
        const std::size_t size = out.bytes.copy(reinterpret_cast<char*>(buffer), room);
        out.bytes.erase(0, size);
        if (out.bytes.empty() && out.end) {
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        } else if (size == 0) {
            return NGHTTP2_ERR_DEFERRED;
        }
        return static_cast<ssize_t>(size);
    }

    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, Outgoing> outgoing_;
    std::map<std::int32_t, Reply> replies_;
};

}  // namespace pharos::rpc::test
