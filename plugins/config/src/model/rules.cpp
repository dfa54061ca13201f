#include "model/rules.hpp"

#include <pharos/protocol/params.hpp>

namespace pharos::config {

namespace {

constexpr std::size_t kMaxContentUnits = 10'485'760;
constexpr std::size_t kMaxTags = 5;
constexpr std::size_t kMaxTag = 64;
constexpr std::size_t kMaxDescription = 128;
constexpr std::size_t kMaxShort = 32;
constexpr std::size_t kMaxSchema = 32768;

std::optional<std::string> check_tags(std::string_view tags) {
    std::size_t count = 0;
    while (!tags.empty()) {
        const std::size_t end = tags.find(',');
        if (protocol::count_utf16_units(tags.substr(0, end)) > kMaxTag) {
            return "too long tag, over 64";
        }
        if (++count > kMaxTags) {
            return "too much config_tags, over 5";
        }
        tags = end == std::string_view::npos ? std::string_view{} : tags.substr(end + 1);
    }
    return std::nullopt;
}

}  // namespace

protocol::CheckFailure check_names(std::string_view tenant, std::string_view group, std::string_view data_id) {
    return protocol::first_of(protocol::check_namespace(protocol::trimmed(tenant)),
                              protocol::check_data_id(protocol::trimmed(data_id)),
                              protocol::check_group(protocol::trimmed(group)));
}

std::optional<std::string> check_key(const ConfigKey& key) {
    if (key.data_id.empty()) {
        return "invalid dataId : ";
    }
    if (key.group.empty()) {
        return "invalid group : ";
    }
    return std::nullopt;
}

std::optional<std::string> check_content(const Publish& publish) {
    if (std::optional<std::string> wrong = check_key(publish.key)) {
        return wrong;
    }
    if (protocol::trimmed(publish.content).empty()) {
        return "content is blank : ";
    }
    if (publish.content.size() > kMaxContentUnits && protocol::count_utf16_units(publish.content) > kMaxContentUnits) {
        return "invalid content, over 10485760";
    }
    return std::nullopt;
}

std::optional<std::string> check_details(const Publish& publish) {
    if (std::optional<std::string> wrong = check_tags(publish.tags.value_or(""))) {
        return wrong;
    }
    const struct {
        std::string_view value;
        std::size_t limit;
        const char* message;
    } limits[] = {{publish.description, kMaxDescription, "too long desc, over 128"},
                  {publish.use, kMaxShort, "too long use, over 32"},
                  {publish.effect, kMaxShort, "too long effect, over 32"},
                  {publish.type, kMaxShort, "too long type, over 32"},
                  {publish.schema, kMaxSchema, "too long schema, over 32768"}};
    for (const auto& limit : limits) {
        if (protocol::count_utf16_units(limit.value) > limit.limit) {
            return limit.message;
        }
    }
    return std::nullopt;
}

std::optional<std::string> check_publish(const Publish& publish) {
    std::optional<std::string> wrong = check_content(publish);
    return wrong ? wrong : check_details(publish);
}

}  // namespace pharos::config
