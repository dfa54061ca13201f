#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/settings.hpp>
#include <pharos/spi/status.hpp>

#include "settings/raw.hpp"
#include "settings/value.hpp"

namespace pharos::settings {

/// The settings that one plugin (or part of the kernel) declares.
struct Section {
    std::string name;
    std::span<const spi::SettingSpec> specs;
};

/// A value with its schema and where it came from.
struct Setting {
    const spi::SettingSpec* spec = nullptr;
    std::string key;  ///< full
    Value value;
    std::string origin;  ///< "default" when nobody gave it
};

/// All settings of the node, checked against the schemas of all sections. Immutable.
class Tree {
public:
    /// Every given key must be known and well-typed; the error names the key, its origin, the value and the limit.
    /// Keys of `silent` sections (plugins that are there but off) are not looked at.
    static spi::Result<Tree> build(const Raw& raw, std::span<const Section> sections,
                                   const std::set<std::string>& silent);

    /// Looks one value up before the whole can be checked, because it says which sections there are.
    static spi::Result<Value> peek(const Raw& raw, std::string_view section, const spi::SettingSpec& spec);

    /// A section's values. Lives as long as the tree.
    [[nodiscard]] const spi::Settings& section(const std::string& name) const;
    /// All settings by key, for operators and the settings reference.
    [[nodiscard]] const std::map<std::string, Setting, std::less<>>& all() const noexcept { return settings_; }

private:
    std::map<std::string, Setting, std::less<>> settings_;
    std::map<std::string, std::shared_ptr<spi::Settings>, std::less<>> views_;
};

/// "server.data_dir" and "storage-lmdb.max_size" become PHAROS_SERVER_DATA_DIR and PHAROS_STORAGE_LMDB_MAX_SIZE.
[[nodiscard]] std::string environment_name(std::string_view key);

}  // namespace pharos::settings
