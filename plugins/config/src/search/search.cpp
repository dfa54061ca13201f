#include "search/search.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace pharos::config {

namespace {

/// What one step looks at.
constexpr std::size_t kConfigsInAStep = 4096;
constexpr std::size_t kBytesInAStep = 8 * 1024 * 1024;
/// The index is locked for so many configs at a time.
constexpr std::size_t kConfigsAtATime = 512;

constexpr std::string_view kTooMany = "server limit match.";  // protocol/config.md §2.6

bool has_fitting_tag(std::string_view tags, const std::vector<LikePattern>& wanted) {
    while (!tags.empty()) {
        const std::size_t end = tags.find(',');
        const std::string_view tag = tags.substr(0, end);
        if (std::any_of(wanted.begin(), wanted.end(), [&](const LikePattern& one) { return one.matches(tag); })) {
            return true;
        }
        tags = end == std::string_view::npos ? std::string_view{} : tags.substr(end + 1);
    }
    return false;
}

/// All but the content.
bool fits(const ConfigFilter& filter, std::string_view store_key, const Entry& entry) {
    store_key.remove_prefix(store_key.find('\0') + 1);
    const std::size_t middle = store_key.find('\0');
    return (!filter.group || filter.group->matches(store_key.substr(0, middle))) &&
           (!filter.data_id || filter.data_id->matches(store_key.substr(middle + 1))) &&
           (filter.app_name.empty() || filter.app_name == entry.app_name()) &&
           (filter.types.empty() ||
            std::find(filter.types.begin(), filter.types.end(), entry.type) != filter.types.end()) &&
           (filter.tags.empty() || has_fitting_tag(entry.tags(), filter.tags));
}

}  // namespace

struct Search::Run {
    ConfigFilter filter;
    std::size_t skip = 0;  ///< found ones that are on pages before
    std::size_t take = 0;
    Contents contents = Contents::kLeftOut;
    spi::Completion<ConfigPage> done;

    std::vector<std::string> namespaces;  ///< still to be looked at, the next one last
    std::uint64_t after = 0;              ///< id in that namespace
    ConfigPage page;
    bool unreadable = false;  ///< the store was, when a content was to be read
    bool has_slot = false;
    spi::TimerId timer = 0;

    void count(std::string_view store_key, const EntryPtr& entry) {
        if (page.total++ >= skip && page.items.size() < take) {
            page.items.push_back({ConfigKey::parse(store_key).value_or(ConfigKey()), entry, nullptr});
        }
    }
};

void Search::find(ConfigFilter filter, const protocol::PageRequest& page, Contents contents,
                  spi::Completion<ConfigPage> done) {
    auto run = std::make_shared<Run>();
    run->filter = std::move(filter);
    run->contents = contents;
    run->done = std::move(done);
    const protocol::PageSlice slice = protocol::slice_of(page, std::numeric_limits<std::int64_t>::max());
    run->skip = slice.begin;
    run->take = slice.end - slice.begin;
    run->namespaces = index_.namespaces();
    std::erase_if(run->namespaces, [&](const std::string& name) { return !run->filter.namespaces.matches(name); });
    std::reverse(run->namespaces.begin(), run->namespaces.end());
    if (!run->filter.content) {
        step_later(std::move(run));
        return;
    }
    {
        std::lock_guard lock(mutex_);
        if (running_ < limits_.running) {
            ++running_;
            run->has_slot = true;
        } else if (waiting_.size() < limits_.waiting) {
            run->timer = executors_.timers().after(
                limits_.patience, [this, run] { executors_.work().post([this, run] { refuse(run); }); });
            waiting_.push_back(run);
            return;
        }
    }
    if (run->has_slot) {
        step_later(std::move(run));
    } else {
        run->done(spi::Status(spi::Code::kUnavailable, std::string(kTooMany)));
    }
}

/// A search that has waited for too long, unless it has begun meanwhile.
void Search::refuse(const RunPtr& run) {
    {
        std::lock_guard lock(mutex_);
        if (std::erase(waiting_, run) == 0) {
            return;
        }
    }
    run->done(spi::Status(spi::Code::kUnavailable, std::string(kTooMany)));
}

void Search::step_later(RunPtr run) {
    sdk::Gate::Pass pass = gate_.enter();
    if (!pass) {
        finish(run, spi::Status(spi::Code::kUnavailable, "the server is stopping"));
        return;
    }
    executors_.block().post([this, run = std::move(run), pass = std::move(pass)] { step(run); });
}

void Search::step(const RunPtr& run) {
    const bool more =
        !run->namespaces.empty() &&
        (run->filter.content ? look_into_contents(*run, run->namespaces.back()) : look(*run, run->namespaces.back()));
    if (!more && !run->namespaces.empty()) {
        run->namespaces.pop_back();
        run->after = 0;
    }
    if (run->namespaces.empty() || run->unreadable) {
        end(run);
    } else {
        step_later(run);
    }
}

bool Search::look(Run& run, const std::string& namespace_id) {
    bool more = true;
    for (std::size_t looked_at = 0; more && looked_at < kConfigsInAStep; looked_at += kConfigsAtATime) {
        more = index_.scan(namespace_id, run.after, kConfigsAtATime,
                           [&](std::uint64_t id, const std::string& store_key, const EntryPtr& entry) {
                               run.after = id;
                               if (fits(run.filter, store_key, *entry)) {
                                   run.count(store_key, entry);
                               }
                           });
    }
    return more;
}

bool Search::look_into_contents(Run& run, const std::string& namespace_id) {
    struct Candidate {
        std::uint64_t id;
        std::string store_key;
        EntryPtr entry;
    };
    const std::unique_ptr<spi::StoreSnapshot> snapshot = repository_.snapshot();
    if (snapshot == nullptr) {
        run.unreadable = true;
        return false;
    }
    std::vector<Candidate> candidates;
    std::uint64_t last = run.after;
    const bool more = index_.scan(namespace_id, run.after, kConfigsAtATime,
                                  [&](std::uint64_t id, const std::string& store_key, const EntryPtr& entry) {
                                      last = id;
                                      if (fits(run.filter, store_key, *entry)) {
                                          candidates.push_back({id, store_key, entry});
                                      }
                                  });
    std::size_t bytes = 0;
    for (const Candidate& candidate : candidates) {
        if (bytes > kBytesInAStep) {
            return true;  // goes on after the last one that was read
        }
        const std::optional<spi::StoreValue> stored = snapshot->get(candidate.store_key);
        const std::optional<RecordView> record = stored ? view_of(stored->value) : std::nullopt;
        if (record && run.filter.content->matches(record->content)) {
            run.count(candidate.store_key, candidate.entry);
        }
        bytes += candidate.entry->content_size;
        run.after = candidate.id;
    }
    run.after = last;
    return more;
}

void Search::end(const RunPtr& run) {
    if (run->contents == Contents::kRead && !run->unreadable) {
        const std::unique_ptr<spi::StoreSnapshot> snapshot = repository_.snapshot();
        run->unreadable = snapshot == nullptr;
        std::size_t bytes = 0;
        for (FoundConfig& found : run->page.items) {
            if (run->unreadable) {
                break;
            }
            const std::optional<spi::StoreValue> stored = snapshot->get(found.key.store_key());
            const std::optional<RecordView> record = stored ? view_of(stored->value) : std::nullopt;
            found.content = std::make_shared<const std::string>(record ? record->content : std::string_view{});
            bytes += found.content->size();
            if (bytes > kLargestPage) {
                finish(run, spi::Status(spi::Code::kTooLarge,
                                        "the contents of this page are larger than 64 MiB: ask for "
                                        "a smaller one with pageSize"));
                return;
            }
        }
    }
    if (run->unreadable) {
        finish(run, spi::Status(spi::Code::kInternal, "the store can't be read"));
    } else {
        finish(run, std::move(run->page));
    }
}

void Search::finish(const RunPtr& run, spi::Result<ConfigPage> outcome) {
    RunPtr next;
    if (run->has_slot) {
        std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            --running_;
        } else {
            next = std::move(waiting_.front());
            waiting_.pop_front();
            next->has_slot = true;
        }
    }
    run->done(std::move(outcome));
    if (next != nullptr) {
        executors_.timers().cancel(next->timer);
        step_later(std::move(next));
    }
}

void Search::stop(spi::Duration patience) noexcept {
    gate_.close(patience);
    std::deque<RunPtr> waiting;
    {
        std::lock_guard lock(mutex_);
        waiting = std::exchange(waiting_, {});
    }
    for (const RunPtr& run : waiting) {
        executors_.timers().cancel(run->timer);
        run->done(spi::Status(spi::Code::kUnavailable, "the server is stopping"));
    }
}

}  // namespace pharos::config
