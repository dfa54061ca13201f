#include "settings/tree.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace pharos::settings {

namespace {

/// Settings of one section, by key below it.
class SectionView final : public spi::Settings {
public:
    explicit SectionView(std::string name) : name_(std::move(name)) {}

    void add(std::string_view key, const Value& value) { values_.emplace(key, &value); }

    [[nodiscard]] bool boolean(std::string_view key) const noexcept override {
        return at(key, spi::SettingType::kBool).number != 0;
    }
    [[nodiscard]] std::int64_t integer(std::string_view key) const noexcept override {
        const Value& value = at(key);
        switch (value.type) {
            case spi::SettingType::kInteger:
            case spi::SettingType::kDuration:
            case spi::SettingType::kBytes: return value.number;
            default: wrong_use(key);
        }
    }
    [[nodiscard]] std::string_view string(std::string_view key) const noexcept override {
        return at(key, spi::SettingType::kString).text;
    }
    [[nodiscard]] const std::vector<std::string>& list(std::string_view key) const noexcept override {
        return at(key, spi::SettingType::kStringList).list;
    }

private:
    [[noreturn]] void wrong_use(std::string_view key) const noexcept {
        std::fprintf(stderr, "pharos: the code asked for setting '%s.%.*s', which its schema does not have so\n",
                     name_.c_str(), static_cast<int>(key.size()), key.data());
        std::abort();
    }
    const Value& at(std::string_view key) const noexcept {
        const auto found = values_.find(key);
        if (found == values_.end()) {
            wrong_use(key);
        }
        return *found->second;
    }
    const Value& at(std::string_view key, spi::SettingType type) const noexcept {
        const Value& value = at(key);
        if (value.type != type) {
            wrong_use(key);
        }
        return value;
    }

    const std::string name_;
    std::map<std::string, const Value*, std::less<>> values_;
};

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

/// Finds a value given for `key`, by file, flag or environment; null when nobody gave it.
const RawValue* find_given(const Raw& raw, const std::string& key, RawValue& scratch) {
    const auto given = raw.values.find(key);
    const auto variable = raw.environment.find(environment_name(key));
    const bool by_flag = given != raw.values.end() && given->second.origin.starts_with("--");
    if (variable != raw.environment.end() && !by_flag) {
        scratch = {variable->second, "environment " + variable->first};
        return &scratch;
    }
    return given == raw.values.end() ? nullptr : &given->second;
}

spi::Result<Setting> make_setting(const Raw& raw, const std::string& key, const spi::SettingSpec& spec) {
    RawValue scratch;
    const RawValue* given = find_given(raw, key, scratch);
    spi::Result<Value> value = parse_value(spec, given != nullptr ? std::string_view(given->text) : spec.default_value);
    if (!value) {
        return bad((given != nullptr ? given->origin : "default") + ": setting '" + key +
                   "': " + value.error().message());
    }
    return Setting{&spec, key, std::move(value.value()), given != nullptr ? given->origin : "default"};
}

}  // namespace

std::string environment_name(std::string_view key) {
    std::string name = "PHAROS_";
    for (const char c : key) {
        name += c == '.' || c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
    return name;
}

spi::Result<Value> Tree::peek(const Raw& raw, std::string_view section, const spi::SettingSpec& spec) {
    spi::Result<Setting> setting = make_setting(raw, std::string(section) + "." + spec.key, spec);
    if (!setting) {
        return setting.error();
    }
    return std::move(setting.value().value);
}

spi::Result<Tree> Tree::build(const Raw& raw, std::span<const Section> sections, const std::set<std::string>& silent) {
    Tree tree;
    std::set<std::string> variables;
    for (const Section& section : sections) {
        for (const spi::SettingSpec& spec : section.specs) {
            const std::string key = section.name + "." + spec.key;
            spi::Result<Setting> setting = make_setting(raw, key, spec);
            if (!setting) {
                return setting.error();
            }
            variables.insert(environment_name(key));
            tree.settings_.emplace(key, std::move(setting.value()));
        }
    }
    const auto is_silent = [&](std::string_view key, auto name_of) {
        return std::any_of(silent.begin(), silent.end(),
                           [&](const std::string& name) { return key.starts_with(name_of(name)); });
    };
    for (const auto& [key, given] : raw.values) {
        if (tree.settings_.contains(key) || is_silent(key, [](const std::string& name) { return name + "."; })) {
            continue;
        }
        std::string message = given.origin + ": setting '" + key + "' is not known";
        const auto nearest = std::min_element(tree.settings_.begin(), tree.settings_.end(),
                                              [&wrong = key](const auto& a, const auto& b) {
                                                  return edit_distance(wrong, a.first) < edit_distance(wrong, b.first);
                                              });
        if (nearest != tree.settings_.end() && edit_distance(key, nearest->first) <= 3) {
            message += "; did you mean '" + nearest->first + "'?";
        }
        return bad(std::move(message));
    }
    for (const auto& [name, text] : raw.environment) {
        if (!variables.contains(name) &&
            !is_silent(name, [](const std::string& plugin) { return environment_name(plugin) + "_"; })) {
            return bad("environment " + name + ": no setting has this variable");
        }
    }
    for (const Section& section : sections) {
        auto view = std::make_shared<SectionView>(section.name);
        for (const spi::SettingSpec& spec : section.specs) {
            view->add(spec.key, tree.settings_.find(section.name + "." + spec.key)->second.value);
        }
        tree.views_[section.name] = std::move(view);
    }
    return tree;
}

const spi::Settings& Tree::section(const std::string& name) const { return *views_.at(name); }

}  // namespace pharos::settings
