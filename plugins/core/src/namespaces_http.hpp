#pragma once

#include "call.hpp"
#include "namespaces.hpp"

namespace pharos::core {

/// The namespace calls of all generations (`protocol/core.md §3.8`). v1 tells a refusal by `false`, v2 and v3 by codes.
class NamespaceCalls {
public:
    void add_to(CallRoutes& routes);
    /// Requests come only afterwards.
    void use(Namespaces namespaces) { namespaces_.emplace(std::move(namespaces)); }

private:
    void add_v1(CallRoutes& routes);
    void add_later(CallRoutes& routes, std::string_view path, const NamespaceStyle& style, std::string_view new_id,
                   bool id_required);

    void list(Call& call, const NamespaceStyle& style) const;
    void get(Call& call, std::string_view id, const NamespaceStyle& style) const;
    /// Null when the store can't be read, which has been answered.
    [[nodiscard]] std::optional<bool> exists(Call& call, std::string_view id) const;
    void create(Call& call, std::string_view id, std::string_view name) const;
    void update(Call& call, std::string_view id, std::string_view name) const;
    void remove(Call& call, std::string_view id) const;

    std::optional<Namespaces> namespaces_;
};

}  // namespace pharos::core
