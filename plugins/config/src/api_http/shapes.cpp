#include "api_http/shapes.hpp"

namespace pharos::config {

namespace {

using sdk::JsonWriter;

void text_or_null(JsonWriter& json, std::string_view name, std::string_view text) {
    json.key(name);
    if (text.empty()) {
        json.null();
    } else {
        json.value(text);
    }
}

void number_text(JsonWriter& json, std::string_view name, std::uint64_t number) {
    json.member(name, std::to_string(number));
}

std::string_view operation_of(const HistoryRow& row) {
    switch (row.operation) {
        case Operation::kInsert: return "I";
        case Operation::kUpdate: return "U";
        case Operation::kRemove: return "D";
    }
    return "";
}

/// As a column of ten characters holds it (`protocol/config.md §2.5`).
std::string padded_operation(const HistoryRow& row) {
    std::string text(operation_of(row));
    text.resize(10, ' ');
    return text;
}

std::string_view publish_type(const HistoryRow& row) { return row.gray_name.empty() ? "formal" : "gray"; }

}  // namespace

void append_item(JsonWriter& json, const FoundConfig& found) {
    const Entry& entry = *found.entry;
    json.begin_object();
    number_text(json, "id", entry.id);
    json.member("dataId", found.key.data_id).member("group", found.key.group);
    json.member("content", found.content == nullptr ? std::string_view{} : *found.content).member("md5", entry.md5);
    json.member("encryptedDataKey", entry.encrypted_data_key).member("tenant", found.key.namespace_id);
    json.member("appName", entry.app_name()).member("type", entry.type).end_object();
}

void append_basic_item(JsonWriter& json, const FoundConfig& found) {
    const Entry& entry = *found.entry;
    json.begin_object();
    number_text(json, "id", entry.id);
    json.member("namespaceId", found.key.namespace_id).member("groupName", found.key.group);
    json.member("dataId", found.key.data_id).member("md5", entry.md5).member("type", entry.type);
    json.member("appName", entry.app_name()).member("createTime", 0).member("modifyTime", 0).end_object();
}

void append_all(JsonWriter& json, const ConfigKey& key, const StoredConfig& config) {
    const ConfigRecord& record = config.record;
    json.begin_object();
    number_text(json, "id", config.id);
    json.member("dataId", key.data_id).member("group", key.group).member("content", record.content);
    json.member("md5", record.md5).member("encryptedDataKey", record.encrypted_data_key);
    json.member("tenant", key.namespace_id).member("appName", record.app_name).member("type", record.type);
    // Both are the time of the last change (protocol/config.md §10 trap 22).
    json.member("createTime", record.modified_ms).member("modifyTime", record.modified_ms);
    text_or_null(json, "createUser", record.source_user);
    text_or_null(json, "createIp", record.source_ip);
    text_or_null(json, "desc", record.description);
    text_or_null(json, "use", record.use);
    text_or_null(json, "effect", record.effect);
    text_or_null(json, "schema", record.schema);
    text_or_null(json, "configTags", record.tags);
    json.end_object();
}

void append_detail(JsonWriter& json, const ConfigKey& key, const StoredConfig& config) {
    const ConfigRecord& record = config.record;
    json.begin_object();
    number_text(json, "id", config.id);
    json.member("namespaceId", key.namespace_id).member("groupName", key.group).member("dataId", key.data_id);
    json.member("md5", record.md5).member("type", record.type).member("appName", record.app_name);
    json.member("createTime", record.modified_ms).member("modifyTime", record.modified_ms);
    json.member("content", record.content);
    text_or_null(json, "desc", record.description);
    json.member("encryptedDataKey", record.encrypted_data_key);
    text_or_null(json, "createUser", record.source_user);
    text_or_null(json, "createIp", record.source_ip);
    text_or_null(json, "configTags", record.tags);
    json.end_object();
}

void append_catalog(JsonWriter& json, const StoredConfig& config) {
    const ConfigRecord& record = config.record;
    json.begin_object().member("createTime", record.modified_ms).member("modifyTime", record.modified_ms);
    text_or_null(json, "createUser", record.source_user);
    text_or_null(json, "createIp", record.source_ip);
    text_or_null(json, "desc", record.description);
    text_or_null(json, "use", record.use);
    text_or_null(json, "effect", record.effect);
    text_or_null(json, "type", record.type);
    text_or_null(json, "schema", record.schema);
    text_or_null(json, "configTags", record.tags);
    json.end_object();
}

void append_config_name(JsonWriter& json, Generation generation, const FoundConfig& found) {
    const Entry& entry = *found.entry;
    json.begin_object().member("id", "0");
    if (generation == Generation::kV3Admin) {
        json.member("namespaceId", found.key.namespace_id).member("groupName", found.key.group);
        json.member("dataId", found.key.data_id).key("md5").null().member("type", entry.type);
        json.member("appName", entry.app_name()).member("createTime", 0);
        json.member("modifyTime", entry.modified_ms).end_object();
        return;
    }
    json.member("dataId", found.key.data_id).member("group", found.key.group).key("content").null();
    json.key("md5").null().key("encryptedDataKey").null().member("tenant", found.key.namespace_id);
    json.member("appName", entry.app_name()).member("type", entry.type);
    json.member("lastModified", entry.modified_ms).end_object();
}

void append_past_change(JsonWriter& json, Generation generation, const PastChange& change, Extent extent) {
    const HistoryRow& row = change.row;
    const ConfigRecord& state = change.state;
    const auto whole = [&](std::string_view name, std::string_view text) {
        json.key(name);
        if (extent == Extent::kWhole) {
            json.value(text);
        } else {
            json.null();
        }
    };
    json.begin_object();
    number_text(json, "id", change.number);
    if (generation == Generation::kV3Admin) {
        json.member("namespaceId", row.namespace_id).member("groupName", row.group).member("dataId", row.data_id);
        whole("md5", state.md5);
        json.member("type", state.type).member("appName", state.app_name);
        json.member("createTime", row.at_ms).member("modifyTime", row.at_ms);
        json.member("srcIp", row.source_ip);
        text_or_null(json, "srcUser", row.source_user);
        json.member("opType", operation_of(row)).member("publishType", publish_type(row));
        if (extent == Extent::kWhole) {
            json.member("content", state.content).member("encryptedDataKey", state.encrypted_data_key);
            json.member("grayName", row.gray_name).member("extInfo", extra_info(state));
        }
        json.end_object();
        return;
    }
    json.member("lastId", -1).member("dataId", row.data_id).member("group", row.group);
    json.member("tenant", row.namespace_id).member("appName", state.app_name);
    whole("md5", state.md5);
    whole("content", state.content);
    json.member("srcIp", row.source_ip);
    text_or_null(json, "srcUser", row.source_user);
    json.member("opType", padded_operation(row)).member("publishType", publish_type(row));
    json.member("grayName", row.gray_name).member("extInfo", extra_info(state));
    const std::string time = protocol::iso_time(row.at_ms);
    json.member("createdTime", time).member("lastModifiedTime", time);
    whole("encryptedDataKey", state.encrypted_data_key);
    json.end_object();
}

void append_comparison(JsonWriter& json, const PastChange& change, const std::optional<ConfigRecord>& after) {
    const HistoryRow& row = change.row;
    const bool had_one = row.operation != Operation::kInsert;
    const auto side = [&](std::string_view name, const ConfigRecord* state, std::string_view extra_name) {
        const auto member = [&](std::string_view what, std::string_view text) {
            json.key(std::string(name) + std::string(what));
            if (state != nullptr) {
                json.value(text);
            } else {
                json.null();
            }
        };
        member("Md5", state == nullptr ? std::string_view{} : state->md5);
        member("Content", state == nullptr ? std::string_view{} : state->content);
        member("EncryptedDataKey", state == nullptr ? std::string_view{} : state->encrypted_data_key);
        json.key(extra_name);
        if (state != nullptr) {
            json.value(extra_info(*state));
        } else {
            json.null();
        }
    };
    json.begin_object();
    number_text(json, "id", change.number);
    json.member("lastId", -1).member("dataId", row.data_id).member("group", row.group);
    json.member("tenant", row.namespace_id).member("opType", operation_of(row));
    json.member("publishType", publish_type(row)).member("grayName", row.gray_name);
    json.member("appName", change.state.app_name).member("srcIp", row.source_ip);
    text_or_null(json, "srcUser", row.source_user);
    side("original", had_one ? &change.state : nullptr, "originalExtInfo");
    side("updated", after ? &*after : nullptr, "updateExtInfo");
    const std::string time = protocol::iso_time(row.at_ms);
    json.member("createdTime", time).member("lastModifiedTime", time).end_object();
}

std::string extra_info(const ConfigRecord& state) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    const std::pair<std::string_view, std::string_view> members[] = {
        {"type", state.type},          {"config_tags", state.tags},
        {"effect", state.effect},      {"src_user", state.source_user},
        {"c_desc", state.description}, {"c_use", state.use},
        {"c_schema", state.schema}};
    for (const auto& [name, value] : members) {
        if (!protocol::trimmed(value).empty()) {
            json.member(name, value);
        }
    }
    json.end_object();
    return text;
}

}  // namespace pharos::config
