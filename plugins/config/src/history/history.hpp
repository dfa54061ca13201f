#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pharos/spi/store.hpp>

#include "history/row.hpp"
#include "model/record.hpp"

namespace pharos::config {

/// A row as it is shown: with the config that it is about, which is the new one for an insertion and the replaced or
/// removed one for the others (`protocol/config.md §5.2`).
struct PastChange {
    std::uint64_t number = 0;
    HistoryRow row;  ///< without `before`
    ConfigRecord state;
};

/// Reads history as of one snapshot. One thread, which may block; keep it briefly.
class HistoryReader {
public:
    enum class Content { kLeftOut, kRead };

    explicit HistoryReader(const spi::StoreSnapshot& snapshot) : snapshot_(snapshot) {}

    /// The numbers of a config's rows, oldest first.
    [[nodiscard]] std::vector<std::uint64_t> numbers(const std::string& store_key) const;
    /// Nothing when there is no such row.
    [[nodiscard]] std::optional<PastChange> find(std::uint64_t number, Content content) const;
    /// What the config was after this row: nothing when it was removed by it, or when nobody knows.
    [[nodiscard]] std::optional<ConfigRecord> state_after(std::uint64_t number, const HistoryRow& row,
                                                          Content content) const;
    /// The newest row that shows this config as it was before a change, which the row of its insertion does not
    /// (`protocol/config.md §10` trap 7).
    [[nodiscard]] std::optional<std::uint64_t> newest_of_id(const std::string& store_key, std::uint64_t id) const;

private:
    const spi::StoreSnapshot& snapshot_;
};

/// The greatest number of a row; 0 when there is none.
[[nodiscard]] std::uint64_t greatest_number(const spi::StoreSnapshot& snapshot);
/// The greatest number of a row of this config; 0 when there is none.
[[nodiscard]] std::uint64_t greatest_number(const spi::StoreSnapshot& snapshot, const std::string& store_key);

}  // namespace pharos::config
