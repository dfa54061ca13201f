#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <pharos/spi/status.hpp>

#include "cli/server.hpp"

namespace pharos::cli {

struct Namespace {
    std::string id;  ///< never "": the public one is "public" in every generation
    std::string name;
    std::string description;
    std::int64_t configs = 0;
    std::int64_t quota = 0;
};

/// The calls of `protocol/core.md §3.8`. Errors name the namespace, the server and what it said.
class NamespaceApi {
public:
    explicit NamespaceApi(Server& server) : server_(server) {}

    spi::Result<std::vector<Namespace>> list();
    /// From the list: all servers have that. kNotFound names those that there are.
    spi::Result<Namespace> get(const std::string& id);
    spi::Status create(const std::string& id, const std::string& name, const std::string& description);
    spi::Status remove(const std::string& id);

private:
    [[nodiscard]] spi::Status about(const std::string& id, const spi::Status& status) const;

    Server& server_;
};

}  // namespace pharos::cli
