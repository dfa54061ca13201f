// Publish, query and remove, and what else concerns single configs.
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include <pharos/sdk/json_writer.hpp>

#include "api_http/calls.hpp"
#include "api_http/shapes.hpp"
#include "model/rules.hpp"

namespace pharos::config {

namespace {

using sdk::JsonWriter;

constexpr std::size_t kMostIds = 1000;
constexpr std::string_view kNotExist = "config data not exist";

std::optional<std::string> optional_text(const Call& call, std::string_view name) {
    const std::optional<std::string_view> text = call.params().find(name);
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

Publish publish_of(const Call& call) {
    const auto text = [&](std::string_view name) { return std::string(call.get(name)); };
    Publish wanted;
    wanted.key = call.key();
    wanted.content = call.params().find("content").value_or("");
    wanted.type = text("type");
    wanted.app_name = optional_text(call, "appName");
    wanted.tags = optional_text(call, call.is_v1() ? "config_tags" : "configTags");
    wanted.description = text("desc");
    wanted.use = text("use");
    wanted.effect = text("effect");
    wanted.schema = call.params().find("schema").value_or("");
    wanted.encrypted_data_key = text("encryptedDataKey");
    wanted.cas_md5 = protocol::trimmed(call.request().header("casMd5"));
    wanted.author = call.author(call.is_v1() ? "src_user" : "srcUser");
    return wanted;
}

void reply_true(Reply& reply) {
    if (reply.generation() == Generation::kV1) {
        reply.text(200, "true");  // SDKs compare the body with exactly this word
    } else {
        reply.data("true");
    }
}

/// The content as it is, with what is known of it in headers.
void reply_content(Reply reply, const Found& found) {
    const Entry& entry = *found.entry;
    const std::string modified = protocol::http_date(entry.modified_ms);
    const spi::HttpHeader headers[] = {{"Config-Type", entry.type},
                                       {"Content-MD5", entry.md5},
                                       {"Last-Modified", modified},
                                       {"Encrypted-Data-Key", entry.encrypted_data_key},
                                       {"Pragma", "no-cache"},
                                       {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
                                       {"Cache-Control", "no-cache,no-store"}};
    if (reply.generation() == Generation::kV1) {
        const spi::Piece body[] = {found.content};
        reply.take().send({.status = 200, .content_type = protocol::kTextPlain, .headers = headers, .body = body});
        return;
    }
    std::string json = R"({"code":0,"message":"success","data":)";
    JsonWriter::append_quoted(json, *found.content);
    json += '}';
    const spi::Piece body[] = {json};
    reply.take().send({.status = 200, .content_type = protocol::kJson, .headers = headers, .body = body});
}

/// What SDKs of 3.x get instead, which is the gRPC reply in a Result.
void reply_client_content(Reply reply, const Found& found) {
    const Entry& entry = *found.entry;
    std::string data;
    data.reserve(found.content->size() + 512);
    JsonWriter json(data);
    json.begin_object().member("resultCode", 200).member("errorCode", 0).key("message").null();
    json.key("requestId").null().member("content", *found.content);
    json.member("encryptedDataKey", entry.encrypted_data_key).member("contentType", entry.type);
    json.member("md5", entry.md5).member("lastModified", entry.modified_ms).key("tag").null();
    json.member("beta", false).member("success", true).end_object();
    reply.data(data);
}

void reply_no_content(Reply reply) {
    switch (reply.generation()) {
        case Generation::kV1: reply.text(404, "config data not exist\n"); break;
        case Generation::kV3Client:
            // 200, so that it is no error of the transport (protocol/config.md §2.7).
            protocol::reply_json(reply.take(), 200, R"({"code":20004,"message":"resource not found","data":null})");
            break;
        default: reply.not_found(kNotExist); break;
    }
}

/// Counts down removals and answers with the first failure, or when all are done.
struct Removals {
    explicit Removals(Reply to) : reply(std::move(to)) {}
    std::atomic<std::size_t> left{1};  // the loop that begins them counts as one
    std::mutex mutex;
    spi::Status failure;
    Reply reply;

    void done(const spi::Result<bool>& outcome) {
        if (!outcome) {
            std::lock_guard lock(mutex);
            failure = outcome.error();
        }
        if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            if (failure) {
                reply.wrapped("true");
            } else {
                reply.failed(failure);
            }
        }
    }
};

}  // namespace

void publish(Services& services, Call& call) {
    if (!call.require_config() || !call.require({"content"})) {
        return;
    }
    if (!protocol::trimmed(call.request().header("betaIps")).empty() || !call.get("tag").empty()) {
        call.reply.invalid(kGrayUnsupported);
        return;
    }
    Publish wanted = publish_of(call);
    if (const std::optional<std::string> wrong = check_content(wanted)) {
        call.reply.invalid(*wrong);
        return;
    }
    if (const std::optional<std::string> wrong = check_details(wanted)) {
        if (call.is_v1()) {
            call.reply.text(400, "false");  // protocol/config.md §2.3
        } else {
            call.reply.invalid(*wrong);
        }
        return;
    }
    services.repository.publish(std::move(wanted),
                                [reply = std::move(call.reply)](const spi::Result<bool>& outcome) mutable {
                                    if (outcome) {
                                        reply_true(reply);
                                    } else if (reply.generation() == Generation::kV1) {
                                        reply.text(500, "false");
                                    } else {
                                        reply.failed(outcome.error());
                                    }
                                });
}

void query(Services& services, Call& call) {
    if (!call.require_config()) {
        return;
    }
    // An explicit tag never falls back to the formal config (protocol/config.md §4), and there are no gray ones. The
    // client of 3.x has no tag.
    if (call.reply.generation() != Generation::kV3Client && !call.get("tag").empty()) {
        reply_no_content(std::move(call.reply));
        return;
    }
    services.repository.query(call.key().store_key(), [reply = std::move(call.reply)](const Found& found) mutable {
        if (found.unreadable) {
            // A 404 would make clients drop what they have (protocol/config.md §10.33–34).
            reply.failed(spi::Status(spi::Code::kInternal, "the config can't be read now"));
        } else if (found.content == nullptr) {
            reply_no_content(std::move(reply));
        } else if (reply.generation() == Generation::kV3Client) {
            reply_client_content(std::move(reply), found);
        } else {
            reply_content(std::move(reply), found);
        }
    });
}

void remove(Services& services, Call& call) {
    if (!call.require_config()) {
        return;
    }
    const ConfigKey key = call.key();
    if (const std::optional<std::string> wrong = check_key(key)) {
        call.reply.invalid(*wrong);
        return;
    }
    if (!call.get("tag").empty()) {
        reply_true(call.reply);  // there is no gray config to remove
        return;
    }
    services.repository.remove(key, call.author("srcUser"),
                               [reply = std::move(call.reply)](const spi::Result<bool>& outcome) mutable {
                                   if (outcome) {
                                       reply_true(reply);
                                   } else {
                                       reply.failed(outcome.error());
                                   }
                               });
}

void remove_by_ids(Services& services, Call& call) {
    if (!call.require({"ids"})) {
        return;
    }
    const std::optional<std::vector<std::uint64_t>> ids = call.numbers("ids");
    if (!ids) {
        return;
    }
    if (ids->size() > kMostIds) {
        call.reply.invalid(std::to_string(ids->size()) + " ids are too many, at most 1000 are taken at a time");
        return;
    }
    const Author author = call.author("srcUser");
    const bool has_namespace = !call.tenant().empty();
    const auto removals = std::make_shared<Removals>(std::move(call.reply));
    for (const std::uint64_t id : *ids) {
        const std::optional<std::string> store_key = services.index.find_id(id);
        const std::optional<ConfigKey> key = store_key ? ConfigKey::parse(*store_key) : std::nullopt;
        // Access was decided for the namespace that was named, if one was: others' configs are as if unknown.
        if (key && (!has_namespace || key->namespace_id == call.namespace_id())) {
            removals->left.fetch_add(1, std::memory_order_relaxed);
            services.repository.remove(*key, author,
                                       [removals](const spi::Result<bool>& outcome) { removals->done(outcome); });
        }
    }
    removals->done(true);
}

void show_all(Services& services, Call& call) {
    if (!call.require_config()) {
        return;
    }
    const ConfigKey key = call.key();
    services.repository.detail(key.store_key(), [key, reply = std::move(call.reply)](
                                                    const spi::Result<std::optional<StoredConfig>>& found) mutable {
        const bool is_v1 = reply.generation() == Generation::kV1;
        if (!found) {
            reply.failed(found.error());
            return;
        }
        std::string body;
        JsonWriter json(body);
        if (!found.value()) {
            if (is_v1) {
                reply.data("");  // an empty body
            } else {
                reply.not_found("Config not exist, please publish Config first.");
            }
            return;
        }
        (is_v1 ? append_all : append_detail)(json, key, *found.value());
        reply.data(body);
    });
}

void catalog(Services& services, Call& call) {
    if (!call.require_config()) {
        return;
    }
    services.repository.detail(
        call.key().store_key(),
        [reply = std::move(call.reply)](const spi::Result<std::optional<StoredConfig>>& found) mutable {
            if (!found) {
                reply.failed(found.error());
                return;
            }
            std::string body = "null";
            if (found.value()) {
                body.clear();
                JsonWriter json(body);
                append_catalog(json, *found.value());
            }
            reply.wrapped(body);
        });
}

void capacity(Services& services, Call& call) {
    const std::optional<std::string_view> group = call.params().find(call.is_v1() ? "group" : "groupName");
    if (!call.check_names()) {
        return;
    }
    if (!group && call.tenant().empty()) {
        if (call.is_v1()) {
            call.reply.text(400, "The parameter group and tenant cannot be empty at the same time");
        } else {
            protocol::reply_result_error(call.reply.take(), 400, protocol::ErrorCode::kParameterMissing,
                                         "At least one of the parameters (groupName or namespaceId) must be provided");
        }
        return;
    }
    std::size_t usage = 0;
    if (!call.tenant().empty()) {
        usage = services.index.count(call.namespace_id());
    } else if (call.group().empty()) {
        usage = services.index.size();  // of the whole cluster
    } else {
        usage = services.index.count_group(call.group());
    }
    // Nothing is limited, so every limit is the 0 of "not set".
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("id", "0").member("quota", 0).member("usage", usage).member("maxSize", 0);
    json.member("maxAggrCount", 0).member("maxAggrSize", 0).key("gmtCreate").null().key("gmtModified").null();
    if (!call.tenant().empty()) {
        json.member("namespaceId", call.namespace_id());
    } else {
        json.member("groupName", call.group());
    }
    json.end_object();
    call.reply.wrapped(body);
}

void health(Services& services, Call& call) {
    call.reply.text(200, services.repository.is_readable() ? "UP" : "DOWN:the store can't be read");
}

}  // namespace pharos::config
