#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/namespaces.hpp>
#include <pharos/spi/services.hpp>
#include <pharos/spi/store.hpp>

namespace pharos::core {

/// The public namespace's id. Requests may also leave the id blank.
inline constexpr std::string_view kPublic = "public";

/// A namespace as lists show it (`protocol/core.md §3.8`).
struct Namespace {
    std::string id;
    std::string name;
    std::optional<std::string> description;  ///< null is not the same as empty
    std::uint64_t config_count = 0;
    [[nodiscard]] bool is_public() const noexcept { return id == kPublic; }
};

/// The namespaces of the node: the public one, which is always there and never changes, and those in the store, below
/// the key "namespace/". What is done has been made durable. Any thread; completions run on the store's.
class Namespaces {
public:
    /// The store may be null: then only the public one is known, and nothing can be changed.
    Namespaces(spi::Store* store, std::vector<spi::NamespaceUsage*> usages)
        : store_(store), usages_(std::move(usages)) {}

    /// All, the public one first, the others by id. Error kUnavailable: the store can't be read.
    [[nodiscard]] spi::Result<std::vector<Namespace>> list() const;
    /// Errors: kNotFound, kUnavailable.
    [[nodiscard]] spi::Result<Namespace> find(std::string_view id) const;

    /// Errors: kConflict (the id is taken), and those of the store.
    void create(std::string_view id, std::string_view name, std::optional<std::string_view> description,
                spi::Completion<bool> done) const;
    /// Replaces name and description. Errors: kNotFound, kDenied (the public one), and those of the store.
    void update(std::string_view id, std::string_view name, std::optional<std::string_view> description,
                spi::Completion<bool> done) const;
    /// Removes the namespace, not what is in it; one that is not there is no error. Errors: kDenied (the public one),
    /// and those of the store.
    void remove(std::string_view id, spi::Completion<bool> done) const;

private:
    [[nodiscard]] std::uint64_t config_count(std::string_view id) const;
    void commit(spi::StoreCommit commit, spi::Status when_not_held, spi::Completion<bool> done) const;

    spi::Store* const store_;
    const std::vector<spi::NamespaceUsage*> usages_;
};

/// Why an id can't be one (letters, digits, `_` and `-`, at most 128), or nothing.
[[nodiscard]] std::optional<std::string> check_namespace_id(std::string_view id);
/// Why name or description can't be, or nothing.
[[nodiscard]] std::optional<std::string> check_namespace_texts(std::string_view name,
                                                               std::optional<std::string_view> description);
/// A random UUID (version 4).
[[nodiscard]] std::string random_namespace_id();

/// A namespace's value in the store: version byte, name, a byte that says whether a description follows, and the
/// description. Texts come after their length (32 bits, little endian). Nothing when the bytes are something else.
struct NamespaceRecord {
    std::string_view name;
    std::optional<std::string_view> description;
};
[[nodiscard]] std::string encode_namespace(const NamespaceRecord& record);
[[nodiscard]] std::optional<NamespaceRecord> decode_namespace(std::string_view bytes);

/// How generations show namespaces: 3.x has `public` and type 1, before it was "" and type 2.
struct NamespaceStyle {
    std::string_view public_id;
    int type = 2;  ///< of all but the public one
};
[[nodiscard]] std::string namespace_json(const Namespace& one, const NamespaceStyle& style);
[[nodiscard]] std::string namespaces_json(const std::vector<Namespace>& namespaces, const NamespaceStyle& style);

}  // namespace pharos::core
