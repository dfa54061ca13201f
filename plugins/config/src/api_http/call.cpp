#include "api_http/call.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/request.hpp>
#include <pharos/sdk/json_writer.hpp>

#include "model/rules.hpp"

namespace pharos::config {

namespace {

using protocol::ErrorCode;
using protocol::Params;

std::string_view tenant_in(const Params& params) {
    return params.get_or("namespaceId", params.get_or("tenant", params.get("namespace")));
}
std::string_view group_in(const Params& params) { return params.get_or("groupName", params.get("group")); }

}  // namespace

spi::Resource resource_of(const spi::HttpRequest& request) {
    const Params params(request);
    ConfigKey key = make_key(tenant_in(params), group_in(params), params.get("dataId"));
    return {std::move(key.namespace_id), std::move(key.group), std::move(key.data_id)};
}

spi::Resource namespace_of(const spi::HttpRequest& request) {
    const Params params(request);
    const std::string_view tenant = tenant_in(params);
    return {std::string(tenant.empty() ? "*" : tenant), {}, {}};
}

void Reply::data(std::string_view json) {
    if (generation_ == Generation::kV1) {
        protocol::reply_json(take(), 200, json);
    } else {
        protocol::reply_result(take(), json);
    }
}

void Reply::wrapped(std::string_view json) {
    if (generation_ == Generation::kV1) {
        protocol::reply_rest_result(take(), json);
    } else {
        protocol::reply_result(take(), json);
    }
}

void Reply::bare(std::string_view json) { protocol::reply_json(take(), 200, json); }

void Reply::text(int status, std::string_view text) { protocol::reply_text(take(), status, text); }

void Reply::caused(int status, std::string_view message) {
    std::string body = "caused: ";
    body += message;
    body += ';';
    protocol::reply_text(take(), status, body);
}

void Reply::invalid(std::string_view message) {
    if (generation_ == Generation::kV1 || generation_ == Generation::kV3Client) {
        caused(400, message);
    } else {
        protocol::reply_result_error(take(), 400, ErrorCode::kParameterValidateError, message);
    }
}

void Reply::missing(std::string_view parameter, const spi::HttpRequest& request, const spi::Clock& clock) {
    switch (generation_) {
        case Generation::kV1:
            protocol::reply_servlet_error(take(), 400,
                                          "Required parameter '" + std::string(parameter) + "' is not present.",
                                          request.path, clock.wall_ms());
            break;
        case Generation::kV3Client:
            caused(400, "Required parameter '" + std::string(parameter) + "' type String is not present");
            break;
        default: protocol::reply_missing_parameter(take(), parameter); break;
    }
}

void Reply::not_found(std::string_view message) {
    if (generation_ == Generation::kV1 || generation_ == Generation::kV3Client) {
        caused(404, message);
    } else {
        protocol::reply_result_error(take(), 404, ErrorCode::kResourceNotFound, message);
    }
}

void Reply::forbidden(std::string_view message) {
    if (generation_ == Generation::kV1) {
        protocol::reply_text(take(), 403, message);  // as 2.x; 3.x has no handler for it (protocol/config.md §2.5)
    } else {
        protocol::reply_result_error(take(), 403, ErrorCode::kAccessDenied, message);
    }
}

void Reply::failed(const spi::Status& status) {
    if (generation_ == Generation::kV1 || generation_ == Generation::kV3Client) {
        caused(500, status.message());
    } else {
        protocol::reply_result_error(
            take(), 500,
            status.code() == spi::Code::kConflict ? ErrorCode::kResourceConflict : ErrorCode::kDataAccessError,
            status.message());
    }
}

void Reply::busy(std::string_view message) {
    if (generation_ == Generation::kV1 || generation_ == Generation::kV3Client) {
        caused(503, message);
    } else {
        protocol::reply_result_error(take(), 503, ErrorCode::kServerError, message);
    }
}

Call::Call(Generation generation, const spi::HttpRequest& request, spi::HttpResponder responder,
           const spi::Clock& clock)
    : request_(request),
      clock_(clock),
      params_(request),
      tenant_(tenant_in(params_)),
      group_(group_in(params_)),
      data_id_(params_.get("dataId")),
      reply(generation, std::move(responder)) {}

std::string_view Call::group_name() const noexcept {
    const bool is_old = reply.generation() == Generation::kV1 || reply.generation() == Generation::kV2;
    return is_old ? "group" : "groupName";
}

bool Call::check_names() {
    const protocol::CheckFailure failure =
        protocol::first_of(config::check_names(tenant_, group_, data_id_), protocol::check_ip(params_.get("ip")));
    if (failure) {
        protocol::reply_check_failed(reply.take(), *failure);
        return false;
    }
    return true;
}

bool Call::require(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        const bool is_there = is_v1() ? params_.find(name).has_value() : !params_.get(name).empty();
        if (!is_there) {
            reply.missing(name, request_, clock_);
            return false;
        }
    }
    return true;
}

bool Call::require_present(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        if (!params_.find(name)) {
            reply.missing(name, request_, clock_);
            return false;
        }
    }
    return true;
}

bool Call::require_config() { return check_names() && require({"dataId", group_name()}); }

std::optional<std::int64_t> Call::number(std::string_view name, std::int64_t fallback) {
    const std::string_view text = params_.get(name);
    const std::optional<std::int64_t> number = text.empty() ? fallback : protocol::whole_number(text);
    if (!number) {
        const std::string message = "Parameter '" + std::string(name) + "' is no number: \"" + std::string(text) + "\"";
        if (is_v1()) {
            protocol::reply_servlet_error(reply.take(), 400, message, request_.path, clock_.wall_ms());
        } else {
            reply.invalid(message);
        }
    }
    return number;
}

std::optional<protocol::PageRequest> Call::page(protocol::PageRequest defaults) {
    if (reply.generation() == Generation::kV3Admin) {
        spi::HttpResponder responder = reply.take();
        std::optional<protocol::PageRequest> page = protocol::page_of(params_, defaults, responder);
        reply = Reply(Generation::kV3Admin, std::move(responder));
        return page;
    }
    const std::optional<std::int64_t> number = this->number("pageNo", defaults.number);
    const std::optional<std::int64_t> size = number ? this->number("pageSize", defaults.size) : std::nullopt;
    if (!size) {
        return std::nullopt;
    }
    if (*number < 1 || *size < 1) {
        reply.invalid("pageNo and pageSize must be greater than zero");
        return std::nullopt;
    }
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    return protocol::PageRequest{std::min(*number, kMost), std::min(*size, kMost)};
}

std::optional<std::vector<std::uint64_t>> Call::numbers(std::string_view name) {
    std::vector<std::uint64_t> numbers;
    std::string_view list = params_.get(name);
    while (!list.empty()) {
        const std::size_t end = list.find(',');
        const std::string_view text = protocol::trimmed(list.substr(0, end));
        const std::optional<std::int64_t> number = protocol::whole_number(text);
        if (!number || *number < 0) {
            reply.invalid("Parameter '" + std::string(name) + "' holds what is no id: \"" + std::string(text) + "\"");
            return std::nullopt;
        }
        numbers.push_back(static_cast<std::uint64_t>(*number));
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
    }
    return numbers;
}

Author Call::author(std::string_view user_parameter) const {
    const std::string& name = request_.principal->name;
    return {name.empty() ? std::string(params_.get_or(user_parameter, params_.get("username"))) : name,
            std::string(protocol::client_ip(request_))};
}

}  // namespace pharos::config
