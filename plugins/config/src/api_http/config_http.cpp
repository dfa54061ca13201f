#include "api_http/config_http.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/protocol/request.hpp>

#include "model/rules.hpp"

namespace pharos::config {

namespace {

using protocol::Params;
using namespace std::chrono_literals;

constexpr spi::Duration kShortestHold = 10s;   // MIN_LONG_POOLING_TIMEOUT
constexpr spi::Duration kAnswerEarly = 500ms;  // fixedDelayTime
constexpr spi::Duration kLongestHold = 24h;
constexpr int kHeadersSinceVersion = 204;  // older clients read the result of a short poll from headers

struct Names {
    std::string_view tenant;
    std::string_view group;
    std::string_view data_id;
};

Names names_of(const Params& params) {
    return {params.get_or("namespaceId", params.get_or("tenant", params.get("namespace"))),
            params.get_or("groupName", params.get("group")), params.get("dataId")};
}

spi::Resource resource_of(const spi::HttpRequest& request) {
    const Params params(request);
    const Names names = names_of(params);
    ConfigKey key = make_key(names.tenant, names.group, names.data_id);
    return {std::move(key.namespace_id), std::move(key.group), std::move(key.data_id)};
}

/// v1 wraps its errors so: `caused: <message>;` (protocol/config.md §2.1).
void reply_caused(spi::HttpResponder responder, int status, std::string_view message) {
    std::string body = "caused: ";
    body += message;
    body += ';';
    protocol::reply_text(std::move(responder), status, body);
}

/// The flag that makes a v1 call one of the console's (protocol/config.md §2.3), such as "delType=ids"; "" when it is a
/// plain one: flags with other values don't count (§10.35).
std::string_view console_flag(spi::HttpMethod method, const Params& params) {
    struct Flag {
        spi::HttpMethod method;
        std::string_view text;
    };
    using enum spi::HttpMethod;
    static constexpr Flag kFlags[] = {{kGet, "show=all"},       {kGet, "search=accurate"}, {kGet, "search=blur"},
                                      {kGet, "beta=true"},      {kGet, "export=true"},     {kGet, "exportV2=true"},
                                      {kDelete, "delType=ids"}, {kDelete, "beta=true"},    {kPost, "import=true"},
                                      {kPost, "clone=true"}};
    for (const Flag& flag : kFlags) {
        const std::size_t middle = flag.text.find('=');
        if (flag.method == method && params.find(flag.text.substr(0, middle)) == flag.text.substr(middle + 1)) {
            return flag.text;
        }
    }
    return {};
}

/// Answers a call of the console, which must not pass for the plain one: a removal by ids is none by name. False: it
/// is a plain call.
bool refuse_console_call(const spi::HttpRequest& request, const Params& params, const spi::Clock& clock,
                         spi::HttpResponder& responder) {
    const std::string_view flag = console_flag(request.method, params);
    if (flag.empty()) {
        return false;
    }
    std::string message = "no such api:";
    message += spi::to_string(request.method);
    message += ':';
    message += request.path;
    message += '?';
    message += flag;
    protocol::reply_servlet_error(std::move(responder), 501, message, request.path, clock.wall_ms());
    return true;
}

/// Checks what names a config; false when the request has been answered with an error.
bool admit(const Params& params, const Names& names, const spi::HttpRequest& request, const spi::Clock& clock,
           std::span<const std::string_view> required, spi::HttpResponder& responder) {
    if (const protocol::CheckFailure failure = check_names(names.tenant, names.group, names.data_id)) {
        protocol::reply_check_failed(std::move(responder), *failure);
        return false;
    }
    for (const std::string_view name : required) {
        if (!params.find(name)) {
            protocol::reply_servlet_error(std::move(responder), 400,
                                          "Required parameter '" + std::string(name) + "' is not present.",
                                          request.path, clock.wall_ms());
            return false;
        }
    }
    return true;
}

}  // namespace

spi::Status ConfigHttp::add_to(spi::HttpRoutes& routes) {
    using spi::Action;
    using spi::HttpMethod;
    using Handler = void (ConfigHttp::*)(const spi::HttpRequest&, spi::HttpResponder);
    const auto add = [&](HttpMethod method, std::string_view path, Action action, std::string_view point,
                         Handler handler) {
        registrations_.take(routes.add({method, path, {action, "config", resource_of, point, {}}},
                                       [this, handler](const spi::HttpRequest& request, spi::HttpResponder responder) {
                                           (this->*handler)(request, std::move(responder));
                                       }));
    };
    add(HttpMethod::kPost, "/v1/cs/configs", Action::kWrite, "ConfigPublish", &ConfigHttp::publish);
    add(HttpMethod::kGet, "/v1/cs/configs", Action::kRead, "ConfigQuery", &ConfigHttp::query);
    add(HttpMethod::kDelete, "/v1/cs/configs", Action::kWrite, "ConfigRemove", &ConfigHttp::remove);
    add(HttpMethod::kPost, "/v1/cs/configs/listener", Action::kRead, "ConfigListen", &ConfigHttp::listen);
    registrations_.take(routes.add({HttpMethod::kGet,
                                    "/v1/cs/health",
                                    {Action::kRead, "config", nullptr, {}, "probes ask before anybody can log in"}},
                                   [](const spi::HttpRequest&, spi::HttpResponder responder) {
                                       protocol::reply_text(std::move(responder), 200, "UP");
                                   }));
    return registrations_.status();
}

void ConfigHttp::publish(const spi::HttpRequest& request, spi::HttpResponder responder) {
    static constexpr std::string_view kRequired[] = {"dataId", "group", "content"};
    const Params params(request);
    const Names names = names_of(params);
    if (refuse_console_call(request, params, clock_, responder) ||
        !admit(params, names, request, clock_, kRequired, responder)) {
        return;
    }
    if (!protocol::trimmed(request.header("betaIps")).empty() || !params.get("tag").empty()) {
        reply_caused(std::move(responder), 400, kGrayUnsupported);
        return;
    }
    const auto optional = [&](std::string_view name) -> std::optional<std::string> {
        const std::optional<std::string_view> text = params.find(name);
        return text ? std::optional<std::string>(*text) : std::nullopt;
    };
    const auto text = [&](std::string_view name) { return std::string(params.get(name)); };
    Publish wanted;
    wanted.key = make_key(names.tenant, names.group, names.data_id);
    wanted.content = params.find("content").value_or("");
    wanted.type = text("type");
    wanted.app_name = optional("appName");
    wanted.tags = optional("config_tags");
    wanted.description = text("desc");
    wanted.use = text("use");
    wanted.effect = text("effect");
    wanted.schema = params.find("schema").value_or("");
    wanted.encrypted_data_key = text("encryptedDataKey");
    wanted.source_user = !request.principal->name.empty()  ? request.principal->name
                         : !params.get("src_user").empty() ? text("src_user")
                                                           : text("username");
    wanted.source_ip = protocol::client_ip(request);
    wanted.cas_md5 = protocol::trimmed(request.header("casMd5"));
    if (const std::optional<std::string> wrong = check_content(wanted)) {
        reply_caused(std::move(responder), 400, *wrong);
        return;
    }
    if (check_details(wanted)) {
        protocol::reply_text(std::move(responder), 400, "false");
        return;
    }
    repository_.publish(std::move(wanted), [responder = std::move(responder)](spi::Result<bool> outcome) mutable {
        // SDKs compare the body with exactly these words.
        protocol::reply_text(std::move(responder), outcome ? 200 : 500, outcome ? "true" : "false");
    });
}

void ConfigHttp::query(const spi::HttpRequest& request, spi::HttpResponder responder) {
    static constexpr std::string_view kRequired[] = {"dataId", "group"};
    const Params params(request);
    const Names names = names_of(params);
    if (refuse_console_call(request, params, clock_, responder) ||
        !admit(params, names, request, clock_, kRequired, responder)) {
        return;
    }
    const auto not_found = [](spi::HttpResponder to) {
        protocol::reply_text(std::move(to), 404, "config data not exist\n");
    };
    // An explicit tag never falls back to the formal config (protocol/config.md §4), and there are no gray ones.
    if (!params.get("tag").empty()) {
        not_found(std::move(responder));
        return;
    }
    repository_.query(
        make_key(names.tenant, names.group, names.data_id).store_key(),
        [responder = std::move(responder), not_found](const Found& found) mutable {
            if (found.unreadable) {
                // A 404 would make clients drop what they have (protocol/config.md §10.33–34).
                reply_caused(std::move(responder), 500, "the config can't be read now");
                return;
            }
            if (found.content == nullptr) {
                not_found(std::move(responder));
                return;
            }
            const Entry& entry = *found.entry;
            const std::string modified = protocol::http_date(entry.modified_ms);
            const spi::HttpHeader headers[] = {{"Config-Type", entry.type},
                                               {"Content-MD5", entry.md5},
                                               {"Last-Modified", modified},
                                               {"Encrypted-Data-Key", entry.encrypted_data_key},
                                               {"Pragma", "no-cache"},
                                               {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
                                               {"Cache-Control", "no-cache,no-store"}};
            const spi::Piece body[] = {found.content};
            responder.send({.status = 200, .content_type = protocol::kTextPlain, .headers = headers, .body = body});
        });
}

void ConfigHttp::remove(const spi::HttpRequest& request, spi::HttpResponder responder) {
    static constexpr std::string_view kRequired[] = {"dataId", "group"};
    const Params params(request);
    const Names names = names_of(params);
    if (refuse_console_call(request, params, clock_, responder) ||
        !admit(params, names, request, clock_, kRequired, responder)) {
        return;
    }
    const ConfigKey key = make_key(names.tenant, names.group, names.data_id);
    if (const std::optional<std::string> wrong = check_key(key)) {
        reply_caused(std::move(responder), 400, *wrong);
        return;
    }
    if (!params.get("tag").empty()) {
        protocol::reply_text(std::move(responder), 200, "true");  // there is no gray config to remove
        return;
    }
    repository_.remove(key, [responder = std::move(responder)](spi::Result<bool> outcome) mutable {
        if (outcome) {
            protocol::reply_text(std::move(responder), 200, "true");
        } else {
            reply_caused(std::move(responder), 500, outcome.error().message());
        }
    });
}

void ConfigHttp::listen(const spi::HttpRequest& request, spi::HttpResponder responder) {
    const Params params(request);
    ParsedListening parsed = parse_listening(params.find("Listening-Configs").value_or(""));
    if (!parsed.error.empty()) {
        reply_caused(std::move(responder), 400, parsed.error);
        return;
    }
    for (const Listened& entry : parsed.entries) {
        if (const protocol::CheckFailure failure = check_names(entry.tenant, entry.group, entry.data_id)) {
            protocol::reply_check_failed(std::move(responder), *failure);
            return;
        }
    }
    const std::string_view timeout = protocol::trimmed(request.header("Long-Pulling-Timeout"));
    const std::vector<const Listened*> changed = polls_.changed(parsed.entries);
    if (timeout.empty()) {
        // A short poll: only old clients are told what changed, and in headers.
        std::string list;
        std::string encoded;
        if (version_number(request.header("Client-Version")) < kHeadersSinceVersion) {
            for (const Listened* entry : changed) {
                list += entry->data_id + ":" + entry->group + ";";
                append_changed(encoded, *entry);
            }
        }
        const spi::HttpHeader headers[] = {{"Probe-Modify-Response", list}, {"Probe-Modify-Response-New", encoded}};
        responder.send({.status = 200,
                        .content_type = protocol::kJsonUtf8,
                        .headers = list.empty() ? std::span<const spi::HttpHeader>{} : headers,
                        .body = {}});
        return;
    }
    std::int64_t millis = 0;
    const auto [end, error] = std::from_chars(timeout.data(), timeout.data() + timeout.size(), millis);
    if (error != std::errc{} || end != timeout.data() + timeout.size()) {
        reply_caused(std::move(responder), 400, "For input string: \"" + std::string(timeout) + "\"");
        return;
    }
    const bool no_hangup = protocol::trimmed(request.header("Long-Pulling-Timeout-No-Hangup")) == "true";
    if (!changed.empty() || no_hangup) {
        reply_changed(std::move(responder), changed);
        return;
    }
    const std::int64_t longest = std::chrono::duration_cast<std::chrono::milliseconds>(kLongestHold).count();
    const spi::Duration asked = std::chrono::milliseconds(std::clamp<std::int64_t>(millis, 0, longest));
    polls_.hold(std::move(parsed.entries), std::max(kShortestHold, asked - kAnswerEarly), std::move(responder));
}

}  // namespace pharos::config
