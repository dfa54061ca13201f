#pragma once

#include <cstdio>
#include <string>

namespace pharos::cli {

/// As short as it can be: "1", "0.5".
[[nodiscard]] inline std::string number_text(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", number);
    return text;
}

}  // namespace pharos::cli
