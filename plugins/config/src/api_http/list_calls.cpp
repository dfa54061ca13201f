// Lists of configs: v1 `search=accurate|blur`, v2 searchDetail, v3 list. They differ in names and shapes only.
#include <algorithm>
#include <limits>
#include <utility>

#include <pharos/protocol/paging.hpp>

#include "api_http/calls.hpp"
#include "api_http/shapes.hpp"

namespace pharos::config {

namespace {

using Signs = LikePattern::Signs;

template <class Each>
void each_part(std::string_view list, Each each) {
    while (!list.empty()) {
        const std::size_t end = list.find(',');
        if (const std::string_view part = protocol::trimmed(list.substr(0, end)); !part.empty()) {
            each(part);
        }
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
    }
}

/// What this generation calls its parameters.
struct ListNames {
    std::string_view tags;
    std::string_view types;
    std::string_view content;
};

ListNames names_of(Generation generation) {
    switch (generation) {
        case Generation::kV1: return {"config_tags", "types", {}};
        case Generation::kV2: return {"config_tags", "types", "config_detail"};
        default: return {"configTags", "type", "configDetail"};
    }
}

ConfigFilter filter_of(const Call& call, bool is_blur) {
    const ListNames names = names_of(call.reply.generation());
    const Signs signs = is_blur ? Signs::kAll : Signs::kNone;
    ConfigFilter filter;
    // Only `*` widens a namespace: access was decided for its name, in which `_` is a character like others.
    filter.namespaces = LikePattern(call.namespace_id(), is_blur ? Signs::kStar : Signs::kNone);
    if (!call.data_id().empty()) {
        filter.data_id = LikePattern(call.data_id(), signs);
    }
    if (!call.group().empty()) {
        filter.group = LikePattern(call.group(), signs);
    }
    filter.app_name = call.get("appName");
    each_part(call.get(names.tags), [&](std::string_view tag) { filter.tags.emplace_back(tag, signs); });
    each_part(call.get(names.types), [&](std::string_view type) { filter.types.emplace_back(type); });
    const std::string_view content = names.content.empty() ? "" : call.params().find(names.content).value_or("");
    if (!protocol::trimmed(content).empty()) {
        filter.content = LikePattern(content);
    }
    return filter;
}

/// pageNo and pageSize; nothing when the call has been answered.
std::optional<protocol::PageRequest> page_of(Call& call) {
    if (call.reply.generation() == Generation::kV3Admin) {
        return call.page({1, 100});
    }
    return call.require_present({"pageNo", "pageSize"}) ? call.page({1, 100}) : std::nullopt;
}

}  // namespace

void search_configs(Services& services, Call& call) {
    const Generation generation = call.reply.generation();
    const std::string_view mode = call.params().get_or("search", "blur");
    if (mode != "blur" && mode != "accurate") {
        call.reply.invalid("Parameter 'search' is \"" + std::string(mode) + "\": it has to be blur or accurate");
        return;
    }
    const bool is_blur = mode == "blur";
    // Patterns are no names (protocol/config.md §1.1).
    if (!is_blur && !call.check_names()) {
        return;
    }
    if (generation != Generation::kV3Admin && !call.require_present({"dataId", "group"})) {
        return;
    }
    if (generation == Generation::kV2 && !call.require_present({"config_detail"})) {
        return;
    }
    const std::optional<protocol::PageRequest> page = page_of(call);
    if (!page) {
        return;
    }
    const bool has_contents = generation != Generation::kV3Admin;
    services.search.find(filter_of(call, is_blur), *page,
                         has_contents ? Search::Contents::kRead : Search::Contents::kLeftOut,
                         [page = *page, reply = std::move(call.reply)](const spi::Result<ConfigPage>& found) mutable {
                             if (!found) {
                                 if (found.error().code() == spi::Code::kUnavailable) {
                                     reply.busy(found.error().message());
                                 } else if (found.error().code() == spi::Code::kTooLarge) {
                                     reply.invalid(found.error().message());
                                 } else {
                                     reply.failed(found.error());
                                 }
                                 return;
                             }
                             const bool is_v3 = reply.generation() == Generation::kV3Admin;
                             std::string body;
                             sdk::JsonWriter json(body);
                             protocol::begin_page(json, page, found.value().total, protocol::PageCount::kExact);
                             for (const FoundConfig& config : found.value().items) {
                                 (is_v3 ? append_basic_item : append_item)(json, config);
                             }
                             json.end_array().end_object();
                             if (is_v3) {
                                 reply.data(body);
                             } else {
                                 reply.bare(body);
                             }
                         });
}

}  // namespace pharos::config
