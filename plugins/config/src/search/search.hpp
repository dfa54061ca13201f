#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/protocol/paging.hpp>
#include <pharos/sdk/gate.hpp>
#include <pharos/spi/executor.hpp>

#include "model/key.hpp"
#include "model/pattern.hpp"
#include "store/index.hpp"
#include "store/repository.hpp"

namespace pharos::config {

/// Which configs are looked for. What is not given fits all.
struct ConfigFilter {
    LikePattern namespaces{kPublicNamespace, LikePattern::Signs::kNone};
    std::optional<LikePattern> data_id;
    std::optional<LikePattern> group;
    std::string app_name;
    std::vector<LikePattern> tags;  ///< one tag that fits one of them is enough
    std::vector<std::string> types;
    std::optional<LikePattern> content;
};

struct FoundConfig {
    ConfigKey key;
    EntryPtr entry;
    std::shared_ptr<const std::string> content;  ///< null unless it was asked for
};

struct ConfigPage {
    std::size_t total = 0;
    std::vector<FoundConfig> items;
};

/// Finds configs and gives a page of them, by namespace and id. Any thread.
///
/// The work is done on threads that may block, in steps: each looks at a bounded number of configs, and reads a bounded
/// number of bytes, before others have their turn. Searches in contents are limited in number, too: so many run, so
/// many wait for a while, and the others are refused.
class Search {
public:
    struct Limits {
        std::size_t running = 2;
        std::size_t waiting = 4;
        spi::Duration patience = std::chrono::seconds(8);
    };
    enum class Contents { kLeftOut, kRead };
    /// A page whose contents are larger together is refused.
    static constexpr std::size_t kLargestPage = 64 * 1024 * 1024;

    Search(const Index& index, Repository& repository, spi::Executors& executors, Limits limits)
        : index_(index), repository_(repository), executors_(executors), limits_(limits) {}

    /// Errors: kUnavailable (too many searches in contents; stopping), kTooLarge (the page's contents), kInternal (the
    /// store can't be read).
    void find(ConfigFilter filter, const protocol::PageRequest& page, Contents contents,
              spi::Completion<ConfigPage> done);
    /// No search goes on; waits for steps under way.
    void stop(spi::Duration patience) noexcept;

private:
    struct Run;
    using RunPtr = std::shared_ptr<Run>;

    void step_later(RunPtr run);
    void step(const RunPtr& run);
    /// False: the namespace has been looked at.
    bool look(Run& run, const std::string& namespace_id);
    bool look_into_contents(Run& run, const std::string& namespace_id);
    void end(const RunPtr& run);
    void finish(const RunPtr& run, spi::Result<ConfigPage> outcome);
    void refuse(const RunPtr& run);

    const Index& index_;
    Repository& repository_;
    spi::Executors& executors_;
    const Limits limits_;
    std::mutex mutex_;  ///< guards what follows
    std::size_t running_ = 0;
    std::deque<RunPtr> waiting_;
    sdk::Gate gate_;
};

}  // namespace pharos::config
