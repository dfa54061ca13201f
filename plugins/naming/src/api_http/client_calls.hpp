#pragma once

#include "api_http/call.hpp"
#include "index/registry.hpp"

namespace pharos::naming {

/// What operators see of clients: who is there, what each publishes and subscribes, and who publishes and subscribes a
/// service; v2 and v3 (`protocol/naming.md §2.4, §2.6`).
class ClientCalls {
public:
    explicit ClientCalls(Registry& registry) : registry_(registry) {}

    void list(Call& call);
    void detail(Call& call);
    void published(Call& call);
    void subscribed(Call& call);
    void publishers(Call& call);
    void subscribers(Call& call);

private:
    /// The client that clientId names; null when that has been answered with an error.
    [[nodiscard]] ClientPtr find(Call& call) const;
    template <class Append>
    void answer_members(Call& call, Append append) const;

    Registry& registry_;
};

}  // namespace pharos::naming
