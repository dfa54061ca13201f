#include "cli/namespace_api.hpp"

#include "cli/json_reader.hpp"
#include "cli/reply_text.hpp"

namespace pharos::cli {

namespace {

namespace json = boost::json;

}  // namespace

spi::Status NamespaceApi::about(const std::string& id, const spi::Status& status) const {
    const std::string where = server_.endpoint().text();
    return {status.code(), status.message().starts_with(where)
                               ? status.message()
                               : where + ": " + (id.empty() ? "list of namespaces" : "namespace '" + id + "'") + ": " +
                                     status.message()};
}

spi::Result<std::vector<Namespace>> NamespaceApi::list() {
    const spi::Result<json::value> data =
        server_.ask({{"GET", "/v3/admin/core/namespace/list", {}, {}}, {"GET", "/v1/console/namespaces", {}, {}}});
    if (!data) {
        return about({}, data.error());
    }
    const json::array* items = data.value().if_array();
    if (items == nullptr) {
        return about({}, unexpected("a list of namespaces", data.value()));
    }
    std::vector<Namespace> found;
    for (const json::value& item : *items) {
        Namespace one{.id = text_of(item, "namespace"),
                      .name = text_of(item, "namespaceShowName"),
                      .description = text_of(item, "namespaceDesc"),
                      .configs = number_of(item, "configCount"),
                      .quota = number_of(item, "quota")};
        one.id = one.id.empty() ? "public" : one.id;
        found.push_back(std::move(one));
    }
    return found;
}

spi::Result<Namespace> NamespaceApi::get(const std::string& id) {
    spi::Result<std::vector<Namespace>> all = list();
    if (!all) {
        return all.error();
    }
    std::string known;
    for (Namespace& one : all.value()) {
        if (one.id == id) {
            return std::move(one);
        }
        known += (known.empty() ? "" : ", ") + one.id;
    }
    return about(id, {spi::Code::kNotFound, "there is none of this id; there are: " + one_line(known, 200)});
}

spi::Status NamespaceApi::create(const std::string& id, const std::string& name, const std::string& description) {
    const spi::Result<json::value> data =
        server_.ask({{"POST",
                      "/v3/admin/core/namespace",
                      {{"namespaceId", id}, {"namespaceName", name}, {"namespaceDesc", description}},
                      {}},
                     {"POST",
                      "/v1/console/namespaces",
                      {{"customNamespaceId", id}, {"namespaceName", name}, {"namespaceDesc", description}},
                      {}}});
    if (!data) {
        return about(id, data.error());
    }
    // v1 says nothing but false when there is one already.
    return data.value() == json::value(false) ? about(id, {spi::Code::kConflict, "not made: is it there already?"})
                                              : spi::Status();
}

spi::Status NamespaceApi::remove(const std::string& id) {
    const spi::Result<json::value> data =
        server_.ask({{"DELETE", "/v3/admin/core/namespace", {{"namespaceId", id}}, {}},
                     {"DELETE", "/v1/console/namespaces", {{"namespaceId", id}}, {}}});
    if (!data) {
        return about(id, data.error());
    }
    return data.value() == json::value(false) ? about(id, {spi::Code::kDenied, "not removed, without a reason"})
                                              : spi::Status();
}

}  // namespace pharos::cli
