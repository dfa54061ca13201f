#pragma once

#include <string>

namespace pharos::health {

/// A reason that can be shown: a check may pass on what a target sent. What is no UTF-8 and control characters become
/// "\x1f", and what is longer than 300 bytes is cut.
[[nodiscard]] std::string presentable(std::string reason);

}  // namespace pharos::health
