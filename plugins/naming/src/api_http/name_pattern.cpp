#include "api_http/name_pattern.hpp"

#include <algorithm>

namespace pharos::naming {

spi::Result<NamePattern> NamePattern::parse(std::string_view text) {
    NamePattern pattern;
    if (text.size() > kLongest) {
        return spi::Status(spi::Code::kInvalidArgument, "The search text has " + std::to_string(text.size()) +
                                                            " characters; the most are " + std::to_string(kLongest) +
                                                            ".");
    }
    if (text.find_first_of("\\^$|?*+()[]{}") == std::string_view::npos) {
        pattern.plain_ = text;
        return pattern;
    }
    try {
        // The GNU option makes the matcher polynomial; the standard one may take years for "(a+)+b".
        pattern.expression_.emplace(text.begin(), text.end(),
                                    std::regex::ECMAScript | std::regex::nosubs | std::regex_constants::__polynomial);
    } catch (const std::regex_error&) {
        return spi::Status(spi::Code::kInvalidArgument,
                           "The search text '" + std::string(text) + "' is no regular expression.");
    }
    return pattern;
}

bool NamePattern::matches(std::string_view name) const {
    if (expression_) {
        return std::regex_search(name.begin(), name.end(), *expression_);
    }
    return std::search(name.begin(), name.end(), plain_.begin(), plain_.end(),
                       [](char in_name, char wanted) { return wanted == '.' || in_name == wanted; }) != name.end() ||
           plain_.empty();
}

}  // namespace pharos::naming
