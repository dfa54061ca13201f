#pragma once

#include <string>
#include <vector>

#include <pharos/spi/http.hpp>

namespace pharos::http {

/// A request that is kept longer than its bytes.
class OwnedRequest {
public:
    explicit OwnedRequest(const spi::HttpRequest& request)
        : path_(request.path),
          target_(request.target),
          query_(request.query),
          body_(request.body),
          remote_ip_(request.remote_ip) {
        view_.method = request.method;
        view_.remote_port = request.remote_port;
        texts_.reserve(2 * request.headers.size());
        for (const spi::HttpHeader& header : request.headers) {
            texts_.emplace_back(header.name);
            texts_.emplace_back(header.value);
        }
        for (std::size_t i = 0; i < texts_.size(); i += 2) {
            headers_.push_back({texts_[i], texts_[i + 1]});
        }
        view_.path = path_;
        view_.target = target_;
        view_.query = query_;
        view_.body = body_;
        view_.remote_ip = remote_ip_;
        view_.headers = headers_;
    }
    OwnedRequest(const OwnedRequest&) = delete;
    OwnedRequest& operator=(const OwnedRequest&) = delete;

    /// Valid while this lives.
    [[nodiscard]] const spi::HttpRequest& view() const noexcept { return view_; }

private:
    const std::string path_;
    const std::string target_;
    const std::string query_;
    const std::string body_;
    const std::string remote_ip_;
    std::vector<std::string> texts_;
    std::vector<spi::HttpHeader> headers_;
    spi::HttpRequest view_;
};

}  // namespace pharos::http
