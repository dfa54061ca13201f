#pragma once

#include <span>

#include "settings/tree.hpp"

namespace pharos::app {

/// The sections of the kernel itself: server, security, plugins, cluster, runtime, log, http, rpc.
[[nodiscard]] std::span<const settings::Section> kernel_sections();
/// One setting of the kernel by section and key; it must exist.
[[nodiscard]] const spi::SettingSpec& kernel_setting(std::string_view section, std::string_view key);

}  // namespace pharos::app
