#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/json.hpp>
#include <pharos/spi/rpc.hpp>

#include "model/instance.hpp"
#include "model/snapshot.hpp"

namespace pharos::naming {

/// The service that a payload names: `namespace` blank = public; `groupName` is not defaulted
/// (`protocol/naming.md §3`).
[[nodiscard]] ServiceKey service_of(const protocol::JsonDocument& body);
/// The parameter rules for a service (`protocol/naming.md §1.4`).
[[nodiscard]] protocol::CheckFailure check_service(const ServiceKey& key);
/// "Param 'serviceName' is illegal, serviceName is blank" and the like, which are errors of their own
/// (`protocol/naming.md §1.3`).
[[nodiscard]] std::optional<std::string> find_blank(const ServiceKey& key);

/// An instance out of an Instance JSON. The failure is of the parameter rules, or names the member that is no number.
struct ParsedInstance {
    Instance instance;
    protocol::CheckFailure failure;
};
[[nodiscard]] ParsedInstance parse_instance(const protocol::JsonDocument& body, const boost::json::object& json);

/// {"resultCode":200,"errorCode":0,"type":<type>,"success":true}
void reply_instance(spi::RpcResponder responder, std::string_view response_type, std::string_view type);
/// {"resultCode":200,"errorCode":0[,"message":…],"serviceInfo":{…},"success":true}
void reply_service_info(spi::RpcResponder responder, std::string_view response_type, std::string_view message,
                        const ServiceKey& key, const ServiceSnapshot& snapshot, const Selection& selection,
                        std::int64_t cache_ms);

}  // namespace pharos::naming
