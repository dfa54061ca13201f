#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/auth.hpp>

namespace pharos::testing {

/// Headers and parameters of a request, found in any spelling of their names.
class FakeIdentity final : public spi::AuthProvider::Identity {
public:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    explicit FakeIdentity(Fields fields) : fields_(std::move(fields)) {}

    [[nodiscard]] std::string_view get(std::string_view name) const noexcept override {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) {
            return std::equal(field.first.begin(), field.first.end(), name.begin(), name.end(),
                              [&](char a, char b) { return lower(a) == lower(b); });
        });
        return found == fields_.end() ? std::string_view() : std::string_view(found->second);
    }

private:
    Fields fields_;
};

/// Who has a token, and may do what in which namespace: the smallest provider that keeps what AuthProvider promises.
/// Fill it before it is used; then any thread.
class TokenTable final : public spi::AuthProvider {
public:
    /// Whoever sends `token` as the header or parameter accessToken is `user`.
    void add_user(std::string token, std::string user) { users_.emplace_back(std::move(token), std::move(user)); }
    /// `namespace_id` "" is the namespace public.
    void allow(std::string user, spi::Action action, std::string resource_type, std::string namespace_id) {
        rules_.push_back({std::move(user), action, std::move(resource_type), std::move(namespace_id)});
    }

    [[nodiscard]] bool decides_by_resource() const noexcept override { return true; }
    [[nodiscard]] spi::Result<spi::Principal> authenticate(const Identity& identity) const noexcept override {
        const std::string_view token = identity.get("accessToken");
        if (token.empty()) {
            return spi::Status(spi::Code::kDenied, "accessToken is missing");
        }
        const auto found =
            std::find_if(users_.begin(), users_.end(), [token](const auto& user) { return user.first == token; });
        if (found == users_.end()) {
            return spi::Status(spi::Code::kDenied, "accessToken is wrong");
        }
        return spi::Principal{found->second};
    }
    [[nodiscard]] spi::Status authorize(const spi::Principal& principal, spi::Action action,
                                        std::string_view resource_type,
                                        const spi::Resource& resource) const noexcept override {
        const bool allowed = std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
            return rule.user == principal.name && rule.action == action && rule.resource_type == resource_type &&
                   rule.namespace_id == resource.namespace_id;
        });
        return allowed ? spi::Status()
                       : spi::Status(spi::Code::kDenied, "'" + principal.name + "' may not " +
                                                             (action == spi::Action::kRead ? "read " : "write ") +
                                                             std::string(resource_type) + " in namespace '" +
                                                             resource.namespace_id + "'");
    }

private:
    struct Rule {
        std::string user;
        spi::Action action;
        std::string resource_type;
        std::string namespace_id;
    };

    std::vector<std::pair<std::string, std::string>> users_;  ///< by token
    std::vector<Rule> rules_;
};

}  // namespace pharos::testing
