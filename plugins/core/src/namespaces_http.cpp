#include "namespaces_http.hpp"

#include <string>
#include <utility>

#include <pharos/protocol/checks.hpp>

namespace pharos::core {

namespace {

using protocol::ErrorCode;
using spi::HttpMethod;

constexpr std::string_view kResource = "console/namespaces";
constexpr NamespaceStyle kOld{"", 2};
constexpr NamespaceStyle kNew{"public", 1};

/// Whether a change was refused by what it asks for, which v1 answers with `false`.
bool is_refusal(spi::Code code) {
    return code == spi::Code::kConflict || code == spi::Code::kNotFound || code == spi::Code::kDenied;
}

void fail(Reply& reply, const spi::Status& error) {
    switch (error.code()) {
        case spi::Code::kNotFound: reply.fail(404, ErrorCode::kNamespaceNotExist, error.message()); break;
        case spi::Code::kConflict: reply.fail(400, ErrorCode::kNamespaceAlreadyExist, error.message()); break;
        case spi::Code::kDenied: reply.fail(400, ErrorCode::kIllegalNamespace, error.message()); break;
        default: reply.fail(500, ErrorCode::kDataAccessError, error.message()); break;
    }
}

spi::Completion<bool> answer(Reply reply) {
    return [reply = std::move(reply)](spi::Result<bool> done) mutable {
        if (done) {
            reply.json("true");
        } else if (reply.envelope() == Envelope::kBare && is_refusal(done.error().code())) {
            reply.json("false");
        } else {
            fail(reply, done.error());
        }
    };
}

bool is_given(const Call& call, std::string_view name, std::string_view value) {
    return call.params.find(name) == value;
}

/// v1's parameter checker. True: the request has been refused.
bool refused(Call& call, std::string_view id, std::string_view name) {
    const protocol::CheckFailure failure =
        protocol::first_of(protocol::check_namespace(id), protocol::check_namespace_name(name));
    if (failure) {
        protocol::reply_check_failed(call.reply.take(), *failure);
    }
    return failure.has_value();
}

/// v2 and v3 forms: a required field that is not there.
std::optional<std::string_view> require_field(Call& call, std::string_view name) {
    if (!call.params.find(name)) {
        call.reply.fail(400, ErrorCode::kParameterMissing, "required parameter '" + std::string(name) + "' is missing");
        return std::nullopt;
    }
    return call.params.get(name);
}

}  // namespace

void NamespaceCalls::add_to(CallRoutes& routes) {
    add_v1(routes);
    add_later(routes, "/v2/console/namespace", kOld, "namespaceId", true);
    add_later(routes, "/v3/admin/core/namespace", kNew, "namespaceId", true);
    add_later(routes, "/v3/console/core/namespace", kNew, "customNamespaceId", false);
    routes.add(HttpMethod::kGet, "/v3/admin/core/namespace/check", kResource, Envelope::kResult, [this](Call& call) {
        if (const auto id = call.require("namespaceId")) {
            if (const std::optional<bool> there = exists(call, *id)) {
                call.reply.json(*there ? "1" : "0");
            }
        }
    });
    routes.add(HttpMethod::kGet, "/v3/console/core/namespace/exist", kResource, Envelope::kResult, [this](Call& call) {
        if (const auto id = call.require("customNamespaceId")) {
            if (const std::optional<bool> there = exists(call, *id)) {
                call.reply.json(*there ? "true" : "false");
            }
        }
    });
}

void NamespaceCalls::add_v1(CallRoutes& routes) {
    constexpr std::string_view kPath = "/v1/console/namespaces";
    // The list has an envelope and the others on the same path have none.
    routes.add(HttpMethod::kGet, kPath, kResource, Envelope::kRest, [this](Call& call) {
        if (is_given(call, "show", "all")) {
            Call bare(call.request, Reply(Envelope::kBare, call.reply.take()), call.clock());
            if (const auto id = bare.require("namespaceId")) {
                get(bare, *id, kOld);
            }
        } else if (is_given(call, "checkNamespaceIdExist", "true")) {
            Call bare(call.request, Reply(Envelope::kBare, call.reply.take()), call.clock());
            if (const auto id = bare.require("customNamespaceId")) {
                if (const std::optional<bool> there = exists(bare, *id)) {
                    bare.reply.json(*there ? "true" : "false");
                }
            }
        } else {
            list(call, kOld);
        }
    });
    routes.add(HttpMethod::kPost, kPath, kResource, Envelope::kBare, [this](Call& call) {
        const std::string_view id = call.params.get("customNamespaceId");
        if (const auto name = call.require("namespaceName"); name && !refused(call, id, *name)) {
            create(call, id, *name);
        }
    });
    routes.add(HttpMethod::kPut, kPath, kResource, Envelope::kBare, [this](Call& call) {
        const auto id = call.require("namespace");
        const auto name = id ? call.require("namespaceShowName") : std::nullopt;
        if (name && !refused(call, *id, *name)) {
            update(call, *id, *name);
        }
    });
    routes.add(HttpMethod::kDelete, kPath, kResource, Envelope::kBare, [this](Call& call) {
        if (const auto id = call.require("namespaceId"); id && !refused(call, *id, {})) {
            remove(call, *id);
        }
    });
}

/// The calls of v2 and v3, which differ in the name of a new namespace's id and in whether it must be there.
void NamespaceCalls::add_later(CallRoutes& routes, std::string_view path, const NamespaceStyle& style,
                               std::string_view new_id, bool id_required) {
    routes.add(HttpMethod::kGet, std::string(path) + "/list", kResource, Envelope::kResult,
               [this, style](Call& call) { list(call, style); });
    routes.add(HttpMethod::kGet, path, kResource, Envelope::kResult, [this, style](Call& call) {
        if (const auto id = call.require("namespaceId")) {
            get(call, *id, style);
        }
    });
    routes.add(HttpMethod::kPost, path, kResource, Envelope::kResult, [this, new_id, id_required](Call& call) {
        const auto id = id_required ? require_field(call, new_id) : std::optional(call.params.get(new_id));
        const auto name = id ? require_field(call, "namespaceName") : std::nullopt;
        if (name) {
            create(call, *id, *name);
        }
    });
    routes.add(HttpMethod::kPut, path, kResource, Envelope::kResult, [this](Call& call) {
        const auto id = require_field(call, "namespaceId");
        const auto name = id ? require_field(call, "namespaceName") : std::nullopt;
        if (name) {
            update(call, *id, *name);
        }
    });
    routes.add(HttpMethod::kDelete, path, kResource, Envelope::kResult, [this](Call& call) {
        if (const auto id = call.require("namespaceId")) {
            remove(call, *id);
        }
    });
}

void NamespaceCalls::list(Call& call, const NamespaceStyle& style) const {
    const spi::Result<std::vector<Namespace>> found = namespaces_->list();
    if (found) {
        call.reply.json(namespaces_json(found.value(), style));
    } else {
        fail(call.reply, found.error());
    }
}

void NamespaceCalls::get(Call& call, std::string_view id, const NamespaceStyle& style) const {
    const spi::Result<Namespace> found = namespaces_->find(id);
    if (found) {
        call.reply.json(namespace_json(found.value(), style));
    } else {
        fail(call.reply, found.error());
    }
}

std::optional<bool> NamespaceCalls::exists(Call& call, std::string_view id) const {
    if (id.empty()) {
        return false;  // what a client is about to be given at random
    }
    const spi::Result<Namespace> found = namespaces_->find(id);
    if (!found && found.error().code() != spi::Code::kNotFound) {
        fail(call.reply, found.error());
        return std::nullopt;
    }
    return found.is_ok();
}

void NamespaceCalls::create(Call& call, std::string_view id, std::string_view name) const {
    const std::optional<std::string_view> description = call.params.find("namespaceDesc");
    std::optional<std::string> bad = id.empty() ? std::nullopt : check_namespace_id(id);
    if (!bad) {
        bad = check_namespace_texts(name, description);
    }
    if (bad) {
        return answer(std::move(call.reply))(spi::Status(spi::Code::kDenied, *bad));
    }
    namespaces_->create(id.empty() ? random_namespace_id() : std::string(id), name, description,
                        answer(std::move(call.reply)));
}

void NamespaceCalls::update(Call& call, std::string_view id, std::string_view name) const {
    const std::optional<std::string_view> description = call.params.find("namespaceDesc");
    if (const std::optional<std::string> bad = check_namespace_texts(name, description)) {
        return answer(std::move(call.reply))(spi::Status(spi::Code::kDenied, *bad));
    }
    namespaces_->update(id, name, description, answer(std::move(call.reply)));
}

void NamespaceCalls::remove(Call& call, std::string_view id) const {
    if (const auto bad = id.empty() ? std::nullopt : check_namespace_id(id)) {
        return answer(std::move(call.reply))(spi::Status(spi::Code::kDenied, *bad));
    }
    namespaces_->remove(id, answer(std::move(call.reply)));
}

}  // namespace pharos::core
