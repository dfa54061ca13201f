#include "history/history.hpp"

#include <limits>
#include <utility>

#include "model/bytes.hpp"

namespace pharos::config {

namespace {

std::string store_key_of(const HistoryRow& row) {
    return ConfigKey{row.namespace_id, row.group, row.data_id}.store_key();
}

HistoryRow copy_of(const HistoryRowView& view) {
    HistoryRow row;
    row.operation = view.operation;
    row.at_ms = view.at_ms;
    row.config_id = view.config_id;
    row.namespace_id = view.namespace_id;
    row.group = view.group;
    row.data_id = view.data_id;
    row.source_user = view.source_user;
    row.source_ip = view.source_ip;
    row.gray_name = view.gray_name;
    row.content_is_next = view.content_is_next;
    return row;
}

ConfigRecord details_of(RecordView record) {
    record.content = {};
    return config::copy_of(record);
}

/// The greatest number that a key with this prefix ends with, found by halving: the store scans forwards only.
std::uint64_t greatest_suffix(const spi::StoreSnapshot& snapshot, const std::string& prefix) {
    const auto first_from = [&](std::uint64_t number) {
        std::string from = prefix;
        append_ordered(from, number);
        std::optional<std::uint64_t> found;
        snapshot.scan(prefix, from, [&](std::string_view key, const spi::StoreValue&) {
            found = ordered_suffix(key);
            return false;
        });
        return found;
    };
    const std::optional<std::uint64_t> first = first_from(0);
    if (!first) {
        return 0;
    }
    std::uint64_t found = *first;
    std::uint64_t low = found + 1;
    std::uint64_t high = std::numeric_limits<std::int64_t>::max();
    while (low <= high) {
        const std::uint64_t middle = low + (high - low) / 2;
        if (const std::optional<std::uint64_t> number = first_from(middle)) {
            found = *number;
            low = found + 1;
        } else {
            high = middle - 1;
        }
    }
    return found;
}

}  // namespace

std::vector<std::uint64_t> HistoryReader::numbers(const std::string& store_key) const {
    std::vector<std::uint64_t> numbers;
    const std::string prefix = changes_prefix(store_key);
    snapshot_.scan(prefix, prefix, [&](std::string_view key, const spi::StoreValue&) {
        numbers.push_back(ordered_suffix(key).value_or(0));
        return true;
    });
    return numbers;
}

std::optional<PastChange> HistoryReader::find(std::uint64_t number, Content content) const {
    const std::optional<spi::StoreValue> stored = snapshot_.get(history_key(number));
    const std::optional<HistoryRowView> row = stored ? row_of(stored->value) : std::nullopt;
    if (!row) {
        return std::nullopt;
    }
    PastChange change{number, copy_of(*row), {}};
    const std::optional<RecordView> before = view_of(row->before);
    if (!before) {
        change.state = state_after(number, change.row, content).value_or(ConfigRecord());
        return change;
    }
    change.state = details_of(*before);
    if (content == Content::kRead) {
        change.state.content = row->content_is_next
                                   ? state_after(number, change.row, content).value_or(ConfigRecord()).content
                                   : std::string(before->content);
    }
    return change;
}

std::optional<ConfigRecord> HistoryReader::state_after(std::uint64_t number, const HistoryRow& row,
                                                       Content content) const {
    if (row.operation == Operation::kRemove) {
        return std::nullopt;
    }
    const std::string store_key = store_key_of(row);
    std::optional<ConfigRecord> state;
    bool complete = false;
    const auto take = [&](const RecordView& record, bool content_is_next) {
        if (!state) {
            state = details_of(record);
        }
        complete = content == Content::kLeftOut || !content_is_next;
        if (complete && content == Content::kRead) {
            state->content = record.content;
        }
    };
    // The next row has what was before it; where that has no content of its own, the one after it has, and so on.
    snapshot_.scan(changes_prefix(store_key), change_key(store_key, number + 1),
                   [&](std::string_view key, const spi::StoreValue&) {
                       const auto stored = snapshot_.get(history_key(ordered_suffix(key).value_or(0)));
                       const std::optional<HistoryRowView> next = stored ? row_of(stored->value) : std::nullopt;
                       const std::optional<RecordView> before = next ? view_of(next->before) : std::nullopt;
                       if (before && next->gray_name == row.gray_name) {
                           take(*before, next->content_is_next);
                       }
                       return !complete;
                   });
    if (!complete) {
        const std::optional<spi::StoreValue> stored = snapshot_.get(store_key);
        if (const std::optional<RecordView> current = stored ? view_of(stored->value) : std::nullopt) {
            take(*current, false);
        }
    }
    return state;
}

std::optional<std::uint64_t> HistoryReader::newest_of_id(const std::string& store_key, std::uint64_t id) const {
    std::optional<std::uint64_t> newest;
    const std::string prefix = changes_prefix(store_key);
    snapshot_.scan(prefix, prefix, [&](std::string_view key, const spi::StoreValue& value) {
        const std::optional<ChangeMark> mark = mark_of(value.value);
        if (mark && mark->operation != Operation::kInsert && mark->config_id == id) {
            newest = ordered_suffix(key);
        }
        return true;
    });
    return newest;
}

std::uint64_t greatest_number(const spi::StoreSnapshot& snapshot) {
    return greatest_suffix(snapshot, std::string(kHistoryPrefix));
}

std::uint64_t greatest_number(const spi::StoreSnapshot& snapshot, const std::string& store_key) {
    return greatest_suffix(snapshot, changes_prefix(store_key));
}

}  // namespace pharos::config
