// Long polling, and who listens to what.
#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <utility>

#include <pharos/protocol/request.hpp>

#include "api_http/calls.hpp"
#include "model/rules.hpp"

namespace pharos::config {

namespace {

using namespace std::chrono_literals;
using sdk::JsonWriter;

constexpr spi::Duration kShortestHold = 10s;   // MIN_LONG_POOLING_TIMEOUT
constexpr spi::Duration kAnswerEarly = 500ms;  // fixedDelayTime
constexpr spi::Duration kLongestHold = 24h;
constexpr int kHeadersSinceVersion = 204;  // older clients read the result of a short poll from headers

/// A short poll: only old clients are told what changed, and in headers.
void reply_short_poll(Call& call, const std::vector<const Listened*>& changed) {
    std::string list;
    std::string encoded;
    if (version_number(call.request().header("Client-Version")) < kHeadersSinceVersion) {
        for (const Listened* entry : changed) {
            list += entry->data_id + ":" + entry->group + ";";
            append_changed(encoded, *entry);
        }
    }
    const spi::HttpHeader headers[] = {{"Probe-Modify-Response", list}, {"Probe-Modify-Response-New", encoded}};
    call.reply.take().send({.status = 200,
                            .content_type = protocol::kJsonUtf8,
                            .headers = list.empty() ? std::span<const spi::HttpHeader>{} : headers,
                            .body = {}});
}

using Md5s = std::map<std::string, std::string>;

Md5s listeners_of(Services& services, const std::string& store_key) {
    Md5s md5s;
    services.polls.add_listeners_of(store_key, md5s);
    services.listeners.add_listeners_of(store_key, md5s);
    return md5s;
}

/// By "dataId+group+namespace"; of one namespace, or of all when it is "".
Md5s listened_by(Services& services, std::string_view ip, std::string_view namespace_id) {
    Md5s by_store_key;
    services.polls.add_listened_by(ip, by_store_key);
    services.listeners.add_listened_by(ip, by_store_key);
    Md5s md5s;
    for (auto& [store_key, md5] : by_store_key) {
        const std::optional<ConfigKey> key = ConfigKey::parse(store_key);
        if (key && (namespace_id.empty() || key->namespace_id == namespace_id)) {
            md5s.emplace(key->group_key(), std::move(md5));
        }
    }
    return md5s;
}

/// `{"<first>":…,"<second>":{key:md5}}`; "" leaves the first member out.
void reply_md5s(Reply& reply, std::string_view first, std::string_view value, std::string_view second,
                const Md5s& md5s) {
    std::string body;
    JsonWriter json(body);
    json.begin_object();
    if (!first.empty()) {
        json.key(first).raw(value);
    }
    json.key(second).begin_object();
    for (const auto& [key, md5] : md5s) {
        json.member(key, md5);
    }
    json.end_object().end_object();
    reply.data(body);
}

/// A long poll stays, as a connection does, and counts as one (`protocol/core.md §6`). False: it is refused, 1 to 3 s
/// later (`protocol/config.md §2.4`), so that those who were refused together do not come back together.
bool admit_poll(Services& services, Call& call) {
    if (services.control == nullptr) {
        return true;
    }
    const spi::HttpRequest& request = call.request();
    const std::size_t connected = services.polls.held() + services.listeners.connections();
    const spi::Status admitted =
        services.control->admit_connection({request.remote_ip, {}, protocol::client_app(request)}, connected);
    if (admitted) {
        return true;
    }
    const spi::Duration delay = 1s + services.executors.clock().steady() % 2s;
    services.executors.timers().after(delay, [responder = call.reply.take(), text = admitted.message()]() mutable {
        protocol::reply_text(std::move(responder), 503, text);
    });
    return false;
}

constexpr std::string_view kMisspelt = "lisentersGroupkeyStatus";  // protocol/config.md §10 trap 22

}  // namespace

void long_poll(Services& services, Call& call) {
    ParsedListening parsed =
        parse_listening(call.params().find("Listening-Configs").value_or(""), services.polls.limits().listened);
    if (!parsed.error.empty()) {
        if (spi::Counter* refused = services.polls.limits().refused_listened; refused != nullptr && parsed.too_many) {
            refused->add();
        }
        call.reply.invalid(parsed.error);
        return;
    }
    for (const Listened& entry : parsed.entries) {
        if (const protocol::CheckFailure failure = check_names(entry.tenant, entry.group, entry.data_id)) {
            protocol::reply_check_failed(call.reply.take(), *failure);
            return;
        }
    }
    const std::string_view timeout = protocol::trimmed(call.request().header("Long-Pulling-Timeout"));
    const std::vector<const Listened*> changed = services.polls.changed(parsed.entries);
    if (timeout.empty()) {
        reply_short_poll(call, changed);
        return;
    }
    const std::optional<std::int64_t> millis = protocol::whole_number(timeout);
    if (!millis) {
        call.reply.invalid("For input string: \"" + std::string(timeout) + "\"");
        return;
    }
    const bool no_hangup = protocol::trimmed(call.request().header("Long-Pulling-Timeout-No-Hangup")) == "true";
    if (!changed.empty() || no_hangup) {
        reply_changed(call.reply.take(), changed);
        return;
    }
    if (!admit_poll(services, call)) {
        return;
    }
    const std::int64_t longest = std::chrono::duration_cast<std::chrono::milliseconds>(kLongestHold).count();
    const spi::Duration asked = std::chrono::milliseconds(std::clamp<std::int64_t>(*millis, 0, longest));
    services.polls.hold(std::move(parsed.entries), std::max(kShortestHold, asked - kAnswerEarly),
                        protocol::client_ip(call.request()), call.request().remote_ip, call.reply.take());
}

void listeners_of_config(Services& services, Call& call) {
    if (!call.require_config()) {
        return;
    }
    const Md5s md5s = listeners_of(services, call.key().store_key());
    if (call.is_v1()) {
        reply_md5s(call.reply, "collectStatus", "200", kMisspelt, md5s);
    } else {
        reply_md5s(call.reply, "queryType", "\"config\"", "listenersStatus", md5s);
    }
}

void configs_of_listener(Services& services, Call& call) {
    if (!call.check_names() || !call.require({"ip"})) {
        return;
    }
    const bool all = protocol::truth_of(call.get("all")).value_or(false);
    const Md5s md5s = listened_by(services, call.get("ip"), all ? std::string() : call.namespace_id());
    if (call.is_v1()) {
        reply_md5s(call.reply, "collectStatus", "200", kMisspelt, md5s);
    } else {
        reply_md5s(call.reply, "queryType", "\"ip\"", "listenersStatus", md5s);
    }
}

void watchers_of_config(Services& services, Call& call) {
    if (call.require_config()) {
        reply_md5s(call.reply, {}, {}, kMisspelt, listeners_of(services, call.key().store_key()));
    }
}

void configs_of_watcher(Services& services, Call& call) {
    if (call.require({"ip"})) {
        reply_md5s(call.reply, {}, {}, kMisspelt, listened_by(services, call.get("ip"), {}));
    }
}

}  // namespace pharos::config
