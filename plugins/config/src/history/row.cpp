#include "history/row.hpp"

#include "model/bytes.hpp"

namespace pharos::config {

namespace {

constexpr char kVersion = 1;

std::optional<Operation> operation_of(std::uint64_t letter) {
    const auto operation = static_cast<Operation>(letter);
    const bool known =
        operation == Operation::kInsert || operation == Operation::kUpdate || operation == Operation::kRemove;
    return known ? std::optional(operation) : std::nullopt;
}

}  // namespace

std::string encode(const HistoryRowView& row) {
    std::string out;
    out.reserve(row.before.size() + 512);
    out += kVersion;
    out += static_cast<char>(row.operation);
    out += row.content_is_next ? '\1' : '\0';
    append_number(out, static_cast<std::uint64_t>(row.at_ms));
    append_number(out, row.config_id);
    for (const std::string_view text :
         {row.namespace_id, row.group, row.data_id, row.source_user, row.source_ip, row.gray_name}) {
        append_text(out, text);
    }
    out += row.before;
    return out;
}

std::optional<HistoryRowView> row_of(std::string_view bytes) {
    ByteReader reader(bytes);
    const std::uint64_t version = reader.number(1);
    const std::optional<Operation> operation = operation_of(reader.number(1));
    const std::uint64_t content_is_next = reader.number(1);
    if (version != static_cast<std::uint64_t>(kVersion) || !operation || content_is_next > 1) {
        return std::nullopt;
    }
    HistoryRowView row;
    row.operation = *operation;
    row.content_is_next = content_is_next == 1;
    row.at_ms = static_cast<std::int64_t>(reader.number());
    row.config_id = reader.number();
    for (std::string_view* text :
         {&row.namespace_id, &row.group, &row.data_id, &row.source_user, &row.source_ip, &row.gray_name}) {
        *text = reader.text();
    }
    row.before = reader.rest();
    return reader.ok() ? std::optional(row) : std::nullopt;
}

std::string encode(const ChangeMark& mark) {
    std::string out(1, static_cast<char>(mark.operation));
    append_number(out, static_cast<std::uint64_t>(mark.at_ms));
    append_number(out, mark.config_id);
    return out;
}

std::optional<ChangeMark> mark_of(std::string_view bytes) {
    ByteReader reader(bytes);
    const std::optional<Operation> operation = operation_of(reader.number(1));
    ChangeMark mark;
    mark.at_ms = static_cast<std::int64_t>(reader.number());
    mark.config_id = reader.number();
    if (!operation || !reader.ok() || !reader.rest().empty()) {
        return std::nullopt;
    }
    mark.operation = *operation;
    return mark;
}

std::string history_key(std::uint64_t number) {
    std::string key(kHistoryPrefix);
    append_ordered(key, number);
    return key;
}

std::string changes_prefix(std::string_view store_key) {
    std::string key(kChangesPrefix);
    key += store_key.substr(kStorePrefix.size());
    key += '\0';
    return key;
}

std::string change_key(std::string_view store_key, std::uint64_t number) {
    std::string key = changes_prefix(store_key);
    append_ordered(key, number);
    return key;
}

}  // namespace pharos::config
