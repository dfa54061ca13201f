#include "settings/raw.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <toml++/toml.h>

extern char** environ;

namespace pharos::settings {

namespace {

/// A wrong path, such as that of a log file, is not worth reading whole.
constexpr std::size_t kMaxFile = 1 << 20;

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::string position(const std::string& path, const toml::source_region& where) {
    return path + ":" + std::to_string(where.begin.line);
}

bool scalar_text(const toml::node& node, std::string& out) {
    if (const auto* text = node.as_string()) {
        out = text->get();
    } else if (const auto* whole = node.as_integer()) {
        out = std::to_string(whole->get());
    } else if (const auto* truth = node.as_boolean()) {
        out = truth->get() ? "true" : "false";
    } else {
        return false;
    }
    return true;
}

spi::Status flatten(const toml::table& table, const std::string& prefix, const std::string& path, Raw& raw) {
    for (const auto& [name, node] : table) {
        const std::string key = prefix + std::string(name.str());
        if (const toml::table* inner = node.as_table()) {
            if (spi::Status status = flatten(*inner, key + ".", path, raw); !status) {
                return status;
            }
            continue;
        }
        RawValue value{{}, position(path, node.source())};
        if (const toml::array* list = node.as_array()) {
            for (const toml::node& item : *list) {
                std::string text;
                if (!scalar_text(item, text) || text.find(',') != std::string::npos) {
                    return bad(value.origin + ": setting '" + key + "': a list may hold strings without commas");
                }
                value.text += (value.text.empty() ? "" : ",") + text;
            }
        } else if (!scalar_text(node, value.text)) {
            return bad(value.origin + ": setting '" + key + "': a string, whole number, boolean or list is expected");
        }
        raw.values[key] = std::move(value);
    }
    return {};
}

}  // namespace

spi::Status read_toml(const std::string& path, Raw& raw) {
    const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
    std::string text(kMaxFile + 1, '\0');
    if (file != nullptr) {
        text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    }
    if (file == nullptr || std::ferror(file.get()) != 0) {
        return bad(path + ": can't be read: " + std::strerror(errno));
    }
    return parse_toml(text, path, raw);
}

spi::Status parse_toml(std::string_view text, const std::string& origin, Raw& raw) {
    if (text.size() > kMaxFile) {
        return bad(origin + ": is larger than " + std::to_string(kMaxFile) + " bytes, more than settings can be");
    }
    try {
        return flatten(toml::parse(text, origin), "", origin, raw);
    } catch (const toml::parse_error& error) {
        return bad(position(origin, error.source()) + ": " + std::string(error.description()));
    }
}

void read_environment(Raw& raw) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        const std::size_t equals = variable.find('=');
        if (equals != std::string_view::npos && variable.starts_with("PHAROS_")) {
            raw.environment[std::string(variable.substr(0, equals))] = variable.substr(equals + 1);
        }
    }
}

}  // namespace pharos::settings
