#pragma once

#include <string_view>
#include <vector>

namespace pharos::protocol {

/// One part of a multipart/form-data body. Views point into the body.
struct MultipartPart {
    std::string_view name;
    std::string_view file_name;  ///< "" when the part is a plain field
    bool is_file = false;
    std::string_view content;
};

/// The parts of a body, at most `most`; none when the content type is another one. Reading ends at the first part that
/// is malformed. Names are taken as they are: browsers and SDKs do not encode them.
[[nodiscard]] std::vector<MultipartPart> parse_multipart(std::string_view content_type, std::string_view body,
                                                         std::size_t most = 1024);

}  // namespace pharos::protocol
