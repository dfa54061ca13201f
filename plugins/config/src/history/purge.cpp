#include "history/purge.hpp"

#include <utility>

#include "history/row.hpp"
#include "model/bytes.hpp"

namespace pharos::config {

namespace {

using namespace std::chrono_literals;

constexpr spi::Duration kFirstRound = 10s;
constexpr spi::Duration kRounds = 10min;
constexpr spi::Duration kPause = 10ms;
/// A step ends when it has looked at so many keys or has found so many rows to remove.
constexpr std::size_t kLooks = 4096;
constexpr std::size_t kRemovals = 256;
constexpr std::int64_t kDay = 24 * 60 * 60 * std::int64_t{1000};

/// The first key after this one.
std::string after(std::string_view key) { return std::string(key) + '\0'; }

void remove(spi::StoreCommit& commit, std::string_view changes_of_config, std::uint64_t number) {
    std::string key(changes_of_config);
    append_ordered(key, number);
    commit.ops.push_back({history_key(number), std::nullopt});
    commit.ops.push_back({std::move(key), std::nullopt});
}

}  // namespace

HistoryPurge::HistoryPurge(Limits limits, spi::Executors& executors, spi::Metrics& metrics, spi::Log& log)
    : limits_(limits),
      executors_(executors),
      log_(log),
      purged_(metrics.counter("pharos_config_history_purged_total", "Rows of history that were too old or too many.")) {
}

void HistoryPurge::start(spi::Store& store) {
    store_ = &store;
    begin_later(kFirstRound);
}

void HistoryPurge::stop(spi::Duration patience) noexcept { gate_.close(patience); }

void HistoryPurge::begin_later(spi::Duration pause) {
    executors_.timers().after(pause, [this] { step_later(std::make_shared<Round>()); });
}

void HistoryPurge::step_later(RoundPtr round) {
    if (sdk::Gate::Pass pass = gate_.enter()) {
        executors_.block().post(
            [this, round = std::move(round), pass = std::move(pass)]() mutable { step(round, std::move(pass)); });
    }
}

void HistoryPurge::step(const RoundPtr& round, sdk::Gate::Pass pass) {
    const std::unique_ptr<spi::StoreSnapshot> snapshot = store_->snapshot();
    if (snapshot == nullptr) {
        begin_later(kRounds);
        return;
    }
    auto [commit, is_last] = round->by_age ? find_old(*snapshot, *round) : find_surplus(*snapshot, *round);
    if (commit.ops.empty()) {
        go_on(round, is_last);
        return;
    }
    const std::size_t rows = commit.ops.size() / 2;
    store_->commit(std::move(commit),
                   [this, round, rows, is_last, pass = std::move(pass)](const spi::Result<spi::Revision>& outcome) {
                       if (!outcome) {
                           log_.warn("old history can't be removed now", spi::kv("reason", outcome.error().message()));
                           begin_later(kRounds);
                           return;
                       }
                       purged_.add(rows);
                       round->removed += rows;
                       go_on(round, is_last);
                   });
}

void HistoryPurge::go_on(const RoundPtr& round, bool is_last) {
    if (is_last && round->by_age) {
        round->by_age = false;
        round->from.clear();
        is_last = false;
    }
    if (!is_last) {
        executors_.timers().after(kPause, [this, round] { step_later(round); });
        return;
    }
    if (round->removed > 0) {
        log_.info("old history removed", spi::kv("rows", round->removed));
    }
    begin_later(kRounds);
}

HistoryPurge::Found HistoryPurge::find_old(const spi::StoreSnapshot& snapshot, Round& round) const {
    Found found;
    if (limits_.days == 0) {
        return found;
    }
    const std::int64_t oldest = executors_.clock().wall_ms() - limits_.days * kDay;
    std::size_t looks = 0;
    snapshot.scan(kHistoryPrefix, std::max(std::string(kHistoryPrefix), round.from),
                  [&](std::string_view key, const spi::StoreValue& value) {
                      const std::optional<HistoryRowView> row = row_of(value.value);
                      if (row && row->at_ms >= oldest) {
                          return false;  // rows are in the order of their times
                      }
                      if (row) {
                          const ConfigKey config{std::string(row->namespace_id), std::string(row->group),
                                                 std::string(row->data_id)};
                          remove(found.commit, changes_prefix(config.store_key()), ordered_suffix(key).value_or(0));
                      }
                      round.from = after(key);
                      found.is_last = ++looks < kLooks && found.commit.ops.size() < 2 * kRemovals;
                      return found.is_last;
                  });
    return found;
}

HistoryPurge::Found HistoryPurge::find_surplus(const spi::StoreSnapshot& snapshot, Round& round) const {
    Found found;
    if (limits_.count == 0) {
        return found;
    }
    std::size_t looks = 0;
    snapshot.scan(kChangesPrefix, std::max(std::string(kChangesPrefix), round.from),
                  [&](std::string_view key, const spi::StoreValue&) {
                      const std::uint64_t number = ordered_suffix(key).value_or(0);
                      const std::string_view config = key.substr(0, key.size() - sizeof number);
                      if (config != round.config) {
                          round.config = config;
                          round.newest.clear();
                      }
                      round.newest.push_back(number);
                      // A row is one too many when so many newer ones have been seen.
                      if (round.newest.size() > static_cast<std::size_t>(limits_.count)) {
                          remove(found.commit, config, round.newest.front());
                          round.newest.pop_front();
                      }
                      round.from = after(key);
                      found.is_last = ++looks < kLooks && found.commit.ops.size() < 2 * kRemovals;
                      return found.is_last;
                  });
    return found;
}

}  // namespace pharos::config
