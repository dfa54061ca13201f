// History of configs: v1, v2 and v3 differ in shapes only (protocol/config.md §2.5, §2.6, §2.8).
#include <algorithm>
#include <utility>

#include <pharos/protocol/paging.hpp>

#include "api_http/calls.hpp"
#include "api_http/shapes.hpp"
#include "history/history.hpp"

namespace pharos::config {

namespace {

using sdk::JsonWriter;
using Content = HistoryReader::Content;

constexpr std::int64_t kLargestPage = 500;
constexpr std::size_t kMostConfigs = 50'000;  // rows that the reference reads at most

/// Runs `read(snapshot, reply)` where blocking is allowed.
template <class Read>
void with_snapshot(Services& services, Reply reply, Read read) {
    services.repository.read_later(
        [reply = std::move(reply), read = std::move(read)](const spi::StoreSnapshot* snapshot) mutable {
            if (snapshot == nullptr) {
                reply.failed(spi::Status(spi::Code::kUnavailable, "the store can't be read"));
            } else {
                read(*snapshot, reply);
            }
        });
}

bool is_of(const HistoryRow& row, const ConfigKey& key) {
    return row.namespace_id == key.namespace_id && row.group == key.group && row.data_id == key.data_id;
}

/// No such row: v1 and v2 say so with nothing, v3 as its converter fails.
void reply_no_row(Reply& reply) {
    switch (reply.generation()) {
        case Generation::kV1: reply.data(""); break;
        case Generation::kV2: reply.data("null"); break;
        default: reply.invalid("Source must not be null"); break;
    }
}

void reply_row(const HistoryReader& reader, std::optional<std::uint64_t> number, const ConfigKey& key, Reply& reply) {
    const std::optional<PastChange> change = number ? reader.find(*number, Content::kRead) : std::nullopt;
    if (!change) {
        reply_no_row(reply);
        return;
    }
    if (!is_of(change->row, key)) {
        reply.forbidden("Please check dataId, group or namespaceId.");
        return;
    }
    std::string body;
    JsonWriter json(body);
    append_past_change(json, reply.generation(), *change, Extent::kWhole);
    reply.data(body);
}

/// A parameter that is an id; nothing when the call has been answered.
std::optional<std::uint64_t> id_of(Call& call, std::string_view name) {
    const std::optional<std::int64_t> id = call.require({name}) ? call.number(name, 0) : std::nullopt;
    return id ? std::optional(static_cast<std::uint64_t>(std::max<std::int64_t>(*id, 0))) : std::nullopt;
}

}  // namespace

void list_history(Services& services, Call& call) {
    std::optional<protocol::PageRequest> page = call.require_config() ? call.page({1, 100}) : std::nullopt;
    if (!page) {
        return;
    }
    page->size = std::min(page->size, kLargestPage);
    with_snapshot(services, std::move(call.reply),
                  [store_key = call.key().store_key(), page = *page](const spi::StoreSnapshot& snapshot, Reply& reply) {
                      const HistoryReader reader(snapshot);
                      std::vector<std::uint64_t> numbers = reader.numbers(store_key);
                      std::reverse(numbers.begin(), numbers.end());  // the newest first
                      const protocol::PageSlice slice = protocol::slice_of(page, numbers.size());
                      std::string body;
                      JsonWriter json(body);
                      protocol::begin_page(json, page, numbers.size(), protocol::PageCount::kExact);
                      for (std::size_t i = slice.begin; i < slice.end; ++i) {
                          if (const auto change = reader.find(numbers[i], Content::kLeftOut)) {
                              append_past_change(json, reply.generation(), *change, Extent::kInList);
                          }
                      }
                      json.end_array().end_object();
                      reply.data(body);
                  });
}

void history_row(Services& services, Call& call) {
    const std::optional<std::uint64_t> number = call.require_config() ? id_of(call, "nid") : std::nullopt;
    if (number) {
        with_snapshot(services, std::move(call.reply),
                      [key = call.key(), number](const spi::StoreSnapshot& snapshot, Reply& reply) {
                          reply_row(HistoryReader(snapshot), number, key, reply);
                      });
    }
}

void previous_history_row(Services& services, Call& call) {
    const std::optional<std::uint64_t> id = call.require_config() ? id_of(call, "id") : std::nullopt;
    if (!id) {
        return;
    }
    // The id decides, and the names have to fit: a config that there still is may have others.
    const std::string own = call.key().store_key();
    const std::string store_key = services.index.find_id(*id).value_or(own);
    with_snapshot(services, std::move(call.reply),
                  [key = call.key(), store_key, id](const spi::StoreSnapshot& snapshot, Reply& reply) {
                      const HistoryReader reader(snapshot);
                      reply_row(reader, reader.newest_of_id(store_key, *id), key, reply);
                  });
}

void history_comparison(Services& services, Call& call) {
    const std::optional<std::uint64_t> number = id_of(call, "nid");
    if (!number) {
        return;
    }
    with_snapshot(services, std::move(call.reply),
                  [number, wanted = call.tenant().empty() ? std::string() : call.namespace_id()](
                      const spi::StoreSnapshot& snapshot, Reply& reply) {
                      const HistoryReader reader(snapshot);
                      const std::optional<PastChange> change = reader.find(*number, Content::kRead);
                      if (!change) {
                          reply_no_row(reply);
                          return;
                      }
                      if (!wanted.empty() && wanted != change->row.namespace_id) {
                          reply.forbidden("Please check dataId, group or namespaceId.");
                          return;
                      }
                      std::string body;
                      JsonWriter json(body);
                      append_comparison(json, *change, reader.state_after(*number, change->row, Content::kRead));
                      reply.data(body);
                  });
}

void history_configs(Services& services, Call& call) {
    if (!call.check_names() || !call.require_present({call.is_v1() ? "tenant" : "namespaceId"})) {
        return;
    }
    ConfigFilter filter;
    filter.namespaces = LikePattern(call.namespace_id(), LikePattern::Signs::kNone);
    services.search.find(std::move(filter), {1, kMostConfigs}, Search::Contents::kLeftOut,
                         [reply = std::move(call.reply)](const spi::Result<ConfigPage>& found) mutable {
                             if (!found) {
                                 reply.failed(found.error());
                                 return;
                             }
                             std::string body;
                             JsonWriter json(body);
                             json.begin_array();
                             for (const FoundConfig& config : found.value().items) {
                                 append_config_name(json, reply.generation(), config);
                             }
                             json.end_array();
                             reply.data(body);
                         });
}

}  // namespace pharos::config
