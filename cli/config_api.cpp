#include "cli/config_api.hpp"

#include <algorithm>

#include <pharos/protocol/params.hpp>

#include "cli/json_reader.hpp"
#include "cli/reply_text.hpp"
#include "cli/text.hpp"

namespace pharos::cli {

namespace {

namespace json = boost::json;

constexpr std::size_t kPageSize = 200;
constexpr char kWord = '\x02';
constexpr char kLine = '\x01';

/// The operation in words; some servers pad their letter with blanks (`protocol/config.md §2.5`).
std::string operation_of(const json::value& item) {
    const std::string text = text_of(item, "opType");
    const std::string letter(protocol::trimmed(text));
    return letter == "I" ? "insert" : letter == "U" ? "update" : letter == "D" ? "delete" : letter;
}

/// v3 names its members createTime and modifyTime, v1 createdTime and lastModifiedTime.
HistoryEntry entry_of(const json::value& item) {
    HistoryEntry entry;
    entry.id = text_of(item, "id");
    entry.operation = operation_of(item);
    for (const char* name : {"modifyTime", "lastModifiedTime", "createTime", "createdTime"}) {
        entry.time_ms = entry.time_ms != 0 ? entry.time_ms : time_of(item, name);
    }
    entry.user = text_of(item, "srcUser");
    entry.ip = text_of(item, "srcIp");
    entry.md5 = text_of(item, "md5");
    entry.publish_type = text_of(item, "publishType");
    entry.content = text_of(item, "content");
    return entry;
}

void put(Params& params, const char* name, const std::optional<std::string>& value) {
    if (value) {
        params.emplace_back(name, *value);
    }
}

Params with(Params params, Params more) {
    params.insert(params.end(), more.begin(), more.end());
    return params;
}

Params v1_key(const ConfigKey& key) {
    return {{"dataId", key.data_id}, {"group", key.group}, {"tenant", key.namespace_id}};
}

Params v3_key(const ConfigKey& key) {
    return {{"dataId", key.data_id}, {"groupName", key.group}, {"namespaceId", key.namespace_id}};
}

}  // namespace

std::string ConfigKey::text() const {
    return "config '" + data_id + "' in group " + group + ", namespace " +
           (namespace_id.empty() ? "public" : namespace_id);
}

spi::Status ConfigApi::about(const std::string& what, const spi::Status& status) const {
    const std::string where = server_.endpoint().text();
    // What could not be sent names the server already.
    return {status.code(),
            status.message().starts_with(where) ? status.message() : where + ": " + what + ": " + status.message()};
}

spi::Result<Config> ConfigApi::get(const ConfigKey& key) {
    spi::Result<Server::Answer> answer = server_.send_first(
        {{"GET", "/v1/cs/configs", v1_key(key), {}}, {"GET", "/v3/admin/cs/config", v3_key(key), {}}});
    if (!answer) {
        return answer.error();
    }
    HttpReply& reply = answer.value().reply;
    if (answer.value().which == 0) {
        if (reply.status != 200) {
            return about(key.text(), refused(reply));
        }
        return Config{.content = std::move(reply.body),
                      .md5 = std::string(reply.header("Content-MD5")),
                      .type = std::string(reply.header("Config-Type")),
                      .modified_ms = parse_time(reply.header("Last-Modified"))};
    }
    const spi::Result<json::value> data = data_of(reply);
    if (!data) {
        return about(key.text(), data.error());
    }
    return Config{.content = text_of(data.value(), "content"),
                  .md5 = text_of(data.value(), "md5"),
                  .type = text_of(data.value(), "type"),
                  .modified_ms = time_of(data.value(), "modifyTime")};
}

spi::Status ConfigApi::publish(const ConfigKey& key, const NewConfig& config) {
    Params more{{"content", config.content}, {"type", config.type}};
    put(more, "desc", config.description);
    put(more, "appName", config.app);
    Params v1 = with(v1_key(key), more);
    Params v3 = with(v3_key(key), more);
    put(v1, "config_tags", config.tags);
    put(v3, "configTags", config.tags);
    const Headers headers = config.cas_md5.empty() ? Headers{} : Headers{{"casMd5", config.cas_md5}};
    const spi::Result<Server::Answer> answer = server_.send_first(
        {{"POST", "/v3/admin/cs/config", std::move(v3), headers}, {"POST", "/v1/cs/configs", std::move(v1), headers}});
    if (!answer) {
        return answer.error();
    }
    const HttpReply& reply = answer.value().reply;
    const spi::Result<json::value> data = data_of(reply);
    if (data && data.value() != json::value(false)) {
        return {};
    }
    // v1 says nothing but "false" when the md5 is another (`protocol/config.md §2.3`).
    const bool lost_race =
        !config.cas_md5.empty() && (reply.body == "false" || reply.body.find("Cas publish fail") != std::string::npos);
    if (lost_race) {
        return about(key.text(), {spi::Code::kConflict, "not published: its md5 is not " + config.cas_md5 +
                                                            " any more; see what is there with 'pharos config get'"});
    }
    return about(key.text(), data ? refused(reply) : data.error());
}

spi::Status ConfigApi::remove(const ConfigKey& key) {
    const spi::Result<json::value> data = server_.ask(
        {{"DELETE", "/v3/admin/cs/config", v3_key(key), {}}, {"DELETE", "/v1/cs/configs", v1_key(key), {}}});
    return data ? spi::Status() : about(key.text(), data.error());
}

spi::Result<std::vector<ConfigRow>> ConfigApi::list(const std::string& namespace_id, const std::string& data_id_pattern,
                                                    const std::string& group_pattern) {
    const auto all_if_empty = [](const std::string& pattern) { return pattern.empty() ? std::string("*") : pattern; };
    std::vector<ConfigRow> rows;
    std::size_t seen = 0;
    for (std::size_t page = 1;; ++page) {
        const Params paging{
            {"search", "blur"}, {"pageNo", std::to_string(page)}, {"pageSize", std::to_string(kPageSize)}};
        const Params v3{{"dataId", data_id_pattern}, {"groupName", group_pattern}, {"namespaceId", namespace_id}};
        // v1 wants both names to be there.
        const Params v1{{"dataId", all_if_empty(data_id_pattern)},
                        {"group", all_if_empty(group_pattern)},
                        {"tenant", namespace_id}};
        const spi::Result<json::value> data = server_.ask({{"GET", "/v3/admin/cs/config/list", with(v3, paging), {}},
                                                           {"GET", "/v1/cs/configs", with(v1, paging), {}}});
        if (!data) {
            return about("list of configs", data.error());
        }
        const json::array* items = member_of(data.value(), "pageItems").if_array();
        if (items == nullptr) {
            return about("list of configs", unexpected("a page of configs", data.value()));
        }
        for (const json::value& item : *items) {
            ConfigRow row{.data_id = text_of(item, "dataId"),
                          .group = text_of(item, "groupName"),
                          .type = text_of(item, "type"),
                          .md5 = text_of(item, "md5"),
                          .modified_ms = time_of(item, "modifyTime")};
            row.group = row.group.empty() ? text_of(item, "group") : row.group;
            // The server's own matching knows more wildcards than `*` (`protocol/config.md §10`, 21).
            if (matches(all_if_empty(data_id_pattern), row.data_id) &&
                matches(all_if_empty(group_pattern), row.group)) {
                rows.push_back(std::move(row));
            }
        }
        seen += items->size();
        if (items->empty() || static_cast<std::int64_t>(seen) >= number_of(data.value(), "totalCount")) {
            return rows;
        }
    }
}

spi::Result<std::size_t> ConfigApi::count(const std::string& namespace_id) {
    const spi::Result<json::value> data =
        server_.ask({{"GET",
                      "/v3/admin/cs/config/list",
                      {{"search", "blur"}, {"pageNo", "1"}, {"pageSize", "1"}, {"namespaceId", namespace_id}},
                      {}}});
    return data ? spi::Result<std::size_t>(static_cast<std::size_t>(number_of(data.value(), "totalCount")))
                : data.error();
}

spi::Result<std::vector<HistoryEntry>> ConfigApi::history(const ConfigKey& key, std::size_t limit) {
    std::vector<HistoryEntry> entries;
    while (entries.size() < limit) {
        const std::size_t size = std::min(limit, kPageSize);
        const Params paging{{"pageNo", std::to_string(entries.size() / size + 1)}, {"pageSize", std::to_string(size)}};
        const spi::Result<json::value> data =
            server_.ask({{"GET", "/v3/admin/cs/history/list", with(v3_key(key), paging), {}},
                         {"GET", "/v1/cs/history", with(with(v1_key(key), paging), {{"search", "accurate"}}), {}}});
        if (!data) {
            return about("history of " + key.text(), data.error());
        }
        const json::array* items = member_of(data.value(), "pageItems").if_array();
        if (items == nullptr) {
            return about("history of " + key.text(), unexpected("a page of history", data.value()));
        }
        for (const json::value& item : *items) {
            entries.push_back(entry_of(item));
        }
        if (items->size() < size) {
            break;
        }
    }
    if (entries.size() > limit) {
        entries.resize(limit);
    }
    // Lists come without md5s (`protocol/config.md §2.5`); an entry by itself has one.
    for (HistoryEntry& entry : entries) {
        if (entry.md5.empty()) {
            const spi::Result<HistoryEntry> whole = history_entry(key, entry.id);
            if (!whole) {
                break;
            }
            entry.md5 = whole.value().md5;
        }
    }
    return entries;
}

spi::Result<HistoryEntry> ConfigApi::history_entry(const ConfigKey& key, const std::string& id) {
    const std::string what = "version " + id + " of " + key.text();
    const spi::Result<Server::Answer> answer =
        server_.send_first({{"GET", "/v3/admin/cs/history", with(v3_key(key), {{"nid", id}}), {}},
                            {"GET", "/v1/cs/history", with(v1_key(key), {{"nid", id}}), {}}});
    if (!answer) {
        return answer.error();
    }
    const HttpReply& reply = answer.value().reply;
    const spi::Status missing(spi::Code::kNotFound, "no such version; 'pharos config log' lists those that are kept");
    // "There is none" is an empty body in v1 and, in v3, a complaint about its own null (`protocol/config.md §2.8`).
    if ((reply.status == 200 && reply.body.empty()) ||
        reply.body.find("Source must not be null") != std::string::npos) {
        return about(what, missing);
    }
    const spi::Result<json::value> data = data_of(reply);
    if (!data) {
        return about(what, data.error());
    }
    return data.value().is_null() ? spi::Result<HistoryEntry>(about(what, missing)) : entry_of(data.value());
}

spi::Result<std::vector<std::size_t>> ConfigApi::wait(const std::vector<Watched>& watched,
                                                      std::chrono::milliseconds longest) {
    std::string listening;
    for (const Watched& one : watched) {
        listening += one.key.data_id + kWord + one.key.group + kWord + one.md5;
        if (!one.key.namespace_id.empty()) {
            listening += kWord + one.key.namespace_id;
        }
        listening += kLine;
    }
    const spi::Result<HttpReply> reply = server_.send({"POST",
                                                       "/v1/cs/configs/listener",
                                                       {{"Listening-Configs", listening}},
                                                       {{"Long-Pulling-Timeout", std::to_string(longest.count())}}},
                                                      longest + server_.patience());
    if (!reply) {
        return reply.error();
    }
    if (reply.value().status != 200) {
        return about("watching configs", refused(reply.value()));
    }
    // dataId, group and, if there was one, the namespace (`protocol/config.md §2.4`).
    const std::string changed = protocol::decode_form(protocol::trimmed(reply.value().body));
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < watched.size(); ++i) {
        const ConfigKey& key = watched[i].key;
        std::string line = key.data_id + kWord + key.group;
        line += key.namespace_id.empty() ? "" : kWord + key.namespace_id;
        line += kLine;
        const std::size_t at = changed.find(line);
        if (at != std::string::npos && (at == 0 || changed[at - 1] == kLine)) {
            indices.push_back(i);
        }
    }
    return indices;
}

}  // namespace pharos::cli
