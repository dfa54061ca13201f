#include "rpc/handshake.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <string>

namespace pharos::rpc {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBody = 64 * 1024;
constexpr std::size_t kMaxEntries = 128;  ///< labels, abilities

/// Calls `use` with the root object. False: there is none, or `use` threw.
template <class Use>
bool with_object(std::string_view body, Use&& use) noexcept {
    if (body.size() > kMaxBody) {
        return false;
    }
    try {
        unsigned char memory[4096];
        json::monotonic_resource resource(memory, sizeof memory);
        json::parse_options options;
        options.max_depth = 16;
        json::error_code error;
        const json::value root = json::parse({body.data(), body.size()}, error, &resource, options);
        if (error || !root.is_object()) {
            return false;
        }
        return use(root.get_object());
    } catch (...) {
        return false;
    }
}

std::string text(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains({name.data(), name.size()});
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::object* table(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains({name.data(), name.size()});
    return value != nullptr ? value->if_object() : nullptr;
}

}  // namespace

bool parse_setup(std::string_view body, spi::ConnectionInfo& info) noexcept {
    return with_object(body, [&info](const json::object& root) {
        info.client_version = text(root, "clientVersion");
        info.namespace_id = text(root, "tenant");
        if (const json::object* labels = table(root, "labels")) {
            if (labels->size() > kMaxEntries) {
                return false;
            }
            for (const auto& [name, value] : *labels) {
                if (value.is_string()) {
                    info.labels.emplace(std::string(name), std::string(value.get_string()));
                }
            }
        }
        if (const json::object* abilities = table(root, "abilityTable")) {
            if (abilities->size() > kMaxEntries) {
                return false;
            }
            info.has_ability_table = true;
            for (const auto& [name, value] : *abilities) {
                if (value.is_bool()) {
                    info.abilities.emplace(std::string(name), value.get_bool());
                }
            }
        }
        const std::string_view app = info.label("AppName");
        info.app_name = app.empty() ? "-" : app;
        return true;
    });
}

std::optional<Ack> parse_ack(std::string_view body) noexcept {
    Ack ack;
    const bool read = with_object(body, [&ack](const json::object& root) {
        const json::value* id = root.if_contains("requestId");
        if (id != nullptr && id->is_string()) {
            const json::string& digits = id->get_string();
            std::uint64_t number = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
            if (error == std::errc() && end == digits.data() + digits.size()) {
                ack.request = number;
            }
        } else if (id != nullptr && id->is_int64() && id->get_int64() > 0) {
            ack.request = static_cast<std::uint64_t>(id->get_int64());
        }
        const json::value* code = root.if_contains("resultCode");
        const json::value* success = root.if_contains("success");
        ack.success = code != nullptr && !code->is_null()
                          ? code->is_int64() && code->get_int64() == 200
                          : success == nullptr || !success->is_bool() || success->get_bool();
        return true;
    });
    return read ? std::optional(ack) : std::nullopt;
}

}  // namespace pharos::rpc
