#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <pharos/protocol/params.hpp>
#include <pharos/sdk/json_writer.hpp>
#include <pharos/spi/http.hpp>

namespace pharos::protocol {

/// Which page of a list is asked for.
struct PageRequest {
    std::int64_t number = 1;  ///< from 1
    std::int64_t size = 100;
};

/// The items of a page: [begin, end) of `total`; empty beyond the end and for numbers or sizes below 1.
struct PageSlice {
    std::size_t begin = 0;
    std::size_t end = 0;
};
[[nodiscard]] PageSlice slice_of(const PageRequest& page, std::size_t total) noexcept;

/// pageNo and pageSize of a v2 or v3 call. Nothing when it has been answered with an error: below 1 is 400 with code
/// 20002, no number is 500 with code 30000 (`protocol/config.md §2.8`, `protocol/core.md §3.2`).
[[nodiscard]] std::optional<PageRequest> page_of(const Params& params, PageRequest defaults,
                                                 spi::HttpResponder& responder);

/// How `pagesAvailable` is counted: the reference's naming lists count one too many when the last page is full
/// (`protocol/naming.md §2.6`).
enum class PageCount { kExact, kOneMore };

/// `{"totalCount":…,"pageNumber":…,"pagesAvailable":…,"pageItems":[`; the caller writes the items and ends array and
/// object.
void begin_page(sdk::JsonWriter& json, const PageRequest& page, std::size_t total, PageCount count);

}  // namespace pharos::protocol
