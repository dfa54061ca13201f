#include "api_http/config_http.hpp"

#include <string>
#include <utility>

namespace pharos::config {

namespace {

using spi::Action;
using spi::HttpMethod;
using Handler = void (*)(Services&, Call&);
using ResourceOf = spi::Resource (*)(const spi::HttpRequest&);

/// A call of the console that has the path of a plain one and differs by a flag, such as "delType=ids"
/// (protocol/config.md §2.3). Flags with other values don't count (§10.35).
struct Flagged {
    HttpMethod method;
    std::string_view flag;
    Handler handler;  ///< null: there is no such call here
};

constexpr Flagged kFlagged[] = {
    {HttpMethod::kGet, "show=all", show_all},          {HttpMethod::kGet, "search=accurate", search_configs},
    {HttpMethod::kGet, "search=blur", search_configs}, {HttpMethod::kDelete, "delType=ids", remove_by_ids},
    {HttpMethod::kGet, "beta=true", nullptr},          {HttpMethod::kGet, "export=true", nullptr},
    {HttpMethod::kGet, "exportV2=true", nullptr},      {HttpMethod::kDelete, "beta=true", nullptr},
    {HttpMethod::kPost, "import=true", nullptr},       {HttpMethod::kPost, "clone=true", nullptr},
};

const Flagged* find_flagged(const Call& call) {
    for (const Flagged& one : kFlagged) {
        const std::size_t middle = one.flag.find('=');
        if (one.method == call.request().method &&
            call.params().find(one.flag.substr(0, middle)) == one.flag.substr(middle + 1)) {
            return &one;
        }
    }
    return nullptr;
}

/// What access is decided about: the config that is named, or, for removals by ids, what they may be of.
spi::Resource resource_of_v1(const spi::HttpRequest& request) {
    const bool by_ids = request.method == HttpMethod::kDelete && protocol::Params(request).find("delType") == "ids";
    return by_ids ? namespace_of(request) : resource_of(request);
}

struct Row {
    HttpMethod method;
    std::string_view path;
    Generation generation;
    Action action;
    ResourceOf resource;  ///< null: nobody has to log in
    std::string_view limit_point;
    Handler handler;
};

constexpr auto kGet = HttpMethod::kGet;
constexpr auto kPost = HttpMethod::kPost;
constexpr auto kDelete = HttpMethod::kDelete;
constexpr auto kRead = Action::kRead;
constexpr auto kWrite = Action::kWrite;
constexpr auto kV1 = Generation::kV1;
constexpr auto kV2 = Generation::kV2;
constexpr auto kAdmin = Generation::kV3Admin;

constexpr Row kRows[] = {
    {kPost, "/v1/cs/configs", kV1, kWrite, resource_of, "ConfigPublish", publish},
    {kGet, "/v1/cs/configs", kV1, kRead, resource_of, "ConfigQuery", query},
    {kDelete, "/v1/cs/configs", kV1, kWrite, resource_of_v1, "ConfigRemove", remove},
    {kPost, "/v1/cs/configs/listener", kV1, kRead, resource_of, "ConfigListen", long_poll},
    {kGet, "/v1/cs/configs/listener", kV1, kRead, resource_of, {}, listeners_of_config},
    {kGet, "/v1/cs/configs/catalog", kV1, kRead, resource_of, {}, catalog},
    {kGet, "/v1/cs/listener", kV1, kRead, resource_of, {}, configs_of_listener},
    {kGet, "/v1/cs/history", kV1, kRead, resource_of, {}, history_row},
    {kGet, "/v1/cs/history/previous", kV1, kRead, resource_of, {}, previous_history_row},
    {kGet, "/v1/cs/history/configs", kV1, kRead, resource_of, {}, history_configs},
    {kGet, "/v1/cs/communication/configWatchers", kV1, kRead, resource_of, {}, watchers_of_config},
    {kGet, "/v1/cs/communication/watcherConfigs", kV1, kRead, namespace_of, {}, configs_of_watcher},
    {kGet, "/v1/cs/capacity", kV1, kRead, namespace_of, {}, capacity},
    {kGet, "/v1/cs/health", kV1, kRead, nullptr, {}, health},

    {kPost, "/v2/cs/config", kV2, kWrite, resource_of, "ConfigPublish", publish},
    {kGet, "/v2/cs/config", kV2, kRead, resource_of, "ConfigQuery", query},
    {kDelete, "/v2/cs/config", kV2, kWrite, resource_of, "ConfigRemove", remove},
    {kGet, "/v2/cs/config/searchDetail", kV2, kRead, resource_of, {}, search_configs},
    {kGet, "/v2/cs/history/list", kV2, kRead, resource_of, {}, list_history},
    {kGet, "/v2/cs/history", kV2, kRead, resource_of, {}, history_row},
    {kGet, "/v2/cs/history/detail", kV2, kRead, namespace_of, {}, history_comparison},
    {kGet, "/v2/cs/history/previous", kV2, kRead, resource_of, {}, previous_history_row},
    {kGet, "/v2/cs/history/configs", kV2, kRead, resource_of, {}, history_configs},

    {kGet, "/v3/client/cs/config", Generation::kV3Client, kRead, resource_of, "ConfigQuery", query},

    {kPost, "/v3/admin/cs/config", kAdmin, kWrite, resource_of, "ConfigPublish", publish},
    {kGet, "/v3/admin/cs/config", kAdmin, kRead, resource_of, {}, show_all},
    {kDelete, "/v3/admin/cs/config", kAdmin, kWrite, resource_of, "ConfigRemove", remove},
    {kDelete, "/v3/admin/cs/config/batch", kAdmin, kWrite, namespace_of, "ConfigRemove", remove_by_ids},
    {kGet, "/v3/admin/cs/config/list", kAdmin, kRead, resource_of, {}, search_configs},
    {kGet, "/v3/admin/cs/config/listener", kAdmin, kRead, resource_of, {}, listeners_of_config},
    {kGet, "/v3/admin/cs/listener", kAdmin, kRead, resource_of, {}, configs_of_listener},
    {kGet, "/v3/admin/cs/history/list", kAdmin, kRead, resource_of, {}, list_history},
    {kGet, "/v3/admin/cs/history", kAdmin, kRead, resource_of, {}, history_row},
    {kGet, "/v3/admin/cs/history/previous", kAdmin, kRead, resource_of, {}, previous_history_row},
    {kGet, "/v3/admin/cs/history/configs", kAdmin, kRead, resource_of, {}, history_configs},
    {kGet, "/v3/admin/cs/capacity", kAdmin, kRead, namespace_of, {}, capacity},
};

/// The call that the request means: the path's own, or one that a flag asks for.
void dispatch(Services& services, const Row& row, Call& call) {
    if (call.params().overflowed()) {
        call.reply.invalid(protocol::Params::refuse_overflow());
        return;
    }
    Handler handler = row.handler;
    if (row.path == "/v1/cs/configs") {
        if (const Flagged* flagged = find_flagged(call)) {
            handler = flagged->handler;
        }
        if (handler == nullptr) {
            // Not for the plain call: a removal by ids, say, is none by name.
            const spi::HttpRequest& request = call.request();
            std::string message = "no such api:";
            message += spi::to_string(request.method);
            message += ':';
            message += request.path;
            message += '?';
            message += find_flagged(call)->flag;
            protocol::reply_servlet_error(call.reply.take(), 501, message, request.path,
                                          services.executors.clock().wall_ms());
            return;
        }
    } else if (row.path == "/v1/cs/history" && call.params().find("search") == "accurate") {
        handler = list_history;
    }
    handler(services, call);
}

}  // namespace

spi::Status ConfigHttp::add_to(spi::HttpRoutes& routes) {
    for (const Row& row : kRows) {
        const std::string_view why_open = row.resource == nullptr ? "probes ask before anybody can log in" : "";
        registrations_.take(
            routes.add({row.method, row.path, {row.action, "config", row.resource, row.limit_point, why_open}},
                       [this, &row](const spi::HttpRequest& request, spi::HttpResponder responder) {
                           Call call(row.generation, request, std::move(responder), services_.executors.clock());
                           dispatch(services_, row, call);
                       }));
    }
    return registrations_.status();
}

}  // namespace pharos::config
