#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <pharos/sdk/json_writer.hpp>

#include "api_http/call.hpp"
#include "history/history.hpp"
#include "search/search.hpp"

namespace pharos::config {

// JSON of configs and of their history, in the field order of each generation (`protocol/config.md §2.3–2.8`). Numbers
// of configs and rows are texts. What is blank and was never given is null, but for names and contents.

/// v1 and v2: an item of a list.
void append_item(sdk::JsonWriter& json, const FoundConfig& found);
/// v3: the same, without the content.
void append_basic_item(sdk::JsonWriter& json, const FoundConfig& found);
/// v1 `show=all`, and v3's detail.
void append_all(sdk::JsonWriter& json, const ConfigKey& key, const StoredConfig& config);
void append_detail(sdk::JsonWriter& json, const ConfigKey& key, const StoredConfig& config);
/// v1 `catalog`.
void append_catalog(sdk::JsonWriter& json, const StoredConfig& config);
/// What a namespace has, for the list of configs that history can be looked up of.
void append_config_name(sdk::JsonWriter& json, Generation generation, const FoundConfig& found);

/// A row of history; in lists without what has to be read for it.
enum class Extent { kInList, kWhole };
void append_past_change(sdk::JsonWriter& json, Generation generation, const PastChange& change, Extent extent);
/// v2 `history/detail`: the config before and after the change, as far as there is one.
void append_comparison(sdk::JsonWriter& json, const PastChange& change, const std::optional<ConfigRecord>& after);

/// JSON text of what else a row of history knows: the keys that are not blank.
[[nodiscard]] std::string extra_info(const ConfigRecord& state);

}  // namespace pharos::config
