#pragma once

#include <pharos/sdk/json_writer.hpp>

#include "cli/naming_api.hpp"

namespace pharos::cli {

inline void write(sdk::JsonWriter& json, const Metadata& metadata) {
    json.begin_object();
    for (const auto& [key, value] : metadata) {
        json.member(key, value);
    }
    json.end_object();
}

}  // namespace pharos::cli
