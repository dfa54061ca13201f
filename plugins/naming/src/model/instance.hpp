#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/service_key.hpp"

namespace pharos::naming {

using Metadata = std::vector<std::pair<std::string, std::string>>;

/// An instance as its publisher describes it.
struct Instance {
    std::string ip;
    std::uint16_t port = 0;
    double weight = 1.0;
    bool healthy = true;
    bool enabled = true;
    bool ephemeral = true;  ///< false: it is kept in the Store until it is deregistered
    std::string cluster{kDefaultCluster};
    Metadata metadata;
    std::string id;  ///< as the client gave it; "" = made from the rest
};

/// The id that clients see: the client's own, else made of the rest (`protocol/naming.md §1.2`).
[[nodiscard]] std::string instance_id(const Instance& instance, const ServiceKey& service);

/// How long an instance that is kept by beats may be silent (`protocol/naming.md §4.1`).
struct BeatTimes {
    std::chrono::milliseconds interval{5000};
    std::chrono::milliseconds unhealthy_after{15000};
    std::chrono::milliseconds removed_after{30000};
};

/// Reads the preserved.* metadata keys; what is not there or not a number counts as the default.
[[nodiscard]] BeatTimes beat_times_of(const Metadata& metadata, BeatTimes defaults = {});

/// The rules that every registration obeys (`protocol/naming.md §1.4`, semantic check): the message, or nothing.
[[nodiscard]] std::optional<std::string> check_instance(const Instance& instance);

/// An instance of a service with its JSON text (`protocol/naming.md §1.2`), encoded once. Immutable.
class Host {
public:
    Host(Instance instance, const ServiceKey& service);

    [[nodiscard]] const Instance& instance() const noexcept { return instance_; }
    [[nodiscard]] const std::string& json() const noexcept { return json_; }
    /// The text of a healthy copy.
    void append_healthy_json(std::string& out) const;

private:
    const Instance instance_;
    const std::string json_;
};

using HostPtr = std::shared_ptr<const Host>;

}  // namespace pharos::naming
