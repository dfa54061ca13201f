#include <pharos/protocol/paging.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include <pharos/protocol/replies.hpp>

namespace pharos::protocol {

namespace {

/// One of the two parameters; false when it has been answered with an error.
bool take(const Params& params, std::string_view name, std::int64_t& value, spi::HttpResponder& responder) {
    const std::string_view text = params.get(name);
    if (text.empty()) {
        return true;
    }
    const std::optional<std::int64_t> number = whole_number(text);
    if (!number || *number > std::numeric_limits<std::int32_t>::max()) {
        reply_result_failure(std::move(responder), "For input string: \"" + std::string(text) + "\" of parameter '" +
                                                       std::string(name) + "'");
        return false;
    }
    if (*number < 1) {
        reply_result_error(std::move(responder), 400, ErrorCode::kParameterValidateError,
                           "Required parameter '" + std::string(name) + "' should be positive integer, current is " +
                               std::string(text));
        return false;
    }
    value = *number;
    return true;
}

}  // namespace

PageSlice slice_of(const PageRequest& page, std::size_t total) noexcept {
    const auto limit = static_cast<std::int64_t>(total);
    const std::int64_t size = std::clamp<std::int64_t>(page.size, 0, limit);
    if (page.number < 1 || size == 0 || page.number - 1 > (limit - 1) / size) {
        return {total, total};
    }
    const std::int64_t begin = (page.number - 1) * size;
    return {static_cast<std::size_t>(begin), static_cast<std::size_t>(std::min(begin + size, limit))};
}

std::optional<PageRequest> page_of(const Params& params, PageRequest defaults, spi::HttpResponder& responder) {
    const bool taken =
        take(params, "pageNo", defaults.number, responder) && take(params, "pageSize", defaults.size, responder);
    return taken ? std::optional(defaults) : std::nullopt;
}

void begin_page(sdk::JsonWriter& json, const PageRequest& page, std::size_t total, PageCount count) {
    const auto items = static_cast<std::int64_t>(total);
    const std::int64_t size = std::max<std::int64_t>(page.size, 1);
    const std::int64_t pages = count == PageCount::kExact ? (items + size - 1) / size : items / size + 1;
    json.begin_object().member("totalCount", items).member("pageNumber", page.number);
    json.member("pagesAvailable", items == 0 ? 0 : pages).key("pageItems").begin_array();
}

}  // namespace pharos::protocol
