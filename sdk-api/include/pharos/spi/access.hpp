#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pharos::spi {

enum class Action : std::uint8_t { kRead = 0, kWrite = 1 };

/// What a request touches, in the terms that permissions are written in (`protocol/core.md §4.7`).
struct Resource {
    std::string namespace_id;  ///< "" = public
    std::string group;         ///< "" = all groups
    std::string name;          ///< "" = all names
};

/// Who asks.
struct Principal {
    std::string name;  ///< "" = nobody in particular
};

/// What every route and payload handler declares; without it none can be added. The kernel's filter chain uses it:
/// limit → authenticate → authorise → handler.
///
/// `Request` is HttpRequest or RpcRequest.
template <class Request>
struct Access {
    Action action = Action::kWrite;
    /// "naming", "config" or a literal such as "console/namespaces".
    std::string_view resource_type;
    /// Names the resource of a request. Null: the resource type alone is what is asked for. Only called when the
    /// auth provider decides by resource.
    Resource (*resource_of)(const Request&) = nullptr;
    /// Name of the rate-limit point, such as "ConfigPublish" (`protocol/core.md §6`); "" = none.
    std::string_view limit_point = {};
    /// Not empty: nobody needs to log in, and this says why.
    std::string_view anonymous_because = {};
};

}  // namespace pharos::spi
