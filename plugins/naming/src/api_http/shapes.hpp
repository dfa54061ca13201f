#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/sdk/json_writer.hpp>

#include "api_http/failure.hpp"
#include "index/client.hpp"
#include "model/snapshot.hpp"

namespace pharos::naming {

// The JSON that several calls or generations show (`protocol/naming.md §2`).

/// Names of the clusters that have instances, in order.
[[nodiscard]] std::vector<std::string_view> cluster_names(const ServiceSnapshot& snapshot);
/// The instance, or null.
[[nodiscard]] HostPtr find_host(const ServiceSnapshot& snapshot, std::string_view ip, std::uint16_t port,
                                std::string_view cluster);

/// How a subscriber is addressed: "ip:port" over UDP, else its ip.
[[nodiscard]] std::string address_of(const SubscriberInfo& subscriber);

/// `{"k":"v"}`
void append_metadata(sdk::JsonWriter& json, const Metadata& metadata);

/// A row of service lists: {"name","groupName","clusterCount","ipCount","healthyInstanceCount","triggerFlag"}.
void append_service_row(sdk::JsonWriter& json, const Service& service);

/// Which hosts a service's detail shows in its clusters.
enum class DetailHosts { kNone, kAll };
/// A service with its clusters in a map, as v2 and v3 show it and lists of v1 and v3 with instances do. Items of v3's
/// list leave out what their page says already.
void append_service_detail(sdk::JsonWriter& json, const Service& service, Generation generation, DetailHosts hosts);
/// As `GET /v1/ns/service` shows it.
void append_service_v1(sdk::JsonWriter& json, const Service& service);
/// As `GET /v1/ns/catalog/service` shows it.
void append_catalog_service(sdk::JsonWriter& json, const Service& service);

}  // namespace pharos::naming
